"""One suite over every job store: what many threads at once may not see or leave behind."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

from chanx.bridge.entry import AppendStatus, Ending, NewEntry
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore, Retention
from tests.contract.conftest import StoreMaker
from tests.contract.jobs import Run, create, execution, page_of, record, texts


def test_a_reader_sees_no_gaps_while_writers_make_room(store_with: StoreMaker) -> None:
    # Given a log that keeps little
    store = store_with(Retention(max_entries=10, max_bytes=300))
    job_id = create(store)

    def write(_: int) -> None:
        run = Run(store, job_id)
        for number in range(40):
            run.append(f'"{"x" * (number % 50)}"')

    # When it is read page by page meanwhile
    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, number) for number in range(3)]
        seen, is_over = 0, False
        while not is_over:
            is_over = all(writer.done() for writer in writers)
            page = page_of(store, job_id, after=seen, limit=3)

            # Then what it does not see is gone, and known to be
            expected = max(seen + 1, page.oldest)
            for entry in page.entries:
                assert entry.seq == expected
                expected += 1
            assert page.oldest <= page.head + 1
            assert page.entries or page.head <= seen
            seen = page.entries[-1].seq if page.entries else seen
        wait(writers)
    while page := page_of(store, job_id, after=seen).entries:
        seen = page[-1].seq
    assert seen == 120


def test_a_canvas_that_many_processes_end_is_closed_once(store: JobStore) -> None:
    # Given
    tasks = [f"t{number}" for number in range(40)]
    job_id = create(store, pending={task_id: task_id for task_id in tasks}, tasks=dict.fromkeys(tasks, True))
    closing = NewEntry(job_id, "x", '"closed"', f"{job_id}:end", 1, state=JobState.SUCCEEDED, only_if_complete=True)

    # When whoever reads that the job is complete ends it
    def work(mine: list[str]) -> list[AppendStatus]:
        closed: list[AppendStatus] = []
        for task_id in mine:
            run = Run(store, job_id, task_id=task_id)
            run.append(claims=True, execution=execution(task_id), state=JobState.STARTED)
            if run.send(ending=Ending(task_id, "succeeded", "1")).complete:
                closed.append(store.append(closing).status)
        return closed

    with ThreadPoolExecutor(4) as pool:
        answers = [status for closed in pool.map(work, (tasks[place::4] for place in range(4))) for status in closed]

    # Then somebody did, once
    assert answers.count(AppendStatus.APPENDED) == 1
    assert [text for _, text in texts(store, job_id, limit=100)].count('"closed"') == 1
    assert store.pending(job_id) == {}


def test_nothing_of_a_deleted_job_comes_back(store: JobStore) -> None:
    # Given
    job = record()
    store.create(job, pending={"p1": "t1"})
    Run(store, job.job_id).append(state=JobState.FAILED)

    # When it is deleted while others still speak of it
    def speak(say: Callable[[], object]) -> None:
        for _ in range(20):
            say()

    run = Run(store, job.job_id, task_id="t1")
    sayings: list[Callable[[], object]] = [
        lambda: run.append(claims=True, ending=Ending("p1", "failed"), state=JobState.FAILED, patch={"p": "1"}),
        lambda: store.add_pending(job.job_id, "p2", "t2"),
        lambda: store.request_cancel(job.job_id, reason="r"),
        lambda: store.delete(job.job_id),
        lambda: (store.snapshot(job.job_id), store.heads([job.job_id]), store.drop_pending(job.job_id, ["p1"])),
    ]
    with ThreadPoolExecutor(len(sayings)) as pool:
        list(pool.map(speak, sayings))

    # Then nothing is left of it
    assert store.snapshot(job.job_id) is None
    assert store.jobs_of(job.owner) == []
    store.create(job)
    assert (store.pending(job.job_id), texts(store, job.job_id), store.is_cancelled(job.job_id)) == ({}, [], False)
    assert run.append() is AppendStatus.APPENDED


def test_a_worker_holds_thousands(store: JobStore) -> None:
    """One without a limit to what it prefetches."""
    held = [execution(f"p{number}") for number in range(5000)]

    store.hold("w", held)
    assert set(store.held("w")) == set(held)

    store.release("w", [one.publish_id for one in held[:4990]])
    store.release("w", [one.publish_id for one in held[4990:]], run_id="other")
    assert set(store.held("w")) == set(held[4990:])

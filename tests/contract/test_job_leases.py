"""One suite over every job store: which workers live, what each of them holds, and what is due when."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from chanx.bridge.entry import Deadline, DeadlineKind, Ending, Execution, NewEntry
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore
from chanx.bridge.store.memory import MemoryJobStore
from tests.contract.jobs import Run, create, execution, snapshot_of
from tests.unit.bridge.doubles import Clock
from tests.waiting import wait_until

WORKER, OTHER = "host:1:a", "host:2:ü"


def ids_held(store: JobStore, worker: str = WORKER) -> set[str]:
    return {held.publish_id for held in store.held(worker)}


def claim(run: Run, publish_id: str, worker: str = WORKER) -> NewEntry:
    begun = Execution(run.job_id, publish_id, run.task_id, "tasks.t", run.attempt, run_id=run.run_id, pid=7)
    return run.entry(claims=True, worker=worker, execution=begun, state=JobState.STARTED)


def test_each_renewal_changes_the_number_of_a_worker(store: JobStore) -> None:
    # Given
    assert store.leases() == {}
    store.renew_lease(WORKER)
    store.renew_lease(OTHER)
    before = store.leases()

    # When
    store.renew_lease(WORKER)

    # Then
    after = store.leases()
    assert set(before) == set(after) == {WORKER, OTHER}
    assert after[WORKER] != before[WORKER]
    assert after[OTHER] == before[OTHER]


def test_a_worker_that_is_dropped_leaves_nothing_and_may_come_back(store: JobStore) -> None:
    # Given
    for worker in (WORKER, OTHER):
        store.renew_lease(worker)
        store.hold(worker, [execution("p1")])

    # When
    store.drop_lease(WORKER)
    store.drop_lease("never seen")

    # Then
    assert set(store.leases()) == {OTHER}
    assert store.held(WORKER) == []
    assert store.held(OTHER) == [execution("p1")]
    store.renew_lease(WORKER)
    assert set(store.leases()) == {WORKER, OTHER}
    assert store.held(WORKER) == []


def test_what_a_worker_holds_comes_back_as_it_was(store: JobStore) -> None:
    # Given
    received = execution("p1", acks_late=True, attempt=3, task_name='a "quoted" näme')
    begun = execution("p2", run_id="r1", pid=4711, job_id="job-2")

    # When
    store.hold(WORKER, [received, begun])
    store.hold(WORKER, [])

    # Then
    assert sorted(store.held(WORKER), key=lambda held: held.publish_id) == [received, begun]
    assert store.held(OTHER) == []


def test_a_run_replaces_what_was_said_of_the_execution_and_nothing_replaces_a_run_but_another(store: JobStore) -> None:
    received, first, second = (execution("p1", run_id=run_id) for run_id in ("", "r1", "r2"))

    for held, expected in [(received, received), (first, first), (received, first), (second, second)]:
        store.hold(WORKER, [held])
        assert store.held(WORKER) == [expected]


def test_what_is_released_is_no_longer_held(store: JobStore) -> None:
    store.hold(WORKER, [execution("p1"), execution("p2", run_id="r1"), execution("p3")])
    store.hold(OTHER, [execution("p1")])

    store.release(WORKER, ["p1", "p2", "unknown"])
    store.release(WORKER, [])
    store.release("unknown", ["p3"])

    assert (ids_held(store), ids_held(store, OTHER)) == ({"p3"}, {"p1"})


def test_one_run_does_not_release_another(store: JobStore) -> None:
    """A worker may receive the message of what it runs again."""
    store.hold(WORKER, [execution("p1", run_id="r2"), execution("p2", run_id="r1"), execution("p3")])

    store.release(WORKER, ["p1", "p2", "p3"], run_id="r1")

    assert ids_held(store) == {"p1", "p3"}


def test_a_claim_holds_and_the_end_of_the_job_releases(store: JobStore) -> None:
    # Given
    job_id = create(store, pending={"p1": "t1"})
    run = Run(store, job_id, task_id="t1")

    # When
    store.append(claim(run, "p1"))

    # Then
    held = Execution(job_id, "p1", "t1", "tasks.t", 1, run_id=run.run_id, pid=7)
    assert store.held(WORKER) == [held]
    run.append(worker=WORKER)
    assert store.held(WORKER) == [held]

    # When
    run.append(worker=WORKER, ending=Ending("p1", "succeeded"), state=JobState.SUCCEEDED)

    # Then
    assert store.held(WORKER) == []
    assert snapshot_of(store, job_id).state is JobState.SUCCEEDED


def test_an_end_that_is_not_the_job_s_releases_nothing(store: JobStore) -> None:
    """Whoever says it may have to end the job still: if it dies before, others shall find it."""
    job_id = create(store, pending={"p1": "t1"}, tasks={"t1": False, "t2": True})
    run = Run(store, job_id, task_id="t1")
    store.append(claim(run, "p1"))

    run.append(worker=WORKER, ending=Ending("p1", "succeeded"))

    assert ids_held(store) == {"p1"}


def test_an_end_of_a_run_that_another_has_superseded_releases_nothing(store: JobStore) -> None:
    job_id = create(store, pending={"p1": "t1"})
    first, second = (Run(store, job_id, task_id="t1") for _ in range(2))
    for run in (first, second):
        store.append(claim(run, "p1"))

    first.append(worker=WORKER, ending=Ending("p1", "failed"), state=JobState.FAILED)

    assert [held.run_id for held in store.held(WORKER)] == [second.run_id]


def test_a_claim_from_outside_of_a_worker_is_held_by_nobody(store: JobStore) -> None:
    job_id = create(store, pending={"p1": "t1"})

    store.append(claim(Run(store, job_id, task_id="t1"), "p1", worker=""))
    store.append(claim(Run(store, job_id, task_id="t2"), "", worker=WORKER))
    Run(store, job_id, task_id="t3").append(claims=True, worker=WORKER)

    assert (store.held(""), store.held(WORKER)) == ([], [])


def test_workers_hold_and_release_at_the_same_time(store: JobStore) -> None:
    # When 4 threads of one worker claim and end 20 jobs each, and hold one more
    def work(number: int) -> None:
        for index in range(20):
            publish_id = f"{number}-{index}"
            run = Run(store, create(store, pending={publish_id: "t1"}), task_id="t1")
            store.hold(WORKER, [execution(publish_id)])
            store.append(claim(run, publish_id))
            run.append(worker=WORKER, ending=Ending(publish_id, "succeeded"), state=JobState.SUCCEEDED)
            store.renew_lease(WORKER)
        store.hold(WORKER, [execution(f"left {number}")])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    # Then
    assert ids_held(store) == {f"left {number}" for number in range(4)}
    assert set(store.leases()) == {WORKER}


def deadline(number: int, kind: DeadlineKind = "stopped") -> Deadline:
    return Deadline(kind, execution(f"p{number}", attempt=number))


def test_deadlines_are_due_until_they_are_cleared(store: JobStore) -> None:
    # Given
    for number in (2, 1, 3):
        store.set_deadline(deadline(number), seconds=number / 20)
    store.set_deadline(deadline(4), seconds=3600)

    # Then
    wait_until(lambda: len(store.due_deadlines()) == 3)
    assert store.due_deadlines() == [deadline(1), deadline(2), deadline(3)]
    assert store.due_deadlines(limit=2) == [deadline(1), deadline(2)]

    # When
    store.clear_deadline(deadline(1))
    store.clear_deadline(deadline(9))

    # Then
    assert store.due_deadlines() == [deadline(2), deadline(3)]


def test_a_deadline_is_due_when_its_time_comes(store: JobStore) -> None:
    since = time.monotonic()
    store.set_deadline(deadline(1), seconds=0.3)

    wait_until(lambda: store.due_deadlines() == [deadline(1)])

    assert time.monotonic() - since > 0.29


@pytest.mark.parametrize(("first", "then", "is_due"), [(0, 3600, True), (3600, 0, False)])
def test_a_deadline_that_is_set_stays_as_it_is(store: JobStore, first: float, then: float, is_due: bool) -> None:
    store.set_deadline(deadline(1), seconds=first)

    store.set_deadline(deadline(1), seconds=then)

    assert store.due_deadlines() == ([deadline(1)] if is_due else [])


def test_a_deadline_that_was_cleared_may_be_set_again(store: JobStore) -> None:
    store.set_deadline(deadline(1), seconds=3600)
    store.clear_deadline(deadline(1))

    store.set_deadline(deadline(1), seconds=0)

    assert store.due_deadlines() == [deadline(1)]


def test_each_kind_of_each_execution_has_a_deadline_of_its_own(store: JobStore) -> None:
    set_ones = [deadline(1, kind) for kind in ("stopped", "redelivery", "enqueue", "terminate")]
    set_ones.append(Deadline("stopped", execution("p1", attempt=1, run_id="r1", pid=3, acks_late=True)))

    for one in set_ones:
        store.set_deadline(one, seconds=0)

    assert sorted(map(repr, store.due_deadlines())) == sorted(map(repr, set_ones))


def test_deadlines_come_by_the_clock() -> None:
    clock = Clock()
    store = MemoryJobStore(clock=clock)
    store.set_deadline(deadline(1), seconds=2)

    clock.now += 1.9
    assert store.due_deadlines() == []
    clock.now += 0.2
    assert store.due_deadlines() == [deadline(1)]

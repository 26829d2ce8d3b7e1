"""One suite over every job store: which executions a job waits for, what came of them, and when it ends."""

import json
from collections.abc import Callable

import pytest

from chanx.bridge.entry import AppendStatus, Ending, JobOutcome, NewEntry, Outcome
from chanx.bridge.names import new_job_id
from chanx.bridge.states import JobState
from chanx.bridge.store.base import MAX_RESULT_BYTES, JobStore, Retention
from chanx.bridge.store.memory import MemoryJobStore
from chanx.errors import ConfigurationError
from tests.contract.jobs import Run, create, outcome_of, record, snapshot_of, texts
from tests.unit.bridge.doubles import Clock

SUCCEEDED, FAILED, CANCELLED = JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED
APPENDED, HELD, REFUSED = AppendStatus.APPENDED, AppendStatus.HELD, AppendStatus.REFUSED


def test_a_job_of_one_task_ends_with_its_task(store: JobStore) -> None:
    # Given
    job_id = create(store, pending={"p1": "t1"}, tasks={"t1": True})
    run = Run(store, job_id, task_id="t1")
    started = run.send(state=JobState.STARTED, claims=True)

    # When
    ended = run.end("p1", "succeeded", '{"rows":3}', state=SUCCEEDED)

    # Then
    assert (started.complete, ended.status, ended.complete) == (False, APPENDED, False)
    assert snapshot_of(store, job_id).state is SUCCEEDED
    assert store.pending(job_id) == {}
    assert store.outcome(job_id) is None


def test_the_end_waits_for_nested_tasks_and_the_last_one_is_told(store: JobStore) -> None:
    # Given a task that published another one
    job_id = create(store, pending={"p1": "t1"}, tasks={"t1": True})
    assert store.add_pending(job_id, "p2", "t2")
    root, nested = Run(store, job_id, task_id="t1"), Run(store, job_id, task_id="t2")
    end = root.entry(ending=Ending("p1", "succeeded", "7"), state=SUCCEEDED, patch={"result": "7"})

    # When
    held = store.append(end)

    # Then nothing shows, and a repetition adds nothing
    assert (held.status, held.seq, held.complete) == (HELD, 0, False)
    assert store.append(end).status is AppendStatus.DUPLICATE
    assert store.pending(job_id) == {"p2": "t2"}
    snapshot = snapshot_of(store, job_id)
    assert (snapshot.state, snapshot.fields) == (JobState.QUEUED, {})

    # When the last one ends, what it read can be lost
    last = nested.entry(ending=Ending("p2", "failed", '{"message":"nested"}'))
    assert store.append(last).complete
    assert store.append(last).complete

    # Then
    assert outcome_of(store, job_id) == JobOutcome({"t1": "7"}, 0, failure='{"message":"nested"}')
    closing = NewEntry(job_id, "x", "{}", f"{job_id}:end", 1, state=SUCCEEDED, only_if_complete=True)
    answers = [store.append(closing) for _ in range(2)]
    assert [(answer.status, answer.complete) for answer in answers] == [
        (APPENDED, False),
        (AppendStatus.DUPLICATE, False),
    ]


def test_only_if_complete_does_not_end_what_goes_on(store: JobStore) -> None:
    job_id = create(store, pending={"p1": "t1"})

    assert Run(store, job_id).append(state=FAILED, only_if_complete=True) is REFUSED
    assert Run(store, job_id).append(state=FAILED, only_if_complete=True) is REFUSED

    assert store.drop_pending(job_id, ["p1"])
    assert Run(store, job_id).append(state=FAILED, only_if_complete=True) is APPENDED


def test_an_end_from_outside_waits_for_nobody(store: JobStore) -> None:
    job_id = create(store, pending={"p1": "t1"})

    assert Run(store, job_id).append(state=CANCELLED, only_if_queued=True) is APPENDED

    assert store.pending(job_id) == {}
    assert not store.add_pending(job_id, "p2", "t2")
    assert not store.drop_pending(job_id, ["p1"])
    assert store.pending(job_id) == {}


def test_a_retry_goes_on(store: JobStore) -> None:
    # Given a task whose next attempt is published
    job_id = create(store, pending={"p1": "t1"}, tasks={"t1": True})
    store.add_pending(job_id, "p2", "t1")

    # When
    answer = Run(store, job_id, task_id="t1").end("p1", "none", state=JobState.RETRYING)

    # Then
    assert (answer.status, answer.complete) == (APPENDED, False)
    assert store.pending(job_id) == {"p2": "t1"}
    assert outcome_of(store, job_id) == JobOutcome({}, 1)


def test_dropping_says_nothing_of_what_came(store: JobStore) -> None:
    job_id = create(store, pending={"start": "", "p1": "t1", "p2": "t2"}, tasks={"t1": False, "t2": True})

    answers = [store.drop_pending(job_id, ids) for ids in (["start", "unknown"], [], ["p1", "p2"], ["p1"])]

    assert answers == [False, False, True, True]
    assert outcome_of(store, job_id) == JobOutcome({}, 1)


@pytest.mark.parametrize("outcome", ["failed", "cancelled", "none"])
def test_an_execution_that_is_over_ends_once(store: JobStore, outcome: Outcome) -> None:
    """The worker's parent reports some failures twice."""
    job_id = create(store, pending={"p1": "t1", "p2": "t2"}, tasks={"t1": False, "t2": True})
    Run(store, job_id).end("p1", "failed", '"first"')

    again = Run(store, job_id).end("p1", outcome, '"second"', state=FAILED)

    assert (again.status, again.seq) == (REFUSED, 1)
    assert outcome_of(store, job_id) == JobOutcome({}, 1, failure='"first"')
    assert len(texts(store, job_id)) == 1


def test_a_refused_ending_takes_no_number(store: JobStore) -> None:
    job_id = create(store, pending={"p1": "t1"})
    end = Run(store, job_id).entry(ending=Ending("p2", "failed"))
    assert store.append(end).status is REFUSED

    store.add_pending(job_id, "p2", "t2")

    assert store.append(end).status is APPENDED


def test_a_success_counts_whoever_ended_the_execution(store: JobStore) -> None:
    # Given an execution that was taken for dead
    job_id = create(store, pending={"p1": "t1", "p2": "t2"}, tasks={"t1": True, "t2": True})
    Run(store, job_id).end("p1", "failed", '"worker lost"')

    # When it succeeds
    answer = Run(store, job_id, task_id="t1").end("p1", "succeeded", "1")

    # Then
    assert answer.status is APPENDED
    assert outcome_of(store, job_id) == JobOutcome({"t1": "1"}, 1, failure='"worker lost"')


@pytest.mark.parametrize(("outcome", "field"), [("failed", "failure"), ("cancelled", "cancellation")])
def test_the_first_of_its_kind_is_kept(store: JobStore, outcome: Outcome, field: str) -> None:
    job_id = create(store, pending={"p1": "t1", "p2": "t2", "p3": "t3"})

    for number in (1, 2):
        Run(store, job_id).end(f"p{number}", outcome, f'"{number}"')

    assert getattr(outcome_of(store, job_id), field) == '"1"'


def test_the_first_result_of_a_task_is_kept(store: JobStore) -> None:
    """As Celery's result backends do."""
    job_id = create(store, pending={"p1": "t1", "p2": "t2"}, tasks={"t1": True, "t2": True})

    for number in (1, 2):
        Run(store, job_id, task_id="t1").end("p1", "succeeded", str(number))

    assert outcome_of(store, job_id).results == {"t1": "1"}


def test_an_end_without_a_publish_id_is_recorded(store: JobStore) -> None:
    job_id = create(store, tasks={"t1": True})

    answer = Run(store, job_id, task_id="t1").end("", "failed", '"e"')

    assert (answer.status, answer.complete) == (APPENDED, True)
    assert outcome_of(store, job_id) == JobOutcome({}, 1, failure='"e"')


def test_results_are_those_of_final_tasks_in_the_order_of_the_canvas(store: JobStore) -> None:
    ids = ["b", "a", "nested", "d", "c"]
    job_id = create(store, pending={i: i for i in [*ids, "other"]}, tasks={"b": True, "a": False, "d": True, "c": True})

    for task_id in reversed(ids):
        Run(store, job_id, task_id=task_id).end(task_id, "succeeded", f'"ü {task_id}"')

    assert list(outcome_of(store, job_id).results.items()) == [("b", '"ü b"'), ("d", '"ü d"'), ("c", '"ü c"')]
    assert outcome_of(store, job_id).unfinished == 0


def test_a_job_consists_of_its_own_task_if_nothing_else_is_said(store: JobStore) -> None:
    job_id = create(store, pending={"p": "t1", "q": "t2"})

    assert outcome_of(store, job_id) == JobOutcome({}, 1)
    Run(store, job_id, task_id="t1").end("p", "succeeded", "1")
    assert outcome_of(store, job_id) == JobOutcome({"t1": "1"}, 0)


def test_results_that_are_too_large_together_are_omitted(store: JobStore) -> None:
    half = json.dumps("ü" * (MAX_RESULT_BYTES // 4 - 1), ensure_ascii=False)  # two bytes a letter, two quotes
    tasks = {f"t{number}": True for number in range(4)}
    job_id = create(store, pending={task_id: task_id for task_id in [*tasks, "other"]}, tasks=tasks)

    for task_id, value in zip(tasks, [half, f" {half}", half, "1"], strict=True):
        Run(store, job_id, task_id=task_id).end(task_id, "succeeded", value)

    assert outcome_of(store, job_id) == JobOutcome({"t0": half, "t1": None, "t2": half, "t3": None}, 0)


def test_the_outcome_tells_of_a_cancel_request(store: JobStore) -> None:
    job_id = create(store, pending={"p1": "t1"})
    store.request_cancel(job_id)

    Run(store, job_id).end("p1", "cancelled", '"no longer needed"')

    assert outcome_of(store, job_id) == JobOutcome({}, 1, cancellation='"no longer needed"', cancelled=True)


def test_another_run_of_a_task_supersedes_the_first(store: JobStore) -> None:
    # Given a task that was delivered again
    job_id = create(store, pending={"p1": "t1", "p2": "t2"}, tasks={"t1": True})
    first, second = Run(store, job_id, task_id="t1"), Run(store, job_id, task_id="t1")
    claim = first.entry(claims=True)
    store.append(claim)
    assert first.append() is APPENDED
    assert second.append(claims=True) is APPENDED

    # When the first goes on, and fails
    late = [first.append(), first.append(delivery="latest"), first.end("p1", "failed", '"late"').status]

    # Then
    assert late == [AppendStatus.SUPERSEDED] * 3
    assert store.append(claim).status is AppendStatus.DUPLICATE
    assert second.append() is APPENDED
    assert store.pending(job_id) == {"p1": "t1", "p2": "t2"}
    assert outcome_of(store, job_id).failure is None

    # When it succeeds all the same
    assert first.end("p1", "succeeded", "1").status is APPENDED

    # Then the second one's failure comes too late
    assert second.end("p1", "failed", '"too late"').status is REFUSED
    assert outcome_of(store, job_id) == JobOutcome({"t1": "1"}, 0)


def test_a_retry_of_a_second_run_does_not_undo_the_first_one_s_success(store: JobStore) -> None:
    # Given a task that was delivered again, whose second run retries while the first one succeeds
    job_id = create(store, pending={"p1": "t1"}, tasks={"t1": True})
    first, second = Run(store, job_id, task_id="t1"), Run(store, job_id, task_id="t1")
    for run in (first, second):
        run.append(claims=True, state=JobState.STARTED)
    store.add_pending(job_id, "p2", "t1")
    second.end("p1", "none", state=JobState.RETRYING)
    assert first.end("p1", "succeeded", "7", state=SUCCEEDED).status is HELD

    # When the retry fails
    third = Run(store, job_id, attempt=2, task_id="t1")
    third.append(claims=True, state=JobState.STARTED)
    answer = third.end("p2", "failed", '"e"', state=FAILED)

    # Then the job ends by what its task has come to, as the result backend has it
    assert (answer.status, answer.complete) == (HELD, True)
    assert outcome_of(store, job_id) == JobOutcome({"t1": "7"}, 0, failure='"e"')
    assert Run(store, job_id).append(state=SUCCEEDED, only_if_complete=True) is APPENDED


def test_an_attempt_that_is_over_still_ends_after_the_next_one_has_begun(store: JobStore) -> None:
    """A retry publishes its next attempt before it says so itself; another process may be faster."""
    # Given
    job_id = create(store, pending={"p1": "t1"}, tasks={"t1": True})
    first, second = Run(store, job_id, task_id="t1"), Run(store, job_id, attempt=2, task_id="t1")
    first.append(claims=True, state=JobState.STARTED)
    store.add_pending(job_id, "p2", "t1")
    second.append(claims=True, state=JobState.STARTED)

    # Then its last words count, its bar no more
    assert first.append(delivery="latest") is AppendStatus.SUPERSEDED
    assert first.append() is APPENDED
    retried = first.end("p1", "none", state=JobState.RETRYING)
    assert (retried.status, retried.complete) == (APPENDED, False)

    # And the job ends with the second attempt
    assert store.pending(job_id) == {"p2": "t1"}
    assert second.end("p2", "succeeded", "7", state=SUCCEEDED).status is APPENDED


def test_an_attempt_that_is_over_has_its_last_words_but_its_bar_no_more(store: JobStore) -> None:
    # Given
    job_id = create(store, pending={"p1": "t1", "p2": "t1"}, tasks={"t1": True})
    first, second = Run(store, job_id, task_id="t1"), Run(store, job_id, attempt=2, task_id="t1")
    for run in (first, second):
        run.append(claims=True, state=JobState.STARTED)

    # Then that it was heard a moment ago does not help
    assert [first.append(), first.append(delivery="latest"), first.append()] == [
        APPENDED,
        AppendStatus.SUPERSEDED,
        APPENDED,
    ]


def test_a_superseded_run_that_has_succeeded_says_no_more(store: JobStore) -> None:
    # Given
    job_id = create(store, pending={"p1": "t1", "p2": "t2"}, tasks={"t1": True, "t2": True})
    first, second = (Run(store, job_id, task_id="t1") for _ in range(2))
    for run in (first, second):
        run.append(claims=True, state=JobState.STARTED)

    # When
    assert first.end("p1", "succeeded", "1").status is APPENDED

    # Then
    assert first.append() is AppendStatus.SUPERSEDED
    assert second.append() is APPENDED


def test_a_run_that_speaks_of_no_task_may_not_speak_of_any_therefore(store: JobStore) -> None:
    job_id = create(store, pending={"p1": "t1"})
    run, other = Run(store, job_id, task_id="t1"), Run(store, job_id)
    run.append(claims=True)

    answers = [other.append(), other.append(task_id="t1"), other.append(), other.append(task_id="t2")]

    assert answers == [APPENDED, AppendStatus.SUPERSEDED, APPENDED, APPENDED]


def test_an_earlier_attempt_that_is_delivered_again_does_not_silence_a_later_one(store: JobStore) -> None:
    # Given
    job_id = create(store, pending={"p1": "t1", "p2": "t1"}, tasks={"t1": True})
    second = Run(store, job_id, attempt=2, task_id="t1")
    second.append(claims=True, state=JobState.STARTED)

    # When
    assert Run(store, job_id, task_id="t1").append(claims=True, state=JobState.STARTED) is APPENDED

    # Then
    assert second.append(delivery="latest") is APPENDED
    assert Run(store, job_id, attempt=2, task_id="t1").append() is AppendStatus.SUPERSEDED


def test_runs_of_different_tasks_go_side_by_side(store: JobStore) -> None:
    job_id = create(store)
    runs = [Run(store, job_id, task_id=task_id) for task_id in ("t1", "t2", "")]

    assert [run.append(claims=bool(run.task_id)) for run in runs] == [APPENDED] * 3
    assert [run.append() for run in runs] == [APPENDED] * 3


def test_after_the_end_nothing_is_known_of_the_executions(store: JobStore) -> None:
    job_id = create(store, pending={"p1": "t1", "p2": "t2"}, tasks={"t1": True, "t2": True})
    Run(store, job_id).append(state=FAILED)

    late = Run(store, job_id, task_id="t1").end("p1", "succeeded", "1")

    assert (late.status, late.complete) == (AppendStatus.ENDED, False)
    assert store.outcome(job_id) is None
    assert store.pending(job_id) == {}


def test_of_an_unknown_job_nothing_is_known(store: JobStore) -> None:
    job_id = new_job_id()

    assert not store.add_pending(job_id, "p1", "t1")
    assert not store.drop_pending(job_id, ["p1"])
    assert store.pending(job_id) == {}
    assert store.outcome(job_id) is None
    assert not Run(store, job_id).send().complete
    assert store.pending(job_id) == {}


PROGRESS = '{"f":"@fraction@","d":"@done@"}'


def progress(run: Run, fraction: float) -> tuple[float, float]:
    """What the job's progress is after a report of the run's task."""
    answer = run.send(PROGRESS, fraction=fraction, delivery="latest", patch={"p": PROGRESS})
    assert answer.event is not None
    filled = json.loads(answer.event)
    assert snapshot_of(run.store, run.job_id).fields["p"] == filled
    return filled["f"], filled["d"]


def test_the_progress_of_a_canvas_is_that_of_its_tasks_together(store: JobStore) -> None:
    # Given
    tasks = {"a": False, "b": False, "c": True}
    job_id = create(store, pending={i: i for i in [*tasks, "again", "nested"]}, tasks=tasks)
    a, b = Run(store, job_id, task_id="a"), Run(store, job_id, task_id="b")
    other = Run(store, job_id, task_id="nested")

    # Then every report counts for a third, within bounds; an attempt never goes back
    assert progress(a, 0.5) == (pytest.approx(0.5 / 3), 0.5)
    assert progress(a, 0.25) == (pytest.approx(0.5 / 3), 0.5)
    assert progress(b, 17) == (0.5, 1.5)
    assert progress(b, -1) == (0.5, 1.5)
    assert progress(b, float("nan")) == (0.5, 1.5)
    assert progress(other, 0.9) == (0.5, 1.5)

    # When a is tried again, it may go back; what the first attempt says late does not count
    second = Run(store, job_id, attempt=2, task_id="a")
    assert progress(second, 0.1) == (pytest.approx(1.1 / 3), 1.1)
    assert progress(a, 0.9) == (pytest.approx(1.1 / 3), 1.1)

    # When tasks end, they are done, however
    second.end("a", "failed")
    assert progress(second, 0.2) == (pytest.approx(2 / 3), 2)
    Run(store, job_id).end("c", "cancelled")
    assert progress(b, 1) == (1, 3)


def test_an_end_without_a_task_id_is_that_of_the_pending_execution(store: JobStore) -> None:
    tasks = {"a": True, "b": True}
    job_id = create(store, pending={"p": "a", "q": "b"}, tasks=tasks)

    Run(store, job_id).end("p", "none")
    assert progress(Run(store, job_id, task_id="b"), 0) == (0, 0)
    Run(store, job_id).end("q", "failed")
    assert progress(Run(store, job_id, task_id="a"), 0) == (0.5, 1)


def test_the_log_has_the_text_that_was_filled_in(store: JobStore) -> None:
    job_id = create(store, pending={"p": "a"}, tasks={"a": True, "b": True})
    text = '{"x":"@fraction@%1","f":"@fraction@","n":"@tasks@"}'

    answer = Run(store, job_id, task_id="a").send(text, fraction=0.123456789)

    assert answer.event == '{"x":"@fraction@%1","f":0.0617285,"n":2}'
    assert texts(store, job_id) == [(1, answer.event)]


@pytest.mark.parametrize(("tasks", "fraction"), [({"a": True}, 0.5), ({"a": True, "b": True}, None)])
def test_other_texts_are_never_touched(store: JobStore, tasks: dict[str, bool], fraction: float | None) -> None:
    job_id = create(store, pending={"p": "a"}, tasks=tasks)

    answer = Run(store, job_id, task_id="a").send(PROGRESS, fraction=fraction, patch={"p": PROGRESS})

    assert answer.event is None
    assert texts(store, job_id) == [(1, PROGRESS)]
    snapshot = snapshot_of(store, job_id)
    assert snapshot.fields == {"p": json.loads(PROGRESS)}


def test_a_canvas_of_ten_thousand_tasks(store: JobStore) -> None:
    # Given
    ids = [f"task-{number}" for number in range(10_000)]
    job_id = create(store, pending={f"p-{i}": i for i in ids}, tasks=dict.fromkeys(ids, True))

    # When
    patch = {f"field{number}": "1" for number in range(10_000)}
    Run(store, job_id, task_id=ids[0]).send(patch=patch)
    Run(store, job_id, task_id=ids[7]).end(f"p-{ids[7]}", "succeeded", "7")
    complete = store.drop_pending(job_id, [f"p-{i}" for i in ids])

    # Then
    assert complete
    assert outcome_of(store, job_id) == JobOutcome({ids[7]: "7"}, 9_999)
    snapshot = snapshot_of(store, job_id)
    assert len(snapshot.fields) == 10_000
    assert progress(Run(store, job_id, task_id=ids[8]), 0.5) == (0.00015, 1.5)


def test_an_idempotency_key_makes_one_job_of_two(store: JobStore) -> None:
    # Given
    first = store.create(record(key="import 7"), pending={"p": "t1"})

    # When
    again = store.create(record(key="import 7"))
    others = [
        store.create(record(key="import 8")),
        store.create(record(owner="user:2", key="import 7")),
        store.create(record(owner="user:1\0import", key="7")),
        store.create(record()),
    ]

    # Then
    assert again == first
    assert len({first, *others}) == 5
    assert {job.job_id for job in store.jobs_of("user:1")} == {first, others[0], others[3]}
    assert store.pending(first) == {"p": "t1"}


def test_a_job_that_was_not_stored_for_its_key_left_nothing(store: JobStore) -> None:
    store.create(record(key="k"))
    second = record(key="k")

    store.create(second, pending={"p": "t1"})

    assert store.snapshot(second.job_id) is None
    assert store.pending(second.job_id) == {}
    store.create(second.model_copy(update={"idempotency_key": None}))
    with pytest.raises(ConfigurationError, match="is taken"):
        store.create(second.model_copy(update={"idempotency_key": "other"}))
    other = record(key="other")
    assert store.create(other) == other.job_id


def test_an_idempotency_key_is_nobody_s_business(store: JobStore) -> None:
    job_id = store.create(record(key="secret"))

    snapshot = snapshot_of(store, job_id)
    assert "secret" not in snapshot.model_dump_json()


def test_an_idempotency_key_is_forgotten_in_time() -> None:
    clock = Clock()
    store = MemoryJobStore(Retention(ended_seconds=60), clock=clock)
    first = store.create(record(key="k"))
    clock.now += 59
    assert store.create(record(key="k")) == first

    clock.now += 1

    assert store.create(record(key="k")) != first


@pytest.mark.parametrize(
    "change",
    [
        lambda store, job_id: store.drop_pending(job_id, ["p1"]),
        lambda store, job_id: Run(store, job_id, task_id="t1").end("p1", "succeeded", "1", state=SUCCEEDED),
        lambda store, job_id: store.append(NewEntry(job_id, "x", "{}", "r", 1, task_id="t1", claims=True)),
    ],
)
def test_jobs_do_not_share_their_executions(store: JobStore, change: Callable[[JobStore, str], object]) -> None:
    one, other = (create(store, pending={"p1": "t1"}, tasks={"t1": True}) for _ in range(2))

    change(store, one)

    assert store.pending(other) == {"p1": "t1"}
    assert outcome_of(store, other) == JobOutcome({}, 1)
    assert Run(store, other, task_id="t1").append() is APPENDED

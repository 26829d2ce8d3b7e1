"""One suite over every job store: which of the executions that a job waits for no run has begun."""

from dataclasses import replace

from chanx.bridge.entry import AppendStatus, Ending, Execution
from chanx.bridge.names import new_job_id
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore
from tests.contract.jobs import Run, create

WORKER, OTHER = "host:1:a", "host:2:b"


def claim(store: JobStore, job_id: str, publish_id: str, task_id: str, *, attempt: int = 1) -> AppendStatus:
    run = Run(store, job_id, attempt, task_id=task_id)
    return run.append(claims=True, execution=Execution(job_id, publish_id, task_id, "tasks.t", attempt, run.run_id))


def test_what_a_run_has_claimed_is_pending_but_not_unclaimed(store: JobStore) -> None:
    # Given
    job_id = create(store, pending={"p1": "t1", "p2": "t2", "p3": "t3"})

    # When
    claim(store, job_id, "p2", "t2")

    # Then
    assert store.unclaimed(job_id) == {"p1": "t1", "p3": "t3"}
    assert store.pending(job_id) == {"p1": "t1", "p2": "t2", "p3": "t3"}


def test_a_worker_is_asked_for_what_it_has_published(store: JobStore) -> None:
    # Given
    job_id = create(store, pending={"start": "t1"})
    store.add_pending(job_id, "p1", "t1", worker=WORKER)
    store.add_pending(job_id, "p2", "t2", worker=WORKER)
    store.add_pending(job_id, "p3", "t3", worker=OTHER)
    store.add_pending(job_id, "p4", "t4")

    # When
    claim(store, job_id, "p2", "t2")

    # Then
    assert store.unclaimed(job_id, worker=WORKER) == {"p1": "t1"}
    assert store.unclaimed(job_id, worker=OTHER) == {"p3": "t3"}
    assert store.unclaimed(job_id, worker="unknown") == {}
    assert set(store.unclaimed(job_id)) == {"start", "p1", "p3", "p4"}
    assert store.pending(job_id) == {"start": "t1", "p1": "t1", "p2": "t2", "p3": "t3", "p4": "t4"}


def test_what_is_over_or_dropped_is_not_unclaimed(store: JobStore) -> None:
    job_id = create(store, pending={"p1": "t1", "p2": "t2", "p3": "t3"})

    Run(store, job_id).end("p1", "failed")
    store.drop_pending(job_id, ["p2"])

    assert store.unclaimed(job_id) == {"p3": "t3"}


def test_a_claim_that_is_not_taken_claims_nothing(store: JobStore) -> None:
    job_id = create(store, pending={"p1": "t1"})
    run = Run(store, job_id, task_id="t1")
    begun = Execution(job_id, "p1", "t1", "tasks.t", 1, run.run_id)
    Run(store, job_id, task_id="t2").append(claims=True, state=JobState.STARTED)

    assert run.append(claims=True, only_if_queued=True, execution=begun) is AppendStatus.REFUSED
    assert store.unclaimed(job_id) == {"p1": "t1"}

    assert run.append(claims=True, execution=begun) is AppendStatus.APPENDED
    assert store.unclaimed(job_id) == {}


def test_an_earlier_attempt_claims_its_execution_too(store: JobStore) -> None:
    job_id = create(store, pending={"p1": "t1", "p2": "t1"})

    claim(store, job_id, "p2", "t1", attempt=2)
    claim(store, job_id, "p1", "t1", attempt=1)

    assert store.unclaimed(job_id) == {}


def test_what_is_given_back_is_unclaimed_again(store: JobStore) -> None:
    # Given
    job_id = create(store, pending={})
    store.add_pending(job_id, "p1", "t1", worker=WORKER)
    run = Run(store, job_id, task_id="t1")
    begun = Execution(job_id, "p1", "t1", "tasks.t", 1, run.run_id)
    run.append(claims=True, execution=begun)

    # When
    other = Run(store, job_id, task_id="t1")
    other.append(claims=True, in_place_of=run.run_id, execution=replace(begun, run_id=""))

    # Then
    assert store.unclaimed(job_id) == store.pending(job_id) == {"p1": "t1"}
    assert store.unclaimed(job_id, worker=WORKER) == {}  # it was published all right
    assert run.append() is AppendStatus.SUPERSEDED
    claim(store, job_id, "p1", "t1")
    assert store.unclaimed(job_id) == {}


def test_an_execution_that_is_added_again_stays_claimed(store: JobStore) -> None:
    """A store that did not answer in time may have added it, and is asked again."""
    job_id = create(store, pending={"start": ""})
    store.add_pending(job_id, "p1", "t1", worker=WORKER)
    claim(store, job_id, "p1", "t1")

    store.add_pending(job_id, "p1", "t1", worker=WORKER)

    assert store.unclaimed(job_id) == {"start": ""}


def test_of_an_unknown_job_or_an_ended_one_nothing_is_unclaimed(store: JobStore) -> None:
    job_id = create(store, pending={"p1": "t1"})
    Run(store, job_id).append(state=JobState.FAILED)

    assert store.unclaimed(job_id) == {}
    assert store.unclaimed(new_job_id()) == {}
    assert store.unclaimed(new_job_id(), worker=WORKER) == {}


def test_heads_tell_which_jobs_are_complete(store: JobStore) -> None:
    # Given
    waiting, complete, ended = (create(store, pending={"p1": "t1"}) for _ in range(3))
    store.drop_pending(complete, ["p1"])
    Run(store, ended, task_id="t1").append(ending=Ending("p1", "succeeded"), state=JobState.SUCCEEDED)

    # When
    heads = store.heads([waiting, complete, new_job_id(), ended])

    # Then
    assert [head and head.complete for head in heads] == [False, True, None, False]

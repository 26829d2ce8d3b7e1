"""One suite over every job store: others speak for a run that cannot, unless it may not speak itself any more."""

from typing import Any

import pytest

from chanx.bridge.entry import AppendStatus, Ending
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore
from tests.contract.jobs import Run, create, snapshot_of

FAILED: dict[str, Any] = {"ending": Ending("p1", "failed"), "state": JobState.FAILED}


def claimed(store: JobStore, job_id: str, attempt: int = 1) -> Run:
    run = Run(store, job_id, attempt, task_id="t1")
    run.append(claims=True, state=JobState.STARTED)
    return run


def in_place_of(run: Run, **values: Any) -> AppendStatus:
    """Says something in its place, as a run of its own, and takes the task over from it."""
    other = Run(run.store, run.job_id, run.attempt, task_id="t1")
    return other.append(in_place_of=run.run_id, claims=True, **values)


def test_who_speaks_for_the_current_run_silences_it(store: JobStore) -> None:
    # Given
    job_id = create(store, pending={"p1": "t1"})
    run = claimed(store, job_id)

    # When
    assert in_place_of(run) is AppendStatus.APPENDED

    # Then
    assert run.append() is AppendStatus.SUPERSEDED
    assert in_place_of(run) is AppendStatus.SUPERSEDED
    # And its success counts all the same
    assert run.append(ending=Ending("p1", "succeeded"), state=JobState.SUCCEEDED) is AppendStatus.APPENDED


def test_nobody_speaks_for_a_run_once_another_has_claimed_the_task(store: JobStore) -> None:
    job_id = create(store, pending={"p1": "t1"})
    run, again = claimed(store, job_id), claimed(store, job_id)

    assert in_place_of(run, **FAILED) is AppendStatus.SUPERSEDED

    assert again.append() is AppendStatus.APPENDED
    assert snapshot_of(store, job_id).state is JobState.STARTED


def test_an_attempt_is_spoken_for_although_a_later_one_has_begun(store: JobStore) -> None:
    # Given
    job_id = create(store, pending={"p1": "t1", "p2": "t1"})
    first, second = claimed(store, job_id), claimed(store, job_id, attempt=2)

    # When
    assert in_place_of(first, **FAILED) is AppendStatus.HELD

    # Then
    assert store.pending(job_id) == {"p2": "t1"}
    assert second.append() is AppendStatus.APPENDED


def test_a_success_is_told_in_place_of_any_run(store: JobStore) -> None:
    job_id = create(store, pending={"p1": "t1"})
    run = claimed(store, job_id)
    claimed(store, job_id)

    assert in_place_of(run, ending=Ending("p1", "succeeded"), state=JobState.SUCCEEDED) is AppendStatus.APPENDED


@pytest.mark.parametrize("claims", [False, True])
def test_a_run_that_nobody_knows_is_spoken_for(store: JobStore, claims: bool) -> None:
    job_id = create(store, pending={"p1": "t1"})
    other = Run(store, job_id, task_id="t1")

    assert other.append(in_place_of="never seen", claims=claims, **FAILED) is AppendStatus.APPENDED


def test_who_spoke_for_a_run_once_may_not_speak_for_itself(store: JobStore) -> None:
    # Given
    run = claimed(store, create(store, pending={"p1": "t1"}))
    other = Run(store, run.job_id, task_id="t1")

    # When
    answers = [other.append(in_place_of=run.run_id), other.append(), other.append(in_place_of=run.run_id)]

    # Then
    assert answers == [AppendStatus.APPENDED, AppendStatus.SUPERSEDED, AppendStatus.APPENDED]
    assert run.append() is AppendStatus.APPENDED

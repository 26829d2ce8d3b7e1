"""How far a job is, as every list and page of jobs shows it."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chanx.bridge.snapshot import JobSnapshot, percent
from chanx.bridge.states import JobState

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def job(progress: Any, state: JobState = JobState.STARTED) -> JobSnapshot:
    return JobSnapshot(
        job_id="j",
        owner="user:1",
        name="n",
        meta={},
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        state=state,
        attempt=1,
        cancel_requested=False,
        epoch="e",
        seq=1,
        oldest=1,
        rev=1,
        fields={"job_progress": progress},
        task_id="t",
        watchers=(),
    )


@given(json_values | json_values.map(lambda value: {"fraction": value}), st.sampled_from(JobState))
@example({"fraction": math.nan}, JobState.STARTED)
@example({"fraction": 10**400}, JobState.STARTED)
@example({"fraction": -0.0}, JobState.STARTED)
def test_it_is_from_0_to_1_or_not_known(progress: Any, state: JobState) -> None:
    fraction = job(progress, state).fraction

    assert fraction is None or 0 <= fraction <= 1
    assert (percent(fraction) == "") == (fraction is None)
    if state is JobState.SUCCEEDED:
        assert fraction == 1


@pytest.mark.parametrize(
    ("fraction", "known"), [(0.25, 0.25), (0, 0), (-3, 0), (1.5, 1), (None, None), (True, None), ("0.5", None)]
)
def test_what_a_task_has_said(fraction: Any, known: float | None) -> None:
    assert job({"fraction": fraction}).fraction == known


@given(st.integers(0, 100))
def test_percent_of_hundredths(number: int) -> None:
    assert percent(number / 100) == f"{number} %"


def test_nearly_all_is_not_all() -> None:
    assert [percent(fraction) for fraction in (0.9999, 1.0, None)] == ["99 %", "100 %", ""]

"""What a job of several tasks comes to, once none of them is pending."""

from typing import Any

import pytest

from chanx.bridge.closing import closing_event
from chanx.bridge.entry import JobOutcome
from chanx.bridge.events import ErrorPayload, JobCancelledEvent, JobFailed, JobSucceeded

FAILURE = ErrorPayload(message="The file is empty.", code="empty_file", reference="t1").model_dump_json()


@pytest.mark.parametrize(
    ("results", "result", "omitted"),
    [
        ({"a": "1"}, 1, False),
        ({"a": "1", "b": '{"x": [2]}'}, [1, {"x": [2]}], False),
        ({"a": "1", "b": None}, [1, None], True),
        ({"a": None}, None, True),
        ({"a": ""}, None, True),
        ({"a": "not JSON"}, None, False),
    ],
)
def test_it_succeeded_if_every_final_task_did(results: dict[str, str | None], result: Any, omitted: bool) -> None:
    # Whatever became of the others
    event = closing_event(JobOutcome(results, 0, failure=FAILURE, cancellation='"enough"', cancelled=True))

    assert isinstance(event, JobSucceeded)
    assert (event.payload.result, event.payload.result_omitted) == (result, omitted)


@pytest.mark.parametrize("text", [FAILURE, '{"message": 1}', "", None])
def test_it_failed_with_the_first_failure(text: str | None) -> None:
    event = closing_event(JobOutcome({}, 1, failure=text, cancellation="null"))

    if text is None:
        assert isinstance(event, JobCancelledEvent)
    else:
        assert isinstance(event, JobFailed)
        assert event.payload.error.code == ("empty_file" if text == FAILURE else "incomplete")


def test_it_was_cancelled_if_somebody_asked_for_that() -> None:
    event = closing_event(JobOutcome({}, 1, failure=FAILURE, cancellation='"enough"', cancelled=True))

    assert isinstance(event, JobCancelledEvent)
    assert event.payload.reason == "enough"


def test_without_a_word_of_its_last_tasks_it_is_incomplete() -> None:
    event = closing_event(JobOutcome({"a": "1"}, 1))

    assert isinstance(event, JobFailed)
    assert event.payload.error.code == "incomplete"

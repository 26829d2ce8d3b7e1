"""The last event of a job that did not end with its one task: what its tasks have come to, as a whole."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from chanx.bridge.entry import JobOutcome
from chanx.bridge.events import (
    ErrorPayload,
    FailedPayload,
    JobCancelledEvent,
    JobEvent,
    JobFailed,
    JobSucceeded,
    ReasonPayload,
    SucceededPayload,
)

INCOMPLETE_MESSAGE = "The job stopped before its end."


def closing_event(outcome: JobOutcome) -> JobEvent:
    """The terminal event of a job of which nothing is pending any more.

    It succeeded if every final task did, whatever became of others. Its result is that of the final task, or the list
    of theirs in the order of the canvas; one that was too large to keep is None there.
    """
    if outcome.unfinished == 0:
        return _succeeded([text or None for text in outcome.results.values()])
    if outcome.cancelled or (outcome.cancellation is not None and outcome.failure is None):
        reason = outcome.cancel_reason or _text(outcome.cancellation)
        return JobCancelledEvent(payload=ReasonPayload(reason=reason))
    return JobFailed(payload=FailedPayload(error=_error(outcome.failure)))


def _succeeded(texts: list[str | None]) -> JobSucceeded:
    results = [None if text is None else _value(text) for text in texts]
    result: Any = results[0] if len(results) == 1 else results
    return JobSucceeded(payload=SucceededPayload(result=result, result_omitted=None in texts))


def _error(text: str | None) -> ErrorPayload:
    if text is not None:
        try:
            return ErrorPayload.model_validate_json(text)
        except ValidationError:  # another version's
            pass
    return ErrorPayload(message=INCOMPLETE_MESSAGE, code="incomplete")


def _text(text: str | None) -> str | None:
    value = None if text is None else _value(text)
    return value if isinstance(value, str) else None


def _value(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError:
        return None

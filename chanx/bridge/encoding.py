"""From a typed event to a log entry: stamped with where it comes from, dumped once, bounded in size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypedDict

from pydantic_core import PydanticSerializationError, from_json, to_json, to_jsonable_python
from typing_extensions import Unpack

from chanx.bridge.entry import Ending, Execution, NewEntry
from chanx.bridge.events import JobEvent
from chanx.errors import ConfigurationError, EventTooLargeError
from chanx.messages.base import BaseMessage, action_of
from chanx.telemetry import carrier

MAX_EVENT_BYTES = 256 * 1024
MAX_META_BYTES = 64 * 1024

_LEVELS_AROUND = 16
"""Levels of nesting that messages put around a value of a job, at most: of 255 that JSON may have."""

_STAMPED = {"job_id", "task_id", "attempt", "run_id", "time"}
_ENVELOPE = {"version", "topic", "ref", "seq", "head", "rev"}
NOT_ITS_OWN = _STAMPED | _ENVELOPE
"""Fields that an event in the log has from others than the event: they are left out of what it brings."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a run's events come from. A run is one execution of one attempt of a task (``attempt`` 1, 2, …)."""

    job_id: str
    task_id: str
    attempt: int
    run_id: str


class EntryTerms(TypedDict, total=False):
    """What a store does with an entry beside appending it: the fields of :class:`NewEntry` of these names."""

    only_if_queued: bool
    only_if_complete: bool
    task_id: str
    claims: bool
    ending: Ending | None
    fraction: float | None
    worker: str
    execution: Execution | None
    in_place_of: str


def encode_event(
    event: BaseMessage, origin: Origin, n: int, *, max_bytes: int = MAX_EVENT_BYTES, **terms: Unpack[EntryTerms]
) -> NewEntry:
    """The log entry of ``event``, the ``n``-th of its run. A message that is no :class:`JobEvent` is logged as it is.

    Fields of the message that are called as the stamped ones, or as those of the stream's envelope, are left out.
    Raises :class:`EventTooLargeError` (naming type and size) before anything is sent, and whatever Pydantic raises for
    a payload that has no JSON form.
    """
    now = datetime.now(UTC)
    body = event.model_dump_json(exclude=NOT_ITS_OWN)
    text = f'{body[:-1]},{_stamp_of(origin)},"time":{_json(now).decode()}}}'
    size = len(text.encode())
    if size > max_bytes:
        raise EventTooLargeError(
            f"{type(event).__name__} is {size} bytes as JSON, more than the {max_bytes} an event may have. "
            "Store the data and send a reference to it."
        )
    if not isinstance(event, JobEvent):
        return NewEntry(
            origin.job_id, action_of(event), text, origin.run_id, n, attempt=origin.attempt, trace=carrier(), **terms
        )
    return NewEntry(
        job_id=origin.job_id,
        action=action_of(event),
        event=text,
        run_id=origin.run_id,
        n=n,
        delivery=event.delivery,
        state=event.state,
        attempt=origin.attempt,
        patch=_patch_as_json(_stamped(event, now).patch()),
        trace=carrier() if event.delivery == "log" else None,
        **terms,
    )


def json_form(value: object) -> tuple[Any, int]:
    """``value`` as plain JSON data (models and dates included), and its size in bytes as JSON.

    What has no JSON form is replaced by its ``repr``: a result is never lost over it. NaN and infinity become null, as
    browsers can read no other.
    """
    try:
        plain = to_jsonable_python(value, fallback=_described, inf_nan_mode="null")
        return plain, len(_json_within(plain))
    except (PydanticSerializationError, ValueError, TypeError, RecursionError):
        described = _described(value)
        return described, len(_json(described))


def plain_meta(meta: Mapping[str, Any]) -> dict[str, Any]:
    """What a job carries of its starter's own, as plain JSON data; ``ConfigurationError`` if it cannot be carried."""
    try:
        text = _json_within(dict(meta))
        plain: dict[str, Any] = from_json(text)
    except (PydanticSerializationError, ValueError, TypeError, RecursionError) as error:
        raise ConfigurationError(f"meta=...: pass what can be sent as JSON. {error}") from error
    if len(text) > MAX_META_BYTES:
        raise ConfigurationError(
            f"meta=... is {len(text)} bytes as JSON, more than the {MAX_META_BYTES} a job may carry. "
            "Store the data and pass a reference to it."
        )
    return plain


def without_surrogates(text: str) -> str:
    """``text`` with its lone surrogates (of an odd file name, say) as escapes, because JSON in UTF-8 has no others."""
    return text.encode("utf-8", "backslashreplace").decode()


def _described(value: object) -> str:
    try:
        return without_surrogates(repr(value))
    except Exception:  # a `__repr__` is somebody else's code, and may raise anything
        return f"<{type(value).__name__}>"


@lru_cache(maxsize=1024)
def _stamp_of(origin: Origin) -> str:
    """The members of a JSON object that all events of a run have."""
    stamp = {
        "job_id": origin.job_id,
        "task_id": origin.task_id,
        "attempt": origin.attempt,
        "run_id": origin.run_id,
    }
    return _json(stamp).decode()[1:-1]


def _stamped(event: JobEvent, now: datetime) -> JobEvent:
    # The patch of most is the base's, which does not look at the time: a copy would be for nothing.
    return event if type(event).patch is JobEvent.patch else event.model_copy(update={"time": now})


def _patch_as_json(patch: Mapping[str, Any]) -> dict[str, str]:
    return {name: _json_within(value).decode() for name, value in patch.items()}


def _json(value: object) -> bytes:
    return to_json(value, inf_nan_mode="null")


def _json_within(value: object) -> bytes:
    """As :func:`_json`; what is too deep to be shown within a message, as snapshots and lists are, is refused."""
    for _ in range(_LEVELS_AROUND):
        value = [value]
    return _json(value)[_LEVELS_AROUND:-_LEVELS_AROUND]

"""The events of one job, or of several, in the order in which they were sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Protocol, TypeAlias, TypeVar, overload

from pydantic_core import to_json

from chanx.bridge.events import JobOutput
from chanx.messages.base import BaseMessage, message_actions
from chanx.testing.jobs.alignment import align, report
from chanx.testing.jobs.matching import ExpectedOrAny, abridged, check_expected, shown
from chanx.testing.jobs.recorded import Recorded

M = TypeVar("M", bound=BaseMessage)

(_OUTPUT,) = message_actions(JobOutput)


class HasJobId(Protocol):
    """What ``start_job`` returns, a reference to a job, an event of it."""

    @property
    def job_id(self) -> str: ...


AnyJob: TypeAlias = HasJobId | str
"""A job, or its id."""


class JobEvents(Sequence[BaseMessage]):
    """A sequence of typed events; what happens later is in it, too, where it is of a bridge in memory.

    Pieces of output that follow each other are one event, as how they were cut is a matter of time.
    """

    def __init__(self, recorded: Sequence[Recorded], *, job_id: str | None = None) -> None:
        self._recorded = recorded
        self._job_id = job_id

    @property
    def actions(self) -> list[str]:
        """What each is, in short: ``["job_queued", "job_started", "job_succeeded"]``."""
        return [event.action for event in self._events()]

    def of(self, job: AnyJob) -> JobEvents:
        """Those of one job."""
        return JobEvents(self._recorded, job_id=job_id_of(job))

    def of_type(self, model: type[M]) -> list[M]:
        """Those of a class."""
        found = (event.as_a(model) for event in self._events())
        return [message for message in found if message is not None]

    def output(self, stream: str = "stdout") -> str:
        """The whole text that was put out on a stream."""
        return "".join(event.payload.text for event in self.of_type(JobOutput) if event.payload.stream == stream)

    def assert_sequence(self, expected: Iterable[ExpectedOrAny]) -> None:
        """Expects these events in this order and no others; ``AssertionError`` shows the difference.

        Each item is a class (``JobStarted``), a message with all of its payload (``RowRejected(payload=...)``), or
        ``like(JobProgress, fraction=0.5)`` with a part of it. ``...`` stands for any number of events. When an event
        was sent, and by which task, counts only where a message says it.
        """
        __tracebackhide__ = True
        items = list(expected)
        for item in items:
            check_expected(item)
        rows = align(items, self._events())
        if not all(row.is_right for row in rows):
            raise AssertionError(report(rows))

    @overload
    def __getitem__(self, index: int) -> BaseMessage: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[BaseMessage]: ...
    def __getitem__(self, index: int | slice) -> BaseMessage | Sequence[BaseMessage]:
        events = self._events()
        if isinstance(index, slice):
            return [event.message() for event in events[index]]
        return events[index].message()

    def __iter__(self) -> Iterator[BaseMessage]:
        return (event.message() for event in self._events())

    def __len__(self) -> int:
        return len(self._events())

    def __repr__(self) -> str:
        return "\n".join(["JobEvents:", *abridged([f"  {shown(event)}" for event in self], "events", ends=50)])

    def _events(self) -> list[Recorded]:
        wanted = self._job_id
        return _joined(event for event in self._recorded[:] if wanted is None or event.job_id == wanted)


def job_id_of(job: AnyJob) -> str:
    """The id of a job."""
    return job if isinstance(job, str) else job.job_id


def _joined(events: Iterable[Recorded]) -> list[Recorded]:
    joined: list[Recorded] = []
    for key, group in groupby(events, _stream_of):
        of_group = list(group)
        joined += of_group if key is None else [_one(of_group)]
    return joined


def _stream_of(event: Recorded) -> tuple[str, ...] | None:
    if event.action != _OUTPUT:
        return None
    data = event.data
    return event.job_id, data["run_id"], data["payload"]["stream"]


def _one(pieces: list[Recorded]) -> Recorded:
    data = pieces[0].data
    data["payload"]["text"] = "".join(piece.data["payload"]["text"] for piece in pieces)
    return Recorded(pieces[0].job_id, _OUTPUT, to_json(data).decode())

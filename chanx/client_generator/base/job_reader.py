"""Somebody who reads a job's events, at a pace of their own: each has a place in the log.

The job's channel calls the methods below in the order of the log; ``taken`` says up to where the reader has dealt with
it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from .job_models import JobPosition, JobReset, JobSnapshot
from .job_states import TERMINAL_ACTIONS
from .messages import Frame

MAX_WAITING: Final = 10_000


class JobReader:
    """Takes what is offered unless it has it already.

    ``takes_at_once``: it has dealt with an event as soon as that is offered.
    """

    takes_at_once: ClassVar[bool] = True

    def __init__(self, position: JobPosition | None) -> None:
        self.epoch = position.epoch if position else None
        self.seq = position.seq if position else 0
        self.ended = False

    @property
    def taken(self) -> int:
        """The last event that was dealt with: the server sends 500 beyond it."""
        return self.seq

    def offer(self, event: Frame) -> None:
        """Takes an event unless it is there already; the channel sees to it that none is left out."""
        if event["seq"] > self.seq:
            self.seq = event["seq"]
            self.ended = event["action"] in TERMINAL_ACTIONS
            self.event(event)

    def stand(self, *, epoch: str, oldest: int, seq: int, snapshot: dict[str, Any]) -> None:
        """Takes where the server's log stands; what a reader has of a log that is no more is void."""
        fits = (self.seq == 0 or self.epoch == epoch) and oldest - 1 <= self.seq <= seq
        had_something = self.epoch is not None
        self.epoch = epoch
        if not fits:
            self.seq = oldest - 1
            self.ended = False
            if had_something:
                self.reset(snapshot)

    def forget(self) -> None:
        """The server cannot read where the reader stands: it begins anew."""
        self.epoch, self.seq = None, 0

    # What a reader makes of it

    def reset(self, snapshot: dict[str, Any]) -> None: ...

    def event(self, event: Frame) -> None: ...

    def latest(self, event: Frame) -> None:
        """A value of which only the newest counts."""

    def plain(self, event: Frame) -> None:
        """An event that is not of the log."""

    def changed(self) -> None:
        """The state of the job, or another field of it, is a new one."""

    def end(self, error: Exception | None) -> None:
        """No more comes: the job is over, or the error says what else it is."""

    def close(self) -> None:
        """The client is done with the job."""


class Follower(JobReader):
    """Wants no events, only to know how the job stands: it is always at the end of the log."""

    def __init__(self, changed: Callable[[], None], close: Callable[[], None]) -> None:
        super().__init__(None)
        self._changed = changed
        self._close = close

    def stand(self, *, epoch: str, oldest: int, seq: int, snapshot: dict[str, Any]) -> None:
        self.epoch, self.seq = epoch, max(seq, 0)

    def changed(self) -> None:
        self._changed()

    def close(self) -> None:
        self._close()


@dataclass(slots=True, eq=False)
class _Waiting:
    """``place`` is where the reader stands once this is taken, None where that moves it nowhere."""

    place: JobPosition | None
    seq: int | None
    item: Frame | JobReset


class EventReader(JobReader):
    """Events for a loop. The server sends 500 beyond the last one that it has taken, so no more than that wait here."""

    takes_at_once = False

    def __init__(self, position: JobPosition | None, took: Callable[[int], None]) -> None:
        super().__init__(position)
        self.position = position
        self._took = took
        self._waiting: deque[_Waiting] = deque()
        self._newest: dict[str, _Waiting] = {}
        self._news = asyncio.Event()
        self._is_over = False
        self._error: Exception | None = None

    @property
    def taken(self) -> int:
        for waiting in self._waiting:
            if waiting.seq is not None:
                return waiting.seq - 1
        return self.seq

    def reset(self, snapshot: dict[str, Any]) -> None:
        self._waiting.clear()
        self._newest.clear()
        self._is_over, self._error = False, None  # the loop has not been told of the end yet
        assert self.epoch is not None
        place = JobPosition(self.epoch, self.seq)
        self._put(_Waiting(place, None, JobReset(place, JobSnapshot.model_validate(snapshot))))

    def event(self, event: Frame) -> None:
        assert self.epoch is not None
        self._put(_Waiting(JobPosition(self.epoch, self.seq), self.seq, event))
        if self.ended:
            self.end(None)

    def latest(self, event: Frame) -> None:
        """Of the values that wait only the newest of each kind is kept."""
        action = event["action"]
        before = self._newest.get(action)
        if before is not None:
            self._waiting.remove(before)
        self._newest[action] = waiting = _Waiting(None, None, event)
        self._put(waiting)

    def plain(self, event: Frame) -> None:
        if len(self._waiting) < MAX_WAITING:
            self._put(_Waiting(None, None, event))

    def close(self) -> None:
        self._waiting.clear()
        self.end(None)

    def end(self, error: Exception | None) -> None:
        if not self._is_over:
            self._is_over, self._error = True, error
            self._news.set()

    async def next(self) -> Frame | JobReset | None:
        """The next event, None after the last one. Raises what the stream ended with."""
        while not self._waiting:
            if self._is_over:
                if self._error is not None:
                    raise self._error
                return None
            self._news.clear()
            await self._news.wait()
        waiting = self._waiting.popleft()
        if waiting.place is not None:
            self.position = waiting.place
            self._took(waiting.place.seq)
        elif self._newest.get(action := _action(waiting.item)) is waiting:
            del self._newest[action]
        return waiting.item

    def _put(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        self._news.set()


def _action(item: Frame | JobReset) -> str:
    return item["action"] if isinstance(item, dict) else ""

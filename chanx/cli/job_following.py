"""Following a job's log from the command line, by asking its store: nothing is changed by it.

heads ─> anything new? ─> snapshot ─> pages of events up to it ─> updates, the last one with the job's end
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chanx.bridge.entry import Head, LogEntry
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.store.base import StoreUnavailableError
from chanx.cli.patience import INTERVAL, Patience

if TYPE_CHECKING:
    from chanx.bridge.installed import Bridge

PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Update:
    """The job as it stands, with the events up to there that were not in an earlier update, or some of them.

    ``notes`` say what the events do not: that some are no longer kept, or that the log begins anew. ``is_last``: the
    job has ended, and these are the last events.
    """

    job: JobSnapshot
    events: tuple[LogEntry, ...] = ()
    notes: tuple[str, ...] = ()
    is_last: bool = False


def follow(bridge: Bridge, job_id: str, *, patience: Patience, tail: int | None = None) -> Iterator[Update]:
    """The updates of a job from its first kept event on, or from the last ``tail`` ones, until it has ended.

    A store that stays away at first raises ``StoreUnavailableError``; later it is waited for, however long it takes.
    A job that is not there, or not any more, raises ``JobNotFoundError``.
    """
    patience.ask(lambda: bridge.job(job_id))
    follower = _Follower(bridge, job_id, tail)
    while True:
        try:
            for update in follower.updates():
                patience.is_back()
                yield update
                if update.is_last:
                    return
            patience.is_back()  # also where nothing is new
        except StoreUnavailableError as error:
            patience.is_away(error)
        patience.wait(INTERVAL)


class _Follower:
    def __init__(self, bridge: Bridge, job_id: str, tail: int | None) -> None:
        self._bridge = bridge
        self._job_id = job_id
        self._tail = tail
        self._after = 0
        self._epoch: str | None = None
        self._seen: Head | None = None

    def updates(self) -> Iterator[Update]:
        """What is new since the last time, if anything; each is taken note of before it is yielded."""
        store = self._bridge.store
        (head,) = store.heads([self._job_id])
        if head is not None and head == self._seen:
            return
        job = self._bridge.job(self._job_id)
        notes = self._begin(job)
        is_up_to_date = False
        while not is_up_to_date:
            page = store.read(self._job_id, after=self._after, limit=PAGE)
            if page is None or page.epoch != job.epoch:
                return  # the next snapshot tells
            events = tuple(entry for entry in page.entries if entry.seq <= job.seq)
            if events and events[0].seq > self._after + 1:
                notes = (*notes, f"{events[0].seq - self._after - 1} older events are no longer kept")
            self._after = events[-1].seq if events else job.seq
            is_up_to_date = self._after >= job.seq
            yield Update(job, events, notes, is_last=is_up_to_date and job.state.is_terminal)
            notes = ()
        self._seen = head

    def _begin(self, job: JobSnapshot) -> tuple[str, ...]:
        if self._epoch == job.epoch:
            return ()
        is_first, self._epoch = self._epoch is None, job.epoch
        self._after = 0 if self._tail is None or not is_first else max(job.seq - self._tail, 0)
        return () if is_first else ("the store may have lost events: the log from its beginning",)

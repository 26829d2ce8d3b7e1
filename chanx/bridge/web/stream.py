"""Sends one job's events to one client: reads the log where it must, follows the live events where it can."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pydantic_core import to_json

from chanx.bridge.entry import Head, LogEntry
from chanx.bridge.events import JobEvent
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.store.async_store import AsyncJobStore
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.web.light_task import Bell
from chanx.bridge.web.merge import LatestEntry, StreamMerge
from chanx.log import log_throttled
from chanx.messages.base import BaseMessage
from chanx.metrics import JOB_EVENTS_REPLAYED, SLOW_CLIENTS
from chanx.telemetry import OBSERVERS, measure

RETRY_SECONDS = 1.0
PORTION = 32
"""Events that are sent in a row, before other clients' portions get their turn."""

_UNKNOWN = dict.fromkeys(name for name in JobEvent.model_fields if name not in BaseMessage.model_fields)
"""What a snapshot does not know of an event, which every event has all the same."""

SendEntry = Callable[[LogEntry | LatestEntry], Awaitable[None]]


class JobStream:
    """The pump of one subscription, from ``position`` in the log that ``snapshot`` tells of.

    ``send`` sends one event to the client.
    """

    def __init__(self, store: AsyncJobStore, snapshot: JobSnapshot, *, position: int, send: SendEntry) -> None:
        self._store = store
        self._job_id = snapshot.job_id
        self._epoch = snapshot.epoch
        self._merge = StreamMerge(position=position, head=snapshot.seq, rev=snapshot.rev)
        self._send = send
        self._may_come_more = not snapshot.state.is_terminal
        self._broken = False
        self._first_head = snapshot.seq
        self._is_slow = False
        self._wake = Bell()

    def live(self, entry: LogEntry | LatestEntry, epoch: str) -> None:
        """Takes a live event from the channel layer."""
        if epoch != self._epoch:
            self._broken = True
        elif isinstance(entry, LogEntry):
            self._merge.live(entry)
        else:
            self._merge.latest(entry)
        self._wake.ring()

    def head(self, head: Head | None) -> None:
        """Takes where the log ends now; None where it is gone."""
        if head is None or head.epoch != self._epoch:
            self._broken = True
            self._wake.ring()
            return
        self._merge.at_least(head.seq, head.rev)
        if self._merge.needs_log or self._merge.misses_latest:
            self._wake.ring()
        elif head.ended and self._merge.is_at(seq=head.seq, rev=head.rev):
            # The client has everything that will ever be. Should the log be rewound, a live event tells of it.
            self._store.head_poller.remove(self._job_id, self.head)

    def acknowledge(self, seq: int) -> None:
        """The client has dealt with everything up to ``seq``."""
        self._merge.acknowledge(seq)
        self._wake.ring()

    async def run(self) -> None:
        """Sends, in a ``LightTask``, until it is stopped. It returns when the client has to start over from a snapshot.

        That is when the log's epoch has changed, the log no longer reaches back to the client's position, or is gone.
        """
        poller = self._store.head_poller
        if self._may_come_more:
            poller.add(self._job_id, self.head)
        try:
            while not self._broken:
                # Before anything is waited for: what comes from now on wakes it again.
                self._wake.clear()
                if not await self._go_on():
                    await self._wake.wait()
        finally:
            poller.remove(self._job_id, self.head)

    async def _go_on(self) -> bool:
        """Does what is to be done next; False if nothing is."""
        entries = self._merge.take()
        if len(entries) > PORTION:
            await self._send_in_turn(entries)
            return True
        for entry in entries:
            await self._send(entry)
        if self._merge.needs_log:
            await self._patiently(self._read)
        elif self._merge.misses_latest:
            await self._patiently(self._read_latest)
        else:
            self._look_at_credit()
            return False
        return True

    def _look_at_credit(self) -> None:
        """A client is slow from when it has used up its credit until it has everything."""
        was_slow, self._is_slow = self._is_slow, self._merge.waits_for_ack
        if self._is_slow and not was_slow:
            measure(SLOW_CLIENTS, 1, {"chanx.reason": "credit"})

    async def _send_in_turn(self, entries: list[LogEntry | LatestEntry]) -> None:
        for place, entry in enumerate(entries):
            if place % PORTION == 0:
                await self._store.turns.next()
            await self._send(entry)

    async def _patiently(self, read: Callable[[], Awaitable[None]]) -> None:
        try:
            await read()
        except StoreUnavailableError as error:
            log_throttled("job_stream_waits", key=id(self._store), job_id=self._job_id, error=str(error))
            await asyncio.sleep(RETRY_SECONDS)

    async def _read(self) -> None:
        head, after = self._merge.head, self._merge.position
        page = await self._store.shared.page(self._job_id, after=after, epoch=self._epoch)
        if page is None or page.epoch != self._epoch or page.oldest > after + 1:
            self._broken = True
            return
        if OBSERVERS and page.entries:
            reason = "subscribed" if after < self._first_head else "slow" if self._is_slow else "gap"
            measure(JOB_EVENTS_REPLAYED, len(page.entries), {"chanx.reason": reason})
        self._merge.page(page, asked_at_head=head)

    async def _read_latest(self) -> None:
        rev = self._merge.missed_rev
        job = await self._store.shared.snapshot(self._job_id, rev=rev)
        if job is None or job.epoch != self._epoch:
            self._broken = True
            return
        self._merge.newest(latest_entries(job), rev=job.rev, asked_for_rev=rev)


def latest_entries(job: JobSnapshot) -> list[LatestEntry]:
    """The newest event of each ``latest`` action, as far as the snapshot has it: what it says, not who said it when."""
    return [
        LatestEntry(job.seq, rev, action, _latest_event(job, action))
        for action, rev in job.latest.items()
        if job.fields.get(action) is not None  # a bar that began anew has said nothing yet
    ]


def _latest_event(job: JobSnapshot, action: str) -> str:
    event = {"action": action, "payload": job.fields[action], **_UNKNOWN, "job_id": job.job_id}
    return to_json(event, inf_nan_mode="null").decode()

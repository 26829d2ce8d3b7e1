"""Sends one job's events to one client: reads the log where it must, follows the live events where it can."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from chanx.bridge.entry import Head, LogEntry
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.store.async_store import AsyncJobStore
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.web.merge import LatestEntry, StreamMerge
from chanx.log import log_throttled

PAGE = 200
RETRY_SECONDS = 1.0

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
        self._broken = False
        self._wake = asyncio.Event()

    def live(self, entry: LogEntry | LatestEntry, epoch: str) -> None:
        """Takes a live event from the channel layer."""
        if epoch != self._epoch:
            self._broken = True
        elif isinstance(entry, LogEntry):
            self._merge.live(entry)
        else:
            self._merge.latest(entry)
        self._wake.set()

    def head(self, head: Head) -> None:
        """Takes where the log ends now."""
        if head.epoch != self._epoch:
            self._broken = True
            self._wake.set()
        elif head.seq > self._merge.head:
            self._merge.at_least(head.seq)
            self._wake.set()

    def acknowledge(self, seq: int) -> None:
        """The client has dealt with everything up to ``seq``."""
        self._merge.acknowledge(seq)
        self._wake.set()

    async def run(self) -> None:
        """Sends until it is cancelled. It returns when the client has to start over from a snapshot.

        That is when the log's epoch has changed, or the log no longer reaches back to the client's position.
        """
        while not self._broken:
            sent = False
            for entry in self._merge.take():
                await self._send(entry)
                sent = True
            if sent:
                continue
            if self._merge.needs_log:
                await self._read()
            else:
                await self._wake.wait()
                self._wake.clear()

    async def _read(self) -> None:
        head = self._merge.head
        try:
            page = await self._store.read(self._job_id, after=self._merge.position, limit=PAGE)
        except StoreUnavailableError as error:
            log_throttled("job_stream_waits", key=id(self._store), job_id=self._job_id, error=str(error))
            await asyncio.sleep(RETRY_SECONDS)
            return
        if page is None or page.epoch != self._epoch or page.oldest > self._merge.position + 1:
            self._broken = True
            return
        self._merge.page(page, asked_at_head=head)

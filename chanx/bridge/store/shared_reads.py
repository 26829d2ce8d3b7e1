"""What many clients of one event loop read at about the same time is read once: pages of logs, and snapshots.

500 clients that come back after a restart ask for the same few pages, and so do all that miss an event of one job.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from chanx.bridge.entry import LogPage
from chanx.bridge.snapshot import JobSnapshot

PAGE = 200
"""Entries of a page, at most."""

KEPT_SECONDS = 2.0
KEPT_PAGES = 64
KEPT_BYTES = 8 * 1024 * 1024
"""How long a page is kept for whoever asks next, how many at a time, and how much all of them may have together."""

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

ReadPage = Callable[[str, int, int], Awaitable[LogPage | None]]
ReadSnapshot = Callable[[str], Coroutine[Any, Any, JobSnapshot | None]]


@dataclass(frozen=True, slots=True)
class _KeptPage:
    job_id: str
    page: LogPage
    size: int
    timer: asyncio.TimerHandle

    def has(self, job_id: str, seq: int, epoch: str) -> bool:
        entries = self.page.entries
        return self.job_id == job_id and self.page.epoch == epoch and entries[0].seq <= seq <= entries[-1].seq


class _Reads(Generic[K, T]):
    """What is being read now."""

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[T]] = {}

    def newest(self, fits: Callable[[K], bool]) -> asyncio.Task[T] | None:
        return next((self._tasks[key] for key in reversed(self._tasks) if fits(key)), None)

    async def joined(self, key: K, read: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What is read under that key, by whoever began; it goes on if one of those who wait is cancelled."""
        task = self._tasks.get(key)
        if task is None or task.done():
            task = self._tasks[key] = asyncio.create_task(read(), name="chanx-shared-read")
            task.add_done_callback(lambda done: self._end(key, done))
        return await asyncio.shield(task)

    def _end(self, key: K, task: asyncio.Task[T]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
        if not task.cancelled():
            task.exception()  # whoever waits has it raised; all of them may have gone


class SharedReads:
    """The shared reads of one event loop and store.

    ``read_page`` gets a job's id, after which seq, and how many entries at most. What it and ``read_snapshot`` raise is
    raised to all who wait for the answer.
    """

    def __init__(self, read_page: ReadPage, read_snapshot: ReadSnapshot) -> None:
        self._read_page = read_page
        self._read_snapshot = read_snapshot
        self._pages: OrderedDict[tuple[str, int], _KeptPage] = OrderedDict()
        self._kept_bytes = 0
        self._page_reads = _Reads[tuple[str, int], LogPage | None]()
        self._snapshot_reads = _Reads[str, JobSnapshot | None]()

    async def page(self, job_id: str, *, after: int, epoch: str) -> LogPage | None:
        """Entries of that epoch's log, the one after ``after`` among them; they may begin before it.

        Where there are none, what the store says now: the page after ``after``, or None for an unknown job.
        """
        kept = self._kept(job_id, after + 1, epoch)
        if kept is not None:
            return kept
        covering = self._page_reads.newest(lambda key: key[0] == job_id and key[1] <= after < key[1] + PAGE)
        if covering is not None:
            await asyncio.shield(covering)
            kept = self._kept(job_id, after + 1, epoch)
            if kept is not None:
                return kept
        # What was read before somebody asked does not tell that there is nothing more: only what is read from now on.
        return await self._page_reads.joined((job_id, after), lambda: self._fresh_page(job_id, after))

    async def snapshot(self, job_id: str, *, rev: int) -> JobSnapshot | None:
        """A snapshot that tells of ``rev``, where there is one that new; it may be a moment old."""
        reading = self._snapshot_reads.newest(lambda key: key == job_id)
        if reading is not None:
            snapshot = await asyncio.shield(reading)
            if snapshot is not None and snapshot.rev >= rev:
                return snapshot
        return await self._snapshot_reads.joined(job_id, lambda: self._read_snapshot(job_id))

    def _kept(self, job_id: str, seq: int, epoch: str) -> LogPage | None:
        return next((kept.page for kept in self._pages.values() if kept.has(job_id, seq, epoch)), None)

    async def _fresh_page(self, job_id: str, after: int) -> LogPage | None:
        page = await self._read_page(job_id, after, PAGE)
        if page is not None and page.entries:
            self._keep(job_id, after, page)
        return page

    def _keep(self, job_id: str, after: int, page: LogPage) -> None:
        key = (job_id, after)
        self._forget(key)
        size = sum(len(entry.event) for entry in page.entries)
        timer = asyncio.get_running_loop().call_later(KEPT_SECONDS, self._forget, key)
        self._pages[key] = _KeptPage(job_id, page, size, timer)
        self._kept_bytes += size
        while self._kept_bytes > KEPT_BYTES or len(self._pages) > KEPT_PAGES:
            self._forget(next(iter(self._pages)))

    def _forget(self, key: tuple[str, int]) -> None:
        kept = self._pages.pop(key, None)
        if kept is not None:
            kept.timer.cancel()
            self._kept_bytes -= kept.size

"""The job store as an event loop uses it: each call runs in a small thread pool of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar
from weakref import WeakKeyDictionary

from chanx.bridge.entry import Head, LogPage
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.store.base import JobStore
from chanx.bridge.store.heads import HeadPoller
from chanx.bridge.store.shared_reads import SharedReads
from chanx.core.group_probe import GroupProbes
from chanx.utils.loop_turns import LoopTurns
from chanx.utils.process import PerProcess

T = TypeVar("T")


class JobObserver(Protocol):
    """Who ends the jobs whose workers died, and those that nobody ended. Called in the store's threads."""

    def look(self) -> None: ...

    def end_complete(self, job_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class _LoopSide:
    """What all streams of one event loop share."""

    head_poller: HeadPoller
    reads: SharedReads
    turns: LoopTurns
    probes: GroupProbes


class AsyncJobStore:
    """The reading side of a :class:`~chanx.bridge.store.base.JobStore`, awaitable.

    Every store then needs to be written once, synchronously. The pool is separate from the loop's default one, which
    views and database calls may fill up. ``observer`` looks after jobs while any of them is watched here.
    """

    def __init__(self, store: JobStore, *, threads: int = 4, observer: JobObserver | None = None) -> None:
        self._store = store
        self._observer = observer
        # Per process: a server that uses the store before it forks would leave its children a pool without threads.
        self._pool = PerProcess(lambda: ThreadPoolExecutor(threads, thread_name_prefix="chanx-store"))
        self._sides: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopSide] = WeakKeyDictionary()

    @property
    def head_poller(self) -> HeadPoller:
        """The one poller of the running event loop."""
        return self._side.head_poller

    @property
    def shared(self) -> SharedReads:
        """What is read for several clients of the running event loop at once."""
        return self._side.reads

    @property
    def turns(self) -> LoopTurns:
        """Who of the running event loop's clients is sent something next that was read for it."""
        return self._side.turns

    @property
    def probes(self) -> GroupProbes:
        """Which jobs' groups deliver to the running event loop's clients."""
        return self._side.probes

    async def read(self, job_id: str, *, after: int, limit: int) -> LogPage | None:
        return await self.run(lambda: self._store.read(job_id, after=after, limit=limit))

    async def snapshot(self, job_id: str) -> JobSnapshot | None:
        return await self.run(lambda: self._store.snapshot(job_id))

    async def heads(self, job_ids: Sequence[str]) -> list[Head | None]:
        return await self.run(lambda: self._store.heads(job_ids))

    async def run(self, function: Callable[[], T]) -> T:
        """Runs any blocking call about jobs in the store's threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool.get(), function)

    @property
    def _side(self) -> _LoopSide:
        loop = asyncio.get_running_loop()
        side = self._sides.get(loop)
        if side is None:
            reads = SharedReads(lambda job_id, after, limit: self.read(job_id, after=after, limit=limit), self.snapshot)
            side = self._sides[loop] = _LoopSide(
                HeadPoller(self.heads, look=self._look), reads, LoopTurns(), GroupProbes()
            )
        return side

    async def _look(self, complete: Sequence[str]) -> None:
        observer = self._observer
        if observer is not None:
            await self.run(lambda: _observe(observer, complete))


def _observe(observer: JobObserver, complete: Sequence[str]) -> None:
    for job_id in complete:
        observer.end_complete(job_id)
    observer.look()

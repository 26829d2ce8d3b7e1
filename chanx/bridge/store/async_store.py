"""The job store as an event loop uses it: each call runs in a small thread pool of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakKeyDictionary

from chanx.bridge.entry import Head, LogPage
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.store.base import JobStore
from chanx.bridge.store.heads import HeadPoller
from chanx.utils.process import PerProcess

T = TypeVar("T")


class AsyncJobStore:
    """The reading side of a :class:`~chanx.bridge.store.base.JobStore`, awaitable.

    Every store then needs to be written once, synchronously. The pool is separate from the loop's default one, which
    views and database calls may fill up.
    """

    def __init__(self, store: JobStore, *, threads: int = 4) -> None:
        self._store = store
        # Per process: a server that uses the store before it forks would leave its children a pool without threads.
        self._pool = PerProcess(lambda: ThreadPoolExecutor(threads, thread_name_prefix="chanx-store"))
        self._pollers: WeakKeyDictionary[asyncio.AbstractEventLoop, HeadPoller] = WeakKeyDictionary()

    @property
    def head_poller(self) -> HeadPoller:
        """The one poller of the running event loop."""
        loop = asyncio.get_running_loop()
        poller = self._pollers.get(loop)
        if poller is None:
            poller = self._pollers[loop] = HeadPoller(self.heads)
        return poller

    async def read(self, job_id: str, *, after: int, limit: int) -> LogPage | None:
        return await self.run(lambda: self._store.read(job_id, after=after, limit=limit))

    async def snapshot(self, job_id: str) -> JobSnapshot | None:
        return await self.run(lambda: self._store.snapshot(job_id))

    async def heads(self, job_ids: Sequence[str]) -> list[Head | None]:
        return await self.run(lambda: self._store.heads(job_ids))

    async def run(self, function: Callable[[], T]) -> T:
        """Runs any blocking call about jobs in the store's threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool.get(), function)

"""Asks now and then where the watched logs end, so that a last event which the layer lost still arrives.

One question a process and interval for all streams together, however many clients watch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from chanx.bridge.entry import Head
from chanx.bridge.store.base import StoreUnavailableError

INTERVAL = 2.0

Listener = Callable[[Head], None]
AskHeads = Callable[[Sequence[str]], Awaitable[list[Head | None]]]


class HeadPoller:
    """The poller of one event loop and store. It runs only while somebody listens."""

    def __init__(self, ask: AskHeads, *, interval: float = INTERVAL) -> None:
        self._ask = ask
        self._interval = interval
        self._listeners: dict[str, set[Listener]] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, job_id: str, listener: Listener) -> None:
        """From now on ``listener`` is told about the head of the job's log, at every interval."""
        self._listeners.setdefault(job_id, set()).add(listener)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="chanx-heads")

    def remove(self, job_id: str, listener: Listener) -> None:
        """Stops telling; the last listener stops the poller."""
        listeners = self._listeners.get(job_id, set())
        listeners.discard(listener)
        if not listeners:
            self._listeners.pop(job_id, None)
        if not self._listeners and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            await self.poll()

    async def poll(self) -> None:
        """One round: asks for all heads at once and tells the listeners. A store that is away is asked again later."""
        job_ids = list(self._listeners)
        try:
            heads = await self._ask(job_ids)
        except StoreUnavailableError:
            return
        for job_id, head in zip(job_ids, heads, strict=True):
            if head is not None:
                for listener in list(self._listeners.get(job_id, ())):
                    listener(head)

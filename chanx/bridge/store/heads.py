"""Asks now and then where the watched logs end, so that a last event which the layer lost still arrives.

One question a process and interval for all streams together, however many clients watch. At the same beat the process
looks after workers that died, so that a job ends also where no other worker runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import Context
from itertools import islice

from chanx.bridge.entry import Head
from chanx.log import log_throttled

INTERVAL = 2.0
BATCH = 500
"""Heads that are asked for in one round trip, at most: a store answers nobody else meanwhile."""

Listener = Callable[[Head | None], None]
AskHeads = Callable[[Sequence[str]], Awaitable[list[Head | None]]]
Look = Callable[[Sequence[str]], Awaitable[None]]


async def _look_at_nothing(complete: Sequence[str]) -> None:
    pass


class HeadPoller:
    """The poller of one event loop and store. It runs only while somebody listens.

    ``look`` is called after each round that it is not busy in, with the ids of the jobs that are complete but have not
    ended. Neither it nor ``ask`` can end the poller, whatever they raise.
    """

    def __init__(self, ask: AskHeads, *, look: Look = _look_at_nothing, interval: float = INTERVAL) -> None:
        self._ask = ask
        self._look = look
        self._interval = interval
        self._listeners: dict[str, set[Listener]] = {}
        self._task: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    def add(self, job_id: str, listener: Listener) -> None:
        """From now on ``listener`` is told about the head of the job's log at every interval; None if it is gone."""
        self._listeners.setdefault(job_id, set()).add(listener)
        if self._task is None or self._task.done():
            # In the context of no stream, as it is for all.
            self._task = asyncio.create_task(self._run(), name="chanx-heads", context=Context())

    def remove(self, job_id: str, listener: Listener) -> None:
        """Stops telling; the last listener stops the poller. A listener may call it when it is told."""
        listeners = self._listeners.get(job_id, set())
        listeners.discard(listener)
        if not listeners:
            self._listeners.pop(job_id, None)
        if not self._listeners and self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        while self._listeners:
            await asyncio.sleep(self._interval)
            await self.poll()

    async def poll(self) -> None:
        """One round: asks for all heads at once and tells the listeners. A store that is away is asked again later."""
        waiting = iter(list(self._listeners))
        complete: list[str] = []
        with _surviving("job_heads_unknown", self):
            while batch := list(islice(waiting, BATCH)):
                heads = dict(zip(batch, await self._ask(batch), strict=True))
                complete += [job_id for job_id, head in heads.items() if head is not None and head.complete]
                for job_id, head in heads.items():
                    for listener in list(self._listeners.get(job_id, ())):
                        with _surviving("job_head_listener_failed", self):
                            listener(head)
            if self._looking is None or self._looking.done():
                # Beside the rounds: it may have to ask a result backend that does not answer.
                self._looking = asyncio.create_task(self._look_after(complete), name="chanx-look")

    async def _look_after(self, complete: Sequence[str]) -> None:
        with _surviving("job_observer_failed", self):
            await self._look(complete)


@contextmanager
def _surviving(event: str, poller: HeadPoller) -> Generator[None]:
    """Whatever a store or an observer raises, streams need the next round all the same."""
    try:
        yield
    except Exception as error:
        log_throttled(event, key=id(poller), error=f"{type(error).__name__}: {error}")

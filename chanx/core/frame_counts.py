"""Counting frames for observers: as many as there are in one turn of the event loop are told at once.

An observer may take longer to be told of a frame than it takes to send one to a client.
"""

from __future__ import annotations

import asyncio
import threading
from contextvars import Context
from typing import Final

from chanx.metrics import FRAMES_RECEIVED, FRAMES_SENT, Metric
from chanx.telemetry import measure


class _Turn(threading.local):
    """The turn of a thread's event loop that frames are counted in; ``loop`` is None before the first one."""

    loop: asyncio.AbstractEventLoop | None = None
    counts: dict[str, int]


class FrameCount:
    """Of one metric, by the name of the consumer class. To be called inside a running event loop."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._turn = _Turn()

    def add(self, owner: object, frames: int = 1) -> None:
        """So many frames of one connection, whose consumer is ``owner``."""
        loop, turn = asyncio.get_running_loop(), self._turn
        if turn.loop is not loop:
            turn.loop, turn.counts = loop, {}
            loop.call_soon(self._tell, turn.counts, context=Context())
        consumer = type(owner).__name__
        turn.counts[consumer] = turn.counts.get(consumer, 0) + frames

    def _tell(self, counts: dict[str, int]) -> None:
        if self._turn.counts is counts:  # else the thread runs another loop by now
            self._turn.loop = None
        for consumer, frames in counts.items():
            measure(self._metric, frames, {"chanx.consumer": consumer})


SENT: Final = FrameCount(FRAMES_SENT)
RECEIVED: Final = FrameCount(FRAMES_RECEIVED)

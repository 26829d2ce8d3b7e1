"""Counting frames for observers: as many as there are in one turn of the event loop are told at once.

An observer may take longer to be told of a frame than it takes to send one to a client.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextvars import Context
from typing import Final
from weakref import WeakKeyDictionary

from chanx.metrics import FRAMES_RECEIVED, FRAMES_SENT, Metric
from chanx.telemetry import measure


class FrameCount:
    """Of one metric, by the name of the consumer class. To be called inside a running event loop."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._counts: WeakKeyDictionary[asyncio.AbstractEventLoop, Counter[str]] = WeakKeyDictionary()

    def add(self, owner: object, frames: int = 1) -> None:
        """So many frames of one connection, whose consumer is ``owner``."""
        loop = asyncio.get_running_loop()
        counts = self._counts.get(loop)
        if counts is None:
            counts = self._counts[loop] = Counter()
            loop.call_soon(self._tell, loop, context=Context())
        counts[type(owner).__name__] += frames

    def _tell(self, loop: asyncio.AbstractEventLoop) -> None:
        for consumer, frames in self._counts.pop(loop, Counter[str]()).items():
            measure(self._metric, frames, {"chanx.consumer": consumer})


SENT: Final = FrameCount(FRAMES_SENT)
RECEIVED: Final = FrameCount(FRAMES_RECEIVED)

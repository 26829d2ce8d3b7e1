"""Messages that wait for somebody who iterates over them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")


class Buffer(Generic[ItemT]):
    """At most ``limit`` items, the newest: ``overflowed`` is called with each that has to go for a newer one."""

    def __init__(self, limit: int, overflowed: Callable[[ItemT], None]) -> None:
        self._limit = limit
        self._overflowed = overflowed
        self._items: deque[ItemT] = deque()
        self._news = asyncio.Event()
        self._is_over = False
        self._error: Exception | None = None

    def put(self, item: ItemT) -> None:
        self._items.append(item)
        if len(self._items) > self._limit:
            self._overflowed(self._items.popleft())
        self._news.set()

    def end(self, error: Exception | None) -> None:
        """Nothing more comes; ``error`` is raised to whoever has taken all there was."""
        self._is_over, self._error = True, error
        self._news.set()

    def begin(self) -> None:
        """Something comes again."""
        self._is_over, self._error = False, None

    async def next(self) -> ItemT:
        """The oldest item. Raises ``StopAsyncIteration`` at the end, or the error that it ended with."""
        while not self._items:
            if self._is_over:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._items.popleft()

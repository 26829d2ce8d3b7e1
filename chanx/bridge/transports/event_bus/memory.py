"""The event bus in this process's memory: for tests, and the readable double of the others."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from itertools import count
from typing import Final

from chanx.bridge.transports.event_bus.bus import ANSWERS, Bus, BusInbox, BusLine, BusMessage, BusUnavailableError

_ADDRESSES: Final = count(1)


class MemoryBus(Bus):
    """Queues in memory. Set ``down`` to have it behave like a broker that cannot be reached."""

    def __init__(self) -> None:
        self.queues: defaultdict[str, deque[bytes]] = defaultdict(deque)
        self.answers: defaultdict[str, deque[bytes]] = defaultdict(deque)
        self.readers: dict[str, MemoryInbox] = {}
        self.down = False
        self.on_put: Callable[[str], None] = lambda queue: None
        """Called after each message of a line; a test may have it read at once."""
        self.changed = threading.Condition(threading.RLock())

    def line(self) -> BusLine:
        self.check()
        return MemoryLine(self)

    def inbox(self, queue: str) -> BusInbox:
        self.check()
        return MemoryInbox(self, queue)

    def check(self) -> None:
        if self.down:
            raise BusUnavailableError("The test took this broker down.")

    def add(self, queue: deque[bytes], body: bytes) -> None:
        with self.changed:
            self.check()
            queue.append(body)
            self.changed.notify_all()


class MemoryLine(BusLine):
    """A worker's line."""

    def __init__(self, bus: MemoryBus) -> None:
        self._address = f"{ANSWERS}{next(_ADDRESSES)}"
        self._bus = bus

    @property
    def address(self) -> str:
        return self._address

    def put(self, queue: str, body: bytes) -> None:
        self._bus.add(self._bus.queues[queue], body)
        self._bus.on_put(queue)

    def next_answer(self, seconds: float) -> bytes | None:
        answers = self._bus.answers[self.address]
        with self._bus.changed:
            self._bus.check()
            self._bus.changed.wait_for(lambda: answers, seconds)
            return answers.popleft() if answers else None

    def close(self) -> None:
        self._bus.answers.pop(self.address, None)


class MemoryInbox(BusInbox):
    """A relay's connection to one queue."""

    def __init__(self, bus: MemoryBus, queue: str) -> None:
        self._bus = bus
        self._queue = queue

    def take(self, seconds: float) -> BusMessage | None:
        bus = self._bus
        with bus.changed:
            bus.check()
            bus.changed.wait_for(self._has_message, seconds)
            return BusMessage(bus.queues[self._queue][0], None) if self._has_message() else None

    def ahead(self, seconds: float) -> Sequence[BusMessage]:
        with self._bus.changed:
            self._bus.check()
            self._bus.changed.wait(seconds)
            return [BusMessage(body, None) for body in self._bus.queues[self._queue]] if self._has_message() else []

    def done(self, message: BusMessage) -> None:
        with self._bus.changed:
            self._check()
            self._bus.queues[self._queue].remove(message.body)

    def keep(self) -> None:
        self._bus.check()

    def answer(self, address: str, body: bytes) -> None:
        self._bus.add(self._bus.answers[address], body)

    def put(self, queue: str, body: bytes) -> None:
        self._bus.add(self._bus.queues[queue], body)

    def close(self) -> None:
        with self._bus.changed:
            if self._bus.readers.get(self._queue) is self:
                del self._bus.readers[self._queue]
                self._bus.changed.notify_all()

    def _has_message(self) -> bool:
        return self._bus.readers.setdefault(self._queue, self) is self and bool(self._bus.queues[self._queue])

    def _check(self) -> None:
        self._bus.check()
        if self._bus.readers.get(self._queue) is not self:
            raise BusUnavailableError(f"Another inbox has taken over {self._queue}.")

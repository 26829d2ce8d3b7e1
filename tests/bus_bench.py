"""The event bus in one process: what is put onto it is done at once, by a relay that has no thread."""

import threading
import time
from collections.abc import Callable
from itertools import count

from celery import Celery

from chanx.bridge.installed import Bridge
from chanx.bridge.relay.applying import Applying
from chanx.bridge.relay.reader import Reading
from chanx.bridge.store.base import JobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.bridge.transports.event_bus.bus import BusInbox
from chanx.bridge.transports.event_bus.calls import queues
from chanx.bridge.transports.event_bus.memory import MemoryBus
from chanx.bridge.transports.event_bus.store import BUS_NAME, EventBusStore
from chanx.layers import MemoryPublisher


class BusBench:
    """A worker's store over a memory bus, and the site's ``real`` one.

    ``is_relayed`` says whether a relay does at once what is put; otherwise it waits for :meth:`relay`. With ``asks``
    the worker's store trusts nothing that it heard before, and does without the relay's care with ``ends_jobs`` False.
    """

    def __init__(
        self,
        real: JobStore,
        *,
        clock: Callable[[], float] | None = None,
        asks: bool = False,
        ends_jobs: bool = True,
    ) -> None:
        self._ends_jobs = ends_jobs
        self.real = real
        self.bus = MemoryBus()
        self.publisher = MemoryPublisher()
        self.bridge = Bridge(Celery(set_as_current=False), real, DirectTransport(real, self.publisher))
        self.is_relayed = True
        self.now = 0.0
        """The relay's clock."""
        self.handled = 0
        self.bus.on_put = lambda queue: self.relay(queue) if self.is_relayed else None
        seconds = count()
        own_clock = (lambda: float(next(seconds) * 10)) if asks else clock or time.monotonic
        self.store = EventBusStore(self.bus, answer_seconds=0.01, clock=own_clock)
        self._relaying = threading.RLock()  # workers in threads are relayed one after the other
        self._inboxes: dict[str, tuple[BusInbox, Reading]] = {}

    def relay(self, *names: str) -> None:
        """Does what waits in these queues, or in all of them."""
        with self._relaying:
            for name in names or queues(BUS_NAME):
                while self.bus.queues[name]:
                    self._reading(name).step(0)

    def relay_one(self, name: str) -> None:
        """Does the first that waits in this queue."""
        self._reading(name).step(0)

    def kill_relay(self) -> None:
        """Another one goes on where it was."""
        for inbox, _ in self._inboxes.values():
            inbox.close()
        self._inboxes.clear()

    def _count(self) -> None:
        self.handled += 1

    def _reading(self, queue: str) -> Reading:
        if queue not in self._inboxes:
            inbox = self.bus.inbox(queue)
            reading = Reading(
                self.bridge,
                Applying(self.bridge, ends_jobs=self._ends_jobs),
                inbox,
                queue,
                BUS_NAME,
                threading.Event(),
                self._count,
                clock=lambda: self.now,
            )
            self._inboxes[queue] = (inbox, reading)
        return self._inboxes[queue][1]

"""A relay: reads all queues of an event bus, each in a thread, as far as no other relay does."""

from __future__ import annotations

import threading
from typing import Final

from chanx.bridge.installed import Bridge
from chanx.bridge.relay.reader import Reader
from chanx.bridge.transports.event_bus.bus import Bus
from chanx.bridge.transports.event_bus.calls import queues
from chanx.bridge.transports.event_bus.store import BUS_NAME

STOP_SECONDS: Final = 5.0


class Relay:
    """For the bridge of a site. Any number of relays may run: one reads a queue, the others take over where it ends.

    Jobs are spread over the queues, and all of a job is in one of them. Nothing is lost where a relay is killed: what
    it had not let go of is done again by the next one, which changes nothing if it was done.
    """

    def __init__(self, bridge: Bridge, bus: Bus, *, name: str = BUS_NAME) -> None:
        self._stopped = threading.Event()
        self.readers = [Reader(bridge, bus, name, queue, self._stopped) for queue in queues(name)]

    def start(self) -> None:
        """Reads from now on, in threads."""
        for reader in self.readers:
            reader.start()

    def stop(self) -> None:
        """Each thread does what it is at, and ends; another relay takes the queues over."""
        self._stopped.set()
        for reader in self.readers:
            reader.join(STOP_SECONDS)

    def __enter__(self) -> Relay:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

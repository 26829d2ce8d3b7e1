"""Says which workers on the bus are dead, and sees to what they left, once all that they had told is done.

          ┌── tick, once a second ───┐
relay ────┴─> control queue ─────────┴─> a worker has not renewed its lease for five ticks: suspect
                    ↑                                          │
worker ── renewals ─┘      mark ─> every partition's queue ─> passed: nothing of it is under way any more ─> bury

Time is counted in ticks that came through the queue of the renewals: none passes while the broker or the relay is away.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from chanx.bridge.installed import Bridge
from chanx.bridge.lease_watch import LeaseWatch
from chanx.bridge.transports.event_bus.calls import MARK, PARTITIONS, Call, partition_queue, plain_call
from chanx.bridge.worker_id import is_on_bus

SETTLING_TICKS: Final = 15
"""How long nobody is dead after a relay has (again) come to the broker: a worker that had no answer renews rarely."""

MARK_TICKS: Final = 60
"""When marks that have not come through are sent once more: a broker may have lost some."""


@dataclass(slots=True)
class _Suspect:
    renewal: int
    mark: str
    since: int
    passed: set[int] = field(default_factory=set[int])


class Judge:
    """For one reader of the control queue. ``put`` adds a message to a queue. Not thread-safe."""

    def __init__(self, bridge: Bridge, name: str, put: Callable[[str, bytes], None]) -> None:
        self._store = bridge.store
        self._observer = bridge.observer
        self._name = name
        self._put = put
        self._ticks = 0
        self._watch = LeaseWatch(clock=lambda: float(self._ticks))
        self._suspects: dict[str, _Suspect] = {}

    def tick(self) -> None:
        """A second has passed. Raises ``StoreUnavailableError``; the tick is repeated then."""
        if self._ticks >= SETTLING_TICKS:
            self._look()
        self._ticks += 1

    def passed(self, call: Call) -> None:
        """A mark has come through one partition's queue."""
        for suspect in self._suspects.values():
            if suspect.mark == call.arguments["mark"]:
                suspect.passed.add(call.arguments["partition"])

    def _look(self) -> None:
        dead = self._watch.dead(self._leases)
        self._suspects = {
            worker: suspect for worker, suspect in self._suspects.items() if dead.get(worker) == suspect.renewal
        }
        for worker, renewal in dead.items():
            suspect = self._suspects.get(worker)
            if suspect is None or (len(suspect.passed) < PARTITIONS and self._ticks - suspect.since >= MARK_TICKS):
                self._suspects[worker] = self._marked(renewal)
            elif len(suspect.passed) == PARTITIONS:
                self._observer.bury(worker, renewal)

    def _marked(self, renewal: int) -> _Suspect:
        suspect = _Suspect(renewal, secrets.token_hex(8), self._ticks)
        for partition in range(PARTITIONS):
            self._put(
                partition_queue(self._name, partition),
                plain_call(MARK, {"mark": suspect.mark, "partition": partition}),
            )
        return suspect

    def _leases(self) -> dict[str, int]:
        return {worker: renewal for worker, renewal in self._store.leases().items() if is_on_bus(worker)}

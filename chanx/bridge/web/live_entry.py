"""A live event of a job on its way to the clients of one process, as observers are told of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from chanx.bridge.entry import LogEntry
from chanx.metrics import DELIVERY_DURATION
from chanx.telemetry import Carrier, SpanStart, measure, seconds_since, tell_span


class Arrival:
    """That of one event. ``trace`` is where it comes from."""

    __slots__ = ("_action", "_began", "_is_told", "_trace")

    def __init__(self, action: str, trace: Carrier | None) -> None:
        self._action = action
        self._trace = trace
        self._began = time.perf_counter()
        self._is_told = False

    def reached_client(self, event: str) -> None:
        """The event, a JSON text, was sent to a client; only the first one is told of."""
        if self._is_told:
            return
        self._is_told = True
        attributes: dict[str, str | bool | int] = {"chanx.kind": "job"}
        sent_at = time_of(event)
        if sent_at is not None:
            measure(DELIVERY_DURATION, seconds_since(sent_at), attributes)
        start = SpanStart(f"deliver {self._action}", "consumer", attributes, parent=self._trace, is_part=True)
        tell_span(start, time.perf_counter() - self._began)


@dataclass(frozen=True, slots=True)
class LiveEntry(LogEntry):
    """An entry that came from the channel layer while somebody observes."""

    arrival: Arrival


def time_of(event: str) -> float | None:
    """When an event was reported (Unix time): it is stamped with that at its end. None where it has no time there."""
    _, _, text = event.rpartition('"time":"')
    try:
        return datetime.fromisoformat(text.partition('"')[0]).timestamp()
    except ValueError:
        return None

"""What observers are told of one message's way to the clients of the process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from chanx.metrics import DELIVERY_DURATION
from chanx.telemetry import OBSERVERS, SpanStart, measure, seconds_since, sent_in, tell_span

_KINDS: Final = {
    "handle_channel_event": "event",
    "handle_group_message": "broadcast",
    "handle_topic_event": "topic",
}


class FanOut:
    """From when the message is looked at until it was handed to all who take it: told once, whatever their number."""

    __slots__ = ("_began",)

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def end(self, message: Mapping[str, Any], members: int) -> None:
        """Everybody has it, but those who read slowly."""
        sent, kind = sent_in(message), _KINDS.get(str(message.get("type")))
        if kind is None or sent is None:
            return
        attributes = {"chanx.kind": kind}
        measure(DELIVERY_DURATION, seconds_since(sent.at), attributes)
        attributes_of_span: dict[str, str | bool | int] = {**attributes, "chanx.clients": members}
        start = SpanStart(f"deliver {kind}", "consumer", attributes_of_span, parent=sent.trace, is_part=True)
        tell_span(start, time.perf_counter() - self._began)


def fan_out() -> FanOut | None:
    """One that begins now; None where nobody observes."""
    return FanOut() if OBSERVERS else None

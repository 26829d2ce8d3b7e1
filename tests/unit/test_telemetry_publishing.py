"""Messages from synchronous code that did not arrive are counted; what travels over the event bus keeps its trace."""

import pytest

from chanx.bridge.encoding import Origin, encode_event
from chanx.bridge.events import JobLogLine, LogPayload
from chanx.bridge.transports.event_bus.calls import operations, read_call
from chanx.layers.failures import FailureReports, PublishFailure
from chanx.telemetry import SpanStart, span
from tests.unit.telemetry_sdk import instrumented


@pytest.mark.parametrize(("over_capacity", "reason"), [(0, "lost"), (2, "over_capacity")])
def test_a_message_that_did_not_arrive(over_capacity: int, reason: str) -> None:
    with instrumented() as sdk:
        FailureReports("Publisher").report(PublishFailure("group", "g", {}, "away", over_capacity))

        assert sdk.value("chanx.publish.failures", {"chanx.reason": reason}) == 1
        assert len(sdk.points("chanx.publish.failures")) == 1


def test_an_event_keeps_its_trace_over_the_event_bus() -> None:
    # Given
    with instrumented(), span(SpanStart("run")):
        entry = encode_event(JobLogLine(payload=LogPayload(message="hi")), Origin("j", "t", 1, "r"), 1)
    assert entry.trace is not None

    # When
    call = read_call(operations()["append"].call({"entry": entry}, ticket="", reply_to=""))

    # Then
    assert call.arguments["entry"] == entry

"""What observers are told becomes OpenTelemetry's metrics and spans."""

import subprocess
import sys
from collections.abc import Iterator
from textwrap import dedent

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import SpanKind, StatusCode

import chanx.opentelemetry
from chanx.metrics import CONNECTIONS, FRAMES_SENT, JOB_RUN_DURATION, METRICS
from chanx.telemetry import OBSERVERS, SpanStart, begin_span, carrier, measure, span, tell_span
from tests.unit.telemetry_sdk import Sdk, instrumented, is_child


@pytest.fixture
def sdk() -> Iterator[Sdk]:
    with instrumented() as sdk:
        yield sdk


def test_each_kind_of_metric(sdk: Sdk) -> None:
    # When
    for _ in range(2):
        measure(FRAMES_SENT, 3, {"chanx.consumer": "C"})
    measure(CONNECTIONS, 1, {"chanx.consumer": "C"})
    measure(CONNECTIONS, -1, {"chanx.consumer": "C"})
    measure(JOB_RUN_DURATION, 0.2, {"chanx.task": "t"})

    # Then
    assert sdk.value("chanx.frames.sent", {"chanx.consumer": "C"}) == 6
    assert sdk.value("chanx.connections", {"chanx.consumer": "C"}) == 0
    (point,) = sdk.points("chanx.job.run.duration").values()
    assert (point.count, point.sum) == (1, 0.2)
    assert point.explicit_bounds == JOB_RUN_DURATION.buckets


def test_every_metric_can_be_told(sdk: Sdk) -> None:
    for metric in METRICS:
        measure(metric, 1, dict.fromkeys(metric.attributes, "x"))

    assert all(sdk.points(metric.name) for metric in METRICS)


def test_a_span_is_the_current_one_until_it_ends(sdk: Sdk) -> None:
    # When
    with sdk.tracer.start_as_current_span("request"), span(SpanStart("work", "producer", {"a": "b"})) as work:
        work.note({"n": 1})
        with sdk.tracer.start_as_current_span("query"):
            pass

    # Then
    spans = sdk.spans
    assert is_child(spans["work"], spans["request"])
    assert is_child(spans["query"], spans["work"])
    assert spans["work"].kind is SpanKind.PRODUCER
    assert dict(spans["work"].attributes or {}) == {"a": "b", "n": 1}
    assert not trace.get_current_span().get_span_context().is_valid


def test_an_error_is_in_the_span(sdk: Sdk) -> None:
    with pytest.raises(ValueError, match="odd"), span(SpanStart("work")):
        raise ValueError("odd")
    told = begin_span(SpanStart("told"))
    assert told is not None
    told.end("failed")

    spans = sdk.spans
    assert (spans["work"].status.status_code, spans["work"].status.description) == (StatusCode.ERROR, "ValueError")
    assert spans["work"].events[0].name == "exception"
    assert (spans["told"].status.status_code, spans["told"].status.description) == (StatusCode.ERROR, "failed")


class Unreadable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_an_error_without_a_text_ends_its_span(sdk: Sdk) -> None:
    with pytest.raises(Unreadable), span(SpanStart("work")):
        raise Unreadable

    assert sdk.spans["work"].status.status_code is StatusCode.ERROR
    assert not trace.get_current_span().get_span_context().is_valid


def test_a_span_goes_on_elsewhere(sdk: Sdk) -> None:
    # Given a message that carries where it came from
    with span(SpanStart("send")):
        carried = carrier()
    assert carried is not None
    assert list(carried) == ["traceparent"]

    # When
    with span(SpanStart("receive", "consumer", parent=carried)):
        pass
    tell_span(SpanStart("deliver", "consumer", parent=carried, is_part=True), 0.25)

    # Then
    spans = sdk.spans
    assert is_child(spans["receive"], spans["send"])
    assert is_child(spans["deliver"], spans["send"])
    start, end = spans["deliver"].start_time, spans["deliver"].end_time
    assert start is not None
    assert end is not None
    assert end - start == 250_000_000


def test_another_instrumentation_comes_first(sdk: Sdk) -> None:
    """That of Celery has made its own span of the message, and it is running."""
    with span(SpanStart("send")):
        carried = carrier()

    with sdk.tracer.start_as_current_span("celery"), span(SpanStart("run", "consumer", parent=carried)):
        pass

    assert is_child(sdk.spans["run"], sdk.spans["celery"])


def test_what_is_told_afterwards_belongs_to_its_parent_alone(sdk: Sdk) -> None:
    """It happens to be told while a connection's span is the current one."""
    with span(SpanStart("send")):
        carried = carrier()

    with sdk.tracer.start_as_current_span("connection"):
        tell_span(SpanStart("deliver", parent=carried, is_part=True), 1)
        tell_span(SpanStart("lost", is_part=True), 1)

    assert is_child(sdk.spans["deliver"], sdk.spans["send"])
    assert "lost" not in sdk.names


def test_what_is_over_is_no_parent(sdk: Sdk) -> None:
    """Somebody has left a span in the context that is over, as ends of tasks in another order do."""
    over = sdk.tracer.start_span("over")
    over.end()

    with trace.use_span(over), span(SpanStart("run", "consumer")):
        pass

    assert sdk.spans["run"].parent is None


def test_a_part_without_a_whole_is_none(sdk: Sdk) -> None:
    with span(SpanStart("part", is_part=True)):
        pass
    tell_span(SpanStart("deliver", is_part=True), 1)
    tell_span(SpanStart("odd", parent={"traceparent": "nonsense"}, is_part=True), 1)

    assert sdk.names == []
    assert carrier() is None


def test_what_is_not_sampled_stays_so_in_other_processes() -> None:
    # Given
    with instrumented(ParentBased(ALWAYS_OFF)) as off, span(SpanStart("send")), span(SpanStart("inner")):
        carried = carrier()
    assert carried is not None
    assert int(carried["traceparent"].rpartition("-")[2], 16) & 1 == 0

    # When another process goes on that would sample all
    with instrumented() as on, span(SpanStart("run", "consumer", parent=carried)):
        tell_span(SpanStart("deliver", parent=carried, is_part=True), 1)

    # Then
    assert off.names == on.names == []


def test_without_traces_there_are_metrics_only() -> None:
    with instrumented(traces=False) as sdk:
        with span(SpanStart("send")), sdk.tracer.start_as_current_span("own"):
            assert carrier() is None
        tell_span(SpanStart("deliver"), 1)
        measure(FRAMES_SENT, 1, {})

    assert sdk.names == ["own"]


def test_without_events_a_trace_has_no_parts() -> None:
    with instrumented(events=False) as sdk:
        with span(SpanStart("run")):
            carried = carrier()
            with span(SpanStart("report", is_part=True)):
                pass
        tell_span(SpanStart("deliver", parent=carried, is_part=True), 1)

    assert carried is not None
    assert sdk.names == ["run"]


def test_the_last_call_counts() -> None:
    with instrumented() as first, instrumented() as second:
        measure(FRAMES_SENT, 1, {})
        assert len(OBSERVERS) == 1
        assert (first.value("chanx.frames.sent"), second.value("chanx.frames.sent")) == (0, 1)
    assert OBSERVERS == []
    chanx.opentelemetry.uninstrument()  # once more changes nothing


def test_the_global_providers_may_be_set_later() -> None:
    """In a process forked from the one that called ``instrument()``, above all: in a prefork worker's."""
    program = """
        import os
        import chanx.opentelemetry
        from chanx.metrics import FRAMES_SENT
        from chanx.telemetry import SpanStart, measure, span

        chanx.opentelemetry.instrument()
        measure(FRAMES_SENT, 1, {})          # nobody to tell yet
        with span(SpanStart("nowhere")):
            pass
        if os.fork():
            raise SystemExit(os.waitstatus_to_exitcode(os.wait()[1]))

        from opentelemetry import metrics, trace
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        reader, exporter = InMemoryMetricReader(), InMemorySpanExporter()
        metrics.set_meter_provider(MeterProvider([reader]))
        trace.set_tracer_provider(TracerProvider())
        trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))

        measure(FRAMES_SENT, 2, {})
        with span(SpanStart("somewhere")):
            pass
        (point,) = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
        assert point.value == 2, point
        assert [span.name for span in exporter.get_finished_spans()] == ["somewhere"]
        """
    ended = subprocess.run(
        [sys.executable, "-c", dedent(program)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr

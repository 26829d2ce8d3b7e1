"""OpenTelemetry's SDK in memory, for tests of what chanx tells it."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Sampler

import chanx.opentelemetry
from chanx.metrics import METRICS


class Sdk:
    """What was told so far."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        self._reader = InMemoryMetricReader()
        self._exporter = InMemorySpanExporter()
        self.meter_provider = MeterProvider([self._reader])
        self.tracer_provider = TracerProvider(sampler=sampler)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.tracer_provider.get_tracer("test")

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        """Those that have ended, by name; the last one of each."""
        return {span.name: span for span in self._exporter.get_finished_spans()}

    @property
    def names(self) -> list[str]:
        """The names of the spans, in the order in which they ended."""
        return [span.name for span in self._exporter.get_finished_spans()]

    def points(self, name: str) -> dict[frozenset[tuple[str, Any]], Any]:
        """A metric's data points by their attributes."""
        data = self._reader.get_metrics_data()
        found: dict[frozenset[tuple[str, Any]], Any] = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    if metric.name == name:
                        found |= {
                            frozenset((point.attributes or {}).items()): point for point in metric.data.data_points
                        }
        return found

    @property
    def undeclared(self) -> set[tuple[str, str]]:
        """Metrics and attributes that they are not declared to have: an id in one would make a series of each."""
        found = {(metric, name) for metric in METRICS for point in self.points(metric.name) for name, _ in point}
        return {(metric.name, name) for metric, name in found if name not in metric.attributes}

    def value(self, name: str, attributes: Mapping[str, Any] | None = None) -> float:
        """A counter's value with these attributes, 0 where there is none."""
        point = self.points(name).get(frozenset((attributes or {}).items()))
        return 0 if point is None else point.value

    def count(self, name: str, attributes: Mapping[str, Any] | None = None) -> int:
        """How many values a histogram has with these attributes."""
        point = self.points(name).get(frozenset((attributes or {}).items()))
        return 0 if point is None else point.count


@contextmanager
def instrumented(sampler: Sampler | None = None, *, traces: bool = True, events: bool = True) -> Generator[Sdk]:
    """chanx tells an SDK of its own, until the block ends."""
    sdk = Sdk(sampler)
    chanx.opentelemetry.instrument(
        tracer_provider=sdk.tracer_provider, meter_provider=sdk.meter_provider, traces=traces, events=events
    )
    try:
        yield sdk
    finally:
        chanx.opentelemetry.uninstrument()
        undeclared = sdk.undeclared
        sdk.meter_provider.shutdown()
        sdk.tracer_provider.shutdown()
    assert undeclared == set()


def is_child(child: ReadableSpan, parent: ReadableSpan) -> bool:
    """Whether a span has another one as its parent, in one trace."""
    own, other = child.parent, parent.get_span_context()
    return own is not None and other is not None and (own.trace_id, own.span_id) == (other.trace_id, other.span_id)

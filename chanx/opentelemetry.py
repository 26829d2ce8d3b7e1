"""Metrics and traces for OpenTelemetry, of whatever SDK the project has set up.

    import chanx.opentelemetry
    chanx.opentelemetry.instrument()      # where the bridge is installed: sites and workers have that module

A trace leads from the request or the frame that started a job through its tasks to the clients that see their events.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextvars import Token
from typing import Final

from chanx.metrics import METRICS, Metric
from chanx.telemetry import Attributes, Observer, Span, SpanStart, observe
from chanx.utils.extras import need

need("opentelemetry.propagate", extra="opentelemetry")

from opentelemetry import context as contexts  # noqa: E402  # whoever lacks it is told the line to type
from opentelemetry import metrics, propagate, trace  # noqa: E402
from opentelemetry.context import Context  # noqa: E402
from opentelemetry.metrics import Histogram, Meter, MeterProvider  # noqa: E402
from opentelemetry.trace import SpanKind, Status, StatusCode, TracerProvider  # noqa: E402

_KINDS: Final = {"internal": SpanKind.INTERNAL, "producer": SpanKind.PRODUCER, "consumer": SpanKind.CONSUMER}

_NAME: Final = "chanx"

_stops: Final[list[Callable[[], None]]] = []


def instrument(
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    traces: bool = True,
    events: bool = True,
) -> None:
    """Have this process tell OpenTelemetry what chanx does; by default the global providers, set before or later.

    Called again it takes the place of the earlier call. Processes forked from this one go on with it, but an SDK with
    threads of its own has to be set up in each of them: in a prefork worker at the signal ``worker_process_init``.
    Without ``traces`` only metrics are made; without ``events`` a trace has no spans of the single events of a job, nor
    of their delivery, of which there may be thousands.
    """
    uninstrument()
    _stops.append(observe(_OpenTelemetry(tracer_provider, meter_provider, traces=traces, parts=traces and events)))


def uninstrument() -> None:
    """Undo :func:`instrument`."""
    while _stops:
        _stops.pop()()


class _OpenTelemetry(Observer):
    def __init__(
        self,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        *,
        traces: bool,
        parts: bool,
    ) -> None:
        # Without a provider these stand for the global ones, whenever those are set.
        self._tracer = trace.get_tracer(_NAME, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_NAME, meter_provider=meter_provider)
        self._instruments = {metric.name: _instrument_of(meter, metric) for metric in METRICS}
        self._traces = traces
        self._parts = parts

    def measured(self, metric: Metric, value: float, attributes: Attributes) -> None:
        self._instruments[metric.name](value, attributes)

    def began(self, start: SpanStart) -> Span | None:
        parent = self._parent(start)
        if parent is None:
            return None
        span = self._tracer.start_span(start.name, parent, kind=_KINDS[start.kind], attributes=start.attributes)
        return _CurrentSpan(span, contexts.attach(trace.set_span_in_context(span, parent)))

    def spanned(self, start: SpanStart, seconds: float) -> None:
        # Not in the span that happens to be the current one, of a whole connection, say.
        parent = propagate.extract(start.parent or {}, Context())
        if not self._wants(start, parent):
            return
        now = time.time_ns()
        span = self._tracer.start_span(
            start.name,
            parent,
            kind=_KINDS[start.kind],
            attributes=start.attributes,
            start_time=now - int(seconds * 1e9),
        )
        span.end(now)

    def inject(self, carrier: dict[str, str]) -> None:
        if self._traces:
            propagate.inject(carrier)

    def _parent(self, start: SpanStart) -> Context | None:
        """Where the span belongs; None where it is not wanted."""
        context = contexts.get_current()
        if not trace.get_current_span(context).is_recording():
            # Not sampled, or over already, as the span of an earlier task in this thread may be.
            if start.parent is not None:
                context = propagate.extract(start.parent, Context())
            elif start.kind == "consumer":
                context = Context()
        return context if self._wants(start, context) else None

    def _wants(self, start: SpanStart, parent: Context) -> bool:
        if not start.is_part:
            return self._traces
        return self._parts and trace.get_current_span(parent).get_span_context().is_valid


class _CurrentSpan(Span):
    def __init__(self, span: trace.Span, token: Token[Context]) -> None:
        self._span = span
        self._token = token

    def note(self, attributes: Attributes) -> None:
        self._span.set_attributes(attributes)

    def end(self, error: BaseException | str | None = None) -> None:
        contexts.detach(self._token)
        try:
            if error is not None:
                name = type(error).__name__ if isinstance(error, BaseException) else error
                self._span.set_status(Status(StatusCode.ERROR, name))
            if isinstance(error, BaseException):
                self._span.record_exception(error)  # which raises where str(error) does
        finally:
            self._span.end()


def _instrument_of(meter: Meter, metric: Metric) -> Callable[[float, Mapping[str, str | bool | int]], None]:
    match metric.kind:
        case "counter":
            return meter.create_counter(metric.name, metric.unit, metric.description).add
        case "up_down_counter":
            return meter.create_up_down_counter(metric.name, metric.unit, metric.description).add
        case "histogram":
            return _histogram(meter, metric).record


def _histogram(meter: Meter, metric: Metric) -> Histogram:
    return meter.create_histogram(
        metric.name, metric.unit, metric.description, explicit_bucket_boundaries_advisory=metric.buckets
    )

"""What chanx tells of itself reaches every observer, and none of them can harm what is observed."""

import logging
import sys
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from chanx.metrics import FRAMES_SENT, METRICS, Metric
from chanx.telemetry import (
    OBSERVERS,
    Attributes,
    Observer,
    Span,
    SpanStart,
    begin_span,
    carrier,
    measure,
    observe,
    seconds_since,
    sent_in,
    span,
    tell_span,
)


class Recorder(Observer):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def measured(self, metric: Metric, value: float, attributes: Attributes) -> None:
        self.told.append((metric.name, value, dict(attributes)))

    def began(self, start: SpanStart) -> Span:
        self.told.append(("began", start.name))
        return RecordedSpan(self.told)

    def spanned(self, start: SpanStart, seconds: float) -> None:
        self.told.append((start.name, seconds))

    def inject(self, carrier: dict[str, str]) -> None:
        carrier["recorder"] = "x"


class RecordedSpan(Span):
    def __init__(self, told: list[object]) -> None:
        self._told = told

    def note(self, attributes: Attributes) -> None:
        self._told.append(dict(attributes))

    def end(self, error: BaseException | str | None = None) -> None:
        self._told.append(("end", error))


class Broken(Observer):
    """Raises whatever it is told."""

    def measured(self, metric: Metric, value: float, attributes: Attributes) -> None:
        raise RuntimeError("measured")

    def began(self, start: SpanStart) -> Span:
        return BrokenSpan() if start.name == "half" else self.fail()

    def spanned(self, start: SpanStart, seconds: float) -> None:
        self.fail()

    def inject(self, carrier: dict[str, str]) -> None:
        self.fail()

    def fail(self) -> Span:
        raise RuntimeError("no")


class BrokenSpan(Span):
    def note(self, attributes: Attributes) -> None:
        raise RuntimeError("note")

    def end(self, error: BaseException | str | None = None) -> None:
        raise RuntimeError("end")


@pytest.fixture
def observed() -> Iterator[Callable[[Observer], None]]:
    stops: list[Callable[[], None]] = []
    yield lambda observer: stops.append(observe(observer))
    for stop in stops:
        stop()


@pytest.fixture
def recorder(observed: Callable[[Observer], None]) -> Recorder:
    recorder = Recorder()
    observed(recorder)
    return recorder


def test_nobody_observes() -> None:
    assert OBSERVERS == []
    measure(FRAMES_SENT, 1, {})
    tell_span(SpanStart("s"), 1)
    with span(SpanStart("s")) as open_span:
        open_span.note({"a": 1})
    assert carrier() is None
    assert begin_span(SpanStart("s")) is None


def test_an_observer_is_told_until_it_is_stopped() -> None:
    # Given
    recorder = Recorder()
    stop = observe(recorder)

    # When
    measure(FRAMES_SENT, 2, {"chanx.consumer": "C"})
    tell_span(SpanStart("done"), 0.5)
    with span(SpanStart("work")) as work:
        work.note({"a": 1})
    stop()
    stop()  # once more changes nothing
    measure(FRAMES_SENT, 3, {})

    # Then
    assert recorder.told == [
        ("chanx.frames.sent", 2, {"chanx.consumer": "C"}),
        ("done", 0.5),
        ("began", "work"),
        {"a": 1},
        ("end", None),
    ]


def test_an_observer_need_not_care_for_anything(observed: Callable[[Observer], None]) -> None:
    observed(Observer())

    measure(FRAMES_SENT, 1, {})
    tell_span(SpanStart("s"), 1)
    assert begin_span(SpanStart("s")) is None
    assert carrier() is None


def test_what_a_block_raises_is_the_error_of_its_span(recorder: Recorder) -> None:
    error = ValueError("x")

    with pytest.raises(ValueError, match="x"), span(SpanStart("work")):
        raise error

    assert recorder.told[-1] == ("end", error)


def test_what_is_cancelled_has_not_failed(recorder: Recorder) -> None:
    with pytest.raises(CancelledError), span(SpanStart("work")):
        raise CancelledError

    assert recorder.told[-2:] == [{"chanx.cancelled": True}, ("end", None)]


def test_what_is_said_to_be_no_failure(recorder: Recorder) -> None:
    with pytest.raises(LookupError), span(SpanStart("work"), no_failures=(LookupError,)):
        raise KeyError

    assert recorder.told[-1] == ("end", None)


def test_an_observer_that_raises_harms_nobody(
    observed: Callable[[Observer], None], caplog: pytest.LogCaptureFixture
) -> None:
    # Given
    first, last = Recorder(), Recorder()
    for observer in (first, Broken(), last):
        observed(observer)

    # When
    with caplog.at_level(logging.WARNING, "chanx"):
        for _ in range(3):
            measure(FRAMES_SENT, 1, {})
        tell_span(SpanStart("done"), 1)
        for name in ("work", "half"):
            with span(SpanStart(name)) as work:
                work.note({"a": 1})
        found = carrier()

    # Then
    assert first.told == last.told
    assert len(first.told) == 10
    assert found == {"recorder": "x"}
    methods = [record.__dict__["values"]["method"] for record in caplog.records]
    assert sorted(methods) == sorted(set(methods))  # once each
    assert "Broken.measured" in methods


def test_the_time_limit_of_a_task_passes(observed: Callable[[Observer], None], monkeypatch: pytest.MonkeyPatch) -> None:
    # Given Celery's soft time limit, which strikes in the middle of an observer
    class SoftTimeLimitExceeded(Exception):
        pass

    exceptions = ModuleType("billiard.exceptions")
    monkeypatch.setattr(exceptions, "SoftTimeLimitExceeded", SoftTimeLimitExceeded, raising=False)
    monkeypatch.setitem(sys.modules, "billiard.exceptions", exceptions)

    class Slow(Observer):
        def measured(self, metric: Metric, value: float, attributes: Attributes) -> None:
            raise SoftTimeLimitExceeded

    observed(Slow())

    with pytest.raises(SoftTimeLimitExceeded):
        measure(FRAMES_SENT, 1, {})


def test_only_texts_are_carried(observed: Callable[[Observer], None]) -> None:
    class Odd(Observer):
        def inject(self, carrier: dict[str, str]) -> None:
            odd: dict[Any, Any] = carrier
            odd.update({"traceparent": "x", "odd": object(), 1: "one"})

    observed(Odd())
    assert carrier() == {"traceparent": "x"}


@pytest.mark.parametrize(
    "stamp", [None, "odd", {}, {"at": "odd"}, {"at": None, "trace": None}, {"at": 10**400, "trace": None}]
)
def test_a_stamp_of_another_version(stamp: object) -> None:
    assert sent_in({"type": "event", "sent": stamp}) is None


def test_a_clock_that_is_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 100.0)

    assert seconds_since(99.5) == 0.5
    assert seconds_since(101.0) == 0.0


def test_every_metric_has_a_name_of_its_own_and_what_its_kind_needs() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert bool(metric.buckets) == (metric.kind == "histogram")
        assert (metric.unit == "s") == (metric.kind == "histogram")
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert metric.description.endswith(".")

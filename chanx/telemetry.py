"""What chanx tells of itself while it works: numbers and spans, handed to whoever observes this process.

hub, handlers, bridge ─> measure(METRIC, …), span(…) ─> the observers: OpenTelemetry's, or your own

Nobody observes: one look at ``OBSERVERS``, which is empty.
"""

from __future__ import annotations

import time
from asyncio import CancelledError
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, ParamSpec, TypeAlias, TypeVar, cast

from chanx.log import log_throttled
from chanx.metrics import Metric
from chanx.utils.time_limit import is_time_limit

P = ParamSpec("P")
T = TypeVar("T")

Attributes: TypeAlias = Mapping[str, str | bool | int]

Carrier: TypeAlias = Mapping[str, str]
"""Where a span is, as a message carries it to another process: the ``traceparent`` of W3C, say."""


@dataclass(frozen=True, slots=True)
class SpanStart:
    """A span that begins.

    ``kind`` is that of OpenTelemetry. ``parent`` is where a message came from, for a span that has no other one running
    around it. With ``is_part`` it is none without a parent: a trace of it alone would tell nothing.
    """

    name: str
    kind: Literal["internal", "producer", "consumer"] = "internal"
    attributes: Attributes = field(default_factory=dict[str, str | bool | int])
    parent: Carrier | None = None
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """When a message of the channel layer was sent (Unix time), and from which span."""

    at: float
    trace: Carrier | None


class Span:
    """One that is open; an observer's own, which does what it wants with it."""

    def note(self, attributes: Attributes) -> None:
        """Something more is known."""

    def end(self, error: BaseException | str | None = None) -> None:
        """It is over; with ``error`` it failed. Called once, in the context that it was begun in."""


class Observer:
    """Subclass it, override what you want to know, and pass an instance to :func:`observe`.

    All of it is called in the thread (greenlet, event loop) that works, so it should be quick. What it raises is
    logged, at most once in 30 seconds, and harms nothing.
    """

    def measured(self, metric: Metric, value: float, attributes: Attributes) -> None:
        """A counter grows by ``value``, an up-down counter changes by it, a histogram gets it."""

    def began(self, start: SpanStart) -> Span | None:
        """A span begins, which is the current one until it ends; None where this one is not wanted."""
        return None

    def spanned(self, start: SpanStart, seconds: float) -> None:
        """A span that took so many ``seconds`` is over just now. It belongs to its parent, whatever runs around it."""

    def inject(self, carrier: dict[str, str]) -> None:
        """Put into ``carrier`` what the other end of a message needs to go on with the current span."""


_STAMP: Final = "sent"

OBSERVERS: Final[list[Observer]] = []
"""Those of this process. To be looked at before anything is made for them."""


def observe(observer: Observer) -> Callable[[], None]:
    """Have ``observer`` told from now on, in this process and those forked from it; returns what ends that.

    Of one process, not of an app, as OpenTelemetry's own providers are.
    """
    OBSERVERS.append(observer)

    def stop() -> None:
        if observer in OBSERVERS:
            OBSERVERS.remove(observer)

    return stop


def measure(metric: Metric, value: float, attributes: Attributes) -> None:
    """Tell the observers. Never raises."""
    for observer in tuple(OBSERVERS):
        _tell(observer.measured, metric, value, attributes)


def begin_span(start: SpanStart) -> Span | None:
    """A span that is the current one until its ``end``; None where nobody wants it. Never raises, nor does the span."""
    begun = [_tell(observer.began, start) for observer in tuple(OBSERVERS)]
    spans = [span for span in begun if span is not None]
    return _Spans(spans) if spans else None


@contextmanager
def span(start: SpanStart, *, no_failures: tuple[type[BaseException], ...] = ()) -> Generator[Span]:
    """The span around a block. What the block raises is its error, but for ``no_failures`` and a cancellation.

    Of a cancellation, as when the client leaves that a handler works for, the span has ``chanx.cancelled``.
    """
    begun = begin_span(start) or _NO_SPAN
    try:
        yield begun
    except CancelledError:
        begun.note({"chanx.cancelled": True})
        begun.end()
        raise
    except no_failures:
        begun.end()
        raise
    except BaseException as error:
        begun.end(error)
        raise
    begun.end()


def tell_span(start: SpanStart, seconds: float) -> None:
    """A span that is over and took so many ``seconds``. Never raises."""
    for observer in tuple(OBSERVERS):
        _tell(observer.spanned, start, seconds)


def carrier() -> Carrier | None:
    """The current span for a message to another process; None where there is none, or nobody observes."""
    if not OBSERVERS:
        return None
    found: dict[str, str] = {}
    for observer in tuple(OBSERVERS):
        _tell(observer.inject, found)
    return carrier_in(found)  # what is no text could not be sent


def stamped(message: dict[str, Any]) -> dict[str, Any]:
    """A message of the channel layer, with when and from where it was sent; as it is where nobody observes."""
    if OBSERVERS:
        message[_STAMP] = {"at": time.time(), "trace": carrier()}
    return message


def sent_in(message: Mapping[str, Any]) -> Sent | None:
    """What ``stamped`` has put into a message; None where it has not."""
    try:
        stamp = message[_STAMP]
        return Sent(float(stamp["at"]), carrier_in(stamp["trace"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def carrier_in(value: object) -> Carrier | None:
    """The texts of a carrier, from an observer or over the wire; None for anything else."""
    if not isinstance(value, dict):
        return None
    found = cast("dict[object, object]", value)
    return {name: text for name, text in found.items() if isinstance(name, str) and isinstance(text, str)} or None


def seconds_since(sent_at: float) -> float:
    """The time since ``sent_at`` (Unix time) on this host's clock, 0 where the other host's is ahead."""
    return max(time.time() - sent_at, 0.0)


class _Spans(Span):
    """One of each observer."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans

    def note(self, attributes: Attributes) -> None:
        for span in self._spans:
            _tell(span.note, attributes)

    def end(self, error: BaseException | str | None = None) -> None:
        for span in reversed(self._spans):
            _tell(span.end, error)


_NO_SPAN: Final = Span()


def _tell(method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    try:
        return method(*args, **kwargs)
    except Exception as error:
        if is_time_limit(error):
            raise
        name = getattr(method, "__qualname__", repr(method))
        log_throttled("observer_failed", key=name, method=name, error=repr(error))
        return None

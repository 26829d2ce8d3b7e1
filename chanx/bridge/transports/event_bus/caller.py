"""Puts calls onto the bus, and waits for the answers of whatever relay does them.

call ─┬─ an answer is needed ─> a line of this process ─> broker ─> relay ─> answer ─> the same line
      └─ else ─> the process's pipeline ─> broker
"""

from __future__ import annotations

import atexit
import logging
import secrets
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from pydantic_core import from_json

from chanx.bridge.transports.event_bus.bus import Bus, BusLine, BusUnavailableError
from chanx.bridge.transports.event_bus.pipeline import Pipeline
from chanx.layers.breaker import CircuitBreaker
from chanx.log import log_event, log_throttled
from chanx.utils.process import PerProcess

T = TypeVar("T")

ANSWER_SECONDS: Final = 0.5
"""How long a caller waits for a relay."""

BROKER_REST: Final = 0.5
RELAY_REST: Final = 5.0
"""Seconds between two tries, after one that had no answer."""


class BusCaller:
    """Of all processes that share a job store of the bus. Thread-safe, fork-safe.

    While no relay answers, only one call in ``RELAY_REST`` seconds waits for one.
    """

    def __init__(
        self, bus: Bus, *, answer_seconds: float = ANSWER_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bus = bus
        self._answer_seconds = answer_seconds
        self._clock = clock

        def make_process() -> _Process:
            atexit.register(_flush_at_exit, weakref.ref(self))
            return _Process(bus, clock)

        self._process = PerProcess(make_process)

    @property
    def is_heard(self) -> bool:
        """Whether the last call that waited for a relay had an answer."""
        return not self._process.get().relay.is_open

    def post(self, queue: str, body: bytes) -> None:
        """It is on its way, after all that this process has put or posted. Raises ``BusUnavailableError``."""
        self._process.get().pipeline.post(queue, body)

    def put(self, queue: str, body: bytes) -> None:
        """The broker has it. Raises ``BusUnavailableError``; it may be on its way all the same."""
        pipeline = self._process.get().pipeline
        pipeline.post(queue, body)
        pipeline.flush()

    def flush(self) -> None:
        """The broker has all that was posted. Raises ``BusUnavailableError``."""
        self._process.get().pipeline.flush()

    def ask(self, queue: str, body: Callable[[str, str], bytes], *, is_needed: bool = True) -> Mapping[str, Any] | None:
        """The answer; None where no relay gives one in time, but will do the call. Raises ``BusUnavailableError``.

        The call comes after all that this process has put or posted.
        ``body`` takes the call's ticket and the address for its answer. Where the answer ``is_needed`` and no relay
        gave any a moment ago, it raises at once, and the call is not made.
        """
        relay = self._process.get().relay
        seconds = self._answer_seconds
        if is_needed and not relay.allows():
            raise BusUnavailableError("No relay answers: run `chanx relay` (or manage.py chanx_relay) beside the site.")
        if not is_needed and relay.is_open:
            seconds = 0.0
        ticket = secrets.token_hex(8)
        self.flush()

        def exchange(line: BusLine) -> Mapping[str, Any] | None:
            line.put(queue, body(ticket, line.address))
            return self._answer(line, ticket, seconds)

        answer = self._try_twice(exchange)
        if answer is None and seconds:
            relay.failed()
            log_throttled("no_relay_answers", key=id(self), fix="run `chanx relay` beside the site")
        return answer

    def close(self) -> None:
        """Lets go of this process's lines, once the broker has all; it opens new ones when it is used again."""
        self.flush_or_tell()
        process = self._process.reset()
        if process is not None:
            process.pipeline.close()
            process.close_idle()

    def flush_or_tell(self) -> None:
        """As :meth:`flush`; what the broker does not take is lost."""
        try:
            self.flush()
        except BusUnavailableError as error:
            lost = len(self._process.get().pipeline)
            log_event("bus_messages_lost", level=logging.ERROR, lost=lost, reason=str(error))

    def _answer(self, line: BusLine, ticket: str, seconds: float) -> Mapping[str, Any] | None:
        until = self._clock() + seconds
        while True:
            text = line.next_answer(max(until - self._clock(), 0.0))
            if text is None:
                return None
            # One that comes too late for its caller tells that a relay is there, too.
            self._process.get().relay.succeeded()
            answer: Mapping[str, Any] = from_json(text)
            if answer["ticket"] == ticket:
                return answer

    def _try_twice(self, use: Callable[[BusLine], T]) -> T:
        """A line that nobody has used for a while may be broken, without anybody having noticed."""
        process = self._process.get()
        if process.idle:
            try:
                with self._line(process) as line:
                    return use(line)
            except BusUnavailableError:
                process.close_idle()
        if not process.broker.allows():
            raise BusUnavailableError("The broker was away a moment ago.")
        try:
            with self._line(process) as line:
                used = use(line)
        except BusUnavailableError:
            process.broker.failed()
            raise
        process.broker.succeeded()
        return used

    @contextmanager
    def _line(self, process: _Process) -> Generator[BusLine]:
        try:
            line = process.idle.pop()
        except IndexError:
            line = self._bus.line()
        try:
            yield line
        except BaseException:  # a time limit strikes anywhere, and nobody knows then what is on the line
            line.close()
            raise
        process.idle.append(line)


class _Process:
    """What one process has: lines that nobody uses now, the pipeline, and what it knows of broker and relay."""

    def __init__(self, bus: Bus, clock: Callable[[], float]) -> None:
        self.idle: deque[BusLine] = deque()
        self.broker = CircuitBreaker(rest=BROKER_REST, clock=clock)
        self.pipeline = Pipeline(bus.line, self.broker)
        self.relay = CircuitBreaker(rest=RELAY_REST, clock=clock)

    def close_idle(self) -> None:
        while self.idle:
            try:
                self.idle.pop().close()
            except IndexError:  # another thread was faster
                return


def _flush_at_exit(reference: weakref.ref[BusCaller]) -> None:
    caller = reference()
    if caller is not None:
        caller.flush_or_tell()

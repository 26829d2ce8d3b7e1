"""Messages on their way to the broker: nobody waits for its word on each, and what it may not have is sent again.

post ─> line ─> broker
  └─ kept until it is confirmed, at most 100 ─ the line breaks ─> a new line: all that is kept, in order, then the rest
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from chanx.bridge.transports.event_bus.bus import BusLine, BusUnavailableError
from chanx.layers.breaker import CircuitBreaker
from chanx.log import log_throttled

WINDOW: Final = 100
WINDOW_BYTES: Final = 1024 * 1024
"""How much may be on its way before somebody waits."""

LOOK_SECONDS: Final = 0.5
"""How long a message is not looked after if nothing else is sent."""


class Pipeline:
    """One per process. Thread-safe. What it has taken it sends until the broker has it, or the process ends.

    Whoever reports while he is at it already, in a signal handler, is refused.
    """

    def __init__(self, open_line: Callable[[], BusLine], breaker: CircuitBreaker) -> None:
        self._open_line = open_line
        self._breaker = breaker
        self._line: BusLine | None = None
        self._kept: deque[tuple[str, bytes]] = deque()
        self._bytes = 0
        self._lock = threading.RLock()
        self._is_busy = False
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def post(self, queue: str, body: bytes) -> None:
        """Sends a message after all earlier ones. Raises ``BusUnavailableError``, and does not keep it."""
        with self._alone():
            self._try_twice(lambda line: self._post(line, queue, body))
            self._start_thread()

    def flush(self) -> None:
        """The broker has all that was posted. Raises ``BusUnavailableError``, and keeps it."""
        if self._kept:
            with self._alone():
                self._try_twice(self._flush)

    def close(self) -> None:
        """Lets go of the line."""
        with self._lock:
            self._drop_line()

    def _post(self, line: BusLine, queue: str, body: bytes) -> None:
        if len(self._kept) >= WINDOW or self._bytes > WINDOW_BYTES:
            line.wait_for_confirms(len(self._kept) // 2)
        line.post(queue, body)
        self._kept.append((queue, body))
        self._bytes += len(body)
        self._forget_confirmed(line)

    def _flush(self, line: BusLine) -> None:
        line.wait_for_confirms()
        self._forget_confirmed(line)

    def _forget_confirmed(self, line: BusLine) -> None:
        while len(self._kept) > line.outstanding:
            self._bytes -= len(self._kept.popleft()[1])

    def _try_twice(self, use: Callable[[BusLine], None]) -> None:
        """A line that nobody has used for a while may be broken, without anybody having noticed."""
        if self._line is not None:
            try:
                self._use(self._line, use)
            except BusUnavailableError:
                pass
            else:
                return
        if not self._breaker.allows():
            raise BusUnavailableError("The broker was away a moment ago.")
        try:
            self._line = self._open_line()
            self._use(self._line, lambda line: self._go_on(line, use))
        except BusUnavailableError:
            self._breaker.failed()
            raise
        self._breaker.succeeded()

    def _go_on(self, line: BusLine, use: Callable[[BusLine], None]) -> None:
        for queue, body in self._kept:
            line.post(queue, body)
        use(line)

    def _use(self, line: BusLine, use: Callable[[BusLine], None]) -> None:
        try:
            use(line)
        except BaseException:  # a time limit strikes anywhere, and nobody knows then what is on the line
            self._drop_line()
            raise

    def _drop_line(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()

    @contextmanager
    def _alone(self) -> Generator[None]:
        with self._lock:
            if self._is_busy:
                raise BusUnavailableError("A message is being sent right now.")
            try:
                self._is_busy = True
                yield
            finally:
                self._is_busy = False

    def _start_thread(self) -> None:
        if self._kept and self._thread is None:
            thread = threading.Thread(target=self._look_after, name="chanx-bus-confirms", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is shutting down: what is flushed at the exit is the rest
                return
            self._thread = thread

    def _look_after(self) -> None:
        while True:
            threading.Event().wait(LOOK_SECONDS)
            try:
                self.flush()
            except BusUnavailableError as error:
                log_throttled("bus_messages_wait", key=id(self), waiting=len(self), error=str(error))
            with self._lock:
                if not self._kept:
                    self._thread = None
                    return

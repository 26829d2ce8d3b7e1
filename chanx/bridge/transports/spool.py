"""Keeps what the store did not acknowledge, and hands it on in order as soon as the store answers again.

task ─> put ─> backlog ─┬─ the next put, once the store answers again, for at most 50 ms ─┬─> store
                        ├─ a thread, once a second                                        │
                        └─ the process's exit, for at most 2 s ───────────────────────────┘
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.transports.backlog import Backlog, Step
from chanx.core.failures import log_failure
from chanx.layers.breaker import CircuitBreaker
from chanx.log import log_throttled
from chanx.metrics import JOB_EVENTS_DROPPED, JOB_EVENTS_FAILED
from chanx.telemetry import measure

T = TypeVar("T")

RETRY_SECONDS: Final = 1.0
PORTION_SECONDS: Final = 0.05
"""How long who reports helps to hand on what waits, while the store answers."""

_PAUSE = 0.1


class Spool:
    """One per process. Thread-safe, reentrant, and quick while the store is away: only its own thread tries then."""

    def __init__(self, backlog: Backlog, breaker: CircuitBreaker, *, retry_seconds: float = RETRY_SECONDS) -> None:
        self._backlog = backlog
        self._breaker = breaker
        self._retry_seconds = retry_seconds
        # Reentrant, because a signal handler may report too.
        self._changing = threading.RLock()
        self._sending = threading.Lock()
        self._sender: int | None = None
        self._thread: threading.Thread | None = None
        self._emptied = threading.Event()
        self._failed = 0

    def __len__(self) -> int:
        return len(self._backlog)

    @property
    def lost(self) -> int:
        """Events that the store will never have."""
        return self._backlog.lost + self._failed

    def put(self, step: Step[T]) -> T | None:
        """Has the step wait its turn. Its answer, if it is known before this returns; else ``step.later`` gets it."""
        with self._changing:
            before = self._backlog.lost
            self._backlog.add(step)
            lost = self._backlog.lost - before
            self._start_thread()
        if lost:
            log_throttled("job_events_lost", key=id(self), lost=lost, reason="the spool is full")
            measure(JOB_EVENTS_DROPPED, lost, {})
        if not self._breaker.is_open:
            # The thread is at it, maybe: whoever reports only has to wait for it before something would be lost.
            wait = PORTION_SECONDS if self._backlog.is_half_full else 0.0
            self._send_portion(until=time.monotonic() + PORTION_SECONDS, wait=wait)
        with self._changing:
            step.is_left = not step.is_answered
            return step.answer

    def flush(self, seconds: float) -> int:
        """Hands on what waits, for about so many seconds at most; returns how much still waits then."""
        until = time.monotonic() + seconds
        while self._backlog and not self._send_portion(until=until, wait=seconds) and time.monotonic() < until:
            threading.Event().wait(_PAUSE)
        return len(self._backlog)

    def give_up(self, seconds: float) -> int:
        """As :meth:`flush`; what still waits then is lost."""
        left = self.flush(seconds)
        with self._changing:
            events = 0
            while first := self._backlog.first():
                events += first[1].entry is not None
                self._backlog.remove(first[0])
        if events:
            measure(JOB_EVENTS_FAILED, events, {"chanx.reason": "exit"})
        self._failed += left
        return left

    def _start_thread(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="chanx-spool", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is shutting down: what is flushed at the exit is the rest
                return
            self._thread = thread

    def _run(self) -> None:
        while True:
            self._emptied.wait(self._retry_seconds)
            while self._backlog and self._send_portion(until=time.monotonic() + PORTION_SECONDS, wait=0):
                pass
            with self._changing:
                self._emptied.clear()
                if not self._backlog:
                    self._thread = None
                    return

    def _send_portion(self, *, until: float, wait: float) -> bool:
        """Whether the store answers; one caller at a time, so that the order is kept."""
        if self._sender == threading.get_ident() or not self._sending.acquire(timeout=wait):
            return False
        try:
            self._sender = threading.get_ident()
            while step := self._first():
                if not self._send(*step):
                    return False
                if time.monotonic() >= until:
                    break
            return True
        finally:
            self._sender = None
            self._sending.release()

    def _first(self) -> tuple[int, Step[Any]] | None:
        with self._changing:
            return self._backlog.first()

    def _send(self, place: int, step: Step[Any]) -> bool:
        """Whether the step is done."""
        try:
            answer = step.ask()
        except StoreUnavailableError as error:
            self._breaker.failed()
            log_throttled("job_store_away", key=id(self), waiting=len(self._backlog), error=str(error))
            return False
        except Exception as error:  # one that can never be done must not keep all others
            log_failure("job_event_lost", error)
            self._failed += 1
            if step.entry is not None:
                measure(JOB_EVENTS_FAILED, 1, {"chanx.reason": "error"})
            answer = None
        self._breaker.succeeded()
        with self._changing:
            self._backlog.remove(place)
            if not self._backlog:
                self._emptied.set()
            step.answer, step.is_answered = answer, True
            later = step.later if step.is_left and answer is not None else None
        if later is not None:
            _tell(later, answer)
        return True


def _tell(later: Callable[[Any], None], answer: Any) -> None:
    try:
        later(answer)
    except Exception as error:  # whoever asked is gone: nobody else would see it
        log_failure("job_answer_not_heard", error)

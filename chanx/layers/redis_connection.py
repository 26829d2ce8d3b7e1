"""Talking to one Redis in bounded time, over one connection of the process, from any number of threads or greenlets.

While one of them talks to the server, the others queue; the first of these then sends what all of them have.

    thread 1 ── leads ── commands of 1 ──> Redis ──> hands on
    thread 2 ── queues ─────────────────────────────┴> leads ── commands of 2 and 3 ──> Redis
    thread 3 ── queues ──────────────────────────────────────────────────────────────────┴> has its answers
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

from chanx.layers.breaker import CircuitBreaker
from chanx.layers.hosts import RedisHost
from chanx.layers.redis_line import Answers, Line
from chanx.utils.extras import need

LONGEST: Final = 0.5
"""Seconds that talking may take: what a dead Redis costs, two or three times, and then once a second."""

_STUCK: Final = 2.0
"""Seconds after which whoever leads must have been ended by a time limit before it could hand on."""


class DeliveryFailed(Exception):
    """What is there in place of an answer. The text is for operators and holds no credentials."""


class RedisShard:
    """One Redis of a layer, for one process. Thread-safe, also for greenlets and signal handlers."""

    def __init__(self, host: RedisHost) -> None:
        errors = need("redis.exceptions", extra="redis")
        # Listed, and not every exception: Celery raises its soft time limit in the middle of anything.
        self._trouble: tuple[type[Exception], ...] = (errors.RedisError, OSError)
        self._timeouts: tuple[type[Exception], ...] = (errors.TimeoutError, TimeoutError)
        self._host = host
        self._name = repr(host)
        self._line = Line(host)
        self._breaker = CircuitBreaker()
        # Guards the rest. Reentrant, because a signal handler may publish too.
        self._mutex = threading.RLock()
        self._queue: deque[_Errand] = deque()
        self._leader: _Errand | None = None

    def exchange(self, commands: Sequence[bytes]) -> Answers:
        """Send commands in one go and wait: an answer for each, in their order, or a ``DeliveryFailed`` in its place.

        Takes half a second at most; nothing at all while the breaker is open: see ``CircuitBreaker``.
        """
        errand = _Errand(commands)
        if self._leads(errand) or self._leads_after_waiting(errand):
            self._lead(errand)
        return errand.answers

    def close(self) -> None:
        """Close the connection, once what is under way has its answers."""
        errand = _Errand(())
        if self._leads(errand) or self._leads_after_waiting(errand):
            errand.line.close()
            self._hand_on(errand)

    def _leads(self, errand: _Errand) -> bool:
        """Whether nobody leads, so that ``errand`` does now; else it is queued."""
        with self._mutex:
            leader = self._leader
            if leader is not None and errand.begun - leader.begun < _STUCK and leader.thread != errand.thread:
                errand.woken = threading.Event()
                self._queue.append(errand)
                return False
            if leader is not None:
                # It never comes back, or it is this very thread, which a signal has interrupted.
                self._line = Line(self._host)
            self._make_leader(errand)
            return True

    def _leads_after_waiting(self, errand: _Errand) -> bool:
        """Wait until ``errand`` has been answered, or is the next to lead."""
        try:
            woken = errand.woken.wait(LONGEST)
        except BaseException:
            self._withdraw(errand)
            raise
        if not woken:
            self._withdraw(errand)
            errand.take([], f"{self._name}: another thread is still waiting for it")
        return self._leader is errand

    def _withdraw(self, errand: _Errand) -> None:
        with self._mutex:
            if errand in self._queue:
                self._queue.remove(errand)
            self._hand_on(errand)

    def _lead(self, errand: _Errand) -> None:
        # Who queues from here on is told to lead afterwards.
        errands = [errand, *self._take_queue()] if self._queue else [errand]
        commands = errand.commands if len(errands) == 1 else [c for each in errands for c in each.commands]
        # Who has waited has less time left, but always enough for a server that is well.
        deadline = max(errand.arrived + LONGEST, errand.begun + LONGEST / 2)
        answers: Answers = []
        reason = f"{self._name}: a time limit ended the thread that was talking to it"
        try:
            reason = self._talk(errand.line, commands, answers, deadline)
        finally:
            for each in errands:
                each.take(answers, reason)
            self._hand_on(errand)

    def _take_queue(self) -> list[_Errand]:
        with self._mutex:
            queued = list(self._queue)
            self._queue.clear()
            return queued

    def _hand_on(self, errand: _Errand) -> None:
        with self._mutex:
            if self._leader is errand:
                self._leader = None
                if self._queue:
                    self._make_leader(self._queue.popleft())

    def _make_leader(self, errand: _Errand) -> None:
        # With the line of this moment: whoever was taken for ended and is not must not come back to another's.
        errand.line, errand.begun = self._line, time.monotonic()
        self._leader = errand
        errand.woken.set()

    def _talk(self, line: Line, commands: Sequence[bytes], answers: Answers, deadline: float) -> str:
        """Fill ``answers`` as far as they come; the reason why there are no more."""
        if not self._breaker.allows():
            return f"{self._name} has just failed, so it is left alone for a second"
        try:
            line.exchange(commands, answers, deadline)
        except self._timeouts as error:
            self._breaker.timed_out()
            return self._reason(error)
        except self._trouble as error:
            self._breaker.failed()
            return self._reason(error)
        finally:
            if not line.is_open:
                answers[:] = [DeliveryFailed(self._reason(a)) if isinstance(a, Exception) else a for a in answers]
        if line.is_open:
            self._breaker.succeeded()
        else:
            # It refused a command: read-only after a fail-over, out of memory. A new connection may reach another.
            self._breaker.failed()
        return ""

    def _reason(self, error: Exception) -> str:
        return f"{self._name}: {type(error).__name__}: {error}"


class _Errand:
    """What one caller wants sent."""

    line: Line
    """Where to, once it leads."""

    def __init__(self, commands: Sequence[bytes]) -> None:
        self.commands = commands
        self.answers: Answers = []
        self.thread = threading.get_ident()
        self.arrived = self.begun = time.monotonic()
        self.woken: _Waking = _NOBODY_WAITS

    def take(self, answers: Answers, reason: str) -> None:
        """Take its answers off the front of ``answers``, fill up those that are missing, and wake its caller."""
        count = len(self.commands)
        self.answers = answers[:count]
        del answers[:count]
        if len(self.answers) < count:
            self.answers += [DeliveryFailed(reason)] * (count - len(self.answers))
        self.woken.set()


class _Waking(Protocol):
    """A ``threading.Event``; a caller who need not queue does without, which saves making one for each message."""

    def wait(self, timeout: float) -> bool: ...

    def set(self) -> None: ...


class _NobodyWaits:
    def wait(self, timeout: float) -> bool:
        return True

    def set(self) -> None:
        pass


_NOBODY_WAITS = _NobodyWaits()

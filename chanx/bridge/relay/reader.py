"""Reads one queue of the bus: takes a message, does it, answers, and only then lets go of it.

take, an earlier one first ─> apply, again and again while the store is away ─> done ─> answer
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from chanx.bridge.installed import Bridge
from chanx.bridge.relay.applying import Applying
from chanx.bridge.relay.judge import Judge
from chanx.bridge.relay.run_order import RunOrder
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.transports.event_bus.bus import Bus, BusInbox, BusMessage, BusUnavailableError
from chanx.bridge.transports.event_bus.calls import (
    MARK,
    PASSED,
    TICK,
    Call,
    control_queue,
    error_answer,
    operations,
    plain_call,
    read_call,
)
from chanx.core.failures import log_failure
from chanx.errors import CallRefusedError, ChanxError
from chanx.log import log_throttled

TAKE_SECONDS: Final = 0.5
AHEAD_SECONDS: Final = 0.1
STORE_REST: Final = 0.5
BROKER_REST: Final = 1.0
TICK_SECONDS: Final = 1.0


class Reader:
    """Of one queue, in a thread of its own. The one of the control queue is also the judge of the bus's workers."""

    def __init__(self, bridge: Bridge, bus: Bus, name: str, queue: str, stopped: threading.Event) -> None:
        self.queue = queue
        self.handled = 0
        """Messages that this reader has done."""
        self.is_connected = False
        self._bridge = bridge
        self._bus = bus
        self._name = name
        self._stopped = stopped
        self._applying = Applying(bridge)
        self._thread = threading.Thread(target=self._run, name=f"chanx-relay-{queue}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def _count(self) -> None:
        self.handled += 1

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with self._bus.inbox(self.queue) as inbox:
                    self.is_connected = True
                    Reading(
                        self._bridge, self._applying, inbox, self.queue, self._name, self._stopped, self._count
                    ).run()
            except BusUnavailableError as error:
                log_throttled("relay_broker_away", key=id(self), queue=self.queue, error=str(error))
            except Exception as error:  # nobody else would notice that this queue is not read any more
                log_failure("relay_reader_failed", error, queue=self.queue)
            self.is_connected = False
            self._stopped.wait(BROKER_REST)


class Reading:
    """While one connection lasts. ``count`` is called for each message that is done. ``clock`` tells seconds."""

    def __init__(
        self,
        bridge: Bridge,
        applying: Applying,
        inbox: BusInbox,
        queue: str,
        name: str,
        stopped: threading.Event,
        count: Callable[[], None] = lambda: None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._observer = bridge.observer
        self._applying = applying
        self._inbox = inbox
        self._control = control_queue(name)
        self._stopped = stopped
        self._count = count
        self._clock = clock
        self._order = RunOrder(clock=clock)
        self._id = secrets.token_hex(8)
        self._judge = Judge(bridge, name, inbox.put) if queue == self._control else None
        self._next_tick = clock()

    def run(self) -> None:
        """Raises ``BusUnavailableError`` when the connection is of no use any more."""
        while not self._stopped.is_set():
            self.step(TAKE_SECONDS)

    def step(self, seconds: float) -> None:
        """Does one message, if one comes within so many seconds. Raises ``BusUnavailableError``."""
        found = self._next(seconds)
        if found is not None:
            self._handle(*found)
        if self._judge is not None and self._clock() >= self._next_tick:
            self._next_tick = self._clock() + TICK_SECONDS
            self._inbox.put(self._control, plain_call(TICK, {"relay": self._id}))

    def _next(self, seconds: float) -> tuple[BusMessage, Call | None] | None:
        """The next message to do, which is not the first one where that comes before one that its run told earlier."""
        message = self._inbox.take(seconds)
        if message is None:
            return None
        call = self._read(message)
        if call is None or not self._order.is_early(call):
            return message, call
        ahead = [(other, read) for other in self._inbox.ahead(0.0) if (read := self._read(other)) is not None]
        earlier = self._order.first_of(call, ahead)
        if earlier is not None:
            return earlier
        if self._order.is_worth_waiting(call):
            self._inbox.ahead(min(seconds, AHEAD_SECONDS))
            return None
        return message, call

    def _handle(self, message: BusMessage, call: Call | None) -> None:
        answer = b"" if call is None else self._done(call)
        if answer is None:
            return  # the relay stops: another one does it
        self._inbox.done(message)
        self._count()
        if call is not None and call.reply_to:
            self._inbox.answer(call.reply_to, answer)

    def _read(self, message: BusMessage) -> Call | None:
        try:
            return read_call(message.body)
        except CallRefusedError as error:
            log_throttled("bus_call_refused", key=id(self), error=str(error))
            return None

    def _done(self, call: Call) -> bytes | None:
        """Does it, as soon as the store is there; returns the text of the answer, None where the relay stops."""
        while not self._stopped.is_set():
            try:
                return self._do(call)
            except BusUnavailableError:
                raise
            except StoreUnavailableError as error:
                log_throttled("relay_store_away", key=id(self), error=str(error))
                self._stopped.wait(STORE_REST)
                self._inbox.keep()
        return None

    def _do(self, call: Call) -> bytes:
        try:
            value = self._value(call)
        except StoreUnavailableError:
            raise
        except Exception as error:  # one that can never be done must not keep all others
            self._order.took(call)
            if not isinstance(error, ChanxError):
                log_failure("bus_call_failed", error, op=call.op)
            return error_answer(call.ticket, error)
        return operations()[call.op].answer(call.ticket, value) if call.reply_to else b""

    def _value(self, call: Call) -> Any:
        if call.op == MARK:
            self._inbox.put(self._control, plain_call(PASSED, call.arguments))
        elif call.op in {TICK, PASSED}:
            self._tell_judge(call)
        else:
            if self._order.is_early(call):
                self._applying.tell_gap(call, self._order.lost(call))
            value = self._applying.apply(call)
            self._order.took(call, value)
            return value
        return None

    def _tell_judge(self, call: Call) -> None:
        if self._judge is None:
            return
        if call.op == PASSED:
            self._judge.passed(call)
        elif call.arguments["relay"] == self._id:  # another relay may have sent its own while this one was away
            self._observer.look()
            self._judge.tick()

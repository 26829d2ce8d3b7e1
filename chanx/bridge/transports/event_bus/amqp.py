"""The event bus on RabbitMQ: durable queues with a single active consumer, and publisher confirms.

line:  basic.publish, confirmed later ─> queue ─> the active consumer: basic.ack, then the answer, on one channel
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from kombu import Connection
from kombu.exceptions import OperationalError

from chanx.bridge.transports.event_bus.bus import (
    ANSWERS,
    BROKER_SECONDS,
    Bus,
    BusInbox,
    BusLine,
    BusMessage,
    BusUnavailableError,
)
from chanx.utils.extras import need

PREFETCH: Final = 50
"""Messages that an inbox has of its queue before they are done, at most."""

INBOX_SECONDS: Final = 5.0
"""How long a relay waits for its broker."""

HEARTBEAT_SECONDS: Final = 10
"""RabbitMQ gives a queue to the next relay where the active one has not sent anything for up to twice that time."""

_QUEUE_ARGUMENTS: Final = {"x-single-active-consumer": True}


class AmqpBus(Bus):
    """On the RabbitMQ that a kombu connection names."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def line(self) -> BusLine:
        return AmqpLine(self._connected(BROKER_SECONDS))

    def inbox(self, queue: str) -> BusInbox:
        return AmqpInbox(self._connected(INBOX_SECONDS, heartbeat=HEARTBEAT_SECONDS), queue)

    def _connected(self, seconds: float, *, heartbeat: int = 0) -> Connection:
        known: dict[str, Any] = self._connection.transport_options or {}
        connection = self._connection.clone(
            connect_timeout=seconds,
            heartbeat=heartbeat,
            # Confirmations of its own would have each message wait.
            transport_options={**known, "read_timeout": seconds, "write_timeout": seconds, "confirm_publish": False},
        )
        with _as_unavailable():
            # Each of the brokers that the URL names once, without the two seconds that kombu waits in between.
            others = max(len(connection.alt) - 1, 0)
            connection.ensure_connection(max_retries=others, interval_start=0, interval_step=0, interval_max=0)
        return connection


class AmqpLine(BusLine):
    """A worker's line, answered by a queue that goes with it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._address = ""
        self._declared: set[str] = set()
        self._answers: deque[bytes] = deque()
        self._sent = 0
        self._unconfirmed: dict[int, None] = {}  # delivery tags, in order
        with _closing_on_error(self), _as_unavailable():
            self._channel = _channel_of(connection)
            self._channel.confirm_select()
            self._channel.events["basic_ack"].add(self._on_confirm)
            self._channel.events["basic_nack"].add(self._on_refusal)

    @property
    def address(self) -> str:
        if not self._address:
            with _as_unavailable():
                address = f"{ANSWERS}{secrets.token_hex(8)}"
                self._channel.queue_declare(address, exclusive=True, auto_delete=True)
                self._channel.basic_consume(address, no_ack=True, callback=self._on_answer)
                self._address = address
        return self._address

    @property
    def outstanding(self) -> int:
        return self._sent - next(iter(self._unconfirmed)) + 1 if self._unconfirmed else 0

    def put(self, queue: str, body: bytes) -> None:
        self.post(queue, body)
        self.wait_for_confirms()

    def post(self, queue: str, body: bytes) -> None:
        with _as_unavailable():
            if queue not in self._declared:
                _declare(self._channel, queue)
                self._declared.add(queue)
            self._sent += 1
            self._unconfirmed[self._sent] = None
            # A message for a queue that somebody has deleted comes back, which breaks the line: the next one declares.
            _publish(self._channel, queue, body, mandatory=True)

    def wait_for_confirms(self, at_most: int = 0) -> None:
        until = time.monotonic() + BROKER_SECONDS
        with _as_unavailable():
            while self.outstanding > at_most:
                left = until - time.monotonic()
                if left <= 0:
                    raise BusUnavailableError(f"The broker did not confirm messages within {BROKER_SECONDS:g} s.")
                _drain(self._connection, left)

    def next_answer(self, seconds: float) -> bytes | None:
        with _as_unavailable():
            if not self._answers:
                _drain(self._connection, seconds)
        return self._answers.popleft() if self._answers else None

    def close(self) -> None:
        _close(self._connection)

    def _on_answer(self, message: Any) -> None:
        self._answers.append(_bytes(message.body))

    def _on_confirm(self, tag: int, multiple: bool) -> None:
        if not multiple:
            self._unconfirmed.pop(tag, None)
            return
        for each in list(self._unconfirmed):
            if each > tag:
                break
            del self._unconfirmed[each]

    def _on_refusal(self, tag: int, multiple: bool) -> None:
        raise BusUnavailableError("The broker refused a message: its queue may have a limit.")


class AmqpInbox(BusInbox):
    """A relay's consumer of one queue."""

    def __init__(self, connection: Connection, queue: str) -> None:
        self._connection = connection
        self._taken: dict[object, Any] = {}  # by delivery tag, in order
        self._kept_at = time.monotonic()
        with _closing_on_error(self), _as_unavailable():
            self._channel = _channel_of(connection)
            _declare(self._channel, queue)
            self._channel.basic_qos(0, PREFETCH, False)
            self._channel.basic_consume(queue, callback=self._on_message)

    def take(self, seconds: float) -> BusMessage | None:
        self.keep()
        with _as_unavailable():
            if not self._taken:
                _drain(self._connection, seconds)
        for message in self._taken.values():
            return _bus_message(message)
        return None

    def ahead(self, seconds: float) -> Sequence[BusMessage]:
        self.keep()
        until = time.monotonic() + seconds
        with _as_unavailable():
            while _drain(self._connection, until - time.monotonic()):
                pass
        return [_bus_message(message) for message in self._taken.values()]

    def done(self, message: BusMessage) -> None:
        with _as_unavailable():
            self._channel.basic_ack(message.token)
        del self._taken[message.token]

    def answer(self, address: str, body: bytes) -> None:
        # On the channel of the acknowledgements, which it does not overtake.
        self.put(address, body)

    def put(self, queue: str, body: bytes) -> None:
        with _as_unavailable():
            _publish(self._channel, queue, body)

    def keep(self) -> None:
        now = time.monotonic()
        silent = now - self._kept_at
        if silent > HEARTBEAT_SECONDS:
            # Another one may read the queue meanwhile, though this one has messages left.
            raise BusUnavailableError(f"This relay was silent for {silent:.0f} s.")
        if silent >= HEARTBEAT_SECONDS / 10:
            self._kept_at = now
            with _as_unavailable():
                _drain(self._connection, 0)  # the broker's own heartbeats
                self._connection.heartbeat_check()

    def close(self) -> None:
        _close(self._connection)

    def _on_message(self, message: Any) -> None:
        self._taken[message.delivery_tag] = message


def _bus_message(message: Any) -> BusMessage:
    return BusMessage(_bytes(message.body), message.delivery_tag)


def _channel_of(connection: Connection) -> Any:
    return connection.channel()


def _declare(channel: Any, queue: str) -> None:
    channel.queue_declare(queue, durable=True, auto_delete=False, arguments=_QUEUE_ARGUMENTS)


def _publish(channel: Any, queue: str, body: bytes, *, mandatory: bool = False) -> None:
    message = channel.prepare_message(
        body, content_type="application/json", content_encoding="binary", properties={"delivery_mode": 2}
    )
    channel.basic_publish(message, exchange="", routing_key=queue, mandatory=mandatory)


def _drain(connection: Connection, seconds: float) -> bool:
    """Whether something came in time."""
    try:
        connection.drain_events(timeout=max(seconds, 0.001))
    except TimeoutError:
        return False
    return True


def _bytes(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else body


def _close(connection: Connection) -> None:
    with suppress(Exception):  # it may be broken
        connection.collect(BROKER_SECONDS)


@contextmanager
def _closing_on_error(opened: AmqpLine | AmqpInbox) -> Generator[None]:
    try:
        yield
    except BaseException:
        opened.close()
        raise


@contextmanager
def _as_unavailable() -> Generator[None]:
    amqp: Any = need("amqp.exceptions", extra="bridge")  # which a worker on Redis does not load
    try:
        yield
    # py-amqp raises AttributeError where it has lost the connection meanwhile.
    except (amqp.AMQPError, OperationalError, OSError, AttributeError) as error:
        raise BusUnavailableError(f"The broker did not answer: {type(error).__name__}: {error}") from error

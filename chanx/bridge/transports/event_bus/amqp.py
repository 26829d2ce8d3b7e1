"""The event bus on RabbitMQ: durable queues with a single active consumer, and publisher confirms.

line:  basic.publish, confirmed ─> queue ─> the active consumer: basic.ack, then the answer, on one channel
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any, Final

from kombu import Connection
from kombu.exceptions import OperationalError

from chanx.bridge.transports.event_bus.bus import (
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

_QUEUE_ARGUMENTS: Final = {"x-single-active-consumer": True}


class AmqpBus(Bus):
    """On the RabbitMQ that a kombu connection names."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def line(self) -> BusLine:
        return AmqpLine(self._connected(BROKER_SECONDS, confirm_publish=True))

    def inbox(self, queue: str) -> BusInbox:
        return AmqpInbox(self._connected(INBOX_SECONDS), queue)

    def _connected(self, seconds: float, **options: object) -> Connection:
        known: dict[str, Any] = self._connection.transport_options or {}
        connection = self._connection.clone(
            connect_timeout=seconds,
            transport_options={**known, "read_timeout": seconds, "write_timeout": seconds, **options},
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
        self._declared: set[str] = set()
        self._answers: deque[bytes] = deque()
        with _closing_on_error(self), _as_unavailable():
            self._channel = _channel_of(connection)
            self.address = str(self._channel.queue_declare("", exclusive=True, auto_delete=True).queue)
            self._channel.basic_consume(self.address, no_ack=True, callback=self._on_answer)

    def put(self, queue: str, body: bytes) -> None:
        with _as_unavailable():
            if queue not in self._declared:
                # Of a queue that nobody has declared, RabbitMQ drops messages without a word.
                _declare(self._channel, queue)
                self._declared.add(queue)
            _publish(self._channel, queue, body, confirm_timeout=BROKER_SECONDS)

    def next_answer(self, seconds: float) -> bytes | None:
        with _as_unavailable():
            if not self._answers:
                _drain(self._connection, seconds)
        return self._answers.popleft() if self._answers else None

    def close(self) -> None:
        _close(self._connection)

    def _on_answer(self, message: Any) -> None:
        self._answers.append(_bytes(message.body))


class AmqpInbox(BusInbox):
    """A relay's consumer of one queue."""

    def __init__(self, connection: Connection, queue: str) -> None:
        self._connection = connection
        self._taken: deque[Any] = deque()
        with _closing_on_error(self), _as_unavailable():
            self._channel = _channel_of(connection)
            _declare(self._channel, queue)
            self._channel.basic_qos(0, PREFETCH, False)
            self._channel.basic_consume(queue, callback=self._taken.append)

    def take(self, seconds: float) -> BusMessage | None:
        with _as_unavailable():
            if not self._taken:
                _drain(self._connection, seconds)
        if not self._taken:
            return None
        return BusMessage(_bytes(self._taken[0].body), self._taken[0].delivery_tag)

    def done(self, message: BusMessage) -> None:
        with _as_unavailable():
            self._channel.basic_ack(message.token)
        self._taken.popleft()

    def answer(self, address: str, body: bytes) -> None:
        # On the channel of the acknowledgements, which it does not overtake.
        self.put(address, body)

    def put(self, queue: str, body: bytes) -> None:
        with _as_unavailable():
            _publish(self._channel, queue, body)

    def close(self) -> None:
        _close(self._connection)


def _channel_of(connection: Connection) -> Any:
    return connection.channel()


def _declare(channel: Any, queue: str) -> None:
    channel.queue_declare(queue, durable=True, auto_delete=False, arguments=_QUEUE_ARGUMENTS)


def _publish(channel: Any, queue: str, body: bytes, **options: float) -> None:
    message = channel.prepare_message(
        body, content_type="application/json", content_encoding="binary", properties={"delivery_mode": 2}
    )
    channel.basic_publish(message, exchange="", routing_key=queue, **options)


def _drain(connection: Connection, seconds: float) -> None:
    with suppress(TimeoutError):
        connection.drain_events(timeout=max(seconds, 0.001))


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

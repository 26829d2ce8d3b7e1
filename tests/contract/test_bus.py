"""What the event bus needs of a broker, on each that it goes over."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from celery import Celery
from kombu import Connection

from chanx.bridge.transports.event_bus import amqp, redis
from chanx.bridge.transports.event_bus.brokers import BrokerBus, bus_on
from chanx.bridge.transports.event_bus.bus import Bus, BusInbox, BusLine, BusUnavailableError
from chanx.bridge.transports.event_bus.memory import MemoryBus
from chanx.errors import ConfigurationError
from tests.celery_nodes.containers import RabbitMQAccess, rabbitmq_node
from tests.ports import free_port
from tests.tcp_proxy import tcp_proxy
from tests.waiting import wait_until

WAIT = 10.0


@pytest.fixture(scope="session")
def rabbitmq_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    access = RabbitMQAccess(user="jobs@site", password="p/a:s@s%2F", vhost="jobs/eu")
    with rabbitmq_node(tmp_path_factory.mktemp("rabbitmq"), access) as node:
        yield node.host_url


@pytest.fixture(params=["memory", "redis", "redis-prefixed", "rabbitmq"])
def bus(request: pytest.FixtureRequest) -> Bus:
    if request.param == "memory":
        return MemoryBus()
    if request.param == "rabbitmq":
        return bus_on(Connection(request.getfixturevalue("rabbitmq_url")))
    options = {"global_keyprefix": "test-"} if request.param == "redis-prefixed" else {}
    return bus_on(Connection(request.getfixturevalue("redis_url"), transport_options=options))


@pytest.fixture
def queue() -> str:
    return f"test.{uuid4().hex}"


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def line(bus: Bus, opened: ExitStack) -> BusLine:
    return opened.enter_context(bus.line())


@pytest.fixture
def inbox(bus: Bus, queue: str, opened: ExitStack) -> BusInbox:
    return opened.enter_context(bus.inbox(queue))


def taken(inbox: BusInbox) -> bytes:
    """The next message, which is done then."""
    message = inbox.take(WAIT)
    assert message is not None
    inbox.done(message)
    return message.body


def test_messages_come_in_the_order_in_which_they_were_put(bus: Bus, queue: str, line: BusLine) -> None:
    bodies = [f"message {number} é".encode() for number in range(120)]
    for body in bodies:
        line.put(queue, body)

    with bus.inbox(queue) as inbox:
        assert [taken(inbox) for _ in bodies] == bodies


def test_messages_that_are_posted_come_in_order_too(queue: str, line: BusLine, inbox: BusInbox) -> None:
    bodies = [b"%d" % number for number in range(300)]
    for number, body in enumerate(bodies):
        (line.put if number % 100 == 50 else line.post)(queue, body)

    line.wait_for_confirms(100)
    assert line.outstanding <= 100
    line.wait_for_confirms()
    assert line.outstanding == 0
    assert [taken(inbox) for _ in bodies] == bodies


def test_there_is_nothing_in_an_empty_queue(inbox: BusInbox) -> None:
    assert inbox.take(0.05) is None


def test_an_inbox_waits_for_a_message(inbox: BusInbox, line: BusLine, queue: str) -> None:
    assert inbox.take(0.05) is None
    timer = threading.Timer(0.1, line.put, (queue, b"late"))
    timer.start()

    assert taken(inbox) == b"late"
    timer.join()


def test_what_was_not_done_comes_again_in_the_same_order(bus: Bus, queue: str, line: BusLine) -> None:
    for number in range(5):
        line.put(queue, b"%d" % number)
    with bus.inbox(queue) as first:
        assert taken(first) == b"0"
        assert first.take(WAIT)

    with bus.inbox(queue) as second:
        assert [taken(second) for _ in range(4)] == [b"1", b"2", b"3", b"4"]
        assert second.take(0.05) is None


def test_one_inbox_at_a_time_gets_messages(bus: Bus, queue: str, line: BusLine, inbox: BusInbox) -> None:
    line.put(queue, b"1")
    assert taken(inbox) == b"1"
    with bus.inbox(queue) as other:
        line.put(queue, b"2")
        assert other.take(0.3) is None
        assert taken(inbox) == b"2"
        line.put(queue, b"3")
        inbox.close()

        assert taken(other) == b"3"


def test_an_inbox_looks_ahead_and_does_what_it_likes_first(queue: str, line: BusLine, inbox: BusInbox) -> None:
    for body in (b"1", b"2", b"3", b"2"):
        line.put(queue, body)
    first = inbox.take(WAIT)
    ahead = inbox.ahead(1)
    assert [message.body for message in ahead] == [b"1", b"2", b"3", b"2"]

    inbox.done(ahead[2])
    inbox.done(ahead[1])

    assert inbox.take(WAIT) == first
    line.put(queue, b"4")
    assert [message.body for message in inbox.ahead(1)] == [b"1", b"2", b"4"]
    assert [taken(inbox) for _ in range(3)] == [b"1", b"2", b"4"]


@pytest.mark.parametrize("bus", ["redis", "rabbitmq"], indirect=True)
def test_an_inbox_that_hangs_loses_its_queue(bus: Bus, queue: str, line: BusLine) -> None:
    line.put(queue, b"1")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(amqp, "HEARTBEAT_SECONDS", 1)
        patched.setattr(redis, "LOCK_SECONDS", 1.0)
        hanging = bus.inbox(queue)
        assert hanging.take(WAIT) is not None

    with bus.inbox(queue) as other:
        assert wait_until(lambda: other.take(0.5), what="another one's turn") is not None
        with pytest.raises(BusUnavailableError):
            taken(hanging)
        assert taken(other) == b"1"
    hanging.close()


def test_an_answer_comes_to_who_asked(bus: Bus, queue: str, line: BusLine, inbox: BusInbox) -> None:
    with bus.line() as other:
        for number in range(3):
            inbox.answer(line.address, b"%d" % number)

        assert [line.next_answer(WAIT) for _ in range(3)] == [b"0", b"1", b"2"]
        assert other.next_answer(0.01) is None
        assert line.next_answer(0) is None


def test_a_line_waits_for_an_answer_as_long_as_it_is_told(line: BusLine) -> None:
    began = time.monotonic()

    assert line.next_answer(1.2) is None
    assert time.monotonic() - began >= 1.2


def test_an_answer_to_nobody_is_no_error(bus: Bus, queue: str, inbox: BusInbox) -> None:
    with bus.line() as gone:
        address = gone.address
    inbox.answer(address, b"too late")
    inbox.put(queue, b"next")

    assert taken(inbox) == b"next"


def test_an_inbox_can_put_into_any_queue(bus: Bus, queue: str, inbox: BusInbox) -> None:
    with bus.inbox(f"{queue}.other") as other:
        inbox.put(queue, b"own")
        inbox.put(f"{queue}.other", b"other's")

        assert taken(inbox) == b"own"
        assert taken(other) == b"other's"


def test_a_large_message(inbox: BusInbox, line: BusLine, queue: str) -> None:
    body = b"x" * 600_000
    line.put(queue, body)

    assert taken(inbox) == body


def test_a_message_for_a_queue_that_was_deleted_is_not_lost_without_a_word(rabbitmq_url: str, queue: str) -> None:
    connection = Connection(rabbitmq_url)
    with connection, bus_on(connection).line() as line:
        line.put(queue, b"1")
        channel: Any = connection.channel()
        channel.queue_delete(queue)

        with pytest.raises(BusUnavailableError, match="NO_ROUTE"):
            line.put(queue, b"2")


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_away_is_told_of_within_its_bound(scheme: str) -> None:
    bus = bus_on(Connection(f"{scheme}://127.0.0.1:{free_port()}//"))
    began = time.monotonic()

    with pytest.raises(BusUnavailableError, match="broker"), bus.line() as line:
        line.put("q", b"x")
    assert time.monotonic() - began < 20
    with pytest.raises(BusUnavailableError, match="broker"), bus.inbox("q") as inbox:
        inbox.take(0)


def test_a_broker_without_a_bus_is_named() -> None:
    with pytest.raises(ConfigurationError, match="RabbitMQ or Redis, and the broker is 'memory'"):
        bus_on(Connection("memory://"))


def test_over_tls(rabbitmq_url: str, tls_files: tuple[Path, Path]) -> None:
    # Given a RabbitMQ that is reached over TLS only, with an authority of one's own
    port = urlsplit(rabbitmq_url).port
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls_files)
    with tcp_proxy(port or 0, context) as proxy:

        def bus_with(**tls: object) -> Bus:
            app = Celery(broker=rabbitmq_url.replace(f":{port}/", f":{proxy.port}/"), set_as_current=False)
            app.conf.update(broker_use_ssl={"cert_reqs": ssl.CERT_REQUIRED, **tls})
            return BrokerBus(app)

        # When it is the broker of an app, Then messages and answers go through
        bus, queue = bus_with(ca_certs=str(tls_files[0])), f"test.{uuid4().hex}"
        with bus.line() as line, bus.inbox(queue) as inbox:
            line.put(queue, b"over TLS")
            assert taken(inbox) == b"over TLS"
            inbox.answer(line.address, b"done")
            assert line.next_answer(WAIT) == b"done"

        # And without that authority nobody is believed to be it
        with pytest.raises(BusUnavailableError, match="certificate"):
            bus_with().line()

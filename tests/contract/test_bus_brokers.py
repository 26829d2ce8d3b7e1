"""The event bus on the Redis brokers that Celery can be given: over TLS, on a Unix socket, behind Sentinel."""

import ssl
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import pytest
import redis
from celery import Celery

from chanx.bridge.transports.event_bus.brokers import BrokerBus
from chanx.bridge.transports.event_bus.bus import Bus, BusInbox, BusUnavailableError
from chanx.errors import ConfigurationError
from chanx.testing.redis_server import EmbeddedRedisServer, RedisServer, redis_server
from tests.ports import free_port
from tests.sentinels import MASTER, SENTINEL_PASSWORD, Sentinels, sentinels
from tests.tcp_proxy import tcp_proxy
from tests.waiting import wait_until

WAIT = 10.0
DATABASE = 3
PASSWORD = "p/a:s@s"

Place: TypeAlias = tuple[Bus, Callable[[], list[str]]]
"""A bus, and what keys there are where it ought to be."""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("brokers")


@pytest.fixture(scope="module")
def server() -> Generator[RedisServer]:
    with redis_server(private=True) as running:
        yield running


@pytest.fixture(scope="module")
def tls_port(server: RedisServer, tls_files: tuple[Path, Path]) -> Generator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls_files)
    with tcp_proxy(server.port, context) as proxy:
        yield proxy.port


@pytest.fixture(scope="module")
def socket_path(server: RedisServer, directory: Path) -> Generator[Path]:
    """The Unix socket of a server that wants a password."""
    assert isinstance(server, EmbeddedRedisServer)
    program = server._program  # pyright: ignore[reportPrivateUsage]  # the same with one more option
    path, wrapper = directory / "redis.sock", directory / "server"
    wrapper.write_text(f'#!/bin/sh\nexec "{program}" "$@" --unixsocket {path}\n')
    wrapper.chmod(0o755)
    own = EmbeddedRedisServer(str(wrapper), origin="test", directory=directory, persist=False)
    with redis.Redis(port=own.port) as client:
        client.config_set("requirepass", PASSWORD)  # pyright: ignore[reportUnknownMemberType]
    yield path
    own.stop()


@pytest.fixture(scope="module")
def deployment(directory: Path) -> Generator[Sentinels]:
    with sentinels(directory) as running:
        yield running


def bus_of(url: str, **conf: Any) -> Bus:
    app = Celery(broker=url, set_as_current=False)
    app.conf.update(conf)
    return BrokerBus(app)


def keys_of(**where: Any) -> Callable[[], list[str]]:
    def keys() -> list[str]:
        with redis.Redis(**where) as client:
            found: Any = client.keys()  # pyright: ignore[reportUnknownMemberType]
            return [key.decode() for key in found]

    return keys


def behind(deployment: Sentinels, **options: Any) -> Bus:
    """As Celery's documentation writes it."""
    url = ";".join(f"sentinel://127.0.0.1:{port}/{DATABASE}" for port in deployment.ports)
    known = {"master_name": MASTER, "sentinel_kwargs": {"password": SENTINEL_PASSWORD}}
    return bus_of(url, broker_transport_options=known | options)


@pytest.fixture(params=["tls in the URL", "tls in the settings", "socket", "sentinel"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "socket":
        path = request.getfixturevalue("socket_path")
        url = f"redis+socket://:{quote(PASSWORD, safe='')}@{path}?virtual_host={DATABASE}"
        return bus_of(url), keys_of(unix_socket_path=str(path), password=PASSWORD, db=DATABASE)
    if request.param == "sentinel":
        deployment = request.getfixturevalue("deployment")
        return behind(deployment), keys_of(port=deployment.primary(), db=DATABASE)
    port, (certificate, _) = request.getfixturevalue("tls_port"), request.getfixturevalue("tls_files")
    url, keys = (
        f"rediss://127.0.0.1:{port}/{DATABASE}",
        keys_of(port=request.getfixturevalue("server").port, db=DATABASE),
    )
    if request.param == "tls in the URL":
        return bus_of(f"{url}?ssl_cert_reqs=required&ssl_ca_certs={certificate}"), keys
    return bus_of(url, broker_use_ssl={"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": str(certificate)}), keys


def taken(inbox: BusInbox) -> bytes:
    """The next message, which is done then."""
    message = inbox.take(WAIT)
    assert message is not None
    inbox.done(message)
    return message.body


def test_messages_and_answers_go_through(place: Place) -> None:
    bus, keys = place
    with bus.line() as line:
        line.put("jobs.brokers", b"1")
        line.post("jobs.brokers", b"2")
        line.wait_for_confirms()
        assert "jobs.brokers" in keys()

        with bus.inbox("jobs.brokers") as inbox:
            assert [taken(inbox), taken(inbox)] == [b"1", b"2"]
            assert inbox.take(0.01) is None
            inbox.answer(line.address, b"done")
        assert line.next_answer(WAIT) == b"done"


def test_a_certificate_of_somebody_else_is_refused(tls_port: int) -> None:
    bus = bus_of(f"rediss://127.0.0.1:{tls_port}/0?ssl_cert_reqs=required")
    with bus.line() as line, pytest.raises(BusUnavailableError, match="certificate"):
        line.put("jobs.brokers", b"1")


def test_the_bus_follows_the_primary(deployment: Sentinels) -> None:
    # Given a message that has reached the replica
    bus = behind(deployment)
    primary = deployment.primary()
    client: Any = redis.Redis(port=primary or 0)
    with bus.line() as line, client:
        line.put("jobs.failover", b"before")
        client.set("written", "later")  # WAIT is about what its own connection has written
        assert client.wait(1, 10_000) == 1

        # When the primary dies
        (server,) = [each for each in deployment.servers if each.port == primary]
        server.kill()
        deployment.wait_for_primary_other_than(primary)

        # Then both messages come, in their order
        def has_put() -> bool:
            with suppress(BusUnavailableError), bus.line() as new_line:
                new_line.put("jobs.failover", b"after")
                return True
            return False

        wait_until(has_put, what="the new primary")
    with bus.inbox("jobs.failover") as inbox:
        assert [taken(inbox), taken(inbox)] == [b"before", b"after"]
    deployment.heal()


def test_sentinels_that_are_away_are_told_of() -> None:
    bus = bus_of(f"sentinel://127.0.0.1:{free_port()}/0", broker_transport_options={"master_name": MASTER})
    with bus.line() as line, pytest.raises(BusUnavailableError, match="No master found for 'shop'"):
        line.put("jobs.brokers", b"1")


def test_a_name_that_sentinel_does_not_know_is_told(deployment: Sentinels) -> None:
    with (
        behind(deployment, master_name="other").line() as line,
        pytest.raises(BusUnavailableError, match="No master found for 'other'"),
    ):
        line.put("jobs.brokers", b"1")


def test_a_broker_behind_sentinel_needs_the_name_of_its_primary() -> None:
    with pytest.raises(ConfigurationError, match="master_name"):
        bus_of("sentinel://127.0.0.1:26379/0").line()

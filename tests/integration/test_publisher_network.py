"""Publishing over Unix sockets and TLS, and through a network that is slow, mute or cut; to servers that refuse."""

import datetime
import ipaddress
import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chanx.layers import LayerSpec, LoopPublisher, Publisher, PublishFailure, publisher_for
from chanx.testing.redis_server import EmbeddedRedisServer, RedisServer, redis_server
from tests.tcp_proxy import TcpProxy, tcp_proxy
from tests.waiting import wait_until

BOUND = 5.0
"""Half a second, and what a busy machine may add; what has no bound waits for ever, or half a second for each event."""

NOTE = {"type": "note", "n": 1}

DIRECT: dict[str, Callable[..., LayerSpec]] = {"pubsub": LayerSpec.redis_pubsub, "core": LayerSpec.redis_core}
LAYERS: dict[str, Any] = {"pubsub": RedisPubSubChannelLayer, "core": RedisChannelLayer}
KINDS = pytest.mark.parametrize("kind", DIRECT)


@pytest.fixture
def proxy(own_redis: RedisServer) -> Iterator[TcpProxy]:
    with tcp_proxy(own_redis.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    directory = tmp_path_factory.mktemp("tls")
    (directory / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return directory / "certificate.pem", directory / "key.pem"


@pytest.fixture
def tls_proxy(own_redis: RedisServer, tls_files: tuple[Path, Path]) -> Iterator[TcpProxy]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls_files)
    with tcp_proxy(own_redis.port, context) as proxy:
        yield proxy


@pytest.fixture
def server_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], RedisServer]]:
    """Starts a server with more options than ``redis_server`` knows."""
    with redis_server(private=True) as plain:
        program = plain._program if isinstance(plain, EmbeddedRedisServer) else ""
    started: list[EmbeddedRedisServer] = []

    def start(options: str) -> RedisServer:
        wrapper = tmp_path / "server"
        wrapper.write_text(f'#!/bin/sh\nexec "{program}" "$@" {options}\n')
        wrapper.chmod(0o755)
        server = EmbeddedRedisServer(str(wrapper), origin="test", directory=tmp_path, persist=False)
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


async def arrives(kind: str, publisher: Publisher, layer: Any) -> bool:
    """Whether a message of ``publisher`` reaches a receiver of ``layer``."""
    channel = await layer.new_channel()
    await layer.group_add("room", channel)
    publisher.group_send("room", NOTE)
    got = publisher.failures == 0 and await layer.receive(channel) == NOTE
    publisher.close()
    await layer.flush()
    return got


@KINDS
async def test_over_a_unix_socket(
    kind: str, server_with: Callable[[str], RedisServer], tmp_path: Path, key_prefix: str
) -> None:
    # Given a server that listens on a Unix socket too
    path = tmp_path / "redis.sock"
    server = server_with(f"--unixsocket {path}")

    # When it is published to by way of that, Then what listens over TCP receives it
    publisher = publisher_for(DIRECT[kind](f"unix://{path}?db=0", prefix=key_prefix))
    layer = LAYERS[kind](hosts=[{"address": server.url, "socket_timeout": None}], prefix=key_prefix)
    assert await arrives(kind, publisher, layer)


@KINDS
async def test_over_tls(
    kind: str, own_redis: RedisServer, tls_proxy: TcpProxy, tls_files: tuple[Path, Path], key_prefix: str
) -> None:
    # Given a layer that is configured with TLS and a certificate authority of one's own
    host = {"address": f"rediss://127.0.0.1:{tls_proxy.port}/0", "ssl_ca_certs": str(tls_files[0])}
    layer = LAYERS[kind](hosts=[{**host, "socket_timeout": None}], prefix=key_prefix)

    # When its publisher publishes, Then it arrives, both ways over TLS
    publisher = publisher_for(layer)
    assert not isinstance(publisher, LoopPublisher)
    assert await arrives(kind, publisher, layer)
    assert tls_proxy.accepted >= 2


def test_a_certificate_that_is_not_trusted_is_refused(own_redis: RedisServer, tls_proxy: TcpProxy) -> None:
    publisher = publisher_for(LayerSpec.redis_pubsub(f"rediss://127.0.0.1:{tls_proxy.port}/0"))
    failures: list[PublishFailure] = []
    publisher.on_failure(failures.append)
    publisher.group_send("room", NOTE)
    assert "certificate" in failures[0].reason.lower()


def general(url: str) -> Publisher:
    return LoopPublisher(RedisPubSubChannelLayer(hosts=[url]))


def pubsub(url: str) -> Publisher:
    return publisher_for(LayerSpec.redis_pubsub(url))


def core(url: str) -> Publisher:
    return publisher_for(LayerSpec.redis_core(url))


EVERY = pytest.mark.parametrize("make", [pubsub, core, general])


@EVERY
def test_a_mute_network_costs_half_a_second_then_nothing_and_heals(
    make: Callable[[str], Publisher], proxy: TcpProxy, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a publisher with a connection, and one without, when the network swallows everything
    url = f"redis://127.0.0.1:{proxy.port}/0"
    publisher, newcomer = make(url), make(url)
    lost: list[PublishFailure] = []
    publisher.on_failure(lost.append)
    publisher.group_send("room", NOTE)
    assert publisher.failures == 0
    proxy.mute = True

    # When they publish, Then an event costs half a second at most, and the next ones cost nothing
    with caplog.at_level(logging.WARNING, logger="chanx"):
        assert took(lambda: publisher.group_send("room", NOTE)) < BOUND
        assert took(lambda: newcomer.group_send("room", NOTE)) < BOUND
        assert took(lambda: [publisher.group_send("room", NOTE) for _ in range(1000)]) < BOUND
    assert (publisher.failures, newcomer.failures) == (1001, 1)
    assert len(lost) == 1001
    assert [r.event for r in caplog.records if r.name == "chanx"] == ["publish_failed"] * 2  # one for each publisher

    # And when the network is back, they heal
    proxy.mute = False
    wait_until(lambda: not fails(publisher))
    wait_until(lambda: not fails(newcomer))
    publisher.close()
    newcomer.close()


def test_a_mute_network_costs_many_threads_no_more(proxy: TcpProxy) -> None:
    # Given a publisher with a connection, and a network that swallows everything
    publisher = pubsub(f"redis://127.0.0.1:{proxy.port}/0")
    publisher.group_send("room", NOTE)
    proxy.mute = True

    # When twenty threads publish at the same time
    times: list[float] = []
    threads = [
        threading.Thread(target=lambda: times.append(took(lambda: publisher.group_send("room", NOTE))))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    # Then none of them waits longer than one would
    assert len(times) == publisher.failures == 20
    assert max(times) < BOUND
    publisher.close()


@EVERY
@pytest.mark.parametrize("delay", [0.2, 1.0])
def test_a_slow_network_costs_half_a_second_at_most(
    make: Callable[[str], Publisher], delay: float, own_redis: RedisServer, proxy: TcpProxy
) -> None:
    # Given a network on which every answer takes its time, and a server that asks for a password and a database, so
    # that connecting takes several answers
    with redis.Redis.from_url(own_redis.url) as admin:
        admin.config_set("requirepass", "hunter2")
    proxy.delay = delay
    publisher = make(f"redis://:hunter2@127.0.0.1:{proxy.port}/1")

    # When it publishes, and publishes a batch, Then both keep within the bound
    assert took(lambda: publisher.group_send("room", NOTE)) < BOUND
    assert took(lambda: batch(publisher, 100)) < BOUND
    assert publisher.failures == 101
    publisher.close()


def test_answers_that_drip_do_not_add_up(own_redis: RedisServer, proxy: TcpProxy) -> None:
    # Given a publisher with a connection, on a network that gets so slow that each answer comes just in time
    proxy.part_bytes = 40
    publisher = pubsub(f"redis://127.0.0.1:{proxy.port}/0")
    publisher.group_send("room", NOTE)
    proxy.delay = 0.05

    # When it sends a batch whose answers would take some seconds
    batch(publisher, 900)

    # Then it has not waited for all of them, and what was answered is not counted as lost
    assert 0 < publisher.failures < 900
    publisher.close()


@pytest.mark.parametrize("make", [pubsub, core])
def test_a_cut_connection_loses_nothing(make: Callable[[str], Publisher], proxy: TcpProxy) -> None:
    # Given a publisher whose connection was cut while it had nothing to send
    publisher = make(f"redis://127.0.0.1:{proxy.port}/0")
    publisher.group_send("room", NOTE)
    proxy.cut()

    # When it publishes again, Then it does so on a new connection
    publisher.group_send("room", NOTE)
    assert publisher.failures == 0
    assert proxy.accepted == 2
    publisher.close()


def test_read_only_after_a_fail_over_then_healed(own_redis: RedisServer) -> None:
    # Given a server that a fail-over has made a replica, whose master is gone
    with redis.Redis.from_url(own_redis.url) as admin:
        publisher = core(own_redis.url)
        lost: list[PublishFailure] = []
        publisher.on_failure(lost.append)
        admin.zadd("asgi:group:room", {"specific.a!1": time.time()})
        publisher.group_send("room", NOTE)
        admin.replicaof("127.0.0.1", 1)
        admin.config_set("replica-serve-stale-data", "yes")

        # When a task publishes, Then it is told apart and costs nothing
        assert took(lambda: [publisher.group_send("room", NOTE) for _ in range(100)]) < BOUND
        assert publisher.failures == 100
        assert "READONLY" in lost[0].reason or "read only" in lost[0].reason

        # And when the server is the master again, it heals
        admin.replicaof("NO", "ONE")
        wait_until(lambda: not fails(publisher))
    publisher.close()


def test_out_of_memory_then_healed(own_redis: RedisServer) -> None:
    # Given a server without any memory left, and a member of a group
    with redis.Redis.from_url(own_redis.url) as admin:
        publisher, other = core(own_redis.url), pubsub(own_redis.url)
        lost: list[PublishFailure] = []
        publisher.on_failure(lost.append)
        admin.zadd("asgi:group:room", {"specific.a!1": time.time()})
        admin.config_set("maxmemory", "1")

        # When a task publishes, Then the core layer's message is lost and pub/sub, which stores nothing, goes on
        publisher.group_send("room", NOTE)
        other.group_send("room", NOTE)
        assert (publisher.failures, other.failures) == (1, 0)
        assert "OOM" in lost[0].reason or "OutOfMemory" in lost[0].reason

        # And when there is memory again, it heals
        admin.config_set("maxmemory", "0")
        wait_until(lambda: not fails(publisher))
    publisher.close()
    other.close()


@EVERY
def test_a_restart_heals(make: Callable[[str], Publisher], own_redis: RedisServer) -> None:
    publisher = make(own_redis.url)
    publisher.group_send("room", NOTE)
    own_redis.stop()
    assert took(lambda: [publisher.group_send("room", NOTE) for _ in range(100)]) < BOUND
    own_redis.start()
    wait_until(lambda: not fails(publisher))
    publisher.close()


def test_the_core_layer_on_a_cluster_says_what_to_use(server_with: Callable[[str], RedisServer]) -> None:
    # Given a server in cluster mode, which has the group but not its member's queue
    server = server_with("--cluster-enabled yes")
    publisher = core(server.url)
    lost: list[PublishFailure] = []
    publisher.on_failure(lost.append)

    # When a message for a group with a member is published, Then the reason names the fix
    with redis.Redis.from_url(server.url) as admin:
        admin.config_set("cluster-require-full-coverage", "no")
        admin.execute_command("CLUSTER", "ADDSLOTS", admin.execute_command("CLUSTER", "KEYSLOT", "asgi:group:room"))
        wait_until(lambda: "cluster_state:ok" in str(admin.execute_command("CLUSTER", "INFO")))
        admin.zadd("asgi:group:room", {"specific.a!1": time.time()})
        publisher.group_send("room", NOTE)
    assert "pub/sub layer" in lost[0].reason
    publisher.close()


def batch(publisher: Publisher, messages: int) -> None:
    with publisher.batch():
        for n in range(messages):
            publisher.group_send("room", {"type": "note", "n": n})


def fails(publisher: Publisher) -> bool:
    before = publisher.failures
    publisher.group_send("room", NOTE)
    return publisher.failures > before


def took(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start

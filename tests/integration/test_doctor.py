"""The doctor on real servers and workers: silent where all is well, and each finding where something is not."""

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

from chanx.bridge import Bridge, install
from chanx.bridge.relay.relay import Relay
from chanx.bridge.store.base import Retention
from chanx.bridge.store.redis import RedisJobStore
from chanx.bridge.transports.event_bus.brokers import BrokerBus
from chanx.doctor.examination import Examination, examine
from chanx.doctor.finding import Finding
from chanx.layers import LayerSpec
from chanx.layers.hosts import RedisHost
from chanx.layers.redis_info import INFO, ask, info_of
from chanx.layers.wire import command
from chanx.testing.redis_server import RedisServer, redis_server
from tests.celery_nodes.containers import rabbitmq_node
from tests.integration.doctor_worker import shop_worker
from tests.integration.worker_process import worker
from tests.waiting import wait_until

SECONDS = 2.0
NOBODY = "redis://127.0.0.1:1/0"

Make = Callable[..., Bridge]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server(private=True) as running:
        yield running


@pytest.fixture(scope="module")
def running_worker(server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a worker of doctor_app, whose layer has the prefix ``shop``."""
    with shop_worker(server, log=tmp_path_factory.mktemp("worker") / "worker.log") as name:
        yield name


@pytest.fixture
def make(server: RedisServer) -> Iterator[Make]:
    """Bridges of this process, by default as the worker's is."""
    made: list[Bridge] = []

    def make_one(*, broker: str = server.url, store: Any = server.url, layer: Any = None) -> Bridge:
        app = Celery("examined", broker=broker, set_as_current=False)
        bridge = install(app, store=store, layer=layer or LayerSpec.redis_pubsub(server.url, prefix="shop"))
        made.append(bridge)
        return bridge

    yield make_one
    for bridge in made:
        bridge.store.close()
        bridge.app.close()


def pubsub(url: str, prefix: str = "shop") -> RedisPubSubChannelLayer:
    return RedisPubSubChannelLayer(hosts=[url], prefix=prefix)


def found(examination: Examination, *, but: Sequence[str] = ("chanx.I207",)) -> dict[str, str]:
    """The texts by id. The tests' servers write nothing to disk, which is told each time."""
    return {finding.id: finding.text for finding in examination.findings if finding.id not in but}


def of(findings: Sequence[Finding], number: str) -> Finding:
    (finding,) = [finding for finding in findings if finding.id == number]
    return finding


def test_where_all_is_well_nothing_is_found(make: Make, running_worker: str, server: RedisServer) -> None:
    examination = examine(make(), {"default": pubsub(server.url)}, seconds=SECONDS)

    assert found(examination) == {}
    assert examination.workers == (running_worker,)
    # but that the server of this test forgets everything
    assert of(examination.findings, "chanx.I207").level == "info"


def test_the_core_layer_is_listened_on_too(make: Make, server: RedisServer) -> None:
    layer = RedisChannelLayer(hosts=[{"address": server.url, "socket_timeout": None}], prefix="core")

    examination = examine(make(broker="memory://", layer=layer), {"default": layer}, seconds=SECONDS)

    assert found(examination) == {}


def test_one_layer_of_several_is_enough(make: Make, running_worker: str, server: RedisServer) -> None:
    layers = {"default": pubsub(server.url, "site"), "jobs": pubsub(server.url)}

    assert found(examine(make(), layers, seconds=SECONDS)) == {}


def test_another_layer(make: Make, running_worker: str, server: RedisServer) -> None:
    # Given consumers that listen where neither this process nor the worker publishes
    layers = {"default": pubsub(server.url, "site")}

    said = found(examine(make(), layers, seconds=SECONDS))

    assert set(said) == {"chanx.E008", "chanx.E305"}
    assert all("prefix 'shop' instead of 'site'" in text for text in said.values())
    assert running_worker in said["chanx.E305"]


def test_a_worker_with_another_store(make: Make, running_worker: str, server: RedisServer) -> None:
    bridge = make(store=RedisJobStore(server.url, prefix="other"))

    said = found(examine(bridge, {"default": pubsub(server.url)}, seconds=SECONDS))

    assert set(said) == {"chanx.E304"}
    assert "prefix 'chanx'" in said["chanx.E304"]
    assert "prefix 'other'" in said["chanx.E304"]


def test_without_a_layer_here_workers_are_compared_with_the_bridge(
    make: Make, running_worker: str, server: RedisServer
) -> None:
    # Given two names of the server
    same = LayerSpec.redis_pubsub(server.url.replace("127.0.0.1", "localhost"), prefix="shop")
    assert found(examine(make(layer=same), {}, seconds=SECONDS)) == {}

    other = LayerSpec.redis_pubsub(server.url, prefix="site")
    said = found(examine(make(layer=other), {}, seconds=SECONDS))
    assert set(said) == {"chanx.W306"}
    assert "prefix 'shop' instead of 'site'" in said["chanx.W306"]


def test_a_worker_that_does_not_know_chanx(
    make: Make, own_redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = own_redis.url
    bridge = make(broker=url, store=url, layer=LayerSpec.redis_pubsub(url))
    layers = {"default": pubsub(url, "asgi")}

    # Given no worker at all
    assert set(found(examine(bridge, layers, seconds=0.5))) == {"chanx.E302"}

    # and one without a bridge
    monkeypatch.setenv("CHANX_NO_BRIDGE", "1")
    with worker("tests.integration.doctor_app", bridge.app, url, "-n", "bare@here", log=tmp_path / "log"):
        said = found(examine(bridge, layers, seconds=SECONDS))

    assert set(said) == {"chanx.W303"}
    assert "bare@here" in said["chanx.W303"]


@pytest.mark.parametrize("broker", ["redis://:hunter2@127.0.0.1:1/0", "amqp://guest:hunter2@127.0.0.1:1//"])
def test_a_broker_that_is_away(broker: str, make: Make, server: RedisServer) -> None:
    begun = time.monotonic()
    said = found(examine(make(broker=broker), {"default": pubsub(server.url)}, seconds=SECONDS))

    assert set(said) == {"chanx.E301"}
    assert "127.0.0.1:1/" in said["chanx.E301"]
    assert "hunter2" not in said["chanx.E301"]
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("scheme", ["redis://127.0.0.1", "amqp://guest:guest@127.0.0.1"])
def test_servers_that_never_answer_cost_bounded_time(scheme: str, make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"redis://127.0.0.1:{port}/0"
        bridge = make(broker=f"{scheme}:{port}//", store=url, layer=LayerSpec.redis_pubsub(url))
        layers = {"pubsub": pubsub(url), "core": RedisChannelLayer(hosts=[{"address": url, "socket_timeout": None}])}

        begun = time.monotonic()
        said = found(examine(bridge, layers, seconds=0.5))

    assert set(said) == {"chanx.E007", "chanx.E201", "chanx.E301"}
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("pool", ["solo", "gevent"])
def test_workers_of_other_pools_answer(pool: str, make: Make, own_redis: RedisServer, tmp_path: Path) -> None:
    url = own_redis.url
    bridge = make(broker=url, store=url, layer=LayerSpec.redis_pubsub(url, prefix="shop"))

    with worker("tests.integration.doctor_app", bridge.app, url, "-n", "w@here", "-P", pool, log=tmp_path / "log"):
        examination = examine(bridge, {"default": pubsub(url)}, seconds=SECONDS)

    assert found(examination) == {}
    assert examination.workers == ("w@here",)


def test_workers_on_rabbitmq_answer(
    make: Make, server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rabbitmq_node(tmp_path) as node:
        monkeypatch.setenv("CHANX_BROKER_URL", node.url)
        bridge = make(broker=node.url)
        log = tmp_path / "log"
        with worker("tests.integration.doctor_app", bridge.app, server.url, "-n", "rabbit@here", log=log):
            examination = examine(bridge, {"default": pubsub(server.url)}, seconds=SECONDS)
        bridge.app.close()

    assert found(examination) == {}
    assert examination.workers == ("rabbit@here",)


def test_a_worker_on_the_event_bus_with_and_without_a_relay(
    make: Make, own_redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = own_redis.url
    bridge = make(broker=url, store=url, layer=LayerSpec.redis_pubsub(url, prefix="shop"))
    layers = {"default": pubsub(url)}
    monkeypatch.setenv("CHANX_ON_BUS", "1")

    with worker("tests.integration.doctor_app", bridge.app, url, "-n", "far@here", log=tmp_path / "log"):
        assert set(found(examine(bridge, layers, seconds=SECONDS))) == {"chanx.E308"}
        # and where the worker is, it is the store that does not answer
        far = make(broker=url, store="event-bus://", layer=LayerSpec.redis_pubsub(url, prefix="shop"))
        (finding,) = examine(far, {}, seconds=SECONDS).findings
        assert finding.id == "chanx.E201"
        assert "chanx relay" in finding.fix

        with Relay(bridge, BrokerBus(bridge.app)):
            # The worker renews its lease every second once a relay has answered it, and every ten until then.
            wait_until(lambda: found(examine(bridge, layers, seconds=SECONDS)) == {})
        assert set(found(examine(bridge, layers, seconds=SECONDS))) == {"chanx.E308"}


def test_a_store_and_a_layer_that_are_away(make: Make) -> None:
    bridge = make(broker="memory://", store=NOBODY, layer=LayerSpec.redis_pubsub(NOBODY))

    said = found(examine(bridge, {"default": pubsub(NOBODY)}, seconds=0.5))

    assert set(said) == {"chanx.E007", "chanx.E201"}
    assert "'default'" in said["chanx.E007"]
    assert "127.0.0.1:1" in said["chanx.E201"]


def test_a_wrong_password(make: Make, own_redis: RedisServer) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("requirepass", "hunter2")
    wrong = own_redis.url.replace("redis://", "redis://:letmein@")

    said = found(examine(make(broker="memory://", store=wrong), {}, seconds=SECONDS))

    assert set(said) == {"chanx.E201"}
    assert "letmein" not in said["chanx.E201"]


def test_a_server_with_little_memory_that_evicts(make: Make, own_redis: RedisServer) -> None:
    store = RedisJobStore(own_redis.url, retention=Retention(max_bytes=10 * 1024 * 1024, max_entries=1000))
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("maxmemory", "50mb")
        client.config_set("maxmemory-policy", "allkeys-lru")

    said = found(examine(make(broker="memory://", store=store), {}, seconds=SECONDS))

    assert set(said) == {"chanx.E205", "chanx.W206"}
    assert "allkeys-lru" in said["chanx.E205"]
    assert "there is room for 4 of them" in said["chanx.W206"]


def test_a_server_that_saves_is_not_told_of(make: Make, own_persistent_redis: RedisServer) -> None:
    bridge = make(broker="memory://", store=own_persistent_redis.url)
    assert found(examine(bridge, {}, seconds=SECONDS), but=()) == {}


def test_a_replica(make: Make, server: RedisServer, own_redis: RedisServer) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.replicaof("127.0.0.1", str(server.port))

    said = found(examine(make(broker="memory://", store=own_redis.url), {}, seconds=SECONDS))

    assert set(said) == {"chanx.E204"}


def test_a_server_answers_in_order_with_refusals_in_their_place(server: RedisServer) -> None:
    echo, refused, info = ask(RedisHost.parse(server.url), command(b"ECHO", b"x"), command(b"NONSENSE"), INFO)

    assert echo == b"x"
    assert isinstance(refused, redis.ResponseError)
    assert info_of(info)["role"] == "master"

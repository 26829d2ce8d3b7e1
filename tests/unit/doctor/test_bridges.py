"""What a bridge tells without a connection."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from channels.layers import InMemoryChannelLayer
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

from chanx.bridge import Bridge, install
from chanx.bridge.store.memory import MemoryJobStore
from chanx.doctor.bridges import lost_results, memory_store, other_layer
from chanx.doctor.separate_workers import broker_of
from chanx.layers import LayerSpec

URL = "redis://127.0.0.1:1/0"


@pytest.fixture
def app() -> Iterator[Celery]:
    app = Celery("bridged", broker="redis://127.0.0.1:1", set_as_current=False)
    yield app
    app.close()


def bridge_to(app: Celery, layer: object) -> Bridge:
    return install(app, store=URL, layer=layer)


def ids(found: Any) -> list[str]:
    return [finding.id for finding in found]


def test_a_store_in_memory_with_workers_apart(app: Celery) -> None:
    bridge = install(app, store=MemoryJobStore(), layer=LayerSpec.redis_pubsub(URL))
    assert ids(memory_store(bridge)) == ["chanx.E202"]

    app.conf.task_always_eager = True
    assert ids(memory_store(bridge)) == []

    app.conf.task_always_eager = False
    assert ids(memory_store(bridge_to(app, LayerSpec.redis_pubsub(URL)))) == []


def test_results_that_are_not_stored_again(app: Celery) -> None:
    assert ids(lost_results(app)) == []
    app.conf.result_backend = URL
    assert ids(lost_results(app)) == ["chanx.I309"]
    app.conf.result_backend_always_retry = True
    assert ids(lost_results(app)) == []
    app.conf.update(result_backend_always_retry=False, task_ignore_result=True)
    assert ids(lost_results(app)) == []


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([RedisPubSubChannelLayer(hosts=[URL])], []),
        ([RedisPubSubChannelLayer(hosts=["redis://:hunter2@localhost:1/4"])], []),
        ([RedisPubSubChannelLayer(hosts=[URL], prefix="site"), RedisPubSubChannelLayer(hosts=[URL])], []),
        ([RedisPubSubChannelLayer(hosts=[URL], prefix="site")], ["chanx.W006"]),
        ([RedisPubSubChannelLayer(hosts=["redis://other:1"])], ["chanx.W006"]),
        ([RedisChannelLayer(hosts=[URL])], ["chanx.W006"]),
        ([RedisPubSubChannelLayer(hosts=[URL], symmetric_encryption_keys=["hunter2"])], ["chanx.W006"]),
        # what settings do not tell
        ([InMemoryChannelLayer()], []),
        ([], []),
    ],
)
def test_the_layer_of_the_bridge_and_those_of_consumers(layers: list[Any], said: list[str], app: Celery) -> None:
    bridge = bridge_to(app, LayerSpec.redis_pubsub(URL))

    found = list(other_layer(bridge, {f"layer {number}": layer for number, layer in enumerate(layers)}))

    assert ids(found) == said
    assert "hunter2" not in str(found)


def test_a_bridge_that_has_the_layer_itself(app: Celery) -> None:
    layer = RedisPubSubChannelLayer(hosts=[URL], prefix="site")
    assert ids(other_layer(bridge_to(app, layer), {"default": layer})) == []


@pytest.mark.parametrize(
    ("url", "eager", "scheme"),
    [
        ("redis://:hunter2@localhost", False, "redis://"),
        (["sqs://", "sqs://b"], False, "sqs://"),
        ("redis://localhost", True, None),
        ("memory://", False, None),
        (None, False, None),
    ],
)
def test_whether_workers_are_apart(url: Any, eager: bool, scheme: str | None) -> None:
    assert broker_of(url, eager=eager) == scheme

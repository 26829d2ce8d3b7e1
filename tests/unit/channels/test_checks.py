from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import celery._state
import pytest
from celery import Celery
from channels.layers import InMemoryChannelLayer
from django.core.checks import run_checks
from django.test import override_settings

from chanx.bridge import install
from chanx.bridge.store.memory import MemoryJobStore
from chanx.channels import checks
from chanx.doctor import layers
from chanx.layers import LayerSpec
from chanx.testing.redis_server import EmbeddedRedisServer, redis_server

CORE = "channels_redis.core.RedisChannelLayer"
PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"
IN_MEMORY = "channels.layers.InMemoryChannelLayer"
URL = "redis://localhost:1"


class OwnInMemoryLayer(InMemoryChannelLayer):
    """A project's subclass."""


def warnings(backend: str | None, *, deploy: bool = False, **config: Any) -> list[str]:
    """The ids of chanx's warnings for a layer."""
    layers = {} if backend is None else {"default": {"BACKEND": backend, "CONFIG": config}}
    with override_settings(CHANNEL_LAYERS=layers):
        found = run_checks(include_deployment_checks=deploy)
    chanx = [message for message in found if str(message.id).startswith("chanx.")]
    assert all(message.hint for message in chanx)
    return [str(message.id) for message in chanx]


@pytest.fixture(autouse=True)
def no_celery_app(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests have made is not this project's."""
    monkeypatch.setattr(celery._state._tls, "current_app", None)
    monkeypatch.setattr(celery._state, "default_app", None)


@pytest.fixture
def app() -> Iterator[Celery]:
    app = Celery("project", broker="redis://localhost:1")
    yield app
    app.close()


def test_no_layer_at_all() -> None:
    assert warnings(None) == ["chanx.W001"]


def test_the_recommended_layer_has_no_warning(app: Celery) -> None:
    assert warnings(PUBSUB, hosts=[URL], deploy=True) == []


@pytest.mark.parametrize("backend", [IN_MEMORY, f"{__name__}.OwnInMemoryLayer"])
def test_an_in_memory_layer_with_workers_apart(backend: str, app: Celery) -> None:
    assert warnings(backend) == ["chanx.W002"]


@pytest.mark.parametrize("broker", ["redis://localhost", "amqp://a//;amqp://b//", ["sqs://", "sqs://b"], None])
def test_any_broker_but_that_in_memory_means_workers_apart(broker: Any, app: Celery) -> None:
    app.conf.broker_url = broker
    assert warnings(IN_MEMORY) == ["chanx.W002"]


def test_an_in_memory_layer_without_workers_apart(app: Celery) -> None:
    app.conf.broker_url = "memory://"
    assert warnings(IN_MEMORY) == []
    app.conf.broker_url = "redis://localhost"
    app.conf.task_always_eager = True
    assert warnings(IN_MEMORY) == []


def test_an_in_memory_layer_without_celery() -> None:
    assert warnings(IN_MEMORY) == []


def test_a_broker_in_the_settings_counts_before_the_app_is_made() -> None:
    with override_settings(CELERY_BROKER_URL="redis://localhost"):
        assert warnings(IN_MEMORY) == ["chanx.W002"]
        with override_settings(CELERY_TASK_ALWAYS_EAGER=True):
            assert warnings(IN_MEMORY) == []


def test_no_password_of_a_broker_shows(app: Celery) -> None:
    app.conf.broker_url = "redis://:hunter2@localhost"
    with override_settings(CHANNEL_LAYERS={"default": {"BACKEND": IN_MEMORY}}):
        assert "hunter2" not in str(run_checks())


@pytest.mark.parametrize(
    ("redis_version", "host", "expected"),
    [
        ("8.1.0", URL, True),
        ("10.0", URL, True),
        ("8.1.0", ("localhost", 1), True),
        ("8.1.0", {"address": URL}, True),
        ("8.1.0", {"address": URL, "socket_timeout": None}, False),
        ("8.1.0", {"address": URL, "socket_timeout": 30}, False),
        ("8.1.0", f"{URL}?socket_timeout=30", False),
        ("8.1.0", {"host": "localhost", "port": 1, "socket_timeout": 5}, True),
        ("7.1.0", URL, False),
        ("7.1.0", {"address": URL, "socket_timeout": 3}, True),
        ("7.1.0", f"{URL}?socket_timeout=3", True),
    ],
)
def test_a_socket_timeout_that_ends_the_core_layers_receive(
    redis_version: str, host: Any, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "version", lambda name: redis_version)
    assert warnings(CORE, hosts=[host]) == (["chanx.W003"] if expected else [])
    assert warnings(PUBSUB, hosts=[host]) == []


@pytest.mark.parametrize(
    "host",
    [
        f"{URL}?socket_timeout=abc",
        {"address": f"{URL}?socket_timeout=5s"},
        {"address": URL, "socket_timeout": "abc"},
        {"address": URL, "socket_timeout": "7"},
        "redis://[::1",
    ],
)
def test_options_of_a_host_that_cannot_be_read(host: Any) -> None:
    for deploy in (False, True):
        assert "chanx.E007" in warnings(CORE, hosts=[host], deploy=deploy)
        assert "chanx.E007" not in warnings(CORE, hosts=[{"address": URL, "socket_timeout": 7}], deploy=deploy)
        warnings(PUBSUB, hosts=[host], deploy=deploy)


def test_the_core_layer_without_hosts_has_the_default_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "version", lambda name: "8.1.0")
    assert warnings(CORE) == ["chanx.W003"]


def test_the_core_layer_with_several_hosts() -> None:
    patient = {"address": URL, "socket_timeout": None}
    assert warnings(CORE, hosts=[patient, patient]) == ["chanx.W005"]


def test_the_core_layer_on_a_cluster(tmp_path: Path) -> None:
    # Given a server in cluster mode, one without, and none
    with redis_server(private=True) as plain:
        assert isinstance(plain, EmbeddedRedisServer)
        wrapper = tmp_path / "server"
        wrapper.write_text(f'#!/bin/sh\nexec "{plain._program}" "$@" --cluster-enabled yes\n')
        wrapper.chmod(0o755)
        cluster = EmbeddedRedisServer(str(wrapper), origin="test", directory=tmp_path, persist=False)

        # When they are checked for deployment, Then the cluster alone is warned of
        def found(url: str, *, deploy: bool = True) -> list[str]:
            return warnings(CORE, hosts=[{"address": url, "socket_timeout": None}], deploy=deploy)

        try:
            assert found(cluster.url) == ["chanx.W004"]
            # and only then, because it takes a connection
            assert found(cluster.url, deploy=False) == []
        finally:
            cluster.stop()
        assert found(plain.url) == []
        assert found(URL) == []


def test_a_bridge_to_another_layer_than_that_of_consumers(app: Celery) -> None:
    app.set_default()
    install(app, store=URL, layer=LayerSpec.redis_pubsub(URL, prefix="shop"))
    assert warnings(PUBSUB, hosts=[URL], prefix="shop") == []
    assert warnings(PUBSUB, hosts=[URL]) == ["chanx.W006"]
    # a layer that cannot be made is left to Channels, but not by the doctor
    assert warnings("no.such.Layer") == warnings(PUBSUB, hosts=[URL], serializer_format="none") == []
    with override_settings(CHANNEL_LAYERS={"a": {"BACKEND": "no.such.Layer"}, "b": {"BACKEND": PUBSUB}}):
        made, findings = checks.layer_objects()
    assert list(made) == ["b"]
    assert [(finding.id, "CHANNEL_LAYERS['a']" in finding.text) for finding in findings] == [("chanx.E007", True)]


def test_a_store_in_memory_with_workers_apart(app: Celery) -> None:
    app.set_default()
    install(app, store=MemoryJobStore(), layer=LayerSpec.redis_pubsub(URL))
    assert warnings(PUBSUB, hosts=[URL]) == ["chanx.E202"]


def test_packages_that_are_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "installed", lambda bounds: {"celery": "5.3.0", "channels-redis": "5.0"})
    assert warnings(PUBSUB, hosts=[URL]) == ["chanx.W401", "chanx.W402"]


def test_they_need_no_celery() -> None:
    program = "import sys; sys.modules['celery'] = sys.modules['kombu'] = None; import chanx.channels.checks"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_what_channels_itself_refuses_is_left_to_it() -> None:
    assert warnings("no.such.Layer") == []
    with override_settings(CHANNEL_LAYERS={"default": {}}):
        assert [message for message in run_checks() if str(message.id).startswith("chanx.")] == []

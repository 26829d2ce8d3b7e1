"""Where a layer cannot be published to, and what the error says: workers apart, greenlets, untested versions."""

from __future__ import annotations

import logging
import subprocess
import sys
from importlib import metadata
from typing import Any

import pytest
from celery import Celery
from celery.app.trace import build_tracer
from channels.layers import InMemoryChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from fast_channels.layers.redis import RedisChannelLayer as FastRedisLayer

from chanx.errors import PublisherError
from chanx.layers import LoopPublisher, RedisPubSubPublisher, attach_loop, publisher_for

MESSAGE = {"type": "note", "n": 1}


@pytest.fixture
def app() -> Any:
    app = Celery("places", broker="memory://", set_as_current=False)
    yield app
    app.close()


def as_worker_does(app: Any, body: Any) -> Any:
    """Run ``body`` as a task, the way a worker traces it; what it returns or raises."""

    def publish() -> Any:
        try:
            return body()
        except PublisherError as error:
            return error

    task = app.task(name="publish", shared=False)(publish)
    tracer = build_tracer(task.name, task, app=app)
    return tracer("some-id", (), {}, {"is_eager": False, "id": "some-id", "task": task.name}).retval


def test_a_worker_apart_from_the_consumers_is_told_to_use_redis(app: Any) -> None:
    # Given an in-memory layer in a process where no consumer runs
    publisher = publisher_for(InMemoryChannelLayer())

    # When a task publishes that a worker runs, Then it learns what to change
    error = as_worker_does(app, lambda: publisher.group_send("room", MESSAGE))
    assert isinstance(error, PublisherError)
    assert "InMemoryChannelLayer" in str(error)
    assert "RedisPubSubChannelLayer" in str(error)


async def test_a_worker_in_the_process_of_the_consumers_publishes(app: Any) -> None:
    # Given an in-memory layer with a receiver on this loop
    layer = InMemoryChannelLayer()
    attach_loop(layer)
    channel = await layer.new_channel()

    # When a task of a worker in this very process publishes, Then it arrives
    as_worker_does(app, lambda: publisher_for(layer).send(channel, MESSAGE))
    assert await layer.receive(channel) == MESSAGE


def test_eager_tasks_and_tests_may_publish_to_nobody(app: Any) -> None:
    # Given an in-memory layer without receivers, as in a unit test of a task
    publisher = publisher_for(InMemoryChannelLayer())

    @app.task
    def task() -> None:
        publisher.group_send("room", MESSAGE)

    # When the task is called, applied, or run eagerly, Then nothing is raised
    task()
    task.apply(throw=True)
    app.conf.task_always_eager = True
    app.conf.task_eager_propagates = True
    task.delay()
    publisher.close()


@pytest.mark.parametrize("patch", ["gevent.monkey; gevent.monkey.patch_all()", "eventlet; eventlet.monkey_patch()"])
def test_under_greenlets_the_general_publisher_names_the_fix(patch: str) -> None:
    # Given a process as Celery's gevent and eventlet pools make it
    code = (
        f"import warnings; warnings.simplefilter('ignore'); import {patch}\n"
        "from chanx.layers import LayerSpec, publisher_for\n"
        "from channels_redis.core import RedisChannelLayer\n"
        "publisher = publisher_for(RedisChannelLayer(hosts=['redis://localhost:1'], symmetric_encryption_keys=['k']))\n"
        "try:\n    publisher.group_send('room', {'type': 'note'})\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )

    # When it publishes through a layer that needs an event loop, Then the error names what to change
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.stdout.startswith("PublisherError"), run.stderr
    assert "--pool=prefork" in run.stdout
    assert "RedisPubSubChannelLayer" in run.stdout


@pytest.mark.parametrize(
    ("package", "layer"),
    [
        ("channels_redis", lambda: RedisPubSubChannelLayer(hosts=["redis://localhost:1"])),
        ("fast_channels", lambda: FastRedisLayer(hosts=["redis://localhost:1"])),
    ],
)
@pytest.mark.parametrize("installed", ["5.0.0", "40.1", None])
def test_an_untested_major_version_is_published_to_through_the_layer(
    package: str,
    layer: Any,
    installed: str | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given a version of the layer's package that no contract test has seen
    def version(name: str) -> str:
        assert name == package
        if installed is None:
            raise metadata.PackageNotFoundError(name)
        return installed

    monkeypatch.setattr("chanx.layers.choice.version", version)

    # When a publisher is asked for, twice, Then it goes through the layer itself, and one line says so
    target = layer()
    with caplog.at_level(logging.WARNING, logger="chanx"):
        assert type(publisher_for(target)) is LoopPublisher
        assert publisher_for(target) is publisher_for(target)
    assert [r.event for r in caplog.records] == ["untested_layer_version"]


def test_the_installed_version_is_a_tested_one() -> None:
    assert type(publisher_for(RedisPubSubChannelLayer(hosts=["redis://localhost:1"]))) is RedisPubSubPublisher

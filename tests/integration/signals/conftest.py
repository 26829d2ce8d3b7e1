"""The nodes that the rows run on: per combination of broker and Celery one set of processes for the whole session.

pytest-celery's own fixtures hand them out, so a test takes ``celery_setup``, or ``jobs`` for what most tests do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from celery import Celery
from pytest_celery import (
    CeleryTestBackend,
    CeleryTestBroker,
    CeleryTestSetup,
    CeleryTestWorker,
    RabbitMQTestBroker,
    RedisTestBackend,
    RedisTestBroker,
)

from chanx.bridge import Bridge, install
from chanx.testing.redis_server import EmbeddedRedisServer, redis_server
from tests.celery_nodes.containers import RabbitMQNode, RedisNode, WorkerNode, rabbitmq_node
from tests.celery_nodes.process import ROOT
from tests.integration.signals import app as signals_app
from tests.integration.signals.jobs import Jobs
from tests.integration.signals.stacks import Stack
from tests.integration.signals.workflow import Workflow

APP = "tests.integration.signals.app"


@pytest.fixture(scope="session")
def docker_client() -> None:
    """Everything that pytest-celery does with Docker asks for this one."""
    pytest.fail("A fixture of pytest-celery asked for Docker")


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Stack:
    """Which broker and which Celery; tests choose with the marks of ``stacks``."""
    chosen: Stack = request.param
    return chosen


@pytest.fixture(scope="session")
def redis_of_all_stacks() -> Iterator[EmbeddedRedisServer]:
    """Holds results and jobs, and a broker's database per stack."""
    with redis_server(private=True) as server:
        assert isinstance(server, EmbeddedRedisServer)
        yield server


@pytest.fixture(scope="session")
def backend_node(redis_of_all_stacks: EmbeddedRedisServer) -> RedisNode:
    return RedisNode(redis_of_all_stacks, "0")


@pytest.fixture(scope="session")
def bridge(redis_of_all_stacks: EmbeddedRedisServer, backend_node: RedisNode) -> Iterator[Bridge]:
    """The app of this process, and its bridge."""
    app: Celery = signals_app.app
    app.conf.result_backend = backend_node.host_url
    bridge = install(app, store=RedisNode(redis_of_all_stacks, "1").host_url)
    yield bridge
    bridge.store.close()


@pytest.fixture(scope="session")
def broker_node(
    stack: Stack, redis_of_all_stacks: EmbeddedRedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RedisNode | RabbitMQNode]:
    if stack.broker == "redis":
        yield RedisNode(redis_of_all_stacks, stack.database)
        return
    with rabbitmq_node(tmp_path_factory.mktemp("rabbitmq")) as node:
        yield node


@pytest.fixture(scope="session")
def app_on_broker(bridge: Bridge, broker_node: RedisNode | RabbitMQNode) -> Iterator[Celery]:
    app = bridge.app
    app.conf.broker_url = broker_node.host_url
    yield app
    app.pool.force_close_all()
    app.close()
    for connected in ("amqp", "control"):
        app.__dict__.pop(connected, None)


@pytest.fixture(scope="session")
def worker_environment(
    stack: Stack, bridge: Bridge, app_on_broker: Celery, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What another process needs so that its app is on the nodes of the stack."""
    conf: Any = app_on_broker.conf
    return {
        "CHANX_TEST_BROKER": conf.broker_url,
        "CHANX_TEST_BACKEND": {"redis": conf.result_backend, "file": f"file://{tmp_path_factory.mktemp('results')}"}[
            stack.backend
        ],
        "CHANX_TEST_STORE": bridge.store.url,
    }


@pytest.fixture(scope="session")
def worker_node(
    stack: Stack, app_on_broker: Celery, worker_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkerNode]:
    node = WorkerNode(
        app_on_broker,
        APP,
        f"--pool={stack.pool}",
        "--concurrency=3",
        "--without-mingle",
        "--without-gossip",
        celery_version=stack.celery,
        environment=worker_environment,
        directory=tmp_path_factory.mktemp("worker"),
    )
    try:
        node.ready()
        yield node
    finally:
        node.kill()


# pytest-celery's fixtures, on these nodes.


@pytest.fixture
def celery_broker(stack: Stack, broker_node: Any) -> CeleryTestBroker:
    return RedisTestBroker(broker_node) if stack.broker == "redis" else RabbitMQTestBroker(broker_node)


@pytest.fixture
def celery_backend(backend_node: RedisNode) -> CeleryTestBackend:
    return RedisTestBackend(backend_node)


@pytest.fixture
def celery_worker(worker_node: WorkerNode) -> CeleryTestWorker:
    worker = CeleryTestWorker(worker_node, worker_node.app)
    if worker_node.status == "exited":  # an earlier test killed it, and failed before it started it again
        worker.restart()
    return worker


@pytest.fixture
def celery_setup_app(app_on_broker: Celery) -> Celery:
    return app_on_broker


@pytest.fixture
def jobs(celery_setup: CeleryTestSetup, bridge: Bridge) -> Jobs:
    return Jobs(celery_setup, bridge)


@pytest.fixture
def flow(key_prefix: str) -> Workflow:
    return Workflow(key_prefix)


class StartElsewhere(Protocol):
    """Starts cases of ``start`` in a process on the stack's Celery; the jobs' ids by case."""

    def __call__(self, how: str, key: str, *cases: str) -> dict[str, str]: ...


@pytest.fixture(scope="session")
def start_elsewhere(stack: Stack, worker_environment: dict[str, str]) -> StartElsewhere:
    def start(how: str, key: str, *cases: str) -> dict[str, str]:
        command = [sys.executable, "-m", "tests.integration.signals.start", how, key, *cases]
        environment = {**os.environ, **worker_environment, "PYTHONPATH": os.pathsep.join(stack.celery.paths())}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        started: dict[str, str] = json.loads(done.stdout)
        return started

    return start

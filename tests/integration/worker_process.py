"""A real Celery worker process for tests: prefork pool, its own Redis, stopped with everything it started."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from celery import Celery

from chanx.bridge import Bridge, install
from chanx.testing.redis_server import RedisServer
from chanx.testing.tied_process import tied
from tests.waiting import wait_until

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
READY_SECONDS = 90.0


@contextmanager
def connected(app: Celery, server: RedisServer, **options: Any) -> Iterator[Bridge]:
    """Points the app of this test process at the server; a worker gets that from its environment."""
    app.conf.update(broker_url=server.url, result_backend=server.url)
    forget_backend(app)
    installed = install(app, store=server.url, **options)
    yield installed
    installed.store.close()
    disconnect(app)


def disconnect(app: Celery) -> None:
    """Closes what this process has open to the app's nodes, so that the app can be pointed at others."""
    pool: Any = app.pool
    pool.force_close_all()
    app.close()
    for connected in ("amqp", "control"):
        app.__dict__.pop(connected, None)
    forget_backend(app)


def forget_backend(app: Celery) -> None:
    """Has the app make its result backend anew, from its configuration."""
    internals: Any = app  # Celery has no other way
    internals._backend_cache = None
    internals._local.__dict__.pop("backend", None)


@contextmanager
def worker(app_path: str, app: Celery, redis_url: str, *options: str, log: Path, concurrency: int = 1) -> Iterator[int]:
    """Runs ``celery -A <app_path> worker`` until the block ends; yields its pid once it answers a ping."""
    command = [sys.executable, "-m", "celery", "-A", app_path, "worker", "-l", "INFO", "-c", str(concurrency)]
    environment = {**os.environ, "CHANX_REDIS_URL": redis_url, "PYTHONPATH": str(ROOT)}
    with log.open("ab") as output:
        process = subprocess.Popen(
            tied([*command, *options]), env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT
        )
    try:
        wait_until(
            lambda: process.poll() is not None or app.control.ping(timeout=1, limit=1),
            seconds=READY_SECONDS,
            what="the worker's answer",
        )
        assert process.poll() is None, log.read_text()
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)

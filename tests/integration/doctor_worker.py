"""The worker that the doctor's tests examine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from celery import Celery

from chanx.testing.redis_server import RedisServer
from tests.integration.worker_process import disconnect, worker


@contextmanager
def shop_worker(server: RedisServer, *, log: Path) -> Iterator[str]:
    """A worker of doctor_app, whose layer has the prefix ``shop``; yields its name."""
    app = Celery("asks", broker=server.url, set_as_current=False)
    with worker("tests.integration.doctor_app", app, server.url, "-n", "shop@here", log=log):
        yield "shop@here"
    disconnect(app)

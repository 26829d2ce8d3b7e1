"""A worker whose result backend takes nothing."""

import os
import signal
from typing import Any

from celery import Celery
from celery.backends.redis import RedisBackend

from chanx.bridge import JobTask, install

URL = os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")


class AwayBackend(RedisBackend):
    def _store_result(self, task_id: str, result: Any, state: str, *args: Any, **options: Any) -> None:
        raise OSError("The result backend is away.")


app = Celery("lost_results_app", broker=URL, backend=f"{__name__}.AwayBackend+{URL}")
app.conf.update(broker_connection_retry_on_startup=True, result_backend_always_retry=False)
install(app, store=URL)


@app.task(bind=True, base=JobTask)
def succeed(self: Any) -> int:
    return 1


@app.task(bind=True, base=JobTask, acks_late=True)
def succeed_late(self: Any) -> int:
    return 1


@app.task(bind=True, base=JobTask)
def die(self: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(acks_late=True)
def fail_late() -> None:
    raise ValueError

"""A process that is killed while it starts a job; its arguments: a Redis URL, a prefix, where, and what."""

import os
import signal
import sys
from typing import Any

from celery import Celery, group, signals

from chanx.bridge import install, start, start_job_sync
from chanx.bridge.store.redis import RedisJobStore
from chanx.layers import LayerSpec


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingStore(RedisJobStore):
    """Kills the process once a method has been called so often."""

    def __init__(self, url: str, prefix: str, dies_after: str) -> None:
        super().__init__(url, prefix=prefix)
        self._dies_after = dies_after

    def set_deadline(self, *args: Any, **kwargs: Any) -> None:
        super().set_deadline(*args, **kwargs)
        self._done("set_deadline")

    def create(self, *args: Any, **kwargs: Any) -> str:
        created = super().create(*args, **kwargs)
        self._done("create")
        return created

    def add_pending(self, *args: Any, **kwargs: Any) -> bool:
        added = super().add_pending(*args, **kwargs)
        self._done("add_pending")
        return added

    def _done(self, method: str) -> None:
        if self._dies_after == method:
            die()


def main(url: str, prefix: str, point: str, kind: str) -> None:
    setattr(start, "ENQUEUE_SECONDS", 0.0)  # noqa: B010  # another module's constant
    app = Celery("killed", broker="memory://", set_as_current=False)
    install(app, store=DyingStore(url, prefix, point), layer=LayerSpec.redis_pubsub(url))

    @app.task(shared=False)
    def work() -> None:
        """Never run: nobody consumes."""

    if point == "before_publish":
        signals.before_task_publish.connect(die, weak=False)
    if point == "after_publish":
        signals.after_task_publish.connect(die, weak=False)
    start_job_sync(group(work.si(), work.si()) if kind == "canvas" else work, owner="user:1")


if __name__ == "__main__":
    main(*sys.argv[1:])

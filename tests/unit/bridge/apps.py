"""Celery apps for unit tests, which need no server, with a bridge whose store and layer are in memory."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from celery import Celery

from chanx.bridge import JobTask, StartedJob, install
from chanx.bridge.installed import attach
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.layers import LayerSpec, MemoryPublisher
from tests.unit.bridge.doubles import Clock


class BridgedApp:
    """An app; ``eager`` runs tasks where they are called, else what is published waits in memory for nobody."""

    def __init__(self, app: Celery, **options: Any) -> None:
        self.app = app
        self.clock = Clock()
        self.store = MemoryJobStore(clock=self.clock)
        self.publisher = MemoryPublisher()
        # install() connects the signals; its publisher would need a server.
        installed = install(app, store=self.store, layer=LayerSpec.redis_pubsub("redis://127.0.0.1:1/0"), **options)
        self.bridge = replace(installed, transport=DirectTransport(self.store, self.publisher))
        attach(self.bridge)

    def task(self, function: Any, *, base: Any = JobTask, **options: Any) -> Any:
        decorate: Any = self.app.task(bind=True, base=base, shared=False, **options)
        return decorate(function)

    def snapshot(self, job: StartedJob | str) -> JobSnapshot:
        snapshot = self.store.snapshot(job if isinstance(job, str) else job.job_id)
        assert snapshot is not None
        return snapshot

    def events(self, job: StartedJob | str) -> list[dict[str, Any]]:
        page = self.store.read(job if isinstance(job, str) else job.job_id, after=0, limit=1000)
        assert page is not None
        return [json.loads(entry.event) for entry in page.entries]

    def actions(self, job: StartedJob | str) -> list[str]:
        return [event["action"] for event in self.events(job)]

    def pass_time(self, seconds: float) -> None:
        """What is due by then is done."""
        self.clock.now += seconds
        self.bridge.observer.look()

    def told(self, name: str) -> list[dict[str, Any]]:
        """The plain events that were sent to a group or channel."""
        return [message["event_data"] for _, to, message in self.publisher.sent if to == name]


@contextmanager
def bridged_app(*, eager: bool, **options: Any) -> Generator[BridgedApp]:
    app = Celery("bridged", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.task_always_eager = eager
    yield BridgedApp(app, **options)
    app.close()

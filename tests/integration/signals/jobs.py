"""Starting jobs on the nodes of a test, and reading what their logs say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
from pytest_celery import CeleryTestSetup

from chanx.bridge import Bridge, StartedJob, start_job_sync
from chanx.bridge.snapshot import JobSnapshot
from tests.waiting import wait_until

TERMINALS = {"job_succeeded", "job_failed", "job_cancelled"}


@dataclass(frozen=True)
class JobLog:
    """A job that has ended: its events in order, and its snapshot."""

    events: list[dict[str, Any]]
    snapshot: JobSnapshot

    @property
    def actions(self) -> list[str]:
        return [event["action"] for event in self.events]

    @property
    def terminal(self) -> dict[str, Any]:
        return self.events[-1]

    @property
    def task_states(self) -> Counter[str]:
        """How often the job's tasks told each of their states."""
        return Counter(event["payload"]["state"] for event in self.events if event["action"] == "job_task")

    @property
    def result(self) -> Any:
        """What the job came to; it has to have succeeded."""
        assert self.terminal["action"] == "job_succeeded", self.events
        return self.terminal["payload"]["result"]

    @property
    def error_code(self) -> str:
        """Why the job failed; it has to have failed."""
        assert self.terminal["action"] == "job_failed", self.events
        return str(self.terminal["payload"]["error"]["code"])

    @property
    def reason(self) -> str | None:
        """Why the job was cancelled; it has to have been."""
        assert self.terminal["action"] == "job_cancelled", self.events
        reason: str | None = self.terminal["payload"]["reason"]
        return reason


class Jobs:
    """The jobs of a test. ``worker`` and ``app`` are pytest-celery's."""

    def __init__(self, setup: CeleryTestSetup, bridge: Bridge) -> None:
        self.worker = setup.worker
        self.app = setup.app
        self.bridge = bridge

    def start(self, task: Any, *args: Any, **options: Any) -> StartedJob:
        """Starts a job; ``options`` are those of ``apply_async``."""
        return start_job_sync(task, *args, owner="user:1", task_options=options)

    def run(self, task: Any, *args: Any, **options: Any) -> JobLog:
        return self.ended(self.start(task, *args, **options))

    def ended(self, job: StartedJob | str, *, seconds: float = 90) -> JobLog:
        """The job's log once it has ended: with exactly one terminal event, as the last one."""
        job_id = job if isinstance(job, str) else job.job_id
        wait_until(
            lambda: self.snapshot(job_id).state.is_terminal,
            seconds=seconds,
            what=lambda: f"the end of the job. {self.events(job_id)}\n{self.worker.logs()[-3000:]}",
        )
        log = JobLog(self.events(job_id), self.snapshot(job_id))
        assert [action for action in log.actions if action in TERMINALS] == [log.actions[-1]]
        assert log.actions[0] == "job_queued"
        assert log.terminal["action"] == f"job_{log.snapshot.state}"
        return log

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        """Waits, and shows what the worker said where it is in vain."""
        wait_until(lambda: bool(condition()), what=lambda: f"{what}\n{self.worker.logs()[-3000:]}")

    def revoke(self, job: StartedJob, **options: Any) -> None:
        """Celery's own revoke; the worker has heard of it when this returns."""
        hostname = self.worker.hostname()
        assert self.app.control.revoke(job.task_id, destination=[hostname], reply=True, timeout=10, **options)

    def consume(self, queue: str) -> None:
        """From now on the worker takes tasks from ``queue`` too."""
        hostname = self.worker.hostname()
        assert self.app.control.add_consumer(queue, destination=[hostname], reply=True, timeout=10)

    def executions(self, key: str, job_id: str) -> Counter[str]:
        """The executions noted under ``key`` so far, by their labels: all of them in the context of that job."""
        with redis.Redis.from_url(self.bridge.store.url) as notes:
            noted = [json.loads(execution) for execution in notes.lrange(f"executions:{key}", 0, -1)]
        assert {job for _, job in noted} <= {job_id}
        return Counter(label for label, _ in noted)

    def has_failed(self, job: StartedJob) -> bool:
        """Whether a task of the job has failed, also while others of its tasks go on."""
        outcome = self.bridge.store.outcome(job.job_id)
        return outcome.failure is not None if outcome else self.actions(job)[-1] == "job_failed"

    def snapshot(self, job_id: str) -> JobSnapshot:
        snapshot = self.bridge.store.snapshot(job_id)
        assert snapshot is not None
        return snapshot

    def events(self, job_id: str) -> list[dict[str, Any]]:
        page = self.bridge.store.read(job_id, after=0, limit=10_000)
        assert page is not None
        return [json.loads(entry.event) for entry in page.entries]

    def actions(self, job: StartedJob) -> list[str]:
        return [event["action"] for event in self.events(job.job_id)]

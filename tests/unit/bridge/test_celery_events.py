"""What Celery says of tasks on workers that the bridge is not in: told of their jobs, where nobody else does."""

from datetime import UTC, datetime
from typing import Any

import pytest
from celery import Celery

from chanx.bridge.entry import Execution, NewEntry
from chanx.bridge.installed import Bridge
from chanx.bridge.relay.celery_events import PATIENCE, CeleryEvents
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.layers import MemoryPublisher
from tests.unit.bridge.doubles import Clock


class Site:
    """A job of two tasks that a worker without the bridge runs: "root" speaks for it."""

    def __init__(self, backend: str | None = None) -> None:
        self.app = Celery(set_as_current=False, broker="memory://", backend=backend)
        self.store = MemoryJobStore()
        self.clock = Clock()
        self.bridge = Bridge(self.app, self.store, DirectTransport(self.store, MemoryPublisher()))
        record = JobRecord(job_id="job-1", owner="user:1", name="t", task_id="root", created_at=datetime.now(UTC))
        self.store.create(record, pending={"p1": "root"})
        self.events = CeleryEvents(self.bridge, clock=self.clock)

    def hear(self, kind: str, task_id: str = "root", **more: Any) -> None:
        self.events.hear({"type": f"task-{kind}", "uuid": task_id, **more})

    def wait(self, seconds: float = PATIENCE) -> None:
        self.clock.now += seconds
        self.events.tell_due()

    @property
    def job(self) -> JobSnapshot:
        job = self.store.snapshot("job-1")
        assert job is not None
        return job


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_task_s_course_is_that_of_its_job() -> None:
    site = Site("cache+memory://")
    site.hear("received", name="t", retries=0)
    site.hear("started")
    site.wait()
    assert site.job.state == "started"

    site.app.backend.store_result("root", {"n": 1}, "SUCCESS")
    site.hear("succeeded", result="{'n': 1}")
    site.wait()
    assert site.job.state is JobState.SUCCEEDED
    assert site.job.fields["result"] == {"n": 1}


def test_a_result_that_is_kept_nowhere_is_omitted(site: Site) -> None:
    site.hear("succeeded", result="{'n': 1}")
    site.wait()

    assert site.job.state is JobState.SUCCEEDED
    assert site.job.fields["result_omitted"]


@pytest.mark.parametrize(
    ("kind", "more", "state", "code"),
    [
        ("failed", {}, JobState.FAILED, "error"),
        ("rejected", {}, JobState.FAILED, "rejected"),
        ("revoked", {"expired": True}, JobState.FAILED, "expired"),
        ("revoked", {"terminated": True}, JobState.CANCELLED, None),
    ],
)
def test_other_ends(site: Site, kind: str, more: dict[str, Any], state: JobState, code: str | None) -> None:
    site.hear(kind, **more)
    site.wait()

    assert site.job.state is state
    assert site.job.fields.get("error", {}).get("code") == code


def test_an_attempt_that_is_repeated_is_no_end(site: Site) -> None:
    site.hear("received", name="t", retries=0)
    site.hear("started")
    site.hear("retried")
    site.wait()
    assert site.job.state is JobState.RETRYING

    site.hear("received", name="t", retries=1)
    site.hear("succeeded")
    site.wait()
    assert (site.job.state, site.job.attempt) == (JobState.SUCCEEDED, 2)


def test_what_a_worker_tells_by_itself_is_not_told_again(site: Site) -> None:
    site.hear("started")
    site.wait(PATIENCE / 2)
    begun = Execution("job-1", "p1", "root", "t", 1, run_id="own")
    site.store.append(NewEntry("job-1", "job_started", "{}", "own", 1, task_id="root", claims=True, execution=begun))
    before = site.job.seq

    site.wait()

    assert site.job.seq == before


def test_a_nested_task_tells_of_itself(site: Site) -> None:
    site.store.add_pending("job-1", "p2", "nested")
    site.hear("received", "nested", name="shop.nested")
    site.hear("started", "nested")
    site.hear("failed", "nested")
    site.wait()

    assert site.job.state is JobState.QUEUED
    assert site.store.pending("job-1") == {"p1": "root"}


def test_two_relays_tell_it_once(site: Site) -> None:
    other = CeleryEvents(site.bridge, clock=site.clock)
    for events in (site.events, other):
        events.hear({"type": "task-started", "uuid": "root"})
    site.wait()
    other.tell_due()

    assert site.job.seq == 1


def test_other_tasks_are_no_jobs(site: Site) -> None:
    for kind in ("received", "started", "succeeded"):
        site.hear(kind, "unknown", name="t")
    site.events.hear({"type": "worker-heartbeat"})
    site.wait()

    assert site.job.seq == 0


def test_a_task_is_found_however_many_others_there_are(site: Site) -> None:
    site.hear("started", "unknown")
    site.wait(1.0)
    site.hear("started")
    site.wait(1.0)
    site.wait(1.0)

    assert site.job.state is JobState.STARTED


def test_a_store_that_is_away_is_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_: object) -> list[JobSnapshot]:
        raise StoreUnavailableError("away")

    site.hear("started")
    with monkeypatch.context() as patched:
        patched.setattr(site.store, "all_jobs", away)
        site.wait()
    assert site.job.state == "queued"

    site.events.tell_due()
    assert site.job.state is JobState.STARTED

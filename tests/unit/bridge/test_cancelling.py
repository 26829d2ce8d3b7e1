"""A job that is cancelled while it is started, runs, is repeated or ends: one end, and the reason that was given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from celery import chain, chord
from hypothesis import given, settings
from hypothesis import strategies as st

from chanx.bridge import current_job, outcome, start_job_sync
from chanx.bridge.cancelling import Cancelling
from chanx.bridge.encoding import Origin
from chanx.bridge.entry import Execution
from chanx.bridge.events import JobEvent, JobStarted
from chanx.bridge.reporter import JobReporter, drop_pending
from chanx.bridge.states import JobState
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.layers import MemoryPublisher
from tests.contract.jobs import record
from tests.unit.bridge.apps import BridgedApp, bridged_app


@pytest.fixture
def eager() -> Iterator[BridgedApp]:
    with bridged_app(eager=True) as app:
        yield app


@pytest.mark.parametrize("canvas", [False, True])
def test_the_end_says_why(eager: BridgedApp, canvas: bool) -> None:
    def work(self: Any) -> None:
        eager.store.request_cancel(self.job.job_id, reason="enough")
        self.job.log("noticed")
        self.job.progress(1)

    task = eager.task(work)
    job = start_job_sync(chain(task.si(), task.si()) if canvas else task, owner="user:1")

    assert eager.events(job)[-1]["action"] == "job_cancelled"
    assert eager.events(job)[-1]["payload"] == {"reason": "enough"}
    assert eager.snapshot(job).cancel_reason == "enough"


def test_a_task_that_is_no_job_task_says_why_too(eager: BridgedApp) -> None:
    def work(self: Any) -> None:
        eager.store.request_cancel(current_job().job_id, reason="enough")
        current_job().log("noticed")
        current_job().progress(1)

    job = start_job_sync(eager.task(work, base=None), owner="user:1")

    assert eager.events(job)[-1]["payload"] == {"reason": "enough"}


class Scripted(MemoryJobStore):
    """Before each of its steps, something else may happen."""

    def __init__(self) -> None:
        super().__init__()
        self.before_step: Callable[[], None] | None = None

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name in {"append", "request_cancel", "snapshot", "pending", "unclaimed", "drop_pending", "outcome"}:
            hook, self.before_step = self.before_step, None
            if hook is not None:
                hook()  # once at a time: what happens has steps of its own
                self.before_step = hook
        return found


@dataclass
class Site:
    """A store, a broker's queue, and workers that take from it one step at a time."""

    store: Scripted = field(default_factory=Scripted)
    steps: int = 0

    def __post_init__(self) -> None:
        self.transport = DirectTransport(self.store, MemoryPublisher())
        self.queue: list[tuple[str, str, int]] = []
        self.running: list[Running] = []

    def publish(self, job_id: str, task_id: str, attempt: int) -> str:
        self.steps += 1
        publish_id = f"p{self.steps}"
        if not self.transport.add_pending(job_id, publish_id, task_id):
            publish_id = ""
        self.queue.append((publish_id, task_id, attempt))
        return publish_id


@dataclass
class Running:
    site: Site
    job_id: str
    publish_id: str
    task_id: str
    attempt: int
    is_root: bool

    def __post_init__(self) -> None:
        self.reporter = JobReporter(
            self.site.transport, job_id=self.job_id, task_id=self.task_id, attempt=self.attempt, of_run=True
        )
        execution = Execution(self.job_id, self.publish_id, self.task_id, "n", self.attempt)
        self._send(JobStarted(), claims=True, execution=execution)

    def end(self, how: str) -> None:
        """As the task likes, or as a cancelled one where it notices."""
        if self.reporter.aborted and how != "ignores":
            how = "cancelled"
        event: JobEvent
        if how == "retries":
            self.site.publish(self.job_id, self.task_id, self.attempt + 1)
            event = outcome.retrying(RuntimeError())
            self._send(event, task_id="", ending=outcome.ending_of(event, self.publish_id))
            return
        if how == "cancelled":
            event = outcome.cancelled()
        elif how == "fails":
            event = outcome.failed(RuntimeError(), task_id=self.task_id)
        else:
            event = outcome.succeeded(1)
        self._send(event, ending=outcome.ending_of(event, self.publish_id))

    def _send(self, event: JobEvent, **terms: Any) -> None:
        self.reporter.send(event if self.is_root else outcome.as_nested(event, "n"), **terms)


ends = st.sampled_from(["succeeds", "fails", "retries", "ignores"])
moves = st.one_of(st.just("take"), st.tuples(st.integers(0, 2), ends))


@settings(deadline=None, max_examples=300)
@given(
    before=st.lists(moves, max_size=6),
    during=st.lists(st.lists(moves, max_size=2), max_size=12),
    after=st.lists(moves, max_size=4),
    tasks=st.integers(1, 3),
    twice=st.booleans(),
)
def test_any_interleaving_has_one_end(
    before: list[Any], during: list[list[Any]], after: list[Any], tasks: int, twice: bool
) -> None:
    # Given a job whose tasks are all published
    site = Site()
    names = {f"t{number}": True for number in range(tasks)}
    job_id = site.store.create(record(), pending={"start": "t0"}, tasks=names)
    for name in names:
        site.publish(job_id, name, 1)
    drop_pending(site.transport, Origin(job_id, "t0", 1, ""), ["start"])

    def move(step: Any) -> None:
        if step == "take":
            if site.queue:
                site.running.append(Running(site, job_id, *site.queue.pop(0), is_root=tasks == 1))
        elif step[0] < len(site.running):
            site.running.pop(step[0]).end(step[1])

    def meanwhile() -> None:
        for step in during.pop(0) if during else ():
            move(step)

    for step in before:
        move(step)

    # When it is cancelled while workers go on, between any two of its steps
    app: Any = SimpleNamespace(control=SimpleNamespace(revoke=lambda _: None))
    cancelling = Cancelling(app, site.store, site.transport)
    site.store.before_step = meanwhile
    was = cancelling.cancel(job_id, reason="first", terminate_after=None)
    if twice:
        cancelling.cancel(job_id, reason="second", terminate_after=None)
    site.store.before_step = None
    for step in after:
        move(step)

    # Then once what runs has ended, the job has too, although no worker is left for what waits
    while site.running:
        site.running.pop().end("succeeds")
    page, job = site.store.read(job_id, after=0, limit=1000), site.store.snapshot(job_id)
    assert page is not None
    assert job is not None
    events = [json.loads(entry.event) for entry in page.entries]
    told = [event["action"] for event in events]
    terminal = {"job_succeeded", "job_failed", "job_cancelled"}
    assert [action in terminal for action in told] == [False] * (len(told) - 1) + [True]
    assert job.state.is_terminal
    assert told.count("job_cancel_requested") <= 1
    if job.state is JobState.CANCELLED:
        assert events[-1]["payload"] == {"reason": "first"}
        assert job.cancel_reason == "first"
    if was.is_terminal:
        assert job.state is was


def test_a_canvas_that_no_worker_has_begun_ends_at_once() -> None:
    def work(self: Any) -> None:
        pass

    with bridged_app(eager=False) as queueing:
        task = queueing.task(work)
        job = start_job_sync(chord([task.si(), task.si()], task.si()), owner="user:1")

        assert queueing.bridge.cancel(job.job_id, reason="enough") is JobState.CANCELLED

        assert queueing.actions(job) == ["job_queued", "job_cancel_requested", "job_cancelled"]
        assert queueing.store.pending(job.job_id) == {}


def test_whoever_loses_patience_later_does_not_wait_for_the_first_grace() -> None:
    def work(self: Any) -> None: ...

    with bridged_app(eager=False) as app:
        job = start_job_sync(app.task(work, name="t"), owner="user:1")
        ((publish_id, task_id),) = app.store.pending(job.job_id).items()
        reporter = JobReporter(app.bridge.transport, job_id=job.job_id, task_id=task_id, attempt=1, of_run=True)
        begun = Execution(job.job_id, publish_id, task_id, "t", 1, reporter.origin.run_id)
        reporter.send(JobStarted(), claims=True, execution=begun)

        app.bridge.cancel(job.job_id, terminate_after=3600)
        app.bridge.cancel(job.job_id, terminate_after=0)

        assert [due.kind for due in app.store.due_deadlines()] == ["terminate"]

"""Workers, observers, a broker and a store, of which anything may die or be away at any time: every job ends, once.

Time is moved by hand. What workers do, they do as the bridge does it in them, step by step, to die in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from celery import Celery
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chanx.bridge import outcome
from chanx.bridge.encoding import Origin, encode_event
from chanx.bridge.entry import Appended, AppendStatus, Ending, Execution, JobOutcome, NewEntry
from chanx.bridge.events import JobRetrying, JobStarted, RetryPayload
from chanx.bridge.lease_watch import TTL
from chanx.bridge.observer import QUEUE_SECONDS, VISIBILITY_TIMEOUT, Observer
from chanx.bridge.reporter import end_job
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.nowhere import NowhereTransport
from tests.unit.bridge.doubles import Clock

ASKED = {"leases", "held", "release", "drop_lease", "renew_lease", "due_deadlines", "clear_deadline", "set_deadline"}
ASKED |= {"snapshot", "append", "unclaimed", "pending", "drop_pending", "outcome"}
NEVER = 10_000


class AwayStore(MemoryJobStore):
    """It answers so many questions, then it is away."""

    answers = NEVER

    def __getattribute__(self, name: str) -> Any:
        if name in ASKED:
            if self.answers <= 0:
                raise StoreUnavailableError("away")
            self.answers -= 1
        return super().__getattribute__(name)


class PlainTransport(NowhereTransport):
    """What does not get through is simply lost: nothing is kept to be sent later."""

    def __init__(self, store: AwayStore) -> None:
        self.store = store

    def send(self, entry: NewEntry, **_: Any) -> Appended | None:
        try:
            return self.store.append(entry)
        except StoreUnavailableError:
            return None

    def outcome(self, job_id: str, **_: Any) -> JobOutcome | None:
        try:
            return self.store.outcome(job_id)
        except StoreUnavailableError:
            return None


@dataclass(frozen=True)
class Message:
    execution: Execution


@dataclass
class Running:
    """A run. ``n`` counts its events; ``published`` are messages that the job waits for and that are not sent yet.

    ``before`` are the runs that had spoken when it began.
    """

    execution: Execution
    before: frozenset[str]
    n: int = 0
    published: list[Message] = field(default_factory=list[Message])


@dataclass
class Worker:
    worker_id: str
    is_suspended: bool = False
    silent_seconds: int = 0
    has_lapsed: bool = False
    received: list[Message] = field(default_factory=list[Message])
    running: list[Running] = field(default_factory=list[Running])


class LostWorkers(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.store = AwayStore(clock=self.clock)
        self.transport = PlainTransport(self.store)
        self.app = Celery("model", broker="memory://", set_as_current=False)  # no result backend
        self.numbers = count(1)
        self.jobs: list[str] = []
        self.queue: list[Message] = []
        self.unacknowledged: list[Message] = []  # of workers that are dead
        self.workers: list[Worker] = []
        self.observers: list[Observer] = []
        self.start_worker()
        self.start_observer()

    # What happens to workers and to the store

    @precondition(lambda self: len(self.workers) < 3)
    @rule()
    def start_worker(self) -> None:
        worker = Worker(f"w{next(self.numbers)}")
        self.store.renew_lease(worker.worker_id)
        self.workers.append(worker)

    @precondition(lambda self: len(self.observers) < 3)
    @rule()
    def start_observer(self) -> None:
        self.observers.append(Observer(self.store, self.transport, self.app, clock=self.clock))

    @rule(data=st.data())
    def kill_observer(self, data: st.DataObject) -> None:
        if self.observers:
            self.observers.remove(data.draw(st.sampled_from(self.observers)))

    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        if self.workers:
            worker = data.draw(st.sampled_from(self.workers))
            self.workers.remove(worker)
            self.unacknowledged += worker.received
            self.unacknowledged += [Message(run.execution) for run in worker.running if run.execution.acks_late]

    @rule(data=st.data())
    def suspend_or_resume(self, data: st.DataObject) -> None:
        if self.workers:
            worker = data.draw(st.sampled_from(self.workers))
            worker.is_suspended = not worker.is_suspended
            if not worker.is_suspended:
                self.store.renew_lease(worker.worker_id)  # overdue: its thread does that first

    @rule(seconds=st.integers(1, 7), answers=st.sampled_from([*range(14), NEVER, NEVER]), look_first=st.booleans())
    def pass_time(self, seconds: int, answers: int = NEVER, look_first: bool = False) -> None:
        """Each observer gets so many answers of the store each time that it looks."""
        for _ in range(seconds):
            self.clock.now += 1
            if look_first:
                self._look(answers)
            self._renew()
            if not look_first:
                self._look(answers)
            self.nobody_ends_what_a_living_worker_runs()

    @rule(seconds=st.integers(1, 7))
    def pass_time_without_store(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.now += 1
            self._look(0)

    @precondition(lambda self: self.unacknowledged)
    @rule()
    def redeliver(self) -> None:
        self.queue.append(self._fresh(self.unacknowledged.pop(0)))

    @rule()
    def pass_much_time(self) -> None:
        """Long enough for the broker to deliver everything again, and for every deadline."""
        self.queue += map(self._fresh, self.unacknowledged)
        self.unacknowledged.clear()
        self.clock.now += VISIBILITY_TIMEOUT + QUEUE_SECONDS
        for worker in self.workers:
            worker.silent_seconds += 1000 * worker.is_suspended
        self.pass_time(1)

    # What tasks do

    @rule(acks_late=st.booleans(), is_canvas=st.booleans(), data=st.data(), begun=st.integers(0, 2))
    def start_job(self, acks_late: bool, is_canvas: bool, data: st.DataObject, begun: int) -> None:
        """Some of its tasks are begun at once."""
        number = next(self.numbers)
        job_id, task_id = f"job-{number}", f"t{number}"
        tasks: Mapping[str, bool] = {task_id: True, f"{task_id}b": True} if is_canvas else {task_id: True}
        pending = {f"p-{name}": name for name in tasks}
        self.store.create(
            JobRecord(job_id=job_id, owner="user:1", name="t", task_id=task_id, created_at=datetime.now(UTC)),
            pending=pending,
            tasks=tasks,
        )
        self.jobs.append(job_id)
        for publish_id, name in pending.items():
            execution = Execution(job_id, publish_id, name, "t", 1, acks_late=acks_late, is_root=not is_canvas)
            if self._able and begun > 0:
                begun -= 1
                self._begin(data.draw(st.sampled_from(self._able)), Message(execution))
            else:
                self.queue.append(Message(execution))

    @precondition(lambda self: self._able and self.queue)
    @rule(data=st.data(), is_held=st.booleans())
    def receive(self, data: st.DataObject, is_held: bool) -> None:
        worker, message = data.draw(st.sampled_from(self._able)), self.queue.pop(0)
        worker.received.append(message)
        if is_held:
            self.store.hold(worker.worker_id, [message.execution])

    @precondition(lambda self: any(worker.received for worker in self._able))
    @rule(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from([one for one in self._able if one.received]))
        self._begin(worker, worker.received.pop(0))

    @precondition(lambda self: any(worker.running for worker in self._able))
    @rule(data=st.data(), is_retry=st.booleans())
    def publish(self, data: st.DataObject, is_retry: bool) -> None:
        """The job waits for the message; it goes out later, if the worker lives."""
        worker, run = self._draw_run(data)
        number, parent = next(self.numbers), run.execution
        task_id = parent.task_id if is_retry else f"t{number}"
        child = replace(
            parent,
            publish_id=f"p{number}",
            task_id=task_id,
            attempt=parent.attempt + 1 if is_retry else 1,
            run_id="",
            is_root=parent.is_root and is_retry,
        )
        if self.store.add_pending(child.job_id, child.publish_id, task_id, worker=worker.worker_id):
            run.published.append(Message(child))

    @precondition(lambda self: any(worker.running for worker in self._able))
    @rule(data=st.data())
    def send_published(self, data: st.DataObject) -> None:
        _, run = self._draw_run(data)
        self.queue += run.published
        run.published.clear()

    @precondition(lambda self: any(worker.running for worker in self._able))
    @rule(data=st.data(), how=st.sampled_from(["succeeded", "failed", "retried"]), dies=st.booleans())
    def finish(self, data: st.DataObject, how: str, dies: bool) -> None:
        """The run says how it ended; if the worker dies then, it neither ends the job nor lets go of the execution."""
        worker, run = self._draw_run(data)
        if how == "retried" and not any(one.execution.task_id == run.execution.task_id for one in run.published):
            how = "failed"
        self.queue += run.published
        appended = self._append_end(run, worker, how)
        assert worker.has_lapsed or appended.status is not AppendStatus.SUPERSEDED
        if dies:
            self.workers.remove(worker)
            worker.running.remove(run)
            self.unacknowledged += worker.received
            self.unacknowledged += [Message(one.execution) for one in worker.running if one.execution.acks_late]
            if run.execution.acks_late:
                self.unacknowledged.append(Message(run.execution))
            return
        if appended.complete:
            origin = Origin(run.execution.job_id, run.execution.task_id, run.execution.attempt, "")
            end_job(self.transport, origin, if_decided=how == "retried")
        worker.running.remove(run)
        self.store.release(worker.worker_id, [run.execution.publish_id], run_id=run.execution.run_id)

    # What has to be true

    @invariant()
    def a_job_ends_at_most_once(self) -> None:
        for job_id in self.jobs:
            actions = self._actions(job_id)
            terminals = [action for action in actions if action in {"job_succeeded", "job_failed", "job_cancelled"}]
            assert terminals in ([], actions[-1:]), actions

    @invariant()
    def nobody_ends_what_a_living_worker_runs(self) -> None:
        for worker in self.workers:
            for run in [] if worker.has_lapsed else worker.running:
                spoken = self.store._jobs[run.execution.job_id].runs.keys() - run.before
                in_place = (f"{run.execution.run_id}:", f"{run.execution.publish_id}:")
                assert not [run_id for run_id in spoken if run_id.startswith(in_place)]

    def teardown(self) -> None:
        """Everybody who lives goes on, the broker delivers everything, and somebody looks: then every job has ended."""
        if not self.observers:
            self.start_observer()
        if not self.workers:
            self.start_worker()
        for worker in self.workers:
            worker.is_suspended = False
        for _ in range(3):
            self.pass_time(int(TTL) + 2)
        worker = self.workers[0]
        while self.unacknowledged or self.queue or any(one.received or one.running for one in self.workers):
            self.queue += map(self._fresh, self.unacknowledged)
            self.unacknowledged.clear()
            for one in self.workers:
                self.queue += [message for run in one.running for message in run.published]
                for run in one.running:
                    self._end_now(one, run)
                self.queue += one.received
                one.received, one.running = [], []
            for message in self.queue:
                self._end_now(worker, self._begin(worker, message))
            worker.running.clear()
            self.queue.clear()
        self.clock.now += VISIBILITY_TIMEOUT + QUEUE_SECONDS
        for _ in range(10):
            self.pass_time(1)
        for job_id in self.jobs:
            snapshot = self.store.snapshot(job_id)
            assert snapshot is not None
            assert snapshot.state.is_terminal, (self._actions(job_id), self.store.pending(job_id))
        self.a_job_ends_at_most_once()

    @property
    def _able(self) -> list[Worker]:
        """The workers that can do something now."""
        return [one for one in self.workers if not one.is_suspended]

    def _renew(self) -> None:
        for worker in self.workers:
            if worker.is_suspended:
                worker.silent_seconds += 1
            else:
                worker.silent_seconds = 0
                self.store.renew_lease(worker.worker_id)
            worker.has_lapsed |= worker.silent_seconds >= TTL - 1

    def _look(self, answers: int) -> None:
        for observer in self.observers:
            self.store.answers = answers
            observer.look()
        self.store.answers = NEVER

    def _draw_run(self, data: st.DataObject) -> tuple[Worker, Running]:
        worker = data.draw(st.sampled_from([one for one in self._able if one.running]))
        return worker, data.draw(st.sampled_from(worker.running))

    def _begin(self, worker: Worker, message: Message) -> Running:
        begun = replace(message.execution, run_id=f"r{next(self.numbers)}", pid=1)
        run = Running(begun, frozenset(self.store._jobs[begun.job_id].runs))
        worker.running.append(run)
        self._append(run, JobStarted(), claims=True, worker=worker.worker_id, execution=run.execution)
        return run

    def _append(self, run: Running, event: Any, **terms: Any) -> Appended:
        run.n += 1
        execution = run.execution
        origin = Origin(execution.job_id, execution.task_id, execution.attempt, execution.run_id)
        told = event if execution.is_root else outcome.as_nested(event, execution.task_name)
        terms.setdefault("task_id", execution.task_id)
        return self.store.append(encode_event(told, origin, run.n, **terms))

    def _append_end(self, run: Running, worker: Worker, how: str) -> Appended:
        publish_id = run.execution.publish_id
        if how == "retried":
            event = JobRetrying(payload=RetryPayload(reason="again"))
            return self._append(run, event, task_id="", worker=worker.worker_id, ending=Ending(publish_id, "none"))
        ended = outcome.succeeded(1) if how == "succeeded" else outcome.failed(ValueError(), task_id="t")
        ending = outcome.ending_of(ended, publish_id)
        return self._append(run, ended, worker=worker.worker_id, ending=ending)

    def _end_now(self, worker: Worker, run: Running) -> None:
        if self._append_end(run, worker, "succeeded").complete:
            end_job(self.transport, Origin(run.execution.job_id, run.execution.task_id, 1, ""))
        self.store.release(worker.worker_id, [run.execution.publish_id], run_id=run.execution.run_id)

    @staticmethod
    def _fresh(message: Message) -> Message:
        return Message(replace(message.execution, run_id="", pid=0))

    def _events(self, job_id: str) -> list[str]:
        page = MemoryJobStore.read(self.store, job_id, after=0, limit=NEVER)
        assert page is not None
        return [entry.event for entry in page.entries]

    def _actions(self, job_id: str) -> list[str]:
        page = self._events(job_id)
        return [text.split('"action":"')[1].split('"')[0] for text in page]


LostWorkers.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLostWorkers = LostWorkers.TestCase

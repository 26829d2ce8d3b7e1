"""What an observer does about workers that died, and about what is due, whatever others did before or meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from celery import states

from chanx.bridge import outcome, start_job_sync
from chanx.bridge.entry import Deadline, DeadlineKind, Execution
from chanx.bridge.events import JobRetrying, JobStarted, RetryPayload
from chanx.bridge.lease_watch import TTL
from chanx.bridge.observer import MARGIN, MAX_EXECUTIONS, MAX_TERMINATIONS, QUEUE_SECONDS, TERMINATE_EVERY, Observer
from chanx.bridge.reporter import JobReporter
from chanx.bridge.states import JobState
from chanx.bridge.store.base import StoreUnavailableError
from tests.unit.bridge.apps import BridgedApp, bridged_app

WORKER = "host:1:a"
REDELIVERY = 3600 + QUEUE_SECONDS


@pytest.fixture
def app() -> Iterator[BridgedApp]:
    with bridged_app(eager=False) as made:
        made.store.renew_lease(WORKER)
        yield made


@pytest.fixture
def observer(app: BridgedApp) -> Observer:
    return make_observer(app)


def make_observer(app: BridgedApp) -> Observer:
    return Observer(app.store, app.bridge.transport, app.app, clock=app.clock)


def nothing(self: Any) -> None: ...


class Begun:
    """A job whose one execution the worker has begun."""

    def __init__(self, app: BridgedApp, *, worker: str = WORKER, **values: Any) -> None:
        self.app = app
        task = app.task(nothing, name=f"t{len(app.app.tasks)}")
        self.job = start_job_sync(task, owner="user:1")
        ((publish_id, task_id),) = app.store.pending(self.job.job_id).items()
        begun = Execution(self.job.job_id, publish_id, task_id, task.name, 1, is_root=True)
        self.reporter = JobReporter(
            app.bridge.transport, job_id=self.job.job_id, task_id=task_id, attempt=1, of_run=True
        )
        self.execution = replace(begun, run_id=self.reporter.origin.run_id, pid=1, **values)
        self.reporter.send(JobStarted(), claims=True, worker=worker, execution=self.execution)

    @property
    def actions(self) -> list[str]:
        return self.app.actions(self.job)[1:]

    @property
    def state(self) -> JobState:
        return self.app.snapshot(self.job).state

    @property
    def code(self) -> str:
        return str(self.app.snapshot(self.job).fields["error"]["code"])

    def succeed(self) -> None:
        event = outcome.succeeded("done")
        self.reporter.send(event, ending=outcome.ending_of(event, self.execution.publish_id))


def pass_time(app: BridgedApp, *observers: Observer, seconds: float = TTL + 1) -> None:
    """Everybody looks once a second."""
    for _ in range(int(seconds)):
        app.clock.now += 1
        for one in observers:
            one.look()


def due_later(app: BridgedApp, seconds: float = REDELIVERY) -> list[Deadline]:
    app.clock.now += seconds
    return app.store.due_deadlines()


class TestDeadWorkers:
    def test_what_was_begun_and_acknowledged_early_has_failed(self, app: BridgedApp, observer: Observer) -> None:
        begun = Begun(app)

        pass_time(app, observer)

        assert begun.actions == ["job_started", "job_failed"]
        assert begun.code == "worker_lost"
        assert (app.store.leases(), app.store.held(WORKER)) == ({}, [])

    def test_nothing_is_done_to_a_worker_that_renews(self, app: BridgedApp, observer: Observer) -> None:
        begun = Begun(app)

        for _ in range(20):
            app.store.renew_lease(WORKER)
            pass_time(app, observer, seconds=1)

        assert begun.state is JobState.STARTED

    def test_a_run_that_was_only_suspended_may_not_speak_any_more(self, app: BridgedApp, observer: Observer) -> None:
        begun = Begun(app)
        pass_time(app, observer)
        events = app.events(begun.job)

        begun.succeed()

        assert app.events(begun.job) == events
        assert begun.reporter.aborted

    def test_what_the_result_backend_knows_counts(self, app: BridgedApp, observer: Observer) -> None:
        succeeded, failed, revoked = (Begun(app) for _ in range(3))
        backend = app.app.backend
        backend.store_result(succeeded.execution.task_id, {"rows": 3}, states.SUCCESS)
        backend.store_result(failed.execution.task_id, ValueError("secret"), states.FAILURE)
        backend.store_result(revoked.execution.task_id, None, states.REVOKED)

        pass_time(app, observer)

        assert app.snapshot(succeeded.job).fields["result"] == {"rows": 3}
        assert [one.state.value for one in (succeeded, failed, revoked)] == ["succeeded", "failed", "cancelled"]
        assert failed.code == "error"

    def test_a_result_backend_that_is_away_knows_nothing(
        self, app: BridgedApp, observer: Observer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun = Begun(app)
        monkeypatch.setattr(app.app.backend, "get_task_meta", raise_away)

        pass_time(app, observer)

        assert begun.code == "worker_lost"

    def test_a_task_that_acknowledges_late_is_interrupted_and_fails_if_it_does_not_come_again(
        self, app: BridgedApp, observer: Observer
    ) -> None:
        # Given
        begun = Begun(app, acks_late=True)
        pass_time(app, observer, seconds=60)
        assert begun.actions == ["job_started", "job_interrupted"]
        assert begun.state is JobState.STARTED

        # When
        app.clock.now += REDELIVERY
        observer.look()

        # Then
        assert begun.actions == ["job_started", "job_interrupted", "job_failed"]
        assert app.store.due_deadlines() == []

    def test_one_that_was_interrupted_is_cancelled_at_once(self, app: BridgedApp, observer: Observer) -> None:
        begun = Begun(app, acks_late=True)
        pass_time(app, observer)

        app.bridge.cancel(begun.job.job_id, reason="enough")

        assert begun.actions == ["job_started", "job_interrupted", "job_cancel_requested", "job_cancelled"]
        assert app.events(begun.job)[-1]["payload"] == {"reason": "enough"}

    def test_a_message_that_comes_again_is_nobody_else_s_matter(self, app: BridgedApp, observer: Observer) -> None:
        # Given
        begun = Begun(app, acks_late=True)
        pass_time(app, observer)

        # When another worker runs it
        app.store.renew_lease("another")
        again = JobReporter(
            app.bridge.transport, job_id=begun.job.job_id, task_id=begun.execution.task_id, attempt=1, of_run=True
        )
        second = replace(begun.execution, run_id=again.origin.run_id)
        again.send(JobStarted(), claims=True, worker="another", execution=second)
        app.clock.now += REDELIVERY
        observer.look()

        # Then it goes on
        assert begun.actions == ["job_started", "job_interrupted", "job_started"]
        assert app.store.due_deadlines() == []
        # And the first one is silent
        begun.reporter.send(JobRetrying(payload=RetryPayload(reason="late")))
        assert begun.actions == ["job_started", "job_interrupted", "job_started"]

    def test_a_message_that_came_again_before_anybody_looked(self, app: BridgedApp, observer: Observer) -> None:
        begun = Begun(app, acks_late=True)
        again = JobReporter(
            app.bridge.transport, job_id=begun.job.job_id, task_id=begun.execution.task_id, attempt=1, of_run=True
        )
        second = replace(begun.execution, run_id=again.origin.run_id)
        again.send(JobStarted(), claims=True, worker="another", execution=second)

        pass_time(app, observer)

        assert begun.actions == ["job_started", "job_started"]
        assert due_later(app) == []

    def test_the_success_of_an_interrupted_run_counts(self, app: BridgedApp, observer: Observer) -> None:
        begun = Begun(app, acks_late=True)
        pass_time(app, observer)

        begun.succeed()

        assert begun.actions == ["job_started", "job_interrupted", "job_succeeded"]

    def test_a_cancelled_job_is_cancelled_then(self, app: BridgedApp, observer: Observer) -> None:
        early, late = Begun(app), Begun(app, acks_late=True)
        for one in (early, late):
            app.store.request_cancel(one.job.job_id, reason="too slow")

        pass_time(app, observer)

        for one in (early, late):
            assert one.actions == ["job_started", "job_cancelled"]
            assert app.events(one.job)[-1]["payload"] == {"reason": "too slow"}

    def test_what_was_received_and_not_begun_is_delivered_again_or_fails(
        self, app: BridgedApp, observer: Observer
    ) -> None:
        # Given
        job = start_job_sync(app.task(nothing, name="received"), owner="user:1")
        ((publish_id, task_id),) = app.store.pending(job.job_id).items()
        received = Execution(job.job_id, publish_id, task_id, "received", 1, is_root=True)
        app.store.hold(WORKER, [received])

        # When
        pass_time(app, observer, seconds=60)

        # Then
        assert app.actions(job) == ["job_queued"]
        app.clock.now += REDELIVERY
        observer.look()
        assert app.actions(job) == ["job_queued", "job_failed"]

    def test_what_merely_waits_in_a_long_queue_or_for_its_time_does_not_fail(
        self, app: BridgedApp, observer: Observer
    ) -> None:
        # Given a task of the dead worker's that was interrupted, and one that it has published for later
        begun = Begun(app, acks_late=True)
        app.store.add_pending(begun.job.job_id, "later", "t-later", worker=WORKER)
        pass_time(app, observer)

        # When every other worker is busy for hours
        app.clock.now += 12 * 3600
        observer.look()

        # Then
        assert begun.actions == ["job_started", "job_interrupted"]
        assert set(app.store.pending(begun.job.job_id)) == {begun.execution.publish_id, "later"}

    def test_what_another_worker_has_received_since_is_in_its_care(self, app: BridgedApp, observer: Observer) -> None:
        # Given
        job = start_job_sync(app.task(nothing, name="received"), owner="user:1")
        ((publish_id, task_id),) = app.store.pending(job.job_id).items()
        received = Execution(job.job_id, publish_id, task_id, "received", 1, is_root=True)
        app.store.hold(WORKER, [received])
        pass_time(app, observer)

        # When
        app.store.renew_lease("another")
        app.store.hold("another", [received])
        app.clock.now += REDELIVERY
        observer.look()

        # Then
        assert app.actions(job) == ["job_queued"]
        assert app.store.due_deadlines() == []

    def test_what_it_was_about_to_publish_does_not_keep_the_job_open(self, app: BridgedApp, observer: Observer) -> None:
        # Given a task that waits for two others, of which one goes out
        begun = Begun(app)
        app.store.add_pending(begun.job.job_id, "sent", "t-sent", worker=WORKER)
        app.store.add_pending(begun.job.job_id, "lost", "t-lost", worker=WORKER)
        sent = JobReporter(
            app.bridge.transport, job_id=begun.job.job_id, task_id="t-sent", attempt=1, of_run=True, is_member=False
        )
        execution = Execution(begun.job.job_id, "sent", "t-sent", "sent", 1, sent.origin.run_id)
        sent.send(outcome.task_state("sent", "started"), claims=True, worker="another", execution=execution)

        # When
        pass_time(app, observer)
        sent.send(outcome.task_state("sent", "succeeded"), ending=outcome.ending_of(outcome.succeeded(1), "sent"))
        assert not begun.state.is_terminal
        app.clock.now += REDELIVERY
        observer.look()

        # Then
        assert begun.code == "worker_lost"
        assert begun.actions[-1] == "job_failed"

    def test_an_attempt_whose_successor_has_succeeded(self, app: BridgedApp, observer: Observer) -> None:
        # Given an attempt that has published the next one, and goes on
        begun = Begun(app)
        app.store.add_pending(begun.job.job_id, "p2", begun.execution.task_id, worker=WORKER)
        second = JobReporter(
            app.bridge.transport, job_id=begun.job.job_id, task_id=begun.execution.task_id, attempt=2, of_run=True
        )
        execution = replace(begun.execution, publish_id="p2", attempt=2, run_id=second.origin.run_id)
        second.send(JobStarted(), claims=True, worker="another", execution=execution)
        succeeded = outcome.succeeded("second")
        second.send(succeeded, ending=outcome.ending_of(succeeded, "p2"))
        assert not begun.state.is_terminal

        # When
        pass_time(app, observer)

        # Then
        assert begun.actions[-1] == "job_succeeded"

    @pytest.mark.parametrize("acks_late", [False, True])
    def test_a_worker_that_died_between_the_end_of_a_task_and_that_of_its_job(
        self, app: BridgedApp, observer: Observer, acks_late: bool
    ) -> None:
        # Given two attempts of which the second one has succeeded, and the first one just said that it has failed
        begun = Begun(app, acks_late=acks_late)
        app.store.add_pending(begun.job.job_id, "p2", begun.execution.task_id)
        event = outcome.succeeded("second")
        second = JobReporter(
            app.bridge.transport, job_id=begun.job.job_id, task_id=begun.execution.task_id, attempt=2, of_run=True
        )
        second.send(event, ending=outcome.ending_of(event, "p2"))
        app.store.drop_pending(begun.job.job_id, [begun.execution.publish_id])
        assert begun.state is JobState.STARTED

        # When
        pass_time(app, observer)

        # Then
        assert begun.actions == ["job_started", "job_succeeded"]
        assert app.store.leases() == {}

    def test_several_observers_are_as_good_as_one(self, app: BridgedApp) -> None:
        early, late = Begun(app), Begun(app, acks_late=True)

        pass_time(app, *(make_observer(app) for _ in range(3)), seconds=20)

        assert early.actions == ["job_started", "job_failed"]
        assert late.actions == ["job_started", "job_interrupted"]
        assert len(due_later(app)) == 1

    def test_one_look_sees_to_so_many_and_the_next_ones_to_the_rest(self, app: BridgedApp, observer: Observer) -> None:
        jobs = [Begun(app) for _ in range(MAX_EXECUTIONS + 5)]

        pass_time(app, observer, seconds=TTL)
        assert all(one.state is JobState.STARTED for one in jobs)
        pass_time(app, observer, seconds=1)

        assert sum(one.state is JobState.FAILED for one in jobs) == MAX_EXECUTIONS
        assert WORKER in app.store.leases()
        pass_time(app, observer, seconds=1)
        assert all(one.state is JobState.FAILED for one in jobs)
        assert app.store.leases() == {}

    def test_a_store_that_goes_away_in_the_middle(
        self, app: BridgedApp, observer: Observer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        jobs = [Begun(app) for _ in range(3)]
        pass_time(app, observer, seconds=TTL)

        # When its second release is not answered
        with monkeypatch.context() as away:
            answers = iter([app.store.release])
            away.setattr(app.store, "release", lambda *args, **named: next(answers, raise_away)(*args, **named))
            pass_time(app, observer, seconds=1)
        assert WORKER in app.store.leases()

        # Then the count starts anew, and the rest is seen to
        pass_time(app, observer)
        assert [one.actions for one in jobs] == [["job_started", "job_failed"]] * 3
        assert app.store.leases() == {}

    def test_one_that_cannot_be_seen_to_keeps_nobody_from_the_others(
        self, app: BridgedApp, observer: Observer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Given
        odd, held, due = Begun(app), Begun(app), Begun(app, worker="")
        for one in (odd, due):
            app.store.set_deadline(Deadline("stopped", one.execution), seconds=2)
        snapshot = app.store.snapshot

        def odd_snapshot(job_id: str) -> Any:
            if job_id == odd.job.job_id:
                raise ValueError
            return snapshot(job_id)

        # When
        with monkeypatch.context() as broken:
            broken.setattr(app.store, "snapshot", odd_snapshot)
            pass_time(app, observer)

        # Then
        assert [one.state for one in (odd, held, due)] == [JobState.STARTED, JobState.FAILED, JobState.FAILED]
        assert app.store.held(WORKER) == [odd.execution]
        pass_time(app, observer, seconds=2)
        assert odd.state is JobState.FAILED
        assert (app.store.leases(), app.store.due_deadlines()) == ({}, [])

    def test_a_result_backend_that_hangs_is_asked_once(
        self, app: BridgedApp, observer: Observer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        jobs = [Begun(app) for _ in range(5)]
        asked: list[str] = []

        def hang(task_id: str, **_: Any) -> Any:
            asked.append(task_id)
            app.clock.now += 20
            raise_away()

        monkeypatch.setattr(app.app.backend, "get_task_meta", hang)

        pass_time(app, observer)

        assert len(asked) == 1
        assert [one.code for one in jobs] == ["worker_lost"] * 5

    def test_what_a_worker_has_published_for_a_large_job_is_looked_up_once(
        self, app: BridgedApp, observer: Observer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Given a worker that has published and begun many tasks of one job
        begun = Begun(app)
        job_id, task_id = begun.job.job_id, begun.execution.task_id
        for n in range(20):
            app.store.add_pending(job_id, f"p{n}", f"t{n}", worker=WORKER)
        received = [Execution(job_id, f"p{n}", f"t{n}", "part", 1) for n in range(20)]
        app.store.hold(WORKER, received)
        set_deadlines: list[Deadline] = []
        set_deadline = app.store.set_deadline

        def count(deadline: Deadline, *, seconds: float) -> None:
            set_deadlines.append(deadline)
            set_deadline(deadline, seconds=seconds)

        monkeypatch.setattr(app.store, "set_deadline", count)

        # When
        pass_time(app, observer)

        # Then each is expected as published, and as received
        assert task_id not in {deadline.execution.task_id for deadline in set_deadlines}
        assert len(set_deadlines) == 40

    def test_an_observer_that_another_thread_uses_does_nothing(self, app: BridgedApp, observer: Observer) -> None:
        begun = Begun(app)
        pass_time(app, observer, seconds=TTL)
        held = app.store.held

        def held_after_another_look(worker: str) -> list[Execution]:
            observer.look()
            assert begun.state is JobState.STARTED
            return held(worker)

        app.store.held = held_after_another_look  # type: ignore[method-assign]
        pass_time(app, observer, seconds=1)

        assert begun.actions == ["job_started", "job_failed"]


class TestDeadlines:
    @pytest.mark.parametrize(("kind", "code"), [("stopped", "worker_exited"), ("redelivery", "worker_lost")])
    def test_what_did_not_end_in_time(self, app: BridgedApp, observer: Observer, kind: DeadlineKind, code: str) -> None:
        begun = Begun(app, worker="")
        app.store.set_deadline(Deadline(kind, begun.execution), seconds=2)

        observer.look()
        assert begun.state is JobState.STARTED
        pass_time(app, observer, seconds=2)

        assert begun.code == code
        assert app.store.due_deadlines() == []

    def test_a_start_that_was_broken_off_before_anything_went_out(self, app: BridgedApp, observer: Observer) -> None:
        job = start_job_sync(app.task(nothing, name="never sent"), owner="user:1")
        ((publish_id, task_id),) = app.store.pending(job.job_id).items()
        start = Execution(job.job_id, publish_id, task_id, "never sent", 0)
        app.store.set_deadline(Deadline("enqueue", start), seconds=0)

        observer.look()

        assert app.actions(job) == ["job_queued", "job_failed"]
        assert app.snapshot(job).fields["error"]["code"] == "not_enqueued"

    def test_a_start_whose_task_was_begun_all_the_same(self, app: BridgedApp, observer: Observer) -> None:
        begun = Begun(app)
        app.store.set_deadline(Deadline("enqueue", begun.execution), seconds=0)

        observer.look()

        assert begun.state is JobState.STARTED
        assert app.store.due_deadlines() == []

    def test_a_start_whose_task_was_interrupted_meanwhile(self, app: BridgedApp, observer: Observer) -> None:
        begun = Begun(app, acks_late=True)
        start = replace(begun.execution, run_id="", attempt=0)
        app.store.set_deadline(Deadline("enqueue", start), seconds=60)

        pass_time(app, observer, seconds=70)

        assert begun.actions == ["job_started", "job_interrupted"]

    def test_a_canvas_whose_start_was_broken_off_in_the_middle(self, app: BridgedApp, observer: Observer) -> None:
        # Given a start that published one task, and died over another
        begun = Begun(app)
        for publish_id in ("start", "lost"):
            app.store.add_pending(begun.job.job_id, publish_id, publish_id)
        start = Execution(begun.job.job_id, "start", "t", "canvas", 0)
        app.store.set_deadline(Deadline("enqueue", start), seconds=0)

        # When
        observer.look()
        begun.succeed()
        assert "job_succeeded" not in begun.actions
        app.clock.now += 3600 + MARGIN
        observer.look()

        # Then
        assert begun.actions[-1] == "job_succeeded"

    def test_a_job_that_has_to_be_terminated(
        self, app: BridgedApp, observer: Observer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Given
        revoked: list[Any] = []
        monkeypatch.setattr(app.app.control, "revoke", lambda ids, **options: revoked.append((ids, options)))
        begun = Begun(app, worker="")
        app.store.set_deadline(Deadline("terminate", replace(begun.execution, attempt=0)), seconds=0)

        # When
        observer.look()
        pass_time(app, observer, seconds=10 * TERMINATE_EVERY)

        # Then
        assert revoked == [([begun.job.task_id], {"terminate": True})] * MAX_TERMINATIONS
        assert app.store.due_deadlines() == []

    def test_a_broker_that_is_away_harms_nobody(
        self, app: BridgedApp, observer: Observer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(app.app.control, "revoke", raise_away)
        first, second = Begun(app), Begun(app)
        app.store.set_deadline(Deadline("terminate", first.execution), seconds=0)
        app.store.set_deadline(Deadline("stopped", second.execution), seconds=0)

        observer.look()

        assert second.state is JobState.FAILED

    def test_a_chord_s_helper_ends_without_a_word(self, app: BridgedApp, observer: Observer) -> None:
        begun = Begun(app)
        app.store.add_pending(begun.job.job_id, "unlock", "t-unlock")
        helper = Execution(begun.job.job_id, "unlock", "t-unlock", "celery.chord_unlock", 1)
        begun.succeed()
        app.store.set_deadline(Deadline("redelivery", helper), seconds=0)

        observer.look()

        assert begun.actions == ["job_started", "job_succeeded"]

    @pytest.mark.parametrize("kind", ["stopped", "redelivery", "enqueue", "terminate"])
    def test_what_has_ended_stays_as_it_is(self, app: BridgedApp, observer: Observer, kind: DeadlineKind) -> None:
        begun = Begun(app)
        begun.succeed()
        app.store.set_deadline(Deadline(kind, begun.execution), seconds=0)

        observer.look()

        assert begun.actions == ["job_started", "job_succeeded"]
        assert app.store.due_deadlines() == []


def test_a_complete_job_that_nobody_ended(app: BridgedApp, observer: Observer) -> None:
    # Given
    begun = Begun(app)
    app.store.add_pending(begun.job.job_id, "p2", "t2")
    begun.succeed()
    app.store.drop_pending(begun.job.job_id, ["p2"])

    # When
    observer.end_complete(begun.job.job_id)
    observer.end_complete(begun.job.job_id)

    # Then
    assert begun.actions == ["job_started", "job_succeeded"]


def test_a_job_whose_tasks_have_come_to_nothing_yet_is_left_alone(app: BridgedApp, observer: Observer) -> None:
    """Its next attempt may be on its way without the job's knowing."""
    begun = Begun(app)
    app.store.drop_pending(begun.job.job_id, [begun.execution.publish_id])

    observer.end_complete(begun.job.job_id)

    assert begun.state is JobState.STARTED


def raise_away(*_: Any, **__: Any) -> Any:
    raise StoreUnavailableError("away")

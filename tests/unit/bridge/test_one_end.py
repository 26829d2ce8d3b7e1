"""Whatever becomes of a job's executions, in whatever order: the job ends once, with the last of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from celery import signals
from celery.app.task import Context
from celery.exceptions import Ignore, Reject, Retry, WorkerLostError
from hypothesis import given
from hypothesis import strategies as st

from chanx.bridge import start_job_sync
from chanx.bridge.context import HEADER
from chanx.bridge.observer import PATIENCE
from chanx.bridge.states import JobState
from chanx.bridge.worker import parent
from tests.unit.bridge.apps import BridgedApp, bridged_app

TERMINALS = {"job_succeeded", "job_failed", "job_cancelled"}
RUNS = ["success", "failure", "retry", "ignore", "reject", "requeue", "vanish"]
ENDS_FROM_OUTSIDE = ["revoked", "expired", "lost", "unknown"]


@dataclass(frozen=True)
class Execution:
    """A message on its way."""

    task_id: str
    headers: dict[str, Any]
    retries: int = 0


class Simulation:
    """One job; plays Celery, by the signals that it sends."""

    def __init__(self, app: BridgedApp) -> None:
        self.app = app
        self.task = app.task(nothing)
        self.outstanding: list[Execution] = []
        self.ended: list[Execution] = []
        self.has_succeeded = False
        self._ids = itertools.count()
        signals.after_task_publish.connect(self._on_published, weak=False)
        try:
            self.job = start_job_sync(self.task, owner="user:1")
        finally:
            signals.after_task_publish.disconnect(self._on_published)

    def run(self, execution: Execution, how: str, children: int, lost_children: int) -> None:
        """Has a worker run it."""
        self.task.push_request(id=execution.task_id, headers=execution.headers, retries=execution.retries)
        request = self.task.request
        retval: Any = None
        try:
            signals.task_prerun.send(sender=self.task, task=self.task, task_id=execution.task_id)
            for _ in range(children):
                self._publish(f"child-{next(self._ids)}", {})
            for _ in range(lost_children):
                signals.before_task_publish.send(sender="t", headers={"id": "lost"}, properties={})
            match how:
                case "success":
                    signals.task_success.send(sender=self.task, result=1)
                    self.has_succeeded |= execution.task_id == self.job.task_id
                case "failure":
                    signals.task_failure.send(
                        sender=self.task, task_id=execution.task_id, exception=RuntimeError("secret")
                    )
                case "retry":
                    self._publish(execution.task_id, dict(execution.headers), execution.retries + 1)
                    signals.task_retry.send(sender=self.task, request=request, reason=Retry())
                case "ignore":
                    retval = Ignore()
                case "reject" | "requeue":
                    retval = Reject(requeue=how == "requeue")
                case _:
                    pass
            state = {"ignore": "IGNORED", "reject": "REJECTED", "requeue": "REJECTED", "vanish": None}.get(how, "DONE")
            signals.task_postrun.send(sender=self.task, task=self.task, retval=retval, state=state)
        finally:
            self.task.pop_request()
        if how == "vanish":
            self.app.pass_time(PATIENCE)
        if how != "requeue":
            self._end(execution)

    def end_from_outside(self, execution: Execution, how: str) -> None:
        """Has a worker's parent process tell of its end."""
        request: Any = Context(id=execution.task_id, headers=execution.headers, retries=execution.retries)
        match how:
            case "revoked" | "expired":
                signals.task_revoked.send(sender=self.task, request=request, expired=how == "expired")
            case "lost":
                parent.RECEIVED.reset()  # each in a worker of its own
                received = SimpleNamespace(
                    app=self.app.app,
                    request_dict=execution.headers,
                    id=execution.task_id,
                    name="t",
                    task=self.task,
                )
                signals.task_received.send(sender="consumer", request=received)
                signals.task_failure.send(sender=self.task, task_id=execution.task_id, exception=WorkerLostError())
            case _:
                message = SimpleNamespace(headers={**execution.headers, "id": execution.task_id})
                signals.task_unknown.send(sender=self.task, message=message, name="t", id=execution.task_id)
        self._end(execution)

    def check(self) -> None:
        """The job has ended if, and only if, nothing is outstanding, and then with its last event."""
        actions = self.app.actions(self.job)
        assert [action for action in actions if action in TERMINALS] == ([] if self.outstanding else actions[-1:])
        snapshot = self.app.snapshot(self.job)
        assert snapshot.state.is_terminal == (not self.outstanding)
        if not self.outstanding:
            assert (snapshot.state is JobState.SUCCEEDED) == self.has_succeeded

    def _publish(self, task_id: str, headers: dict[str, Any], retries: int = 0) -> None:
        headers["id"] = task_id
        signals.before_task_publish.send(sender="t", headers=headers, properties={})
        signals.after_task_publish.send(sender="t", headers=headers)
        self.outstanding.append(Execution(task_id, {HEADER: headers[HEADER]}, retries))

    def _on_published(self, headers: Any, **_: Any) -> None:
        self.outstanding.append(Execution(headers["id"], {HEADER: headers[HEADER]}))

    def _end(self, execution: Execution) -> None:
        if execution in self.outstanding:
            self.outstanding.remove(execution)
            self.ended.append(execution)


def nothing(self: Any) -> None: ...


Step = tuple[str, int, str, int, int]
CHOICE = st.integers(min_value=0, max_value=1000)
STEPS = st.one_of(
    st.tuples(st.just("run"), CHOICE, st.sampled_from(RUNS), st.integers(0, 2), st.integers(0, 1)),
    st.tuples(st.just("end"), CHOICE, st.sampled_from(ENDS_FROM_OUTSIDE), st.just(0), st.just(0)),
    st.tuples(st.just("again"), CHOICE, st.sampled_from(ENDS_FROM_OUTSIDE), st.just(0), st.just(0)),
)


@pytest.mark.parametrize("how", RUNS)
def test_a_run_and_its_children(how: str) -> None:
    play([("run", 0, how, 2, 1), *[("again", 0, end, 0, 0) for end in ENDS_FROM_OUTSIDE]], last="success")
    play([("run", 0, how, 0, 1)], last="failure")


@pytest.mark.parametrize("how", ENDS_FROM_OUTSIDE)
def test_an_end_from_outside(how: str) -> None:
    play([("end", 0, how, 0, 0), *[("again", 0, end, 0, 0) for end in ENDS_FROM_OUTSIDE]], last="success")


@given(steps=st.lists(STEPS, max_size=12), last=st.sampled_from(["success", "failure"]))
def test_any_history(steps: list[Step], last: str) -> None:
    play(steps, last)


def play(steps: list[Step], last: str) -> None:
    """Plays a history, and ends what is then outstanding as ``last`` says."""
    parent.REPORTS.reset()
    with bridged_app(eager=False) as app:
        simulation = Simulation(app)
        for kind, choice, how, children, lost_children in steps:
            among = simulation.ended if kind == "again" else simulation.outstanding
            if not among:
                continue
            execution = among[choice % len(among)]
            if kind == "run":
                simulation.run(execution, how, children, lost_children)
            else:
                simulation.end_from_outside(execution, how)
            simulation.check()
        while simulation.outstanding:
            simulation.run(simulation.outstanding[0], last, 0, 0)
        simulation.check()

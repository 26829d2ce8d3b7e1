"""A task that is published while the store is away: the job is not told to wait for it, and goes on all the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import chain, signals

from chanx.bridge import start_job_sync
from chanx.bridge.states import JobState
from chanx.bridge.store.base import StoreUnavailableError
from tests.unit.bridge.apps import BridgedApp, bridged_app


@pytest.fixture
def app() -> Iterator[BridgedApp]:
    with bridged_app(eager=False) as app:
        yield app


@contextmanager
def published() -> Iterator[list[dict[str, Any]]]:
    """The headers of what goes to the broker meanwhile."""
    messages: list[dict[str, Any]] = []

    def note(headers: Any = None, **_: Any) -> None:
        messages.append(headers)

    signals.after_task_publish.connect(note, weak=False)
    yield messages
    signals.after_task_publish.disconnect(note)


@contextmanager
def running(task: Any, headers: dict[str, Any]) -> Iterator[None]:
    """As a worker runs a task that succeeds."""
    task_id = headers["id"]
    task.push_request(id=task_id, headers=headers)
    signals.task_prerun.send(sender=task, task=task, task_id=task_id)
    yield
    signals.task_success.send(sender=task, result=7)
    signals.task_postrun.send(sender=task, task=task, task_id=task_id, retval=7, state="SUCCESS")
    task.pop_request()


def work(self: Any) -> None:
    """Played by the test."""


def away(*_: Any, **__: Any) -> None:
    raise StoreUnavailableError("away")


@pytest.mark.parametrize("overtaken", [False, True])
def test_a_step_whose_next_one_the_job_does_not_know_of(
    app: BridgedApp, monkeypatch: pytest.MonkeyPatch, overtaken: bool
) -> None:
    # Given
    task = app.task(work)
    with published() as messages:
        job = start_job_sync(chain(task.si(), task.si()), owner="user:1")
    (first,) = messages
    second = {"id": job.task_id}

    # When the first step publishes the second one, which may be faster than its own end
    with running(task, first):
        with monkeypatch.context() as outage:
            outage.setattr(app.store, "add_pending", away)
            signals.before_task_publish.send(sender="t", headers=second, properties={})
        if overtaken:
            with running(task, second):
                pass
    app.bridge.transport.flush(5)  # type: ignore[attr-defined]  # a DirectTransport
    if not overtaken:
        assert not app.snapshot(job).state.is_terminal
        with running(task, second):
            pass

    # Then
    end = app.snapshot(job)
    assert (end.state, end.fields["result"]) == (JobState.SUCCEEDED, 7)


@pytest.mark.parametrize("overtaken", [False, True])
def test_a_retry_that_the_store_has_taken_in_although_it_did_not_answer(
    app: BridgedApp, monkeypatch: pytest.MonkeyPatch, overtaken: bool
) -> None:
    # Given an attempt whose next one goes out, unknown to the job as it seems
    task = app.task(work)
    with published() as messages:
        job = start_job_sync(task, owner="user:1")
    (first,) = messages
    second = {"id": job.task_id, "retries": 1}
    add_pending = app.store.add_pending

    def late(*args: Any, **named: Any) -> bool:
        add_pending(*args, **named)
        raise StoreUnavailableError("no answer in time")

    # When
    task.push_request(id=job.task_id, headers=first)
    signals.task_prerun.send(sender=task, task=task, task_id=job.task_id)
    with monkeypatch.context() as outage:
        outage.setattr(app.store, "add_pending", late)
        signals.before_task_publish.send(sender="t", headers=second, properties={})
    if overtaken:
        with running(task, second):
            pass
    signals.task_retry.send(sender=task, request=task.request, reason=RuntimeError())
    signals.task_postrun.send(sender=task, task=task, task_id=job.task_id, state="RETRY")
    task.pop_request()
    if not overtaken:
        with running(task, second):
            pass
    app.bridge.transport.flush(5)  # type: ignore[attr-defined]  # a DirectTransport

    # Then the job does not wait for ever
    assert app.store.pending(job.job_id) == {}
    assert app.snapshot(job).state is JobState.SUCCEEDED

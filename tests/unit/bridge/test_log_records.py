"""What is logged while a task of a job runs names the job and the task, and nothing after it does."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded

from chanx.bridge import start_job_sync
from chanx.bridge.worker.run import Run
from chanx.utils.log_context import ContextFilter
from tests.unit.bridge.apps import BridgedApp, bridged_app

log = logging.getLogger("shop.tasks")


@pytest.fixture
def eager() -> Iterator[BridgedApp]:
    with bridged_app(eager=True) as app:
        yield app


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    caplog.set_level(logging.INFO, "shop")
    added = ContextFilter()
    caplog.handler.addFilter(added)
    yield caplog
    caplog.handler.removeFilter(added)


def records_of(logged: pytest.LogCaptureFixture) -> list[Any]:
    return list(logged.records)


def said(logged: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    return [(each.message, each.job_id, each.task_id) for each in records_of(logged) if each.name == "shop.tasks"]


def test_each_task_under_its_own_name(eager: BridgedApp, logged: pytest.LogCaptureFixture) -> None:
    # Given a task that calls another
    def inner(self: Any) -> None:
        log.info("inner")

    inner_task = eager.task(inner)

    def outer(self: Any) -> None:
        log.info("before")
        inner_task.apply_async(task_id="inner-id")
        log.info("after")

    outer_task = eager.task(outer)

    # When
    job = start_job_sync(outer_task, owner="user:1")
    log.info("outside")

    # Then
    assert said(logged) == [
        ("before", job.job_id, job.task_id),
        ("inner", job.job_id, "inner-id"),
        ("after", job.job_id, job.task_id),
        ("outside", "-", "-"),
    ]


def test_a_task_that_fails_leaves_nothing_behind(eager: BridgedApp, logged: pytest.LogCaptureFixture) -> None:
    def fail(self: Any) -> None:
        raise RuntimeError("no")

    start_job_sync(eager.task(fail), owner="user:1")
    log.info("outside")

    assert said(logged) == [("outside", "-", "-")]


def test_a_run_that_cannot_be_ended_leaves_nothing_behind(
    eager: BridgedApp, logged: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(self: Any) -> None:
        log.info("work")

    def strike(*_: Any, **__: Any) -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(Run, "close", strike)
    job = start_job_sync(eager.task(work), owner="user:1")
    log.info("outside")

    assert said(logged) == [("work", job.job_id, job.task_id), ("outside", "-", "-")]


def test_a_task_of_no_job(eager: BridgedApp, logged: pytest.LogCaptureFixture) -> None:
    def plain(self: Any) -> None:
        log.info("plain")

    eager.task(plain).delay()

    assert said(logged) == [("plain", "-", "-")]

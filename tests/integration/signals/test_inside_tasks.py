"""What a task publishes, or brings about, belongs to its job, and the job waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from celery import chain, chord, group

from tests.integration.signals import app
from tests.integration.signals.jobs import Jobs
from tests.integration.signals.stacks import on_redis
from tests.integration.signals.workflow import Workflow


@on_redis
def test_a_task_waits_for_what_it_published(jobs: Jobs, flow: Workflow) -> None:
    log = jobs.run(flow.nesting("a", "b", "c"))

    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.result == "a"
    assert log.task_states == {"started": 2, "succeeded": 2}


@on_redis
def test_a_task_waits_for_its_callbacks(jobs: Jobs, flow: Workflow) -> None:
    log = jobs.run(flow.step("a"), link=[flow.step("b"), flow.nesting("c", "d")])

    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.result == "a"


@on_redis
def test_an_errback_that_the_worker_itself_publishes(jobs: Jobs, flow: Workflow) -> None:
    # Given a task whose process is killed: the pool's parent calls its errback, outside of any task
    on_error = flow.step("errback", app.errback)
    canvas = flow.step("a", app.dying_step)

    # When
    log = jobs.run(canvas, link_error=on_error)

    # Then
    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.error_code == "worker_lost"


@on_redis
def test_tasks_that_are_sent_by_their_names_to_run_later(jobs: Jobs, flow: Workflow) -> None:
    log = jobs.run(flow.nesting("a", "b", "c", task=app.sending_step))

    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.result == "a"
    assert log.task_states == {"started": 2, "succeeded": 2}


@on_redis
def test_tasks_that_a_task_runs_itself(jobs: Jobs, flow: Workflow) -> None:
    log = jobs.run(flow.nesting("a", "b", "c", task=app.applying_step))

    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.result == "a"
    assert log.task_states == {"started": 2, "succeeded": 2}


REPLACEMENTS: list[tuple[Callable[[Workflow], Any], object]] = [
    (lambda flow: chain(flow.step("a"), flow.step("b")), "b"),
    (lambda flow: chord([flow.step("a"), flow.step("b")], flow.step("body")), "body"),
    (lambda flow: group([flow.step("a"), flow.step("b")]), ["a", "b"]),
]


@on_redis
@pytest.mark.parametrize(("replacement", "result"), REPLACEMENTS, ids=["chain", "chord", "group"])
def test_a_task_that_replaces_itself_with_a_canvas(
    jobs: Jobs, flow: Workflow, replacement: Callable[[Workflow], Any], result: object
) -> None:
    log = jobs.run(flow.replaced("replaced", replacement(flow)))

    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.result == result

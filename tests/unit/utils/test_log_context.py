"""Records say which job, task and connection they are about."""

import asyncio
import logging
from contextvars import Context
from typing import Any

import pytest
import structlog

from chanx.log import log_event
from chanx.utils.log_context import ContextFilter, add_log_context, bind, unbind


def filtered(**extra: Any) -> Any:
    """A record as the filter leaves it."""
    record: Any = logging.makeLogRecord({"msg": "m", **extra})
    assert ContextFilter().filter(record)
    return record


def facts(record: Any) -> tuple[Any, ...]:
    return record.job_id, record.task_id, record.connection


def test_where_nothing_is_bound() -> None:
    assert facts(filtered()) == ("-", "-", "-")
    record: Any = logging.makeLogRecord({})
    ContextFilter(default=None).filter(record)
    assert facts(record) == (None, None, None)


def test_what_is_bound_until_it_is_not() -> None:
    outer = bind(connection="c1")
    inner = bind(job_id="j1", task_id="t1")
    assert facts(filtered()) == ("j1", "t1", "c1")
    unbind(inner)
    assert facts(filtered()) == ("-", "-", "c1")
    unbind(outer)
    assert facts(filtered()) == ("-", "-", "-")


def test_what_a_record_says_itself_goes_first() -> None:
    token = bind(job_id="j1", task_id="t1")
    assert facts(filtered(job_id="mine")) == ("mine", "t1", "-")
    assert facts(filtered(values={"job_id": "other", "error": "x"})) == ("other", "t1", "-")
    assert facts(filtered(values="not chanx's")) == ("j1", "t1", "-")
    unbind(token)


def test_of_chanxs_own_events_it_finds_the_job_by_their_values(caplog: pytest.LogCaptureFixture) -> None:
    log_event("worker_lost", job_id="j9", level=logging.WARNING)
    (record,) = caplog.records
    ContextFilter().filter(record)
    assert facts(record) == ("j9", "-", "-")


async def test_tasks_inherit_it_and_others_do_not() -> None:
    token = bind(connection="c1")

    async def look() -> tuple[Any, ...]:
        return facts(filtered())

    inside = await asyncio.create_task(look())
    outside = await asyncio.create_task(look(), context=Context())
    unbind(token)
    assert (inside[2], outside[2]) == ("c1", "-")


def test_what_was_bound_elsewhere_is_unbound_without_harm() -> None:
    unbind(Context().run(lambda: bind(job_id="j1")))
    assert facts(filtered()) == ("-", "-", "-")


def test_structlog() -> None:
    entries: list[Any] = []

    def keep(logger: Any, name: str, event: Any) -> Any:
        entries.append(dict(event))
        raise structlog.DropEvent

    logger = structlog.wrap_logger(None, processors=[add_log_context, keep])
    token = bind(job_id="j1", task_id="t1")
    logger.info("rows", rows=3)
    logger.info("other", job_id="mine")
    unbind(token)
    logger.info("after")

    assert entries == [
        {"event": "rows", "rows": 3, "job_id": "j1", "task_id": "t1"},
        {"event": "other", "job_id": "mine", "task_id": "t1"},
        {"event": "after"},
    ]

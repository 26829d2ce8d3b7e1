"""Tasks that nobody awaits."""

import asyncio
from contextvars import ContextVar, copy_context
from typing import Any

import pytest

from chanx.utils.asyncio import create_task, global_background_tasks, wrap_task


async def test_a_task_is_kept_until_it_is_done() -> None:
    gate = asyncio.Event()
    task = create_task(gate.wait(), name="mine")
    assert task in global_background_tasks
    assert task.get_name() == "mine"
    gate.set()
    assert await task
    await asyncio.sleep(0)
    assert task not in global_background_tasks


async def test_a_set_of_ones_own() -> None:
    async def nothing() -> int:
        return 1

    mine: set[asyncio.Task[Any]] = set()
    task = create_task(nothing(), mine)
    assert mine == {task}
    assert task not in global_background_tasks
    assert await task == 1


async def test_a_failure_is_logged_and_raised_again(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await wrap_task(broken())
    assert [record.exc_info is not None for record in caplog.records] == [True]


async def test_a_context_of_ones_own() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="outside")
    context = copy_context()
    context.run(variable.set, "inside")

    async def read() -> str:
        return variable.get()

    assert await create_task(read(), context=context) == "inside"
    assert await create_task(read()) == "outside"


async def test_a_task_that_nobody_awaits_is_logged_and_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        raise ValueError("broken")

    task = create_task(broken())
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert task not in global_background_tasks
    assert isinstance(task.exception(), ValueError)
    assert "background_task_failed" in caplog.text


async def test_a_cancelled_task_is_forgotten_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    task = create_task(asyncio.Event().wait())
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert task not in global_background_tasks
    assert caplog.records == []

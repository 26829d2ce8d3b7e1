"""Awaiting in context variables of one's own, and hearing of the first wait."""

import asyncio
from contextvars import ContextVar

import pytest

from chanx.core.own_context import in_own_context

variable: ContextVar[str] = ContextVar("variable", default="outer")


class Waits:
    """Counts the calls of ``on_wait``, and the variable it sees."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self) -> None:
        self.seen.append(variable.get())


async def test_what_never_waits_returns_without_a_call() -> None:
    async def answer() -> int:
        return 7

    waits = Waits()
    assert await in_own_context(answer(), waits) == 7
    assert waits.seen == []


async def test_the_first_wait_is_told_once_and_outside() -> None:
    async def set_and_wait() -> str:
        variable.set("inner")
        await asyncio.sleep(0)
        seen = variable.get()
        await asyncio.sleep(0)
        return seen + variable.get()

    waits = Waits()
    assert await in_own_context(set_and_wait(), waits) == "innerinner"
    assert waits.seen == ["outer"]
    assert variable.get() == "outer"


async def test_what_it_starts_sees_its_variables() -> None:
    async def read() -> str:
        return variable.get()

    async def start() -> str:
        variable.set("inner")
        return await asyncio.create_task(read())

    assert await in_own_context(start(), Waits()) == "inner"


@pytest.mark.parametrize("wait_first", [False, True])
async def test_a_failure_is_raised(wait_first: bool) -> None:
    async def fail() -> None:
        if wait_first:
            await asyncio.sleep(0)
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        await in_own_context(fail(), Waits())


async def test_a_cancellation_reaches_it_and_it_can_clean_up() -> None:
    events: list[str] = []
    begun = asyncio.Event()

    async def hold() -> None:
        variable.set("inner")
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            events.append(variable.get())

    async def outer() -> None:
        await in_own_context(hold(), Waits())

    task = asyncio.create_task(outer())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == ["inner"]


async def test_a_timeout_inside_it_works() -> None:
    async def wait() -> str:
        try:
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        except TimeoutError:
            return "timed out"
        return "never"

    assert await in_own_context(wait(), Waits()) == "timed out"


async def test_a_failed_future_raises_inside_it() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_exception, ValueError("far"))

    async def wait() -> str:
        try:
            await future
        except ValueError as error:
            return str(error)
        return "never"

    assert await in_own_context(wait(), Waits()) == "far"

"""What a task does is cancelled by another; the task goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from chanx.core.interruptible import Interruptible


class Worker:
    """A task that does one thing after the other, each interruptible, and lists what came of them."""

    def __init__(self, *things: Callable[[], Awaitable[object]]) -> None:
        self.log: list[str] = []
        self.doing = Interruptible()
        self.task = asyncio.create_task(self._run(things))

    async def _run(self, things: tuple[Callable[[], Awaitable[object]], ...]) -> None:
        for thing in things:
            with self.doing:
                await thing()
                self.log.append("done")
                await asyncio.sleep(0)
            self.log.append("next")


async def forever() -> None:
    await asyncio.Event().wait()


async def nothing() -> None:
    pass


async def suppressed() -> None:
    with suppress(asyncio.CancelledError):
        await forever()


async def failing() -> None:
    try:
        await forever()
    finally:
        raise ValueError("on the way out")


@pytest.mark.parametrize(
    ("thing", "log"), [(forever, ["next"]), (suppressed, ["done", "next"])], ids=["ends", "suppresses"]
)
async def test_what_is_interrupted_ends_and_its_task_goes_on(
    thing: Callable[[], Awaitable[object]], log: list[str]
) -> None:
    worker = Worker(thing, nothing)
    await asyncio.sleep(0)
    await worker.doing.interrupt()
    await worker.task
    assert worker.log == [*log, "done", "next"]
    assert worker.task.cancelling() == 0


async def test_nothing_is_there_to_interrupt() -> None:
    worker = Worker(nothing)
    await worker.doing.interrupt()
    await worker.task
    assert worker.log == ["done", "next"]


async def test_an_interruption_at_the_very_end_does_not_hit_what_comes_next() -> None:
    gate = asyncio.Event()
    worker = Worker(gate.wait, nothing)
    await asyncio.sleep(0)
    gate.set()
    await worker.doing.interrupt()
    await worker.task
    assert worker.log[-2:] == ["done", "next"]


async def test_a_failure_of_what_is_interrupted_is_raised() -> None:
    worker = Worker(failing)
    await asyncio.sleep(0)
    await worker.doing.interrupt()
    with pytest.raises(ValueError, match="on the way out"):
        await worker.task


@pytest.mark.parametrize("is_interrupted", [False, True])
async def test_a_task_that_is_cancelled_itself_ends(is_interrupted: bool) -> None:
    worker = Worker(forever, nothing)
    await asyncio.sleep(0)
    worker.task.cancel()
    if is_interrupted:
        await worker.doing.interrupt()
    await asyncio.gather(worker.task, return_exceptions=True)
    assert worker.task.cancelled()
    assert worker.log == []


async def lost_then_heard() -> None:
    with suppress(asyncio.CancelledError):
        await forever()
    await forever()


async def test_a_lost_cancellation_is_repeated() -> None:
    worker = Worker(lost_then_heard, nothing)
    await asyncio.sleep(0)
    await worker.doing.interrupt(again_after=0.01)
    await worker.task
    assert worker.log == ["next", "done", "next"]
    assert worker.task.cancelling() == 0

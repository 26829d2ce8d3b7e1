"""Handlers run in the task that reads until they wait: nobody notices, except by the speed."""

import asyncio
import sys
from contextvars import ContextVar
from typing import Any, Literal

import pytest

from chanx.core.decorators import ws_handler
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.conftest import Connect

variable: ContextVar[str] = ContextVar("variable", default="")


class Do(BaseMessage):
    action: Literal["do"] = "do"
    payload: str


class Tell(BaseMessage):
    action: Literal["tell"] = "tell"
    payload: Any


def consumer_on(base: Any, **options: Any) -> Any:
    class Consumer(base):  # type: ignore[misc]  # made for each flavour
        kept: Any = None

        async def post_authentication(self) -> None:
            variable.set("connected")
            self.gate = asyncio.Event()

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

        @ws_handler
        async def do(self, message: Do) -> Tell | None:
            match message.payload:
                case "task":
                    return Tell(payload=id(asyncio.current_task()))
                case "set":
                    before = variable.get()
                    variable.set("set")
                    return Tell(payload=before)
                case "wait":
                    await self.gate.wait()
                    return Tell(payload="waited")
                case "open":
                    self.gate.set()
                case "cancel yourself":
                    task = asyncio.current_task()
                    assert task is not None
                    task.cancel()
                case "keep the task":
                    self.kept = asyncio.current_task()
                case "cancel the kept":
                    self.kept.cancel()
            return None

    return type("Consumer", (Consumer,), options)


def do(what: str) -> dict[str, str]:
    return {"action": "do", "payload": what}


async def test_a_handler_that_never_waits_costs_no_task(base: Any, connect: Connect) -> None:
    client = await connect(consumer_on(base))
    for _ in range(5):
        await client.send(do("task"))
    first, *others = [frame["payload"] for frame in await client.frames(5)]
    assert others == [first] * 4


async def test_frames_are_read_while_a_handler_waits(base: Any, connect: Connect) -> None:
    client = await connect(consumer_on(base))
    await client.send(do("wait"))
    await client.quiet()
    await client.send(do("wait"))
    await client.quiet()
    await client.send(do("open"))
    assert [frame["payload"] for frame in await client.frames(2)] == ["waited", "waited"]
    await client.quiet()


async def test_with_one_at_a_time_a_frame_waits_for_the_one_before(base: Any, connect: Connect) -> None:
    # Given a handler that waits, and frames behind it
    client = await connect(consumer_on(base, message_concurrency=1))
    for frame in (do("wait"), {"action": "ping"}, do("task")):
        await client.send(frame)
    await client.send(text="{")

    # When
    client.consumer.gate.set()

    # Then
    assert await client.actions(4) == ["tell", "pong", "tell", "error"]


async def test_context_variables_of_one_handler_are_not_the_next_ones(base: Any, connect: Connect) -> None:
    client = await connect(consumer_on(base))
    for _ in range(3):
        await client.send(do("set"))
    assert [frame["payload"] for frame in await client.frames(3)] == ["connected"] * 3


@pytest.mark.parametrize("concurrency", [1, 8])
async def test_context_variables_of_frames_that_waited_for_a_worker(
    base: Any, connect: Connect, concurrency: int
) -> None:
    client = await connect(consumer_on(base, message_concurrency=concurrency))
    for what in ("wait", "set", "set"):
        await client.send(do(what))
    client.consumer.gate.set()
    answers = [frame["payload"] for frame in await client.frames(3)]
    assert sorted(answers) == ["connected", "connected", "waited"]


async def test_a_handler_that_cancels_its_task_does_not_end_the_connection(base: Any, connect: Connect) -> None:
    client = await connect(consumer_on(base))
    for _ in range(3):
        await client.send(do("cancel yourself"))
        await client.quiet()


async def test_cancelling_the_task_of_a_handler_that_has_ended_does_not_end_the_connection(
    base: Any, connect: Connect
) -> None:
    client = await connect(consumer_on(base))
    await client.send(do("keep the task"))
    await client.quiet()
    client.consumer.kept.cancel()
    await client.quiet()
    await client.send(do("cancel the kept"))
    await client.quiet()


async def test_nothing_is_left_of_a_connection_with_waiting_handlers(base: Any, connect: Connect) -> None:
    before = asyncio.all_tasks()
    client = await connect(consumer_on(base))
    for _ in range(20):
        await client.send(do("wait"))
    await client.quiet() if client.consumer.message_concurrency > 20 else await asyncio.sleep(0)
    await client.disconnect()
    assert asyncio.all_tasks() == before


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager task factories came with Python 3.12")
async def test_a_loop_that_starts_tasks_eagerly(base: Any, connect: Connect) -> None:
    factory: Any = vars(asyncio)["eager_task_factory"]
    asyncio.get_running_loop().set_task_factory(factory)
    client = await connect(consumer_on(base))

    await client.send({"action": "do", "payload": "wait"})
    for _ in range(3):
        await client.send({"action": "ping", "payload": None})
        assert (await client.frame())["action"] == "pong"
    await client.send({"action": "do", "payload": "open"})

    assert (await client.frame())["payload"] == "waited"

"""What goes wrong in a frame or a handler stays small: bounded answers, and no end of the connection."""

import asyncio
import json
from typing import Any, Literal

from chanx.core.decorators import event_handler, ws_handler
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.conftest import Connect


class Numbers(BaseMessage):
    action: Literal["numbers"] = "numbers"
    payload: dict[str, list[int]]


class Wait(BaseMessage):
    action: Literal["wait"] = "wait"
    payload: None = None


class Stop(BaseMessage):
    action: Literal["stop"] = "stop"
    payload: None = None


async def cancelled_elsewhere() -> None:
    task = asyncio.create_task(asyncio.Event().wait())
    asyncio.get_running_loop().call_soon(task.cancel)
    await task


def consumer_on(base: Any) -> Any:
    class Consumer(base):  # type: ignore[misc]  # made for each flavour
        message_concurrency = 1
        groups = ["all"]
        handled: list[str] = []

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            self.handled.append("ping")
            return PongMessage()

        @ws_handler
        async def numbers(self, message: Numbers) -> None: ...

        @ws_handler
        async def wait(self, message: Wait) -> None:
            await cancelled_elsewhere()

        @ws_handler
        async def stop(self, message: Stop) -> None:
            await self.close()

        @event_handler
        async def told(self, event: Wait) -> None:
            await cancelled_elsewhere()

    Consumer.handled = []
    return Consumer


async def test_very_many_problems_are_counted_not_listed(base: Any, connect: Connect) -> None:
    # Given a frame of 20 KB with 5,000 problems, each below a long key
    client = await connect(consumer_on(base))
    frame = {"action": "numbers", "payload": {"k" * 10_000: ["x"] * 5000}}

    # When
    await client.send(frame)

    # Then
    answer = await client.frame()
    assert answer["payload"] == [{"type": "too_many_errors", "loc": [], "msg": "The message has 5000 problems"}]


async def test_a_long_key_above_very_many_values_closes_with_1009(base: Any, connect: Connect) -> None:
    # Given a frame whose problems would take 15 GB to tell
    client = await connect(consumer_on(base))

    # When
    await client.send({"action": "numbers", "payload": {"k" * 300_000: ["x"] * 50_000}})

    # Then
    assert await client.closed() == 1009


async def test_large_frames_with_short_keys_or_few_values_are_handled(base: Any, connect: Connect) -> None:
    # Given
    client = await connect(consumer_on(base))
    many_values = {"numbers": [0] * 200_000}
    many_keys = {f"https://example.com/{'path/' * 10}{n}": [n] for n in range(8_000)}
    long_key = {"k" * 300_000: [1, 2, 3]}

    for payload in (many_values, many_keys, long_key):
        # When
        await client.send({"action": "numbers", "payload": payload})
        await client.send({"action": "ping", "payload": None})

        # Then
        assert (await client.frame())["action"] == "pong"


async def test_long_keys_and_tags_are_cut_in_the_answer(base: Any, connect: Connect) -> None:
    client = await connect(consumer_on(base))

    await client.send({"action": "numbers", "payload": {"k" * 10_000: ["x"]}})
    (problem,) = (await client.frame())["payload"]
    await client.send({"action": "a" * 10_000})
    (unknown,) = (await client.frame())["payload"]

    assert problem["loc"] == ["numbers", "payload", "k" * 100, 0]
    assert len(json.dumps(unknown)) < 1000


async def test_a_handler_that_awaits_something_cancelled_has_failed(base: Any, connect: Connect) -> None:
    # Given
    consumer = consumer_on(base)
    client = await connect(consumer)

    # When a message handler and an event handler meet a cancellation that is not theirs
    await client.send({"action": "wait"})
    assert (await client.frame())["payload"] == {"detail": "Failed to process message for wait"}
    await consumer.broadcast_event(Wait())

    # Then the connection goes on
    await client.send({"action": "ping"})
    assert (await client.frame())["action"] == "pong"


async def test_once_closed_no_waiting_frame_is_handled(base: Any, connect: Connect) -> None:
    consumer = consumer_on(base)
    client = await connect(consumer)

    for action in ("stop", "ping", "ping"):
        await client.send({"action": action})
    assert await client.closed() is None
    await client.disconnect()

    assert consumer.handled == []

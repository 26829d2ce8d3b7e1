"""Topic frames wait as the text they came in: decoded they would take many times the memory that is counted."""

import asyncio
import json
import tracemalloc
from typing import Any

from chanx.core.decorators import ws_handler
from chanx.core.topic import Topic
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.conftest import Connect

LISTS = 50_000


class Room(Topic):
    pattern = "room:{id}"
    gate: asyncio.Event

    async def authorize(self, *args: Any, **params: str) -> bool:
        await self.gate.wait()
        return True


def consumer_on(base: Any) -> Any:
    class Consumer(base):  # type: ignore[misc]  # made for each flavour
        topics = [Room]

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

    return Consumer


async def test_waiting_frames_take_about_the_memory_of_their_text(base: Any, connect: Connect) -> None:
    # Given a topic that is slow to open
    Room.gate = asyncio.Event()
    client = await connect(consumer_on(base))
    await client.send({"topic": "room:1", "action": "subscribe"})
    await client.quiet()
    texts = [
        json.dumps({"topic": "room:1", "ref": ref, "action": "unknown", "payload": [[]] * LISTS}) for ref in range(8)
    ]

    # When large frames wait behind it
    tracemalloc.start()
    for text in texts:
        await client.send(text=text)
    await client.quiet()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # Then they hold no more than their text, and are all answered once it is open
    assert held < sum(map(len, texts))
    Room.gate.set()
    assert await client.actions(1) == ["subscribed"]
    assert [frame["ref"] for frame in await client.frames(8)] == list(range(8))

"""A client that waits for completion frames gets them, whatever went wrong."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, field_validator

from chanx.core.decorators import ws_handler
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from tests.unit.conftest import Connect


class Payload(BaseModel):
    name: str

    @field_validator("name")
    @classmethod
    def known(cls, name: str) -> str:
        return {"known": name}[name]


class Look(BaseMessage):
    action: Literal["look"] = "look"
    payload: Payload


class Room(Topic):
    pattern = "room:{id}"
    send_completion = True

    @ws_handler
    async def look(self, message: Look) -> None: ...


def consumer_on(base: Any) -> Any:
    class Consumer(base):  # type: ignore[misc]  # made for each flavour
        send_completion = True
        topics = [Room]

        @ws_handler
        async def look(self, message: Look) -> None:
            raise ValueError("broken")

    return Consumer


class Raising:
    """Every hook for errors raises."""

    async def handle_validation_error(self, error: Exception) -> None:
        raise KeyError("hook")

    async def handle_message_handler_error(self, error: Exception, action: str, message: BaseMessage) -> None:
        raise KeyError("hook")


def look(name: Any) -> dict[str, Any]:
    return {"action": "look", "payload": {"name": name}}


async def test_a_validator_that_raises_something_else(base: Any, connect: Connect) -> None:
    client = await connect(consumer_on(base))
    await client.send(look("unknown"))
    error, complete = await client.frames(2)
    assert error == {"action": "error", "payload": {"detail": "Failed to process message"}}
    assert complete == {"action": "complete", "payload": None}


@pytest.mark.parametrize("frame", [look(7), look("known")], ids=["invalid", "handler fails"])
async def test_a_hook_that_raises(base: Any, connect: Connect, frame: dict[str, Any]) -> None:
    client = await connect(type("Consumer", (Raising, consumer_on(base)), {}))
    await client.send(frame)
    assert await client.actions(2) == ["error", "complete"]


async def test_a_validator_of_a_topic_message(base: Any, connect: Connect) -> None:
    client = await connect(consumer_on(base))
    await client.send({"topic": "room:1", "action": "subscribe"})
    assert await client.actions(1) == ["subscribed"]
    await client.send({"topic": "room:1", "ref": "7", **look("unknown")})
    error, complete = await client.frames(2)
    assert error["payload"] == {"reason": "failed", "detail": "Failed to process message for look"}
    assert (error["ref"], complete["ref"], complete["action"]) == ("7", "7", "complete")

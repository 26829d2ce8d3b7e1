"""Consumers of every wire form (which key tells messages apart, whether names are camelCase) that are in one group."""

import json
from itertools import product
from math import inf
from typing import Any, Literal

from pydantic import BaseModel

from chanx.core.decorators import ws_handler
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.channels.client import Client

FORMS = list(product(("action", "type", "message_kind"), (False, True)))


class Person(BaseModel):
    first_name: str = "Ada"
    own_data: dict[str, Any] = {"snake_key": {"in_it": 1}, "camelKey": 2}
    best_friends: list["Person"] = []


PAYLOAD = Person(best_friends=[Person(first_name="Grace")])


class ByAction(BaseMessage):
    action: Literal["by_action"] = "by_action"
    payload: Person = PAYLOAD


class ByType(BaseMessage):
    type: Literal["by_type"] = "by_type"
    payload: Person = PAYLOAD
    more_data: Any = {"snake_key": 1}


class ByEach(BaseMessage):
    action: Literal["by_each"] = "by_each"
    type: Literal["by_each_type"] = "by_each_type"
    message_kind: Literal["by_each_kind"] = "by_each_kind"
    payload: Person = PAYLOAD


class TypeIsData(BaseMessage):
    """Has a field like the key of other consumers, that is none here."""

    action: Literal["type_is_data"] = "type_is_data"
    payload: Person = PAYLOAD
    type: int = 1


class NothingToRename(BaseMessage):
    action: Literal["nothing_to_rename"] = "nothing_to_rename"
    payload: dict[str, int] = {"snake_key": 1}


class Infinite(BaseMessage):
    """Is written in another way as JSON than as a dict of JSON values."""

    model_config = {"ser_json_inf_nan": "strings"}

    action: Literal["infinite"] = "infinite"
    payload: float = inf


ALL = (ByAction(), ByType(), ByEach(), TypeIsData(), NothingToRename(), Infinite())
MESSAGES: dict[str, BaseMessage] = {type(message).__name__: message for message in ALL}

RAW = {"topping_up": {"snake_key": 1}, "payload": {"first_name": "Ada", "own_data": {"snake_key": 1}}}


class Broadcast(BaseMessage):
    action: Literal["broadcast"] = "broadcast"
    payload: str


def receiver(base: Any, form: tuple[str, bool], **attributes: Any) -> Any:
    """A consumer that declares none of the messages."""

    class Receiver(base):  # type: ignore[misc]  # made for each flavour
        groups = ["all"]
        discriminator_field, camelize = form

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

    return type("Receiver", (Receiver,), attributes)


def sender(base: Any, form: tuple[str, bool]) -> Any:
    """A consumer that broadcasts a message of a name, or of the name ``raw`` a dict that is a ``ByAction``."""

    class Sender(receiver(base, form)):  # type: ignore[misc]  # made for each flavour
        @ws_handler(output_type=ByAction)
        async def broadcast(self, message: Broadcast) -> None:
            if message.payload == "raw":
                await self.broadcast_message({form[0]: "by_action", **RAW}, exclude_current=True)
            else:
                await self.broadcast_message(MESSAGES[message.payload], exclude_current=True)

    return Sender


def direct(consumer: Any, message: BaseMessage) -> Any:
    """The frame with which a consumer sends a message to its own client."""
    return json.loads(consumer().encode(message))


async def check_broadcasts(base: Any, sender_form: tuple[str, bool], clients: dict[tuple[str, bool], Client]) -> None:
    """Broadcast everything from a sender of one form; every client gets what a consumer of its form sends itself."""
    client = Client(sender(base, sender_form))
    await client.connect()
    for name, message in MESSAGES.items():
        await client.send({sender_form[0]: "broadcast", "payload": name})
        for form, other in clients.items():
            assert await other.frame() == direct(receiver(base, form), message), (name, form)
    await client.send({sender_form[0]: "broadcast", "payload": "raw"})
    for (key, camelize), other in clients.items():
        payload = {"firstName": "Ada", "ownData": {"snake_key": 1}} if camelize else RAW["payload"]
        assert await other.frame() == {key: "by_action", **RAW, "payload": payload}, (key, camelize)
    await client.disconnect()

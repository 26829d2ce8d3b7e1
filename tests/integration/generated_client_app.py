"""What generated clients are tested against beside jobs: a FastAPI site with all that consumers and topics can do."""

from typing import Annotated, Any, Literal

from fast_channels.layers import register_channel_layer
from fast_channels.layers.in_memory import InMemoryChannelLayer
from fastapi import FastAPI
from pydantic import BaseModel, Field
from starlette.routing import WebSocketRoute

from chanx.core.decorators import channel, ws_handler
from chanx.core.topic import Topic, TopicRefused
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from chanx.utils.scope import path_param


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives_left: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    is_loud: bool


class Adopt(BaseMessage):
    """Takes in a pet."""

    action: Literal["adopt"] = "adopt"
    payload: Annotated[Cat | Dog, Field(discriminator="kind")]


class AdoptedPayload(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    room_name: str
    given_name: str | None = None


class Adopted(BaseMessage):
    action: Literal["adopted"] = "adopted"
    payload: AdoptedPayload


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: Annotated[str, Field(max_length=50)]


class Said(BaseMessage):
    action: Literal["said"] = "said"
    payload: str


class Shouted(BaseMessage):
    """Everybody who is subscribed hears it."""

    action: Literal["shouted"] = "shouted"
    payload: str


class Entry(BaseModel):
    """What who enters a room says of themselves."""

    nickname: str
    is_quiet: bool = False


class Room(BaseModel):
    greeting: str


class RoomTopic(Topic):
    """A room of people."""

    pattern = "room:{name}:{class}"
    subscribe_payload_type = Entry
    subscribed_payload_type = Room
    passthrough_events = [Shouted]

    async def authorize(self, **params: str) -> bool:
        if params["name"] == "secret":
            raise TopicRefused("members_only", "This room is for its members.")
        return True

    async def subscribed_payload(self, payload: Any) -> Any:
        return {"greeting": f"Hello {Entry.model_validate(payload).nickname}"}

    @ws_handler(summary="Say something")
    async def say(self, message: Say) -> Said:
        if message.payload == "boom":
            raise RuntimeError("not for clients")
        await RoomTopic.broadcast(self.topic, Shouted(payload=message.payload.upper()), seq=7)
        return Said(payload=message.payload)


class HallTopic(Topic):
    """A hall on a route of its own."""

    pattern = "hall:{name}"

    @ws_handler
    async def say(self, message: Say) -> Said:
        return Said(payload=f"{self.params['name']}: {message.payload}")


@channel(name="pets", description="Pets, and rooms to talk about them.")
class PetsConsumer(AsyncJsonWebsocketConsumer):
    topics = [RoomTopic]
    camelize = True
    send_completion = True

    @ws_handler
    async def adopt(self, message: Adopt) -> Adopted:
        payload = AdoptedPayload(pet=message.payload, room_name=path_param(self.scope, "room_name"))
        return Adopted(payload=payload)

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()


class Note(BaseMessage):
    type: Literal["note"] = "note"
    payload: dict[str, int | list[str]]


class Noted(BaseMessage):
    type: Literal["noted"] = "noted"
    payload: dict[str, int | list[str]]


class NotesConsumer(AsyncJsonWebsocketConsumer):
    """Its messages are told apart by another key."""

    discriminator_field = "type"

    @ws_handler
    async def note(self, message: Note) -> Noted:
        return Noted(payload=message.payload)


register_channel_layer("default", InMemoryChannelLayer())
app = FastAPI(
    title="Pets",
    version="2.0.1",
    routes=[
        WebSocketRoute("/ws/pets/{room_name}", PetsConsumer.as_asgi()),
        WebSocketRoute("/ws/notes", NotesConsumer.as_asgi()),
        WebSocketRoute("/ws/halls/{name}", HallTopic.as_consumer(AsyncJsonWebsocketConsumer).as_asgi()),
    ],
)

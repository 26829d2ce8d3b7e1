"""A FastAPI application with what a document can have: path parameters, topics, events, camelCase, jobs."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Generic, Literal, TypeVar

from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel, Field
from starlette.routing import WebSocketRoute

from chanx.bridge import JobListTopic, JobTopic
from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.fast_channels import asyncapi_docs, asyncapi_spec_json, asyncapi_spec_yaml
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage

Item = TypeVar("Item")


class Mood(StrEnum):
    """How somebody feels."""

    GOOD = "good"
    BAD = "bad"


class Person(BaseModel):
    """A person, who may know others."""

    display_name: Annotated[str, Field(min_length=1, max_length=80)]
    mood: Mood = Mood.GOOD
    friends: list["Person"] = []


class Page(BaseModel, Generic[Item]):
    """A page of a longer list."""

    items: list[Item]
    next_page: int | None = None


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives_left: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    is_loud: bool


class Say(BaseMessage):
    """Something said to a room."""

    action: Literal["say"] = "say"
    payload: Annotated[str, Field(max_length=500)]


class Said(BaseMessage):
    """Something said by somebody, and when."""

    action: Literal["said"] = "said"
    said_by: Person
    said_at: datetime
    payload: str


class ListPeople(BaseMessage):
    action: Literal["list_people"] = "list_people"
    payload: int = 1


class People(BaseMessage):
    action: Literal["people"] = "people"
    payload: Page[Person]


class Adopt(BaseMessage):
    """A pet by what kind it is."""

    action: Literal["adopt"] = "adopt"
    payload: Annotated[Cat | Dog, Field(discriminator="kind")]


class Arrived(BaseMessage):
    """Somebody came: an event, which clients get as ``said`` or as it is."""

    action: Literal["arrived"] = "arrived"
    payload: Person


@channel(name="news", description="News about one subject, by day.", tags=["news"])
class NewsTopic(Topic):
    pattern = "news:{subject}:{day}"
    passthrough_events = [Arrived]

    @ws_handler(summary="Say something about the news")
    async def say(self, message: Say) -> Said | None:
        """Everybody who is subscribed gets it."""


class RoomTopic(Topic):
    """One room, on a route of its own."""

    pattern = "room:{room_name}"

    @ws_handler
    async def say(self, message: Say) -> Said: ...


@channel(
    name="chat", description="A room of people.\n\nSay something, and read what others say.", tags=["chat", "people"]
)
class ChatConsumer(AsyncJsonWebsocketConsumer):
    topics = [NewsTopic, JobTopic, JobListTopic]

    @ws_handler(description="Answers, to see whether the connection works.", tags=["connection"])
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()

    @ws_handler(output_type=Said)
    async def say(self, message: Say) -> None: ...

    @ws_handler(summary="Who is here")
    async def list_people(self, message: ListPeople) -> People: ...

    @ws_handler
    async def adopt(self, message: Adopt) -> None: ...

    @event_handler
    async def arrived(self, event: Arrived) -> Said | Arrived: ...


class CamelChatConsumer(ChatConsumer):
    """The same with camelCase keys."""

    camelize = True


class Note(BaseMessage):
    """A message of a consumer whose messages have a ``type``."""

    type: Literal["note"] = "note"
    payload: dict[str, int | list[str]]


class NotesConsumer(AsyncJsonWebsocketConsumer):
    """Its messages are told apart by another key."""

    discriminator_field = "type"

    @ws_handler
    async def note(self, message: Note) -> Note:
        return message


router = APIRouter()
router.routes.append(WebSocketRoute("/rooms/{room_name}", RoomTopic.as_consumer(AsyncJsonWebsocketConsumer).as_asgi()))

app = FastAPI(
    title="Chat",
    version="2.0.1",
    description="Chats with ümlauts.",
    routes=[
        WebSocketRoute("/ws/chat/{room_name}", ChatConsumer.as_asgi()),
        WebSocketRoute("/ws/notes", NotesConsumer.as_asgi()),
        WebSocketRoute("/ws/camel/{room_name:str}/{page:int}", CamelChatConsumer.as_asgi()),
    ],
)
app.include_router(router, prefix="/dedicated")


@app.get("/asyncapi.json")
async def spec_json(request: Request) -> Response:
    return await asyncapi_spec_json(request, app)


@app.get("/asyncapi.yaml")
async def spec_yaml(request: Request) -> Response:
    return await asyncapi_spec_yaml(request, app)


@app.get("/asyncapi")
async def docs(request: Request) -> Response:
    return await asyncapi_docs(request, app)


def make_app() -> FastAPI:
    return app

"""Consumers and topics with everything that a TypeScript client has to deal with, and the client's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.bridge.events import JobEvent
from chanx.bridge.web.list_topic import JobListTopic
from chanx.bridge.web.topic import JobTopic
from chanx.client_generator.protocol import Protocol
from chanx.client_generator.reading import protocol_of
from chanx.client_generator.typescript.client import write_client
from chanx.client_generator.writing import OutputDirectory
from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from chanx.routing.discovery import RouteInfo


class Person(BaseModel):
    """A person; ``*/ export const injected = 1; /*`` is no code."""

    name: str
    nick_name: str = "none"
    friends: list[Person] = []


class ChatPayload(BaseModel):
    text: str = Field(description="What is said:\n\n- `*/` ends nothing\n- ${neither} does this")
    to: Person | None = None
    tags: dict[str, list[int]] = {}
    at_place: tuple[float, float] | None = Field(None, alias="at-place")


class ChatMessage(BaseMessage):
    """Says something."""

    action: Literal["chat"] = "chat"
    payload: ChatPayload


class ChatNotification(BaseMessage):
    """Somebody said something."""

    action: Literal["chat_notification"] = "chat_notification"
    payload: ChatPayload


class PersonLeft(BaseMessage):
    action: Literal["person_left"] = "person_left"
    payload: Person
    reason: Literal["timeout", "left", 7] | None = None


class Switch(BaseMessage):
    """Told apart by two actions."""

    action: Literal["on", "off"]  # pyright: ignore[reportGeneralTypeIssues] -- no default: it is one of two
    payload: None = None


class History(BaseMessage):
    action: Literal["history"] = "history"
    payload: int = 20


class HistoryPage(BaseMessage):
    action: Literal["history_page"] = "history_page"
    payload: list[ChatPayload]


class RoomSubscribe(BaseModel):
    after: int | None = None


class RoomState(BaseModel):
    members: list[Person]


class RoomTopic(Topic):
    """A room, and what is said in it."""

    pattern = "room:{id}"
    subscribe_payload_type = RoomSubscribe
    subscribed_payload_type = RoomState

    @ws_handler(summary="What was said")
    async def history(self, message: History) -> HistoryPage:
        return HistoryPage(payload=[])

    @ws_handler
    async def chat(self, message: ChatMessage) -> None: ...

    @event_handler
    async def said(self, event: ChatNotification) -> ChatNotification:
        return event


class ClockTopic(Topic):
    pattern = "clock"

    @event_handler
    async def person_left(self, event: PersonLeft) -> PersonLeft:
        return event


class ReportReady(JobEvent):
    action: Literal["report_ready"] = "report_ready"
    payload: str


class SiteJobTopic(JobTopic):
    sends = (ReportReady,)


@channel(name="chat", description="Chat for everybody.")
class ChatConsumer(AsyncJsonWebsocketConsumer):
    topics = [RoomTopic, ClockTopic, SiteJobTopic, JobListTopic]

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()

    @ws_handler(summary="Says something", output_type=ChatNotification)
    async def chat(self, message: ChatMessage) -> None:
        """To everybody `*/` here."""

    @ws_handler
    async def on(self, message: Switch) -> None: ...

    @event_handler
    async def left(self, event: PersonLeft) -> PersonLeft:
        return event


class Order(BaseMessage):
    type: Literal["order"] = "order"
    payload: dict[str, Any]


class Ordered(BaseMessage):
    type: Literal["ordered"] = "ordered"
    payload: Literal["yes", "no"]


@channel(name="shop-floor 2")
class ShopConsumer(AsyncJsonWebsocketConsumer):
    discriminator_field = "type"

    @ws_handler
    async def order(self, message: Order) -> Ordered:
        return Ordered(payload="yes")


@channel(name="news")
class NewsConsumer(AsyncJsonWebsocketConsumer):
    """Pushes only."""

    @event_handler
    async def left(self, event: PersonLeft) -> PersonLeft:
        return event


def protocol() -> Protocol:
    """The protocol of all of them."""
    room = RoomTopic.as_consumer(AsyncJsonWebsocketConsumer)
    routes = [
        RouteInfo("/ws/chat/{place}/", None, "ws://localhost:8000", ChatConsumer, {"place": "str"}),
        RouteInfo("/ws/shop/", None, "ws://localhost:8000", ShopConsumer),
        RouteInfo("/ws/news/", None, "ws://localhost:8000", NewsConsumer),
        RouteInfo("/ws/room/{id}/", None, "ws://localhost:8000", room, {"id": "str"}),
    ]
    return protocol_of(AsyncAPIGenerator(routes, title="All */ of it", version="1.0.0").generate())


def write(directory: Path, found: Protocol, *, readme: bool = True) -> dict[str, str]:
    """Writes the client of a protocol; returns its files."""
    out = OutputDirectory(directory, language="typescript")
    write_client(found, out, readme=readme)
    out.write()
    return dict(out.files)

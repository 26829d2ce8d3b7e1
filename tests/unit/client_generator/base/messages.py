"""What a generated package would hold, for the tests of its runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field
from websockets.asyncio.client import ClientConnection

from chanx.client_generator.base import (
    BaseClient,
    BaseJob,
    BaseTopicConnection,
    BaseTopicHandle,
    JobList,
    JobPosition,
    JobReference,
    ProtocolMessage,
    ProtocolModel,
    Token,
)
from tests.unit.client_generator.base.fakes import FakeNetwork


class Text(ProtocolModel):
    text: str
    reply_to: Annotated[int | None, Field(validation_alias="replyTo", serialization_alias="replyTo")] = None


class Say(ProtocolMessage):
    action: Literal["say"] = "say"
    payload: Text


class Wave(ProtocolMessage):
    action: Literal["wave"] = "wave"


class Said(ProtocolMessage):
    action: Literal["said"] = "said"
    payload: Text


class Joined(ProtocolMessage):
    action: Literal["joined"] = "joined"
    payload: str


class Since(ProtocolModel):
    since: int | None = None


class RoomOpen(ProtocolModel):
    members: int


ChatReceived: TypeAlias = Said | Joined


class RoomTopic(BaseTopicHandle[ChatReceived, Since, RoomOpen]):
    pattern = "room:{id}"
    received = (Said, Joined)
    subscribed_type = RoomOpen

    async def say(self, message: Say, *, timeout: float | None = None) -> Said | Joined:
        return await self.request(message, (Said, Joined), timeout=timeout)

    async def wave(self, message: Wave) -> None:
        await self.send_message(message)


class Line(ProtocolMessage):
    action: Literal["job_log"] = "job_log"
    payload: dict[str, Any]


class Progress(ProtocolMessage):
    action: Literal["job_progress"] = "job_progress"
    payload: dict[str, Any]


class Succeeded(ProtocolMessage):
    action: Literal["job_succeeded"] = "job_succeeded"
    payload: dict[str, Any]


class SiteJob(BaseJob[Line | Progress | Succeeded]):
    pattern = "job:{job_id}"
    received = (Line, Progress, Succeeded)


class Chat(BaseClient[ChatReceived]):
    path = "/ws/chat/{room}/"
    received = (Said, Joined)

    def __init__(self, network: FakeNetwork, path_params: Mapping[str, object] = {"room": "a"}) -> None:
        super().__init__("site:80", path_params=path_params)
        self.network = network

    async def open_websocket(self) -> ClientConnection:
        return await self.network.open()

    async def say(self, message: Say) -> None:
        await self.send_message(message)


class Site(BaseTopicConnection[ChatReceived]):
    path = "/ws/"
    received = (Said, Joined)

    def __init__(self, network: FakeNetwork) -> None:
        super().__init__("site:80")
        self.network = network

    async def open_websocket(self) -> ClientConnection:
        return await self.network.open()

    def room(self, *, id: str) -> RoomTopic:
        return self._topic(RoomTopic, {"id": id})

    def job(self, ref: JobReference, *, token: Token = None, position: JobPosition | None = None) -> SiteJob:
        return self._job(SiteJob, ref, token=token, position=position)

    def jobs(self, owner: str = "me") -> JobList:
        return self._job_list("jobs:{owner}", owner)


def said(text: str) -> dict[str, Any]:
    """A frame of the server's."""
    return {"action": "said", "payload": {"text": text, "replyTo": 1}}

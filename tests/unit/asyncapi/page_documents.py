"""Documents for the tests of the page, put together by hand from Pydantic models."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from chanx.bridge.events import JobLogLine, JobProgress
from chanx.bridge.web.messages import JobAck, JobCancel, JobCancelAccepted, JobSubscribe, JobSubscribed
from chanx.messages.base import BaseMessage

REF = "#/components/schemas/"


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class Person(BaseModel):
    """Somebody in the room."""

    name: Annotated[str, Field(min_length=1, max_length=40, description="As it is shown, `**plain**`.")]
    age: Annotated[int, Field(ge=0, le=150)] | None = None
    friends: list["Person"] = []


class Circle(BaseModel):
    kind: Literal["circle"] = "circle"
    radius: Annotated[float, Field(gt=0)]


class Square(BaseModel):
    kind: Literal["square"] = "square"
    side: Annotated[float, Field(gt=0)]


class ChatPayload(BaseModel):
    text: Annotated[str, Field(min_length=1, examples=["Hello!"])]
    to: Person | None = None
    colour: Colour = Colour.RED
    tags: Annotated[list[Annotated[str, Field(pattern="^[a-z]+$")]], Field(max_length=5)] = []
    shape: Annotated[Circle | Square, Field(discriminator="kind")] | None = None
    scores: dict[str, int] = {}
    is_private: bool = False
    at: datetime | None = None
    place: tuple[float, float] | None = None
    extra: Any = None


class ChatMessage(BaseMessage):
    """Says something to everybody."""

    action: Literal["chat"] = "chat"
    payload: ChatPayload


class ChatSaid(BaseMessage):
    """Somebody said something."""

    action: Literal["chat_said"] = "chat_said"
    payload: ChatPayload


class JobSubscribeFrame(BaseMessage):
    action: Literal["subscribe"] = "subscribe"
    payload: JobSubscribe | None = None


class JobSubscribedFrame(BaseMessage):
    action: Literal["subscribed"] = "subscribed"
    payload: JobSubscribed


class Ping(BaseMessage):
    action: Literal["ping"] = "ping"
    payload: None = None


class Pong(BaseMessage):
    action: Literal["pong"] = "pong"
    payload: None = None


MODELS: tuple[type[BaseModel], ...] = (
    ChatMessage, ChatSaid, Ping, Pong, JobSubscribeFrame, JobSubscribedFrame, JobAck, JobCancel, JobCancelAccepted,
    JobProgress, JobLogLine,
)  # fmt: skip


def schemas_of(*models: type[BaseModel]) -> dict[str, Any]:
    """The schemas of models and of what is in them, as components."""
    _, schema = models_json_schema([(model, "validation") for model in models], ref_template=REF + "{model}")
    schemas: dict[str, Any] = schema["$defs"]
    return schemas


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def channel(address: str, *models: type[BaseModel], **more: Any) -> dict[str, Any]:
    messages = {snake(model.__name__): {"$ref": f"#/components/messages/{snake(model.__name__)}"} for model in models}
    return {"address": address, "messages": messages, **more}


def operation(
    action: str, on: str, *messages: type[BaseModel], reply: tuple[type[BaseModel], ...] = (), **more: Any
) -> dict[str, Any]:
    def refs(models: tuple[type[BaseModel], ...]) -> list[dict[str, str]]:
        return [{"$ref": f"#/channels/{on}/messages/{snake(model.__name__)}"} for model in models]

    found = {"action": action, "channel": {"$ref": f"#/channels/{on}"}, **more, "messages": refs(messages)}
    if reply:
        found["reply"] = {"channel": {"$ref": f"#/channels/{on}"}, "messages": refs(reply)}
    return found


def document(
    channels: Mapping[str, Any], operations: Mapping[str, Any], *models: type[BaseModel], **info: Any
) -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Rooms", "version": "1.2.0", **info},
        "servers": {"development": {"host": "localhost:8000", "protocol": "ws"}},
        "channels": dict(channels),
        "operations": dict(operations),
        "components": {
            "messages": {snake(each.__name__): {"payload": {"$ref": REF + each.__name__}} for each in models},
            "schemas": dict(sorted(schemas_of(*models).items())) if models else {},
        },
    }


def rooms(**info: Any) -> dict[str, Any]:
    """A consumer with chat, and the topic of jobs beside it."""
    topic = {"name": "job", "pattern": "job:{job_id}", "parameters": ["job_id"], "protocol": "job-stream"}
    room = channel("ws/room/{room_name}/", ChatMessage, ChatSaid, Ping, Pong, title="room")
    room["description"] = "A room in which people talk.\n\n- One room for each name.\n- Say `ping` to be sure."
    room["parameters"] = {"room_name": {"description": "Path parameter for room_name (str)"}}
    jobs = channel("ws/room/{room_name}/", *MODELS[4:], title="room_job", description="Follows a job.")
    jobs["parameters"] = room["parameters"]
    jobs["x-topic"] = topic
    return document(
        {"room": {**room, "tags": [{"name": "chat"}]}, "room_job": jobs},
        {
            "chat": operation(
                "receive", "room", ChatMessage, reply=(ChatSaid,), summary="Say something", description="To all.",
                tags=[{"name": "talk"}],
            ),
            "ping": operation("receive", "room", Ping, reply=(Pong,)),
            "somebody_spoke": operation("send", "room", ChatSaid, description="An *event*: see ``chat``."),
            "subscribe": operation("receive", "room_job", JobSubscribeFrame, reply=(JobSubscribedFrame,)),
            "ack": operation("receive", "room_job", JobAck),
            "cancel": operation("receive", "room_job", JobCancel, reply=(JobCancelAccepted,)),
            "job_progress": operation("send", "room_job", JobProgress),
            "job_log": operation("send", "room_job", JobLogLine),
        },
        *MODELS, **info,
    )  # fmt: skip

"""Consumers of one message, and the schemas of their documents."""

import json
import re
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.base import BaseMessage
from chanx.routing.discovery import RouteInfo


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    """What is inside."""

    color: Color
    amount: Annotated[int, Field(ge=1)] = 1


def message(payload: Any, name: str = "Message") -> type[BaseMessage]:
    """A message type with that payload."""
    fields: dict[str, Any] = {"action": (Literal["message"], "message"), "payload": (payload, ...)}
    return create_model(name, __base__=BaseMessage, __module__=__name__, **fields)


def consumer(taken: Any = None, sent: Any = None, name: str = "SomeConsumer", **attributes: Any) -> Any:
    """A consumer that takes one message, and sends another."""

    async def handle(self: Any, message: Any) -> None: ...

    async def event(self: Any, event: Any) -> None: ...

    if taken is not None:
        attributes["handle"] = ws_handler(input_type=taken)(handle)
    if sent is not None:
        attributes["event"] = event_handler(input_type=sent, output_type=sent)(event)
    return type(name, (ChanxWebsocketConsumerMixin,), attributes)


def schemas(*consumers: Any, camelize: bool = False) -> dict[str, Any]:
    """The schemas of their document."""
    routes = [RouteInfo(f"/{number}", None, "ws://localhost", each) for number, each in enumerate(consumers)]
    document = AsyncAPIGenerator(routes, camelize=camelize).generate()
    assert "#/$defs/" not in json.dumps(document)
    found: dict[str, Any] = document["components"]["schemas"]
    for name in found:
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
    return found


def payload_of(annotation: Any) -> Any:
    """The schema of a received payload of that type."""
    return schemas(consumer(message(annotation)))["Message"]["properties"]["payload"]

"""The document as a whole: its parts in their order, its server, the same for the same routes."""

import json
import math
from typing import Any, Literal

import pytest
import yaml
from pydantic import BaseModel

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.asyncapi.type_defs import AsyncAPIDocument
from chanx.bridge.web.list_topic import JobListTopic
from chanx.bridge.web.topic import JobTopic
from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from chanx.routing.discovery import RouteInfo

BASE_URL = "ws://localhost:8000"


class ChatPayload(BaseModel):
    text: str
    loudness: float = math.inf


class ChatMessage(BaseMessage):
    action: Literal["chat"] = "chat"
    payload: ChatPayload


class ChatNotice(BaseMessage):
    action: Literal["chat_notice"] = "chat_notice"
    payload: ChatPayload


class JoinedEvent(BaseMessage):
    action: Literal["joined"] = "joined"
    payload: str


@channel(name="chat", description="Real-time chat", tags=["chat", "rooms"])
class ChatConsumer(ChanxWebsocketConsumerMixin[Any]):
    topics = (JobTopic, JobListTopic)

    @ws_handler(summary="Ping", tags=["system"])
    async def handle_ping(self, message: PingMessage) -> PongMessage:
        """Answers at once."""
        return PongMessage()

    @ws_handler(action="say", output_type=ChatNotice)
    async def handle_chat(self, message: ChatMessage) -> None: ...

    @event_handler(output_type=ChatNotice)
    async def joined(self, event: JoinedEvent) -> None: ...


def route(consumer: Any = ChatConsumer, path: str = "/ws/{room}", **params: str) -> RouteInfo:
    return RouteInfo(path, None, BASE_URL, consumer, params or None)


def test_its_parts_in_their_order() -> None:
    document = AsyncAPIGenerator([route(room="str")], description="All of it").generate()
    assert list(document) == ["asyncapi", "info", "servers", "channels", "operations", "components"]
    assert document["asyncapi"] == "3.0.0"
    assert list(document["info"].items()) == [
        ("title", "AsyncAPI Documentation"),
        ("version", "1.0.0"),
        ("description", "All of it"),
    ]
    assert list(document["components"]) == ["messages", "schemas"]
    for components in document["components"].values():
        assert list(components) == sorted(components)


def test_no_description_without_one() -> None:
    assert "description" not in AsyncAPIGenerator([]).generate()["info"]


def test_what_was_given_is_there() -> None:
    generator = AsyncAPIGenerator([], "Chat", "2.1", None, "example.org", "wss", True)
    assert (generator.title, generator.version, generator.description) == ("Chat", "2.1", None)
    assert (generator.server_url, generator.server_protocol, generator.camelize) == ("example.org", "wss", True)
    document = generator.generate()
    assert document["info"] == {"title": "Chat", "version": "2.1"}
    assert document["servers"] == {"production": {"host": "example.org", "protocol": "wss"}}
    assert (generator.channels, generator.operations) == (document["channels"], document["operations"])


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "0.0.0.0:80", "[::1]:8000", ""])
def test_a_local_server_is_called_development(host: str) -> None:
    servers = AsyncAPIGenerator([], server_url=host).generate()["servers"]
    assert servers == {"development": {"host": host, "protocol": "ws"}}


def test_without_routes_it_is_empty() -> None:
    document = AsyncAPIGenerator([]).generate()
    assert (document["channels"], document["operations"]) == ({}, {})
    assert document["components"] == {"messages": {}, "schemas": {}}


@pytest.mark.parametrize("camelize", [False, True])
def test_the_same_routes_give_the_same_bytes(camelize: bool) -> None:
    routes = [route(room="str"), route(path="/other/{room}", room="str")]
    texts = {json.dumps(AsyncAPIGenerator(routes, camelize=camelize).generate()) for _ in range(3)}
    assert len(texts) == 1


def test_it_is_json_that_yaml_writes_without_aliases() -> None:
    """Also where a default is a number that JSON does not have."""
    document = AsyncAPIGenerator([route(room="str")]).generate()
    assert document["components"]["schemas"]["ChatPayload"]["properties"]["loudness"]["default"] is None
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert yaml.safe_load(yaml.dump(document, Dumper=yaml.SafeDumper, sort_keys=False)) == document
    assert "&id" not in yaml.safe_dump(document)


@pytest.mark.parametrize("camelize", [False, True])
def test_every_reference_leads_somewhere(camelize: bool) -> None:
    document = AsyncAPIGenerator([route(room="str"), route(path="/b")], camelize=camelize).generate()
    text = json.dumps(document)
    assert "#/$defs/" not in text
    references = set(_references(document))
    assert len(references) > 20
    for reference in references:
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


def test_the_models_of_documents_read_it() -> None:
    document = AsyncAPIGenerator([route(room="str")]).generate()
    read = AsyncAPIDocument.model_validate(document)
    assert read.model_dump(by_alias=True, exclude_unset=True) == document


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in _references(item)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if "$ref" in value else []
    return own + [found for item in value.values() for found in _references(item)]

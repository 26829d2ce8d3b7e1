"""What the generator builds one by one, and what it takes."""

from typing import Any, Literal

import pytest

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.core.decorators import ws_handler
from chanx.core.topic import Topic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.errors import DescriptionError
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import ErrorMessage, PongMessage
from chanx.routing.discovery import RouteInfo, expand_topic_routes


class News(BaseMessage):
    action: Literal["news"] = "news"
    payload: str


class FeedTopic(Topic):
    """News."""

    pattern = "feed"
    passthrough_events = (News,)


class PingConsumer(ChanxWebsocketConsumerMixin[Any]):
    topics = (FeedTopic,)
    sends = (ErrorMessage,)

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()


PING = RouteInfo("/ping", None, "ws://localhost", PingConsumer)
TWICE = [PING, RouteInfo("/again", None, "ws://localhost", PingConsumer)]


def test_nothing_is_built_before_it_is_asked_for() -> None:
    generator = AsyncAPIGenerator([PING])
    assert (generator.channels, generator.operations) == ({}, {})
    assert generator.build_channels() is generator.channels
    assert list(generator.channels) == ["ping", "ping_feed"]
    assert generator.build_operations() is generator.operations
    assert list(generator.operations) == ["ping", "handle_passthrough_news"]


def test_generating_again_gives_the_same() -> None:
    generator = AsyncAPIGenerator([PING])
    assert generator.generate() == generator.generate()


def test_the_messages_of_a_consumer_and_of_a_topic() -> None:
    generator = AsyncAPIGenerator(TWICE)
    assert generator.get_channel_messages(PingConsumer) == {
        "ping_message": {"$ref": "#/components/messages/ping_message"},
        "pong_message": {"$ref": "#/components/messages/pong_message"},
    }
    assert list(generator.get_channel_messages(FeedTopic)) == ["news"]


@pytest.mark.parametrize(
    ("types", "names"),
    [
        (PongMessage, ["pong_message"]),
        (PongMessage | News, ["pong_message", "news"]),
        ([News, PongMessage, News], ["news", "pong_message"]),
        (None, []),
    ],
)
def test_references_to_outputs(types: Any, names: list[str]) -> None:
    found = AsyncAPIGenerator([PING]).build_output("ping", types)
    assert found == [{"$ref": f"#/channels/ping/messages/{name}"} for name in names]


@pytest.mark.parametrize("camelize", [False, True])
def test_routes_that_are_expanded_already_give_the_same(camelize: bool) -> None:
    whole = AsyncAPIGenerator(TWICE, camelize=camelize).generate()
    assert AsyncAPIGenerator(expand_topic_routes(TWICE), camelize=camelize).generate() == whole


def test_a_route_of_a_topic_alone() -> None:
    document = AsyncAPIGenerator([RouteInfo("/feed", None, "ws://localhost", FeedTopic)]).generate()
    assert document["channels"]["feed"]["x-topic"] == {"name": "feed", "pattern": "feed", "parameters": []}


def test_a_name_with_signs_that_references_escape() -> None:
    consumer = type("OddConsumer", (PingConsumer,), {"topics": (), "snake_name": "a/b~c%20"})
    document = AsyncAPIGenerator([RouteInfo("/", None, "ws://localhost", consumer)]).generate()
    assert document["operations"]["ping"]["channel"] == {"$ref": "#/channels/a~1b~0c%2520"}


@pytest.mark.parametrize("attribute", ["subscribe_payload_type", "subscribed_payload_type"])
def test_a_payload_type_that_is_none(attribute: str) -> None:
    topic = type("OddTopic", (Topic,), {"pattern": "odd", attribute: object()})
    with pytest.raises(
        DescriptionError, match=r"OddTopic\.subscribe_payload_type or subscribed_payload_type is no type"
    ):
        AsyncAPIGenerator([RouteInfo("/", None, "ws://localhost", topic)]).generate()

"""Operations: one for each handler, event, event passed through, and message of ``sends``."""

from typing import Any, ClassVar, Literal

import pytest
from pydantic import BaseModel

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.base import BaseChannelEvent, BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import CompleteMessage, ErrorMessage, PongMessage
from chanx.routing.discovery import RouteInfo


class Note(BaseMessage):
    """A note.

    With more to it.
    """

    action: Literal["note"] = "note"
    payload: str


class News(BaseMessage):
    action: Literal["news"] = "news"
    payload: str


class Either(BaseMessage):
    action: Literal["one", "other"]
    payload: None = None


class Hidden(BaseMessage):
    action: Literal["hidden"] = "hidden"
    payload: str


class HiddenChannelEvent(BaseChannelEvent):
    handler: Literal["z_event"]
    payload: str


class Consumer(ChanxWebsocketConsumerMixin[Any]):
    pass


def document(*consumers: Any, camelize: bool = False) -> dict[str, Any]:
    routes = [RouteInfo(f"/{number}", None, "ws://localhost", each) for number, each in enumerate(consumers)]
    return AsyncAPIGenerator(routes, camelize=camelize).generate()


def operations(*consumers: Any, camelize: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = document(*consumers, camelize=camelize)["operations"]
    return found


class PingConsumer(Consumer):
    @ws_handler(summary="Ping", description="Says pong", tags=["a", "b"])
    async def handle_ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()


class TestMessages:
    def test_received_with_a_reply(self) -> None:
        channel = {"$ref": "#/channels/ping"}
        content = operations(PingConsumer)["handle_ping"]
        assert content == {
            "action": "receive",
            "channel": channel,
            "description": "Says pong",
            "summary": "Ping",
            "tags": [{"name": "a"}, {"name": "b"}],
            "messages": [{"$ref": "#/channels/ping/messages/ping_message"}],
            "reply": {"channel": channel, "messages": [{"$ref": "#/channels/ping/messages/pong_message"}]},
        }
        assert list(content) == ["action", "channel", "description", "summary", "tags", "messages", "reply"]

    def test_received_without_a_reply(self) -> None:
        class LogConsumer(Consumer):
            @ws_handler
            async def log(self, message: Note) -> None: ...

        assert list(operations(LogConsumer)["log"]) == ["action", "channel", "description", "summary", "messages"]

    def test_a_reply_that_the_decorator_names(self) -> None:
        class BoardConsumer(Consumer):
            @ws_handler(output_type=News)
            async def post(self, message: Note) -> None: ...

        assert _names(operations(BoardConsumer)["post"]["reply"]) == ["news"]

    @pytest.mark.parametrize("output", [PongMessage | News, [PongMessage, News], (PongMessage, News)])
    def test_one_of_several_replies(self, output: Any) -> None:
        class SomeConsumer(Consumer):
            @ws_handler(output_type=output)
            async def ask(self, message: Note) -> None: ...

        assert _names(operations(SomeConsumer)["ask"]["reply"]) == ["pong_message", "news"]

    def test_the_systems_own_messages_are_in_no_document(self) -> None:
        class CarefulConsumer(Consumer):
            @ws_handler(output_type=[News, ErrorMessage, CompleteMessage])
            async def ask(self, message: Note) -> None: ...

            @ws_handler
            async def fail(self, message: PingMessage) -> ErrorMessage: ...  # type: ignore[empty-body]

        found = document(CarefulConsumer)
        assert list(found["components"]["messages"]) == ["news", "note", "ping_message"]
        assert "reply" not in found["operations"]["fail"]

    def test_the_docstring_describes_it(self) -> None:
        class SaidConsumer(Consumer):
            @ws_handler
            async def ask(self, message: Note) -> None:
                """Takes a note.

                Keeps it.
                """

        assert operations(SaidConsumer)["ask"]["description"] == "Takes a note.\n\nKeeps it."

    def test_without_a_word_there_are_empty_texts(self) -> None:
        class SilentConsumer(Consumer):
            @ws_handler
            async def ask(self, message: Note) -> None: ...

        content = operations(SilentConsumer)["ask"]
        assert (content["description"], content["summary"]) == ("", "")

    def test_several_actions_are_one_operation(self) -> None:
        class EitherConsumer(Consumer):
            @ws_handler
            async def either(self, message: Either) -> None: ...

        assert list(operations(EitherConsumer)) == ["either"]


class TestEvents:
    def test_only_what_is_sent_is_shown(self) -> None:
        class EventConsumer(Consumer):
            @event_handler
            async def hidden(self, event: Hidden) -> News: ...  # type: ignore[empty-body]

            @event_handler
            async def z_event(self, event: HiddenChannelEvent) -> None: ...

        found = document(EventConsumer)
        assert found["operations"]["hidden"] == {
            "action": "send",
            "channel": {"$ref": "#/channels/event"},
            "description": "",
            "summary": "",
            "messages": [{"$ref": "#/channels/event/messages/news"}],
        }
        assert "messages" not in found["operations"]["z_event"]
        assert list(found["components"]["schemas"]) == ["News"]

    def test_passed_through(self) -> None:
        class PassingConsumer(Consumer):
            passthrough_events = (News,)

        content = operations(PassingConsumer)["handle_passthrough_news"]
        assert (content["action"], content["description"]) == ("send", "Passthrough handler for News")
        assert _names(content) == ["news"]

    def test_sent_without_a_handler(self) -> None:
        class GreetingConsumer(Consumer):
            sends = (Note,)

        content = operations(GreetingConsumer)["note"]
        assert (content["action"], content["description"]) == ("send", "A note.")
        assert _names(content) == ["note"]


class Base(Consumer):
    passthrough_events: ClassVar[Any] = (News,)

    @ws_handler
    async def b_message(self, message: Note) -> None:
        """Of the base."""

    @event_handler
    async def a_event(self, event: Hidden) -> None: ...


class Mixin:
    @ws_handler
    async def a_message(self, message: PingMessage) -> None: ...


class DerivedConsumer(Mixin, Base):
    passthrough_events = (Either,)
    sends = (PongMessage,)

    async def b_message(self, message: Note) -> None: ...


class TestOrderAndNames:
    def test_messages_then_events_then_what_is_passed_through_then_the_others(self) -> None:
        assert list(operations(DerivedConsumer)) == [
            "a_message",
            "b_message",
            "a_event",
            "handle_passthrough_either",
            "handle_passthrough_news",
            "pong",
        ]

    def test_an_override_without_a_decorator_keeps_its_description(self) -> None:
        assert operations(DerivedConsumer)["b_message"]["description"] == "Of the base."

    def test_the_decorators_action_is_the_key(self) -> None:
        class NamedConsumer(Consumer):
            @ws_handler(action="say")
            async def handle_note(self, message: Note) -> None: ...

        assert list(operations(NamedConsumer)) == ["say"]

    def test_a_name_that_is_taken_has_its_consumers_before_it(self) -> None:
        class SecondPingConsumer(PingConsumer):
            pass

        found = operations(PingConsumer, SecondPingConsumer, SecondPingConsumer, SecondPingConsumer)
        assert [(key, content["channel"]["$ref"]) for key, content in found.items()] == [
            ("handle_ping", "#/channels/ping"),
            ("second_ping_handle_ping", "#/channels/second_ping"),
            ("second_ping_2_handle_ping", "#/channels/second_ping_2"),
            ("second_ping_3_handle_ping", "#/channels/second_ping_3"),
        ]

    def test_camelized(self) -> None:
        found = operations(PingConsumer, type("OtherConsumer", (PingConsumer,), {}), camelize=True)
        assert list(found) == ["handlePing", "otherHandlePing"]
        assert _names(found["handlePing"]) == ["pingMessage"]
        assert found["handlePing"]["messages"] == [{"$ref": "#/channels/ping/messages/pingMessage"}]


class SubscribePayload(BaseModel):
    since: int


class FeedTopic(Topic):
    pattern = "feed:{name}"
    subscribe_payload_type = SubscribePayload
    subscribed_payload_type = list[str]

    @ws_handler
    async def ask(self, message: Note) -> News: ...  # type: ignore[empty-body]


class PlainTopic(Topic):
    pattern = "plain"
    passthrough_events = (News,)


class FeedsConsumer(Consumer):
    topics = (FeedTopic, PlainTopic)


class TestTopics:
    def test_subscribing_where_its_payloads_are_known(self) -> None:
        found = document(FeedsConsumer)
        assert list(found["operations"]) == ["subscribe", "ask", "handle_passthrough_news"]
        subscribe = found["operations"]["subscribe"]
        assert (subscribe["action"], subscribe["channel"]) == ("receive", {"$ref": "#/channels/feeds_feed"})
        assert (_names(subscribe), _names(subscribe["reply"])) == (["feed_subscribe"], ["feed_subscribed"])
        schemas = found["components"]["schemas"]
        assert schemas["FeedSubscribeMessage"]["properties"]["action"]["const"] == "subscribe"
        assert schemas["FeedSubscribeMessage"]["properties"]["payload"] == {
            "$ref": "#/components/schemas/SubscribePayload"
        }
        assert schemas["FeedSubscribeMessage"]["required"] == ["payload"]
        assert schemas["FeedSubscribedMessage"]["properties"]["payload"]["items"] == {"type": "string"}

    def test_a_payload_that_may_be_left_out(self) -> None:
        class OpenTopic(Topic):
            pattern = "open"
            subscribe_payload_type = SubscribePayload | None

        class OpenConsumer(Consumer):
            topics = (OpenTopic,)

        schema = document(OpenConsumer)["components"]["schemas"]["OpenSubscribeMessage"]
        assert "required" not in schema
        assert schema["properties"]["payload"]["default"] is None

    def test_two_consumers_with_one_topic_share_its_messages(self) -> None:
        other = type("OtherConsumer", (FeedsConsumer,), {})
        first, both = document(FeedsConsumer), document(FeedsConsumer, other)
        assert both["components"] == first["components"]


def _names(content: Any) -> list[str]:
    return [reference["$ref"].rsplit("/", 1)[-1] for reference in content["messages"]]

"""A topic on a route of its own: opened by connecting, addressed without an envelope."""

from typing import Any, Literal

import pytest
from asgiref.testing import ApplicationCommunicator

from chanx.core.decorators import event_handler, ws_handler
from chanx.core.topic import Topic, TopicRefused
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.channels.client import Client
from tests.unit.conftest import Connect


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: str


class Discussion(Topic):
    """``secret`` ones are refused, ``mine`` in words of their own, ``broken`` ones fail."""

    pattern = "discussion:{pk}"

    async def authorize(self, pk: str) -> bool:
        match pk:
            case "mine":
                raise TopicRefused("full", "There is no seat left.")
            case "broken":
                raise ValueError("the secret text")
            case _:
                return pk != "secret"

    async def subscribed_payload(self, payload: Any) -> Any:
        return {"pk": self.params["pk"], "path": self.scope["path"]}

    async def on_subscribe(self) -> None:
        await self.send_message(Say(payload="welcome"))

    async def on_unsubscribe(self) -> None:
        left.append(self.topic)

    @ws_handler
    async def say(self, message: Say) -> Say:
        return message

    @event_handler
    async def said(self, event: Say) -> Say:
        return event


class Pair(Topic):
    pattern = "pair:{a}-{b}"


left: list[str] = []


@pytest.fixture(autouse=True)
def nobody_left() -> None:
    left.clear()


def pushed(action: str, payload: Any = None, topic: str = "discussion:5", **more: Any) -> dict[str, Any]:
    return {"version": 1, "topic": topic, **more, "action": action, "payload": payload}


async def opened(connect: Connect, consumer: Any, pk: Any = 5) -> Client:
    client = await connect(consumer, path_params={"pk": pk})
    assert await client.frame() == pushed("subscribed", {"pk": str(pk), "path": "/ws/"}, f"discussion:{pk}")
    assert (await client.frame())["payload"] == "welcome"
    return client


async def test_connecting_opens_the_topic_of_the_url(connect: Connect, base: Any, layer: Any) -> None:
    client = await opened(connect, Discussion.as_consumer(base))
    assert list(layer.groups) == ["Discussion.discussion-5"]
    await client.disconnect()
    assert left == ["discussion:5"]
    assert layer.groups == {}


async def test_the_parameters_of_channels_routes(connect: Connect, base: Any) -> None:
    client = await connect(Discussion.as_consumer(base), url_route={"args": (), "kwargs": {"pk": 7}})
    assert (await client.frame())["topic"] == "discussion:7"


async def test_a_frame_needs_no_envelope_and_is_answered_with_one(connect: Connect, base: Any) -> None:
    client = await opened(connect, Discussion.as_consumer(base))
    for addressed in ({}, {"topic": None}, {"topic": "discussion:5"}):
        await client.send({"action": "say", "payload": "hi", **addressed})
        assert await client.frame() == pushed("say", "hi")
    await client.send({"action": "say", "payload": "hi", "ref": "r"})
    assert await client.frame() == pushed("say", "hi", ref="r")


async def test_errors_are_answered_on_the_topic(connect: Connect, base: Any) -> None:
    client = await opened(connect, Discussion.as_consumer(base))
    for wrong in ({"action": "nope"}, {}, {"action": ["say"]}, {"action": "say", "payload": 1}):
        await client.send(wrong)
        error = await client.frame()
        assert (error["topic"], error["action"]) == ("discussion:5", "error")
        assert isinstance(error["payload"], list)


@pytest.mark.parametrize(
    ("text", "problem"),
    [("[1]", "model_type"), ("1", "model_type"), ("null", "model_type"), ("{", "json_invalid"), ("", "json_invalid")],
)
async def test_what_is_no_object_is_answered_with_what_is_wrong(
    connect: Connect, base: Any, caplog: pytest.LogCaptureFixture, text: str, problem: str
) -> None:
    client = await opened(connect, Discussion.as_consumer(base))
    await client.send(text=text)
    error = await client.frame()
    assert (error["action"], [part["type"] for part in error["payload"]]) == ("error", [problem])
    await client.send({"action": "say", "payload": "still here"})
    assert await client.frame() == pushed("say", "still here")
    assert caplog.records == []


async def test_events_reach_it_as_they_reach_any_subscriber(connect: Connect, base: Any, layer: Any) -> None:
    class Here(Discussion):
        @staticmethod
        def get_channel_layer(alias: str) -> Any:
            return layer

    client = await opened(connect, Here.as_consumer(base))
    await Here.broadcast("discussion:5", Say(payload="news"), seq=3)
    assert await client.frame() == pushed("say", "news", seq=3)


@pytest.mark.parametrize(
    ("pk", "reason"),
    [
        ("secret", "unauthorized"),
        ("mine", "full"),
        ("broken", "failed"),
        ("a:b", "unknown_topic"),
        ("", "unknown_topic"),
        ("x" * 300, "unknown_topic"),
    ],
)
async def test_a_refused_connection_is_told_why_and_closed(
    connect: Connect, base: Any, layer: Any, pk: str, reason: str
) -> None:
    client = await connect(Discussion.as_consumer(base), path_params={"pk": pk})
    error = await client.frame()
    assert (error["topic"], error["action"], "ref" in error) == (f"discussion:{pk}", "error", False)
    assert error["payload"]["reason"] == reason
    assert "secret text" not in str(error)
    assert await client.closed() is None
    assert layer.groups == {}
    assert left == []


async def test_a_value_that_would_name_another_topic_is_refused(connect: Connect, base: Any) -> None:
    client = await connect(Pair.as_consumer(base), path_params={"a": "x", "b": "y-z"})
    assert (await client.frame())["action"] == "subscribed"
    client = await connect(Pair.as_consumer(base), path_params={"a": "x-y", "b": "z"})
    assert (await client.frame())["payload"]["reason"] == "unknown_topic"


async def test_a_route_without_the_parameters_is_the_developers_mistake(
    base: Any, caplog: pytest.LogCaptureFixture
) -> None:
    scope = {"type": "websocket", "path": "/ws/", "path_params": {"other": 1}}
    server = ApplicationCommunicator(Discussion.as_consumer(base).as_asgi(), scope)
    await server.send_input({"type": "websocket.connect"})
    assert await server.receive_output(5) == {"type": "websocket.close", "code": 1011}
    assert "Discussion needs URL parameters ['pk']" in caplog.text
    await server.send_input({"type": "websocket.disconnect", "code": 1011})
    await server.wait(30)


def test_the_name_of_a_topic_by_its_url() -> None:
    assert Discussion.topic_of({"pk": 5, "other": 1}) == "discussion:5"
    with pytest.raises(ValueError, match=r"Pair needs URL parameters \['a', 'b'\]: .* which has \['c'\]"):
        Pair.topic_of({"c": 1})


async def test_other_topics_are_not_open_through_a_dedicated_route(connect: Connect, base: Any) -> None:
    client = await opened(connect, Discussion.as_consumer(base))
    await client.send({"topic": "discussion:6", "action": "subscribe"})
    assert (await client.frame())["payload"]["reason"] == "unknown_topic"
    await client.send({"action": "say", "payload": "still here"})
    assert await client.frame() == pushed("say", "still here")


async def test_leaving_and_coming_back(connect: Connect, base: Any) -> None:
    client = await opened(connect, Discussion.as_consumer(base))
    await client.send({"action": "unsubscribe", "ref": 1})
    assert await client.frame() == pushed("unsubscribed", ref=1)
    await client.send({"action": "say", "payload": "x"})
    assert (await client.frame())["payload"]["reason"] == "not_subscribed"
    await client.send({"action": "subscribe", "ref": 2})
    assert (await client.frame())["ref"] == 2
    assert left == ["discussion:5"]


async def test_a_consumer_of_ones_own_with_a_default_topic(connect: Connect, base: Any) -> None:
    class Own(base):  # type: ignore[misc] # a fixture
        default_topic = Discussion
        topics = [Pair]
        send_completion = True

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

    client = await opened(connect, Own)
    await client.send({"action": "ping"})
    assert await client.frames(2) == [{"action": "pong", "payload": None}, {"action": "complete", "payload": None}]
    await client.send({"action": "say", "payload": "hi"})
    assert await client.frame() == pushed("say", "hi")
    await client.send({"topic": "pair:a-b", "action": "subscribe"})
    assert await client.frame() == pushed("subscribed", topic="pair:a-b")
    await client.send({"topic": "pair:secret", "action": "subscribe"})
    assert (await client.frame())["payload"]["reason"] == "unknown_topic"


async def test_completions_follow_the_topic(connect: Connect, base: Any) -> None:
    class Completing(Discussion):
        send_completion = True

    client = await opened(connect, Completing.as_consumer(base))
    await client.send({"action": "say", "payload": "hi", "ref": "r"})
    assert await client.frames(2) == [pushed("say", "hi", ref="r"), pushed("complete", ref="r")]


async def test_attributes_of_the_consumer(base: Any) -> None:
    consumer = Discussion.as_consumer(base, max_topics=1)
    assert (consumer.__name__, consumer.name, consumer.max_topics) == ("DiscussionConsumer", "Discussion", 1)
    assert (consumer.__module__, consumer.__doc__) == (Discussion.__module__, Discussion.__doc__)
    assert issubclass(consumer, base)
    assert consumer.default_topic is Discussion


def test_the_consumer_has_the_channel_layer_of_the_topic(base: Any) -> None:
    class Elsewhere(Discussion):
        channel_layer_alias = "elsewhere"

    class Base(base):  # type: ignore[misc] # a fixture
        channel_layer_alias = "chat"

    assert Elsewhere.as_consumer(Base).channel_layer_alias == "elsewhere"
    assert Elsewhere.as_consumer(Base, channel_layer_alias="mine").channel_layer_alias == "mine"
    assert Discussion.as_consumer(Base).channel_layer_alias == "chat"


def test_a_default_topic_that_is_none_is_refused(base: Any) -> None:
    with pytest.raises(TypeError, match=r"Wrong.default_topic: .* must be a Topic subclass with a pattern"):
        type("Wrong", (base,), {"default_topic": Say})

"""The typed test client, on both frameworks."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from fast_channels.layers import InMemoryChannelLayer
from pydantic import ValidationError

import chanx.channels.testing
import chanx.channels.websocket
import chanx.fast_channels.testing
import chanx.fast_channels.websocket
from chanx.core.authenticator import BaseAuthenticator
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import CompleteMessage, ErrorMessage, PongMessage
from chanx.messages.topic import SubscribedMessage


class Ask(BaseMessage):
    action: Literal["ask"] = "ask"
    payload: str


class Answer(BaseMessage):
    action: Literal["answer"] = "answer"
    payload: str


class Undeclared(BaseMessage):
    action: Literal["undeclared"] = "undeclared"
    payload: None = None


class Refusing(BaseAuthenticator):
    async def authenticate(self) -> bool:
        return False


class Room(Topic):
    pattern = "room:{id}"
    passthrough_events = [Answer]

    async def authorize(self, id: str) -> bool:
        return id != "secret"

    @ws_handler
    async def ask(self, message: Ask) -> Answer:
        return Answer(payload=f"{message.payload} in {self.topic}")


class Hall(Topic):
    pattern = "hall"
    passthrough_events = [Answer]


class Flavour(SimpleNamespace):
    """A framework's base class and communicator, and consumers made from them."""

    def client(self, consumer: Any, path: str = "/ws/") -> Any:
        return self.communicator(consumer.as_asgi(), path, consumer=consumer)


def django() -> Flavour:
    return Flavour(
        base=chanx.channels.websocket.AsyncJsonWebsocketConsumer,
        communicator=chanx.channels.testing.WebsocketCommunicator,
    )


def fastapi() -> Flavour:
    return Flavour(
        base=chanx.fast_channels.websocket.AsyncJsonWebsocketConsumer,
        communicator=chanx.fast_channels.testing.WebsocketCommunicator,
    )


@pytest.fixture(params=[django, fastapi])
def flavour(request: pytest.FixtureRequest) -> Iterator[Flavour]:
    flavour = request.param()
    layer = InMemoryChannelLayer()

    class Chat(flavour.base):  # type: ignore[name-defined]
        send_completion = True
        groups = ["hall"]
        topics = [Room, Hall]
        get_channel_layer = staticmethod(lambda alias: layer)

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

        @ws_handler(output_type=Answer)
        async def ask(self, message: Ask) -> Answer | None:
            match message.payload:
                case "twice":
                    await self.send_message(Answer(payload="1"))
                    return Answer(payload="2")
                case "close":
                    await self.close(4001)
                    return None
                case "undeclared":
                    await self.send_message(Undeclared())
                    return None
                case "broadcast":
                    await self.broadcast_message(Answer(payload="all"))
                    return None
                case "never":
                    await asyncio.Event().wait()
            return Answer(payload=message.payload)

        @event_handler
        async def told(self, event: Answer) -> Answer:
            return event

    flavour.chat = Chat
    for topic in (Room, Hall):
        topic.get_channel_layer = staticmethod(lambda alias: layer)  # type: ignore[method-assign]
    yield flavour
    for topic in (Room, Hall):
        del topic.get_channel_layer  # type: ignore[method-assign]


async def sent(client: Any, count: int) -> None:
    """Wait until the consumer has sent so many frames."""
    async with asyncio.timeout(30):
        while client.output_queue.qsize() < count:  # noqa: ASYNC110 -- a queue has no event for its size
            await asyncio.sleep(0)


async def test_the_context_connects_and_disconnects(flavour: Flavour) -> None:
    ended: list[int] = []

    class Chat(flavour.chat):  # type: ignore[name-defined]
        async def disconnect(self, code: int) -> None:
            ended.append(code)

    async with flavour.client(Chat) as client:
        await client.send_message(PingMessage())
        assert await client.receive_all_messages() == [PongMessage()]
        assert ended == []
    assert ended == [1000]
    assert client.future.done()


async def test_connect_answers_whether_it_was_accepted_and_the_subprotocol(flavour: Flavour) -> None:
    class Chat(flavour.chat):  # type: ignore[name-defined]
        async def connect(self) -> None:
            await self.accept("chat.v1")

    client = flavour.communicator(Chat.as_asgi(), "/ws/", subprotocols=["chat.v1"], consumer=Chat)
    assert await client.connect() == (True, "chat.v1")
    await client.disconnect()


async def test_connect_answers_the_code_of_a_refusal(flavour: Flavour) -> None:
    class Chat(flavour.chat):  # type: ignore[name-defined]
        async def connect(self) -> None:
            await self.close(4003)

    client = flavour.client(Chat)
    assert await client.connect() == (False, 4003)
    await client.disconnect()


async def test_the_scope_is_what_it_was_given(flavour: Flavour) -> None:
    headers = [(b"x-a", b"1")]
    client = flavour.communicator(flavour.chat.as_asgi(), "/ws/?a=1", headers, ["p"], "2.3", consumer=flavour.chat)
    scope = client.scope
    assert (scope["path"], scope["query_string"], scope["headers"]) == ("/ws/", b"a=1", headers)
    assert (list(scope["subprotocols"]), scope["spec_version"]) == (["p"], "2.3")


async def test_the_frameworks_own_methods_work(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.send_json_to({"action": "ping"})
        assert await client.receive_json_from(timeout=1) == {"action": "pong", "payload": None}
        assert (await client.receive_output())["type"] == "websocket.send"
        assert await client.receive_nothing(0.02)
        await client.send_to(text_data='{"action": "ping"}')
        assert await client.receive_from() == '{"action":"pong","payload":null}'


async def test_nothing_is_received_while_a_skipped_frame_waits(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.send_message(PingMessage())
        await client.subscribe("hall")
        assert not await client.receive_nothing(0.01)


async def test_every_message_up_to_the_completion_without_it(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.send_message(Ask(payload="twice"))
        assert await client.receive_all_messages() == [Answer(payload="1"), Answer(payload="2")]


async def test_another_stop_action_is_included(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.send_message(Ask(payload="twice"))
        assert await client.receive_all_messages("answer") == [Answer(payload="1")]
        assert await client.receive_all_messages() == [Answer(payload="2")]


async def test_other_completions_are_dropped_and_can_be_the_stop(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.send_message(Ask(payload="broadcast"))
        assert await client.receive_all_messages("group_complete") == [Answer(payload="all")]
        await flavour.chat.broadcast_event(Answer(payload="event"))
        assert await client.receive_all_messages("event_complete") == [Answer(payload="event")]


async def test_a_timeout_ends_it_without_an_error_and_the_connection_goes_on(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.send_message(Ask(payload="never"))
        assert await client.receive_all_messages(timeout=0.02) == []
        await client.send_message(PingMessage())
        assert await client.receive_all_messages() == [PongMessage()]


async def test_errors_are_messages(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.send_json_to({"action": "nobody"})
        (message,) = await client.receive_all_messages()
        assert isinstance(message, ErrorMessage)
        assert message.payload[0]["type"] == "union_tag_invalid"


async def test_a_frame_the_consumer_does_not_declare(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.send_message(Ask(payload="undeclared"))
        with pytest.raises(ValidationError, match="undeclared"):
            await client.receive_all_messages()


async def test_all_frames_as_json(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.send_message(Ask(payload="twice"))
        await sent(client, 3)
        assert await client.receive_all_json(timeout=0.01) == [
            {"action": "answer", "payload": "1"},
            {"action": "answer", "payload": "2"},
            CompleteMessage().model_dump(),
        ]
        assert await client.receive_all_json(timeout=0.01) == []


async def test_receiving_ends_where_the_connection_is_closed_and_that_can_be_asserted(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.send_message(Ask(payload="one"))
        await client.receive_all_messages()
        await client.send_message(Ask(payload="close"))
        assert await client.receive_all_messages() == []
        assert await client.receive_all_json() == []
        await client.assert_closed()


async def test_assert_closed_of_an_open_connection(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.send_message(PingMessage())
        with pytest.raises(AssertionError, match=r"Expected the connection to be closed, but got .*pong"):
            await client.assert_closed()
        await client.receive_all_messages()
        with pytest.raises(TimeoutError):
            await client.assert_closed(timeout=0.01)


async def test_a_refused_authentication_closes(flavour: Flavour) -> None:
    class Chat(flavour.chat):  # type: ignore[name-defined]
        authenticator_class = Refusing

    async with flavour.client(Chat) as client:
        await client.assert_closed()


async def test_disconnecting_again_and_without_a_connection_does_nothing(flavour: Flavour) -> None:
    client = flavour.client(flavour.chat)
    await client.disconnect()
    await client.connect()
    await client.disconnect()
    await client.disconnect()
    with pytest.raises(TimeoutError, match="has ended"):
        await client.receive_output()


async def test_an_application_that_fails_is_heard_of(flavour: Flavour) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        raise RuntimeError("the application failed")

    client = flavour.communicator(application, "/ws/", consumer=flavour.chat)
    await client.connect()
    with pytest.raises(RuntimeError, match="the application failed"):
        await client.receive_output()
    with pytest.raises(RuntimeError, match="the application failed"):
        await client.disconnect()


async def test_subscribe_and_unsubscribe_return_the_raw_reply(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        reply = {"version": 1, "topic": "room:1", "ref": "1", "action": "subscribed", "payload": None}
        assert await client.subscribe("room:1") == reply
        assert await client.subscribe("room:1", ref="7") == {**reply, "ref": "7"}
        assert await client.unsubscribe("room:1") == {**reply, "action": "unsubscribed"}


async def test_a_refusal_is_a_reply(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        reply = await client.subscribe("room:secret")
        assert (reply["action"], reply["payload"]["reason"]) == ("error", "unauthorized")


async def test_what_comes_before_the_reply_can_be_received_later_in_order(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.send_message(Ask(payload="twice"))
        await sent(client, 3)
        await client.subscribe("room:1")
        assert await client.receive_all_messages() == [Answer(payload="1"), Answer(payload="2")]


async def test_messages_to_a_topic_and_from_it(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.subscribe("room:1")
        await client.send_message(Ask(payload="who"), topic="room:1", ref="5")
        assert await client.receive_topic_message(Room) == Answer(payload="who in room:1")


async def test_the_reply_of_a_topic_message_has_its_ref(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.subscribe("room:1")
        await client.send_message(Ask(payload="who"), topic="room:1", ref="5")
        frame = await client.receive_json_from()
        assert (frame["topic"], frame["ref"], frame["action"]) == ("room:1", "5", "answer")


async def test_messages_of_other_topics_wait(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.subscribe("room:1")
        await client.subscribe("hall", ref="2")
        await Room.broadcast("room:1", Answer(payload="room"))
        await Hall.broadcast("hall", Answer(payload="hall"))
        assert await client.receive_topic_message(Hall) == Answer(payload="hall")
        assert await client.receive_topic_message(Room) == Answer(payload="room")
        with pytest.raises(TimeoutError, match=r"a message of Room within 0\.01 s"):
            await client.receive_topic_message(Room, timeout=0.01)


async def test_topic_messages_among_all_messages(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.send_json_to({"action": "subscribe", "topic": "room:1"})
        assert await client.receive_all_messages("subscribed") == [SubscribedMessage()]
        await Room.broadcast("room:1", Answer(payload="room"))
        assert await client.receive_all_messages("answer") == [Answer(payload="room")]


async def test_the_dedicated_route_of_a_topic(flavour: Flavour) -> None:
    consumer = Room.as_consumer(flavour.base, get_channel_layer=staticmethod(lambda alias: None))

    async def of_room_1(scope: Any, receive: Any, send: Any) -> None:
        await consumer()({**scope, "path_params": {"id": "1"}}, receive, send)

    async with flavour.communicator(of_room_1, "/room/1/", consumer=consumer) as client:
        assert await client.receive_topic_message(Room) == SubscribedMessage()
        await client.send_message(Ask(payload="who"))
        assert await client.receive_all_messages("answer") == [Answer(payload="who in room:1")]


async def test_waiting_for_a_reply_of_a_connection_that_is_closed(flavour: Flavour) -> None:
    async with flavour.client(flavour.chat) as client:
        await client.send_message(Ask(payload="close"))
        with pytest.raises(AssertionError, match=r"websocket\.close.*while waiting for a message of Room"):
            await client.receive_topic_message(Room)
        await client.assert_closed()

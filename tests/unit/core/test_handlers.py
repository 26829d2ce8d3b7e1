"""The handler table: collected over the MRO when the class is created."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from chanx.core.adapters import error_list, tagged_union
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import CompleteMessage, ErrorMessage, PongMessage


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: str


class Shout(BaseMessage):
    action: Literal["shout", "yell"] = "shout"
    payload: str


class PingMixin:
    """A plain class, no consumer."""

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()


class Base(PingMixin, ChanxWebsocketConsumerMixin):
    @ws_handler
    async def say(self, message: Say) -> Say:
        return message

    @event_handler
    async def said(self, event: Say) -> Say:
        return event


def names(table: Any) -> dict[str, str]:
    return {action: handler.name for action, handler in table.items()}


def test_handlers_come_from_the_whole_mro_and_a_message_and_an_event_may_share_an_action() -> None:
    assert names(Base.handler_table.messages) == {"say": "say", "ping": "ping"}
    assert names(Base.handler_table.events) == {"say": "said"}


def test_every_value_of_a_literal_is_routed() -> None:
    class Loud(ChanxWebsocketConsumerMixin):
        @ws_handler
        async def shout(self, message: Shout) -> None: ...

    assert names(Loud.handler_table.messages) == {"shout": "shout", "yell": "shout"}


def test_an_override_stays_a_handler_with_or_without_the_decorator_and_none_removes_it() -> None:
    class Redecorated(Base):
        @ws_handler
        async def say(self, message: Say) -> Say:
            return message

    class Plain(Base):
        async def say(self, message: Say) -> Say:
            return message

    class Without(Base):
        say = None  # type: ignore[assignment] # the point of the test

    assert names(Redecorated.handler_table.messages) == names(Base.handler_table.messages)
    assert names(Plain.handler_table.messages) == names(Base.handler_table.messages)
    assert "say" not in Without.handler_table.messages


@pytest.mark.parametrize(("decorator", "kind"), [(ws_handler, "message"), (event_handler, "event")])
def test_two_methods_for_one_action_are_refused(decorator: Any, kind: str) -> None:
    async def zeta(self: Any, message: Say) -> None: ...

    async def alpha(self: Any, message: Say) -> None: ...

    methods = {"zeta": decorator(zeta), "alpha": decorator(alpha)}
    with pytest.raises(TypeError, match=rf"two {kind} handlers for action 'say': alpha\(\) and zeta\(\)"):
        type("Twice", (ChanxWebsocketConsumerMixin,), methods)


def test_passthrough_events_get_a_method_each_and_an_explicit_handler_wins() -> None:
    class Tee(PingMixin, ChanxWebsocketConsumerMixin):
        passthrough_events = [Say]

    class Child(Tee):
        passthrough_events = [Shout, Say]

        @event_handler
        async def own(self, event: Say) -> None: ...

    assert names(Tee.handler_table.events) == {"say": "handle_passthrough_say"}
    assert names(Child.handler_table.events) == {
        "say": "own",
        "shout": "handle_passthrough_shout",
        "yell": "handle_passthrough_shout",
    }
    handler = Child.handler_table.events["shout"]
    assert handler.passthrough
    assert handler.info.output_types == (Shout,)
    assert handler.info.description == "Passthrough handler for Shout"


def test_a_passthrough_event_that_is_no_message_type_is_refused() -> None:
    with pytest.raises(TypeError, match="must be a BaseMessage subclass"):

        class Wrong(ChanxWebsocketConsumerMixin):
            passthrough_events = [int]


def test_a_method_that_the_connection_would_hide_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Wrong\.user\(\) cannot be a handler.*rename the method"):

        class Wrong(ChanxWebsocketConsumerMixin):
            @ws_handler
            async def user(self, message: Say) -> None: ...


def test_adapters_are_there_for_what_is_handled_and_sent() -> None:
    class Nothing(ChanxWebsocketConsumerMixin):
        pass

    assert Nothing.incoming_message_adapter is None
    assert Nothing.incoming_event_adapter is None
    assert Nothing.outgoing_message_adapter.validate_python({"action": "complete"}) == CompleteMessage()
    assert Base.outgoing_message_adapter.validate_python({"action": "pong"}) == PongMessage()
    assert Base.outgoing_message_adapter.validate_python({"action": "error", "payload": 1}) == ErrorMessage(payload=1)
    with pytest.raises(ValidationError):
        Nothing.outgoing_message_adapter.validate_python({"action": "pong"})


def problems(adapter: TypeAdapter[Any], text: str) -> list[dict[str, Any]]:
    with pytest.raises(ValidationError) as caught:
        adapter.validate_json(text)
    return error_list(caught.value)


@pytest.mark.parametrize("types", [[Say], [Say, PingMessage]])
def test_one_type_or_several_fail_in_the_same_way(types: list[type[BaseMessage]]) -> None:
    adapter = tagged_union(types)
    assert [part["type"] for part in problems(adapter, '{"action":"x"}')] == ["union_tag_invalid"]
    assert [part["type"] for part in problems(adapter, '{"payload":1}')] == ["union_tag_not_found"]
    assert problems(adapter, '{"action":"say","payload":1}') == [
        {"type": "string_type", "loc": ["say", "payload"], "msg": "Input should be a valid string"}
    ]


def test_two_types_with_one_action_are_tried_one_after_the_other() -> None:
    class Number(BaseMessage):
        action: Literal["say"] = "say"
        payload: int

    adapter = tagged_union([Say, Number])
    assert adapter.validate_json('{"action":"say","payload":"a"}') == Say(payload="a")
    assert adapter.validate_json('{"action":"say","payload":1}') == Number(payload=1)


@pytest.mark.parametrize(
    ("name", "expected", "snake"),
    [
        ("MyWebSocketConsumer", "MyWebSocket", "my_web_socket"),
        ("Consumer", "Consumer", "consumer"),
        ("HTTPChat", "HTTPChat", "http_chat"),
    ],
)
def test_the_names_of_a_consumer(name: str, expected: str, snake: str) -> None:
    consumer: Any = type(name, (ChanxWebsocketConsumerMixin,), {})
    assert (consumer.name, consumer.snake_name) == (expected, snake)

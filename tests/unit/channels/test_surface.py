"""What projects rely on and no other test is about: outputs, hooks, options and where they come from."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import Any, Literal, Optional, Union

import pytest
from channels.layers import InMemoryChannelLayer
from pydantic import TypeAdapter, ValidationError

from chanx.channels.websocket import AsyncJsonWebsocketConsumer, ReceiveEvent
from chanx.core.config import Config
from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.conftest import Connect


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: str


class Whisper(BaseMessage):
    action: Literal["whisper"] = "whisper"
    payload: str


class Echo(AsyncJsonWebsocketConsumer):
    groups = ["hall"]
    log_websocket_message = None

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        """Answers."""
        return PongMessage()

    @ws_handler
    async def say(self, message: Say) -> Say:
        return message

    @event_handler
    async def said(self, event: Say) -> Say:
        return event


class Outputs(AsyncJsonWebsocketConsumer):
    """One handler for each way to say what is sent."""

    @ws_handler
    async def union(self, message: PingMessage) -> Say | PongMessage | None: ...

    @ws_handler(output_type=[Whisper])
    async def in_a_list(self, message: Say) -> None: ...

    @event_handler
    async def old_union(self, event: Say) -> Optional[Union[Say, Whisper]]:  # noqa: UP007, UP045 - old code has it
        ...


def test_every_declared_output_can_be_sent_and_no_other() -> None:
    assert isinstance(Outputs.outgoing_message_adapter, TypeAdapter)
    for action in ("say", "pong", "whisper", "complete", "group_complete", "event_complete", "error"):
        content = {"action": action, "payload": "x" if action in ("say", "whisper") else None}
        assert Outputs.outgoing_message_adapter.validate_python(content).action == action
    with pytest.raises(ValidationError):
        Outputs.outgoing_message_adapter.validate_python({"action": "ping"})


def test_decorated_methods_stay_what_they_are() -> None:
    assert Echo.ping.__name__ == "ping"
    assert Echo.ping.__doc__ == "Answers."
    assert inspect.iscoroutinefunction(Echo.ping)


def test_channel_goes_on_any_class() -> None:
    class Anything:
        pass

    assert channel(name="x")(Anything) is Anything


def test_a_base_of_the_project_may_hand_the_type_parameter_on() -> None:
    class Base(AsyncJsonWebsocketConsumer[ReceiveEvent]):
        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

    class Child(Base[Say]):
        pass

    assert list(Child.handler_table.messages) == ["ping"]


async def test_what_is_not_declared_is_sent_all_the_same_and_a_list_is_an_error(connect: Connect) -> None:
    class Odd(AsyncJsonWebsocketConsumer):
        @ws_handler(output_type=PongMessage)
        async def ping(self, message: PingMessage) -> Any:
            return Whisper(payload="x")

        @ws_handler(output_type=Say)
        async def say(self, message: Say) -> Any:
            return [message]

    client = await connect(Odd)
    await client.send({"action": "ping"})
    await client.send({"action": "say", "payload": "x"})

    assert await client.frames(2) == [
        {"action": "whisper", "payload": "x"},
        {"action": "error", "payload": {"detail": "Failed to process message for say"}},
    ]


async def test_receiving_can_be_overridden_at_every_step(connect: Connect, layer: Any) -> None:
    steps: list[str] = []

    class Watched(Echo):
        async def handle_json(self, content: Any) -> None:
            steps.append("handle_json")
            await super().handle_json(content)

        async def receive_message(self, message: BaseMessage) -> None:
            steps.append("receive_message")
            await super().receive_message(message)

        async def handle_channel_event(self, message: dict[str, Any]) -> None:
            steps.append("handle_channel_event")
            await super().handle_channel_event(message)

        async def receive_event(self, event: Any) -> None:
            steps.append("receive_event")
            await super().receive_event(event)

        async def handle_group_message(self, message: dict[str, Any]) -> None:
            steps.append("handle_group_message")
            await super().handle_group_message(message)

    client = await connect(Watched)
    await client.quiet()
    await Watched.broadcast_event(Say(payload="event"))
    await client.frame()
    await client.consumer.broadcast_message({"action": "free"})
    assert await client.frame() == {"action": "free"}

    assert steps == ["handle_json", "receive_message", "handle_channel_event", "receive_event", "handle_group_message"]


async def test_the_function_that_finds_a_layer_can_be_replaced(connect: Connect) -> None:
    own = InMemoryChannelLayer()
    asked: list[str] = []

    def find(alias: str) -> Any:
        asked.append(alias)
        return own

    class Elsewhere(Echo):
        channel_layer_alias = "elsewhere"

    Elsewhere.get_channel_layer = find  # type: ignore[method-assign]
    client = await connect(Elsewhere)

    await Elsewhere.broadcast_event(Say(payload="x"))

    assert await client.frame() == {"action": "say", "payload": "x"}
    assert set(asked) == {"elsewhere"}
    assert list(own.groups) == ["hall"]


async def test_a_passthrough_method_may_be_written_by_hand(connect: Connect) -> None:
    class Own(Echo):
        passthrough_events = [Whisper]
        passthrough_method_prefix = "pass_"

        async def pass_whisper(self, event: Whisper) -> Whisper:
            return Whisper(payload=event.payload.upper())

    client = await connect(Own)
    await Own.broadcast_event(Whisper(payload="psst"))
    assert await client.frame() == {"action": "whisper", "payload": "PSST"}


class TestSettings:
    """A class attribute beats the setting, the setting beats the default."""

    async def test_completions(self, connect: Connect, settings: Any) -> None:
        settings.CHANX = {"SEND_COMPLETION": True, "UNKNOWN_KEY": "harmless"}
        client = await connect(Echo)
        silent = await connect(type("Silent", (Echo,), {"send_completion": False}))

        await client.send({"action": "ping"})
        assert await client.actions(2) == ["pong", "complete"]
        await silent.quiet()
        await silent.quiet()

    @pytest.mark.parametrize(
        ("setting", "options", "logged"),
        [
            ({}, {}, True),
            ({"LOG_WEBSOCKET_MESSAGE": False}, {}, False),
            ({"LOG_WEBSOCKET_MESSAGE": False}, {"log_websocket_message": True}, True),
            ({"LOG_IGNORED_ACTIONS": ["ping", "pong"]}, {}, False),
            ({"LOG_IGNORED_ACTIONS": ["ping", "pong"]}, {"log_ignored_actions": []}, True),
        ],
    )
    async def test_logging(
        self,
        connect: Connect,
        settings: Any,
        caplog: pytest.LogCaptureFixture,
        setting: dict[str, Any],
        options: dict[str, Any],
        logged: bool,
    ) -> None:
        settings.CHANX = setting
        client = await connect(type("Logging", (Echo,), options))
        with caplog.at_level(logging.INFO, logger="chanx"):
            await client.quiet()
        assert [record.event for record in caplog.records] == (  # type: ignore[attr-defined] # an extra
            ["Websocket received", "Websocket sent"] if logged else []
        )

    @pytest.mark.parametrize(
        ("setting", "option", "yields"),
        [
            ({}, None, True),
            ({"SEND_MESSAGE_IMMEDIATELY": False}, None, False),
            ({"SEND_MESSAGE_IMMEDIATELY": False}, True, True),
            ({}, False, False),
        ],
    )
    async def test_others_get_their_turn_after_each_message(
        self, settings: Any, setting: dict[str, Any], option: bool | None, yields: bool
    ) -> None:
        # Given
        settings.CHANX = setting
        order: list[str] = []

        async def send(message: dict[str, Any]) -> None:
            order.append("sent")

        async def other() -> None:
            order.append("other")

        consumer = type("Sends", (Echo,), {"send_message_immediately": option})()
        consumer.base_send = send

        # When
        task = asyncio.create_task(other())
        await consumer.send_message(PongMessage())
        await consumer.send_message(PongMessage())
        await task

        # Then
        assert order == (["sent", "other", "sent"] if yields else ["sent", "sent", "other"])

    def test_options_outside_django(self) -> None:
        config = Config()
        assert config.send_message_immediately is True
        assert config.log_websocket_message is False
        assert config.log_ignored_actions == {}
        assert config.camelize is False
        assert config.send_completion is False
        assert config.discriminator_field == "action"

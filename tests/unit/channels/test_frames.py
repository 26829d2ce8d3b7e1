"""What is sent to the client in answer to what, in which order: the table of the protocol."""

import logging
from typing import Any, Literal

import pytest
import structlog
from pydantic import BaseModel, ValidationError
from structlog.testing import capture_logs

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import ws_handler
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.conftest import Connect

COMPLETE = {"action": "complete", "payload": None}
PONG = {"action": "pong", "payload": None}


class Amount(BaseModel):
    amount: int


class Pay(BaseMessage):
    action: Literal["pay"] = "pay"
    payload: Amount


class Note(BaseMessage):
    action: Literal["note"] = "note"
    payload: str | None = None


class Base(AsyncJsonWebsocketConsumer):
    send_completion = True

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()


class Shop(Base):
    @ws_handler
    async def pay(self, message: Pay) -> Any:
        match message.payload.amount:
            case 0:
                return None
            case 1:
                raise ValueError("the secret text")
            case 2:
                return [PongMessage()]
            case 3:
                await self.send_message(Note(payload="first"))
        return Note(payload=str(message.payload.amount))  # a type that is not declared

    @ws_handler
    def note(self, message: Note) -> Note:
        return message


async def test_the_answer_then_complete(connect: Connect) -> None:
    client = await connect(Shop)
    await client.send({"action": "ping"})
    assert await client.frames(2) == [PONG, COMPLETE]


async def test_none_is_only_completed(connect: Connect) -> None:
    client = await connect(Shop)
    await client.send({"action": "pay", "payload": {"amount": 0}})
    assert await client.frame() == COMPLETE


async def test_several_messages_come_in_the_order_they_were_sent(connect: Connect) -> None:
    client = await connect(Shop)
    await client.send({"action": "pay", "payload": {"amount": 3}})
    sent = await client.frames(3)
    assert [frame["payload"] for frame in sent] == ["first", "3", None]


async def test_a_handler_may_be_a_plain_function(connect: Connect) -> None:
    client = await connect(Shop)
    await client.send({"action": "note", "payload": "x"})
    assert await client.frames(2) == [{"action": "note", "payload": "x"}, COMPLETE]


@pytest.mark.parametrize("amount", [1, 2])
async def test_a_handler_that_fails_says_so_in_general_words_and_the_socket_stays_open(
    connect: Connect, amount: int, caplog: pytest.LogCaptureFixture
) -> None:
    client = await connect(Shop)
    await client.send({"action": "pay", "payload": {"amount": amount}})
    error = {"action": "error", "payload": {"detail": "Failed to process message for pay"}}
    assert await client.frames(2) == [error, COMPLETE]
    assert [record.exc_info is not None for record in caplog.records] == [True]
    await client.quiet()


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        ({"action": "pay", "payload": {"amount": "many"}}, ("int_parsing", ["pay", "payload", "amount"])),
        ({"action": "pay"}, ("missing", ["pay", "payload"])),
        ({"action": "unknown"}, ("union_tag_invalid", [])),
        ({"action": ["pay"]}, ("union_tag_invalid", [])),
        ({"payload": 1}, ("union_tag_not_found", [])),
        ({}, ("union_tag_not_found", [])),
    ],
)
async def test_an_invalid_message_is_answered_with_its_problems_and_completed(
    connect: Connect, frame: Any, problem: tuple[str, list[str]]
) -> None:
    client = await connect(Shop)
    await client.send(frame)
    error, complete = await client.frames(2)
    assert [(part["type"], part["loc"]) for part in error["payload"]] == [problem]
    assert set(error["payload"][0]) == {"type", "loc", "msg"}
    assert complete == COMPLETE


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "dict_type"),
        ("null", "dict_type"),
        ('"pay"', "dict_type"),
        ("not json", "json_invalid"),
        ("", "json_invalid"),
        ("{", "json_invalid"),
        ("[" * 5000, "json_invalid"),
        ('{"action":"\\ud800"}', "json_invalid"),
    ],
)
@pytest.mark.parametrize("decoded", [False, True])
async def test_what_is_no_object_is_answered_and_not_completed(
    connect: Connect, text: str, problem: str, decoded: bool
) -> None:
    class Decoding(Shop):
        async def receive_json(self, content: Any, **kwargs: Any) -> None:
            await super().receive_json(content, **kwargs)

    client = await connect(Decoding if decoded else Shop)
    await client.send(text=text)
    error = await client.frame()
    assert [(part["type"], part["loc"]) for part in error["payload"]] == [(problem, [])]
    await client.quiet()


async def test_a_binary_frame_is_answered_and_the_socket_stays_open(connect: Connect) -> None:
    client = await connect(Shop)
    await client.send(data=b"\x00\xff")
    assert await client.frame() == {
        "action": "error",
        "payload": {"detail": "Send text frames: binary ones are not understood"},
    }
    await client.quiet()


async def test_without_any_message_handler_every_frame_is_an_error(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    class Silent(AsyncJsonWebsocketConsumer):
        send_completion = True

    client = await connect(Silent)
    for _ in range(2):
        await client.send({"action": "ping"})
        assert await client.frame() == {"action": "error", "payload": {"detail": "Failed to process message"}}
    assert "No message handlers registered" in str(caplog.records[0].exc_info)


async def test_completions_are_off_by_default_and_follow_the_setting_at_once(connect: Connect, settings: Any) -> None:
    class Plain(Base):
        send_completion = None

    client = await connect(Plain)
    await client.quiet()
    await client.quiet()
    settings.CHANX = {"SEND_COMPLETION": True, "UNKNOWN": 1}
    await client.send({"action": "ping"})
    assert await client.frames(2) == [PONG, COMPLETE]


async def test_sending_can_be_checked_against_what_is_declared(connect: Connect) -> None:
    client = await connect(Shop)
    with pytest.raises(ValidationError):
        await client.consumer.send_message(PingMessage(), validate=True)
    await client.consumer.send_message(PongMessage(), validate=True)
    assert await client.frame() == PONG


async def test_the_hooks_can_be_overridden(connect: Connect) -> None:
    seen: list[Any] = []

    class Hooked(Shop):
        async def handle_validation_error(self, error: ValidationError) -> None:
            seen.append(error.error_count())

        async def handle_message_handler_error(self, error: Exception, action: str, message: BaseMessage) -> None:
            seen.append((str(error), action, message))

        async def receive_message(self, message: BaseMessage) -> None:
            seen.append(message.action)
            await super().receive_message(message)

    client = await connect(Hooked)
    await client.send({"action": "no"})
    await client.send({"action": "pay", "payload": {"amount": 1}})
    assert await client.frames(2) == [COMPLETE, COMPLETE]
    failed = Pay(payload=Amount(amount=1))
    assert sorted(map(str, seen)) == sorted(map(str, [1, "pay", ("the secret text", "pay", failed)]))


async def test_a_hook_that_fails_itself_does_no_harm(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Shop):
        async def handle_validation_error(self, error: ValidationError) -> None:
            raise RuntimeError("one")

        async def handle_json_processing_error(self, error: Exception) -> None:
            raise RuntimeError("two")

    client = await connect(Broken)
    await client.send({"action": "no"})
    await client.send({"action": "ping"})
    assert sorted(await client.actions(3)) == ["complete", "complete", "pong"]
    assert [record.message for record in caplog.records] == ["error_hook_failed consumer='Broken'"]


async def test_receive_json_handle_json_and_send_json_see_everything_where_they_are_overridden(
    connect: Connect,
) -> None:
    seen: list[Any] = []

    class Wrapped(Shop):
        async def handle_json(self, content: Any) -> None:
            seen.append(content)
            await super().handle_json({**content, "payload": None})

        async def send_json(self, content: Any, close: bool = False) -> None:
            await super().send_json({**content, "sent": True}, close)

    client = await connect(Wrapped)
    await client.send({"action": "ping", "payload": 1})
    assert await client.frames(2) == [{**PONG, "sent": True}, {**COMPLETE, "sent": True}]
    assert seen == [{"action": "ping", "payload": 1}]


async def test_an_overridden_send_message_sees_the_answers(connect: Connect) -> None:
    class Polite(Base):
        async def send_message(self, message: BaseMessage, *, validate: bool = False) -> None:
            await super().send_message(Note(payload=message.action), validate=validate)

    client = await connect(Polite)
    await client.send({"action": "ping"})
    assert [frame["payload"] for frame in await client.frames(2)] == ["pong", "complete"]


async def test_one_log_entry_for_each_frame_in_and_out_but_not_for_ignored_actions(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    class Logged(Shop):
        log_ignored_actions = ["ping", "pong"]

    client = await connect(Logged)
    with caplog.at_level(logging.INFO, logger="chanx"):
        await client.send({"action": "ping"})
        await client.frames(2)
        await client.send({"action": "note", "payload": "x"})
        await client.frames(2)
    assert [(record.event, record.values["action"]) for record in caplog.records] == [  # type: ignore[attr-defined] # extras
        ("Websocket received", "note"),
        ("Websocket sent", "note"),
    ]


async def test_no_log_entries_where_the_class_says_so(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    class Quiet(Shop):
        log_websocket_message = False

    client = await connect(Quiet)
    with caplog.at_level(logging.INFO, logger="chanx"):
        await client.quiet()
    assert caplog.records == []


async def test_structlog_gets_the_same_entries_where_it_is_configured(connect: Connect) -> None:
    class Logged(Shop):
        log_ignored_actions = ["pong"]

    client = await connect(Logged)
    with capture_logs() as entries:
        await client.send({"action": "ping"})
        await client.frames(2)
    structlog.reset_defaults()
    assert entries == [
        {"event": "Websocket received", "action": "ping", "consumer": "Logged", "log_level": "info"},
    ]

"""What is logged for a connection names it, whatever part of it logs, and what works for all names none."""

import logging
from collections.abc import Iterator
from typing import Any, Literal

import pytest

from chanx.core.decorators import event_handler, ws_handler
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from chanx.utils.log_context import ContextFilter
from tests.unit.conftest import Connect

log = logging.getLogger("shop.consumers")


class Note(BaseMessage):
    action: Literal["note"] = "note"
    payload: int


@pytest.fixture
def consumer(base: Any) -> Any:
    class Logging(base):  # type: ignore[misc]  # made for each flavour
        groups = ["everybody"]

        async def post_authentication(self) -> None:
            log.info("open")

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            log.info("ping")
            return PongMessage()

        @ws_handler
        async def fail(self, message: Note) -> None:
            raise RuntimeError("broken")

        @event_handler
        async def note(self, event: Note) -> Note:
            log.info("note")
            return event

        async def disconnect(self, code: int) -> None:
            log.info("end")

    return Logging


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    caplog.set_level(logging.INFO, "shop")
    added = ContextFilter()
    caplog.handler.addFilter(added)
    yield caplog
    caplog.handler.removeFilter(added)


def records_of(logged: pytest.LogCaptureFixture) -> list[Any]:
    return list(logged.records)


def said(logged: pytest.LogCaptureFixture) -> set[tuple[str, str]]:
    return {(each.message, each.connection) for each in records_of(logged) if each.name == "shop.consumers"}


async def test_every_record_of_a_connection_names_it(
    consumer: Any, connect: Connect, logged: pytest.LogCaptureFixture
) -> None:
    # Given
    clients = [await connect(consumer), await connect(consumer)]
    one, two = (client.consumer.connection_id for client in clients)

    # When
    for client in clients:
        await client.send({"action": "ping"})
        await client.frame()
    await consumer.broadcast_event(Note(payload=1), groups=["everybody"])
    for client in clients:
        await client.frame()
        await client.disconnect()
    log.info("outside")

    # Then
    assert one != two
    assert said(logged) == {
        *((text, name) for text in ("open", "ping", "note", "end") for name in (one, two)),
        ("outside", "-"),
    }


async def test_a_handler_that_fails_is_logged_with_its_connection(
    consumer: Any, connect: Connect, logged: pytest.LogCaptureFixture
) -> None:
    client = await connect(consumer)

    await client.send({"action": "note", "payload": 1})
    assert (await client.frame())["action"] == "error"

    (failure,) = [record for record in records_of(logged) if record.name == "chanx"]
    assert failure.connection == client.consumer.connection_id


async def test_a_layer_that_fails_is_nobodys_in_particular(
    consumer: Any, connect: Connect, layer: Any, logged: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a layer that raises once
    failures = [ConnectionError("gone")]

    class Failing(type(layer)):  # type: ignore[misc]  # made for each flavour
        async def receive(self, channel: str) -> Any:
            if failures:
                raise failures.pop()
            return await super().receive(channel)

    failing = Failing()
    consumer.get_channel_layer = staticmethod(lambda alias: failing)
    monkeypatch.setattr("chanx.core.hub.reader.RETRY_SECONDS", 0.0)
    monkeypatch.setattr("chanx.log._last_logged", {})

    # When
    client = await connect(consumer)
    await consumer.broadcast_event(Note(payload=1), groups=["everybody"])
    await client.frame()

    # Then
    (failure,) = [record for record in records_of(logged) if record.name == "chanx"]
    assert (failure.event, failure.connection) == ("channel_layer_not_read", "-")

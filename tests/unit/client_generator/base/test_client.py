"""One connection of a generated client: its messages, losing it and getting it back, ending it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from chanx.client_generator.base import (
    AnswerTimeoutError,
    ErrorMessage,
    NotConnectedError,
    UnknownMessage,
)
from chanx.client_generator.base.source import MAX_WAITING
from tests.unit.client_generator.base.fakes import FakeNetwork, run, settled
from tests.unit.client_generator.base.messages import Chat, Joined, Said, Say, Text, said


def test_what_the_server_sends_comes_typed_and_in_order() -> None:
    async def main() -> None:
        network = FakeNetwork()
        async with Chat(network) as client:
            network.last.say(said("one"))
            network.last.say({"action": "complete", "payload": None})
            network.last.say({"action": "error", "payload": {"detail": "no"}})
            network.last.say({"action": "joined", "payload": "ada"})
            first, second, third = [await anext(client) for _ in range(3)]

        assert isinstance(first, Said)
        assert (first.payload.text, first.payload.reply_to) == ("one", 1)
        assert isinstance(second, ErrorMessage)
        assert second.payload == {"detail": "no"}
        assert third == Joined(payload="ada")

    run(main())


def test_what_is_sent_has_the_keys_of_the_wire_and_nothing_that_was_not_set() -> None:
    async def main() -> None:
        network = FakeNetwork()
        async with Chat(network) as client:
            await client.say(Say(payload=Text(text="a")))
            await client.say(Say(payload=Text(text="b", reply_to=None)))
            await client.say(Say(payload=Text(text="c", replyTo=7)))  # type: ignore[call-arg]  # by its alias

        assert network.last.frames == [
            {"action": "say", "payload": {"text": "a"}},
            {"action": "say", "payload": {"text": "b", "replyTo": None}},
            {"action": "say", "payload": {"text": "c", "replyTo": 7}},
        ]

    run(main())


def test_a_newer_server_breaks_nothing() -> None:
    class Careful(Chat):
        def __init__(self, network: FakeNetwork) -> None:
            super().__init__(network)
            self.unknown: list[UnknownMessage] = []
            self.invalid: list[dict[str, Any]] = []

        def on_unknown_message(self, message: UnknownMessage) -> None:
            self.unknown.append(message)

        def on_invalid_frame(self, error: ValidationError, frame: dict[str, Any]) -> None:
            self.invalid.append(frame)

    async def main() -> None:
        network = FakeNetwork()
        async with Careful(network) as client:
            for strange in ("no JSON", "[1]", "7", "null", '{"action": 7}', '{"action": "new", "payload": 1}', "{}"):
                network.last.say(strange)
            network.last.say({"action": "said", "payload": {"text": 7}})
            network.last.say({"action": "said", "payload": {"text": "a", "more": True}, "even": "more"})
            message = await anext(client)

        assert isinstance(message, Said)
        assert message.payload.text == "a"
        assert [unknown.action for unknown in client.unknown] == [None, "new", None]
        assert client.unknown[1].content == {"action": "new", "payload": 1}
        assert [frame["payload"] for frame in client.invalid] == [{"text": 7}]

    run(main())


def test_handlers_and_whoever_waits_for_a_type_get_it_beside_the_loop() -> None:
    async def main() -> None:
        network, told, awaited = FakeNetwork(), list[str](), list[str]()

        async def later(message: Said) -> None:
            await settled()
            awaited.append(message.payload.text)

        def fails(message: Said) -> None:
            raise RuntimeError("a handler's own mistake")

        async with Chat(network) as client:
            client.on(Said, fails)
            end = client.on(Said, lambda message: told.append(message.payload.text))
            client.on(Said, later)
            waiting = asyncio.create_task(client.wait_for(Said))
            await settled()
            network.last.say({"action": "joined", "payload": "ada"})
            network.last.say(said("one"))
            assert (await waiting).payload.text == "one"
            end()
            network.last.say(said("two"))
            kinds = [type(await anext(client)) for _ in range(3)]
            await asyncio.sleep(1)

        assert kinds == [Joined, Said, Said]
        assert (told, awaited) == (["one"], ["one", "two"])

    run(main())


def test_waiting_for_a_type_has_an_end() -> None:
    async def main() -> None:
        async with Chat(FakeNetwork()) as client:
            with pytest.raises(AnswerTimeoutError, match="No Said came within 3 seconds"):
                await client.wait_for(Said, timeout=3)

    run(main())


def test_of_messages_that_nobody_takes_the_newest_are_kept() -> None:
    class Full(Chat):
        dropped = 0

        def on_overflow(self, message: BaseModel) -> None:
            self.dropped += 1

    async def main() -> None:
        network = FakeNetwork()
        async with Full(network) as client:
            for number in range(MAX_WAITING + 3):
                network.last.say(said(str(number)))
            await settled()
            first = await anext(client)

        assert isinstance(first, Said)
        assert (first.payload.text, client.dropped) == ("3", 3)

    run(main())


def test_closing_ends_loops_and_whoever_waits() -> None:
    async def main() -> None:
        network = FakeNetwork()
        client = await Chat(network).connect()

        async def loop() -> list[Any]:
            return [message async for message in client]

        looping, waiting = asyncio.create_task(loop()), asyncio.create_task(client.wait_for(Said))
        await settled()
        network.last.say({"action": "joined", "payload": "ada"})
        await settled()
        await client.close()
        await client.close()

        assert await looping == [Joined(payload="ada")]
        with pytest.raises(NotConnectedError):
            await waiting
        assert network.last.is_closed

    run(main())


def test_a_client_that_is_not_connected_says_what_to_write() -> None:
    async def main() -> None:
        client = Chat(FakeNetwork())
        with pytest.raises(NotConnectedError, match=r"async with Chat\(…\) as client"):
            await client.say(Say(payload=Text(text="a")))

    run(main())


def test_hooks_are_told_of_every_connection() -> None:
    class Hooked(Chat):
        def __init__(self, network: FakeNetwork) -> None:
            super().__init__(network)
            self.told: list[object] = []

        async def on_connected(self) -> None:
            self.told.append("connected")
            await self.say(Say(payload=Text(text="hello")))

        async def on_disconnected(self, code: int | None, reason: str) -> None:
            self.told.append((code, reason))

        def on_message(self, message: BaseModel) -> None:
            self.told.append(message)

    async def main() -> None:
        network = FakeNetwork()
        async with Hooked(network) as client:
            await settled()
            network.last.say({"action": "joined", "payload": "ada"})
            await settled()
            network.last.drop(1012, "Restart")
            await asyncio.sleep(1)

        assert client.told == ["connected", Joined(payload="ada"), (1012, "Restart"), "connected"]
        assert [len(socket.sent("say")) for socket in network.sockets] == [1, 1]

    run(main())

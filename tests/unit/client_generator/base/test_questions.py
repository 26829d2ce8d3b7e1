"""Asking on a connection whose messages do not say what they answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chanx.client_generator.base import (
    AccessDeniedError,
    AnswerTimeoutError,
    NotConnectedError,
    RequestRefusedError,
)
from tests.unit.client_generator.base.fakes import FakeNetwork, FakeSocket, run, settled
from tests.unit.client_generator.base.messages import Chat, Joined, Said, Say, Text, Wave, said

Frame = dict[str, Any]


def say(text: str) -> Say:
    return Say(payload=Text(text=text))


def texts(network: FakeNetwork) -> list[str]:
    return [frame["payload"]["text"] for socket in network.sockets for frame in socket.sent("say")]


def joined(name: str) -> Frame:
    return {"action": "joined", "payload": name}


def test_the_next_message_of_a_type_is_the_answer_however_fast_it_comes() -> None:
    """Given a server that answers as soon as it is told, when it is asked, then the loop has the answer too."""

    def heard(socket: FakeSocket, frame: Frame) -> None:
        socket.say({"action": "new"})
        socket.say(joined("ada") if frame["action"] == "wave" else said("hello"))

    async def main() -> None:
        async with Chat(FakeNetwork(heard)) as client:
            answer = await client.ask(Wave(), Said, Joined)
            assert answer == Joined(payload="ada")
            assert (await client.ask(say("hi"), Said)).payload.text == "hello"
            assert [type(await anext(client)) for _ in range(2)] == [Joined, Said]

    run(main())


def test_who_asks_for_the_same_waits() -> None:
    async def main() -> None:
        network = FakeNetwork()
        async with Chat(network) as client:
            network.last.say(said("before anybody asked"))
            await settled()
            asked = [asyncio.create_task(client.ask(say(text), Said)) for text in "abc"]
            other = asyncio.create_task(client.ask(Wave(), Joined))
            await settled()
            assert (texts(network), len(network.last.sent("wave"))) == (["a"], 1)
            network.last.say(said("1"))
            await settled()
            assert texts(network) == ["a", "b"]
            asked[1].cancel()
            await settled()
            network.last.say(said("3"))
            network.last.say(joined("ada"))
            assert ((await asked[0]).payload.text, (await asked[2]).payload.text) == ("1", "3")
            assert (await other).payload == "ada"

    run(main())


def test_an_error_is_that_of_the_message_sent_first() -> None:
    async def main() -> None:
        network = FakeNetwork()
        async with Chat(network) as client:
            first, other = (
                asyncio.create_task(client.ask(say("a"), Said)),
                asyncio.create_task(client.ask(Wave(), Joined)),
            )
            await settled()
            network.last.say({"action": "error", "payload": {"reason": "mine", "detail": "No"}})
            network.last.say(joined("ada"))
            with pytest.raises(RequestRefusedError, match="mine: No"):
                await first
            assert (await other).payload == "ada"

    run(main())


def test_a_lost_connection_ends_what_was_sent_and_nothing_else() -> None:
    async def main() -> None:
        network = FakeNetwork()
        async with Chat(network) as client:
            first, second = (asyncio.create_task(client.ask(say(text), Said)) for text in "ab")
            await settled()
            network.last.drop()
            with pytest.raises(NotConnectedError, match="lost before the answer"):
                await first
            await asyncio.sleep(2)
            assert texts(network) == ["a", "b"]
            network.last.say(said("2"))
            assert (await second).payload.text == "2"

    run(main())


def test_it_has_an_end_and_what_was_not_sent_by_then_is_not_sent() -> None:
    async def main() -> None:
        network = FakeNetwork()
        async with Chat(network) as client:
            first = asyncio.create_task(client.ask(say("a"), Said, Joined, timeout=3))
            second = asyncio.create_task(client.ask(say("b"), Said, timeout=2))
            patient = asyncio.create_task(client.ask(say("c"), Said, timeout=None))
            with pytest.raises(AnswerTimeoutError, match="No Said came within 2 seconds"):
                await second
            with pytest.raises(AnswerTimeoutError, match="No Said or Joined came within 3 seconds"):
                await first
            await asyncio.sleep(100)
            network.last.say(said("3"))
            assert (await patient).payload.text == "3"
            assert texts(network) == ["a", "c"]

    run(main())


@pytest.mark.parametrize("is_refused", [True, False])
def test_who_asks_is_told_that_nothing_comes_any_more(is_refused: bool) -> None:
    async def main() -> None:
        network = FakeNetwork()
        client = await Chat(network).connect()
        asked = [asyncio.create_task(client.ask(say(text), Said)) for text in "ab"]
        await settled()
        if is_refused:
            network.last.drop(4401)
        else:
            await client.close()
        errors = await asyncio.gather(*asked, return_exceptions=True)
        assert [isinstance(error, NotConnectedError | AccessDeniedError) for error in errors] == [True, True]
        with pytest.raises(AccessDeniedError if is_refused else NotConnectedError):
            await client.ask(say("c"), Said)
        await client.close()
        assert texts(network) == ["a"]

    run(main())


def test_without_types_of_answers_nothing_is_sent() -> None:
    async def main() -> None:
        network = FakeNetwork()
        async with Chat(network) as client:
            with pytest.raises(TypeError, match="send_message"):
                await client.ask(Wave())  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
        assert network.last.frames == []

    run(main())

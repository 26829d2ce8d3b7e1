"""Topics of a generated client: subscribing, requests and their replies, pushes, and coming back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chanx.client_generator.base import (
    AnswerTimeoutError,
    ErrorMessage,
    NotConnectedError,
    RequestRefusedError,
    UnexpectedAnswerError,
)
from tests.unit.client_generator.base.fakes import run, settled
from tests.unit.client_generator.base.messages import Joined, RoomOpen, Said, Since, Site, Wave
from tests.unit.client_generator.base.room_server import RoomServer, say


def test_subscribing_asking_and_leaving() -> None:
    async def main() -> None:
        server = RoomServer()
        async with Site(server.network) as client, client.room(id="5") as room:
            assert (room.topic, room.is_subscribed) == ("room:5", True)
            reply = await room.say(say("hello"))
            assert isinstance(reply, Said)
            assert reply.payload.text == "hello"
            await room.wave(Wave())
        assert not room.is_subscribed

        subscribe, spoken, waved, unsubscribe = server.network.last.frames
        assert subscribe == {"topic": "room:5", "action": "subscribe", "ref": subscribe["ref"]}
        assert (spoken["topic"], spoken["action"], spoken["payload"]) == ("room:5", "say", {"text": "hello"})
        assert waved["action"] == "wave"
        assert (unsubscribe["topic"], unsubscribe["action"]) == ("room:5", "unsubscribe")
        refs = [frame["ref"] for frame in server.network.last.frames]
        assert len(set(refs)) == 4

    run(main())


def test_payloads_of_subscribing_are_typed() -> None:
    async def main() -> None:
        server = RoomServer()
        async with Site(server.network) as client:
            room = client.room(id="5")
            told: list[RoomOpen] = []
            room.on_subscribed(told.append)
            assert await room.subscribe(Since(since=3)) == RoomOpen(members=1)
            assert await room.subscribe() == RoomOpen(members=2)
            assert told == [RoomOpen(members=1), RoomOpen(members=2)]
        payloads = [frame.get("payload") for frame in server.network.last.sent("subscribe")]
        assert payloads == [{"since": 3}, None]

    run(main())


def test_pushes_come_in_order_with_their_numbers() -> None:
    async def main() -> None:
        server = RoomServer()
        async with Site(server.network) as client, client.room(id="5") as room, client.room(id="6") as other:
            server.push("joined", "ada", seq=7)
            server.push("event_complete", None)
            server.push("joined", "grace", topic="room:6")
            server.push("said", {"text": "hi"})
            server.push("joined", "nobody", topic="room:7")
            assert await anext(room) == Joined(payload="ada")
            assert room.seq == 7
            assert isinstance(await anext(room), Said)
            assert room.seq is None
            assert await anext(other) == Joined(payload="grace")

    run(main())


def test_replies_find_whoever_asked() -> None:
    async def main() -> None:
        server = RoomServer()
        server.is_silent = True
        async with Site(server.network) as client, client.room(id="5") as room:
            asking = [asyncio.create_task(room.say(say(text))) for text in ("a", "b")]
            await settled()
            first, second = server.network.last.sent("say")
            server.network.last.answer(second, "said", {"text": "B"})
            server.network.last.answer(first, "joined", "A")
            server.network.last.answer(first, "said", {"text": "twice"})
            assert await asking[0] == Joined(payload="A")
            reply = await asking[1]
            assert isinstance(reply, Said)
            assert reply.payload.text == "B"
            server.push("joined", "ada")
            assert await anext(room) == Joined(payload="ada")

    run(main())


@pytest.mark.parametrize(
    ("payload", "reason", "words"),
    [
        ({"reason": "closed", "detail": "Come back tomorrow."}, "closed", "closed: Come back tomorrow"),
        ({"detail": "Failed to process message for say"}, None, "Failed to process message for say"),
        (
            [{"type": "missing", "loc": ["payload", "text"], "msg": "Field required"}],
            None,
            "payload.text: Field required",
        ),
        (None, None, "The server refused"),
    ],
)
def test_an_error_is_raised_to_whoever_asked(payload: Any, reason: str | None, words: str) -> None:
    async def main() -> None:
        server = RoomServer()
        server.is_silent = True
        async with Site(server.network) as client, client.room(id="5") as room:
            asking = asyncio.create_task(room.say(say("a")))
            await settled()
            server.network.last.answer(server.network.last.sent("say")[0], "error", payload)
            with pytest.raises(RequestRefusedError, match=words) as refused:
                await asking
            assert (refused.value.reason, refused.value.payload) == (reason, payload)

    run(main())


def test_an_error_that_nobody_waits_for_comes_to_the_loop() -> None:
    async def main() -> None:
        server = RoomServer()
        async with Site(server.network) as client, client.room(id="5") as room:
            await room.wave(Wave())
            await settled()
            server.network.last.answer(server.network.last.sent("wave")[0], "error", {"detail": "Failed"})
            assert await anext(room) == ErrorMessage(payload={"detail": "Failed"})

    run(main())


@pytest.mark.parametrize(("action", "payload"), [("new", 1), ("said", {"text": 7})])
def test_an_answer_that_is_not_known(action: str, payload: Any) -> None:
    async def main() -> None:
        server = RoomServer()
        server.is_silent = True
        async with Site(server.network) as client, client.room(id="5") as room:
            asking = asyncio.create_task(room.say(say("a")))
            await settled()
            server.network.last.answer(server.network.last.sent("say")[0], action, payload)
            with pytest.raises(UnexpectedAnswerError) as unexpected:
                await asking
            assert unexpected.value.frame["payload"] == payload

    run(main())


def test_a_request_without_an_answer_ends_and_the_connection_stays() -> None:
    async def main() -> None:
        server = RoomServer()
        server.is_silent = True
        async with Site(server.network) as client, client.room(id="5") as room:
            with pytest.raises(AnswerTimeoutError, match="'room:5' did not answer within 60 seconds"):
                await room.say(say("a"), timeout=60)
            server.network.last.answer(server.network.last.sent("say")[0], "said", {"text": "late"})
            server.push("joined", "ada")
            assert await anext(room) == Joined(payload="ada")
        assert len(server.network.sockets) == 1

    run(main())


def test_a_request_whose_connection_is_lost_is_not_sent_again() -> None:
    async def main() -> None:
        server = RoomServer()
        server.is_silent = True
        async with Site(server.network) as client, client.room(id="5") as room:
            asking = asyncio.create_task(room.say(say("a")))
            await settled()
            server.network.last.drop()
            with pytest.raises(NotConnectedError, match="lost before the answer came"):
                await asking
            await asyncio.sleep(5)
        assert [len(socket.sent("say")) for socket in server.network.sockets] == [1, 0]

    run(main())

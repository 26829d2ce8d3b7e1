"""The life of a subscription: refused, lost, taken up again, ended by the server."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import ValidationError

from chanx.client_generator.base import AccessDeniedError, AnswerTimeoutError, NotConnectedError, RequestRefusedError
from tests.unit.client_generator.base.fakes import FakeNetwork, run, settled
from tests.unit.client_generator.base.messages import Joined, Said, Since, Site
from tests.unit.client_generator.base.room_server import RoomServer, say


def test_after_a_lost_connection_it_is_subscribed_again_with_the_same_payload() -> None:
    async def main() -> None:
        server = RoomServer()
        async with Site(server.network) as client:
            room, told = client.room(id="5"), list[int]()
            room.on_subscribed(lambda opened: told.append(opened.members))
            await room.subscribe(Since(since=3))
            server.network.last.drop()
            await settled()
            assert not room.is_subscribed
            reply = await room.say(say("patient"))
            assert isinstance(reply, Said)
            server.push("joined", "ada")
            assert await anext(room) == Joined(payload="ada")
        assert told == [1, 2]
        assert server.network.last.sent("subscribe")[0]["payload"] == {"since": 3}

    run(main())


@pytest.mark.parametrize("reason", ["unauthorized", "unknown_topic", "expired"])
def test_a_refused_topic_is_not_asked_for_again(reason: str) -> None:
    async def main() -> None:
        server = RoomServer()
        server.refusals = [{"reason": reason, "detail": "No."}]
        async with Site(server.network) as client:
            room = client.room(id="5")
            for call in (room.subscribe(), anext(room)):
                with pytest.raises(RequestRefusedError, match=r"No\.") as refused:
                    await call
                assert refused.value.reason == reason
            with pytest.raises(NotConnectedError, match=r"subscribe\(\) first"):
                await room.say(say("a"))
            server.network.last.drop()
            await asyncio.sleep(20)
            assert server.network.last.frames == []
            await room.subscribe()
            assert room.is_subscribed

    run(main())


def test_trouble_on_the_servers_side_is_waited_out_or_told() -> None:
    async def main() -> None:
        server = RoomServer()
        async with Site(server.network) as client:
            server.refusals = [{"reason": "failed", "detail": "A moment."}] * 2
            assert (await client.room(id="5").subscribe()).members == 1
            server.refusals = [{"reason": "failed", "detail": "A moment."}] * 99
            with pytest.raises(AnswerTimeoutError, match=r"'room:6' was not subscribed.*failed: A moment"):
                await client.room(id="6").subscribe()
            asked = len(server.network.last.sent("subscribe"))
            await asyncio.sleep(60)
            assert len(server.network.last.sent("subscribe")) == asked

    run(main())


def test_too_many_topics_wait_until_one_is_left() -> None:
    async def main() -> None:
        server = RoomServer()
        async with Site(server.network) as client, client.room(id="5") as room:
            server.refusals = [{"reason": "too_many_topics", "detail": "A connection can have 1 topic."}]
            waiting = asyncio.create_task(client.room(id="6").subscribe())
            await settled()
            assert not waiting.done()
            await room.unsubscribe()
            assert (await waiting).members == 2

    run(main())


def test_a_subscription_that_the_server_ends_is_asked_for_once_more() -> None:
    async def main() -> None:
        server = RoomServer()
        async with Site(server.network) as client, client.room(id="5") as room:
            server.push("error", {"reason": "unauthorized", "detail": "Your time is up."})
            await settled()
            assert room.is_subscribed
            server.refusals = [{"reason": "unauthorized", "detail": "No."}]
            server.push("error", {"reason": "unauthorized", "detail": "Your time is up."})
            with pytest.raises(RequestRefusedError, match=r"No\."):
                await anext(room)

    run(main())


def test_a_server_that_does_not_answer_a_subscription_is_left() -> None:
    async def main() -> None:
        server = RoomServer()
        async with Site(server.network) as client:
            server.is_mute = True
            subscribing = asyncio.create_task(client.room(id="5").subscribe(timeout=60))
            await asyncio.sleep(9)
            server.is_mute = False
            assert len(server.network.sockets) == 1
            assert (await subscribing).members == 1
        assert len(server.network.sockets) == 2

    run(main())


def test_an_answer_of_another_shape_is_told_to_whoever_subscribes() -> None:
    async def main() -> None:
        network = FakeNetwork(lambda socket, frame: socket.answer(frame, "subscribed", {"members": "many"}))
        async with Site(network) as client:
            with pytest.raises(ValidationError):
                await client.room(id="5").subscribe()

    run(main())


def test_leaving_ends_the_loop_and_one_may_come_again() -> None:
    async def main() -> None:
        server = RoomServer()
        async with Site(server.network) as client:
            room = client.room(id="5")
            await room.subscribe()
            server.push("joined", "ada")
            await settled()
            await room.unsubscribe()
            assert [message async for message in room] == [Joined(payload="ada")]
            assert client.room(id="5") is room
            async with room:
                server.push("joined", "grace")
                assert await anext(room) == Joined(payload="grace")

    run(main())


def test_the_end_of_the_connection_is_that_of_its_topics() -> None:
    async def main() -> None:
        server = RoomServer()
        async with Site(server.network) as client:
            room = client.room(id="5")
            await room.subscribe()
            server.network.last.drop(4401, "Signed out.")
            for call in (anext(room), room.wait_for(Said)):
                with pytest.raises(AccessDeniedError, match="Signed out"):
                    await call
            with pytest.raises(AccessDeniedError):
                client.room(id="6")

    run(main())


def test_a_dedicated_address_that_refuses_its_topic_is_not_asked_again_and_again() -> None:
    class Dedicated(Site):
        is_dedicated = True

    async def main() -> None:
        network = FakeNetwork()
        async with Dedicated(network) as client:
            subscribing = asyncio.create_task(client.room(id="5").subscribe())
            await settled()
            payload = {"reason": "unauthorized", "detail": "No."}
            network.last.say({"version": 1, "topic": "room:5", "action": "error", "payload": payload})
            with pytest.raises(RequestRefusedError, match=r"No\."):
                await subscribing

    run(main())

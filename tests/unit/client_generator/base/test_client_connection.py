"""Losing the connection of a generated client, getting it back, and not being let in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from chanx.client_generator.base import AccessDeniedError, AnswerTimeoutError, ClientError, NotConnectedError
from tests.unit.client_generator.base.fakes import FakeNetwork, run, settled, status
from tests.unit.client_generator.base.messages import Chat, Said, Say, Text, said


def test_a_lost_connection_comes_back_later_each_time() -> None:
    async def main() -> None:
        network = FakeNetwork()
        async with Chat(network) as client:
            network.refusals = [OSError("refused"), status(503), status(404), TimeoutError()]
            network.last.drop(1006)
            await asyncio.sleep(0.01)
            assert not client.is_connected
            await client.send_message(Say(payload=Text(text="patient")), timeout=30)
            network.last.say(said("back"))
            assert isinstance(await anext(client), Said)

        waits = [after - before for before, after in zip(network.attempts[1:], network.attempts[2:], strict=False)]
        assert all(longest / 2 <= wait <= longest for wait, longest in zip(waits, [1, 2, 4, 8], strict=True))
        assert network.last.frames == [{"action": "say", "payload": {"text": "patient"}}]

    run(main())


def test_without_a_connection_sending_has_an_end() -> None:
    async def main() -> None:
        network = FakeNetwork()
        async with Chat(network) as client:
            network.refusals = [OSError("refused")] * 9
            network.last.drop()
            await asyncio.sleep(0.01)
            with pytest.raises(AnswerTimeoutError, match="not sent within 4 seconds"):
                await client.send_message(Say(payload=Text(text="a")), timeout=4)

    run(main())


def test_a_message_that_was_not_written_when_the_connection_was_lost_is_no_success() -> None:
    async def main() -> None:
        network = FakeNetwork()
        async with Chat(network) as client:
            network.last.is_stuck = True
            sending = asyncio.create_task(client.say(Say(payload=Text(text="a"))))
            await settled()
            network.last.drop()
            with pytest.raises(NotConnectedError, match="before the message was written"):
                await sending

    run(main())


@pytest.mark.parametrize(("code", "expected"), [(4401, 401), (4403, 403)])
def test_a_server_that_closes_for_good_is_not_asked_again(code: int, expected: int) -> None:
    async def main() -> None:
        network = FakeNetwork()
        async with Chat(network) as client:
            waiting = asyncio.create_task(client.wait_for(Said))
            await settled()
            network.last.say(said("last"))
            await settled()
            assert (await waiting).payload.text == "last"
            network.last.drop(code, "Signed out.")
            assert isinstance(await anext(client), Said)
            for call in (anext(client), client.wait_for(Said), client.say(Say(payload=Text(text="a")))):
                with pytest.raises(AccessDeniedError, match=r"Signed out\.") as denied:
                    await call
                assert denied.value.status == expected
            await asyncio.sleep(100)

        assert len(network.attempts) == 1

    run(main())


@pytest.mark.parametrize("status_key", ["status_code", "statusCode"])
def test_who_is_not_let_in_hears_why(status_key: str) -> None:
    async def main() -> None:
        network = FakeNetwork()
        async with Chat(network) as client:
            payload = {status_key: 403, "status_text": "Forbidden", "data": {"detail": "Not yours."}}
            network.last.say({"action": "authentication", "payload": payload})
            network.last.drop(1000)
            with pytest.raises(AccessDeniedError, match=r"Not yours\.") as denied:
                await anext(client)
            assert denied.value.status == 403

    run(main())


def test_who_is_let_in_is_told_and_goes_on() -> None:
    class Watching(Chat):
        statuses: tuple[int, ...] = ()

        def on_authenticated(self, message: Any) -> None:
            self.statuses += (message.payload.status_code,)

    async def main() -> None:
        network = FakeNetwork()
        async with Watching(network) as client:
            payload = {"status_code": 200, "status_text": "OK", "data": {"detail": "OK"}}
            network.last.say({"action": "authentication", "payload": payload})
            network.last.say(said("one"))
            assert isinstance(await anext(client), Said)
            assert client.statuses == (200,)

    run(main())


@pytest.mark.parametrize(
    ("refusal", "expected", "words"),
    [
        (status(401), AccessDeniedError, "answers 401"),
        (status(403), AccessDeniedError, "path and the headers right"),
        (status(404), AccessDeniedError, "no such WebSocket"),
        (status(500), NotConnectedError, "answers 500 .* Is the path right?"),
        (
            OSError("Connection refused"),
            NotConnectedError,
            "ws://site:80/ws/chat/a/ cannot be reached: Connection refused",
        ),
    ],
)
def test_the_first_connection_must_be_made(refusal: Exception, expected: type[ClientError], words: str) -> None:
    async def main() -> None:
        network = FakeNetwork()
        network.refusals = [refusal]
        client = Chat(network)
        with pytest.raises(expected, match=words):
            await client.connect()
        async with client:  # one may try again
            assert client.is_connected

    run(main())


def test_a_client_that_does_not_come_back() -> None:
    class Once(Chat):
        reconnects = False

    async def main() -> None:
        network = FakeNetwork()
        async with Once(network) as client:
            network.last.drop(1000, "Bye.")
            with pytest.raises(NotConnectedError, match=r"\(1000\) Bye\."):
                await anext(client)

    run(main())


def test_cancelling_whoever_uses_the_client_leaves_nothing_behind() -> None:
    async def main() -> None:
        network = FakeNetwork()

        async def use() -> None:
            async with Chat(network) as client:
                await anext(client)

        using = asyncio.create_task(use())
        await settled()
        using.cancel()
        with pytest.raises(asyncio.CancelledError):
            await using
        assert network.last.is_closed

    run(main())


def test_what_is_sent_while_a_lost_connection_is_being_closed_waits_for_the_next_one() -> None:
    """Given a connection whose end takes a while, when a message is sent meanwhile, then it goes to the next one."""
    closing = asyncio.Event()

    class Slow(FakeNetwork):
        async def open(self) -> ClientConnection:
            opened = await super().open()
            close = self.last.close

            async def slow() -> None:
                closing.set()
                await asyncio.sleep(1)
                await close()

            self.last.close = slow  # type: ignore[method-assign]
            return opened

    async def main() -> None:
        network = Slow()
        async with Chat(network) as client:
            network.last.drop()
            await closing.wait()
            await client.say(Say(payload=Text(text="a")))
        assert [len(socket.sent("say")) for socket in network.sockets] == [0, 1]

    run(main())


def test_closing_ends_what_waits_for_a_connection() -> None:
    async def main() -> None:
        network = FakeNetwork()
        client = await Chat(network).connect()
        network.refusals = [OSError("refused")] * 9
        network.last.drop()
        await settled()
        message = Say(payload=Text(text="a"))
        sending = asyncio.create_task(client.send_message(message, timeout=None))
        asking = asyncio.create_task(client.ask(message, Said, timeout=None))
        await settled()
        await client.close()
        with pytest.raises(NotConnectedError):
            await asyncio.wait_for(sending, 1)
        with pytest.raises(NotConnectedError):
            await asyncio.wait_for(asking, 1)

    run(main())


def test_who_sends_as_the_server_signs_the_client_out_is_told_so() -> None:
    async def main() -> None:
        network = FakeNetwork()
        client = await Chat(network).connect()
        network.last.is_stuck = True
        message = Say(payload=Text(text="a"))
        sending = asyncio.create_task(client.send_message(message))
        asking = asyncio.create_task(client.ask(message, Said))
        await settled()
        network.last.drop(4401, "Signed out")
        for result in await asyncio.gather(sending, asking, return_exceptions=True):
            assert isinstance(result, AccessDeniedError)
        await client.close()

    run(main())

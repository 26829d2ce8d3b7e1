"""Handlers of events run in the task that hands messages out until they wait: nobody notices, except by the speed."""

import asyncio
import threading
from typing import Any, Literal

import pytest
from pydantic import field_validator

from chanx.core.decorators import event_handler
from chanx.messages.base import BaseMessage
from tests.unit.channels.client import Client
from tests.unit.conftest import Connect
from tests.unit.core.hub.consumers import Do, OddError, Say, obedient, variable
from tests.unit.core.hub.doubles import turns


@pytest.fixture
def consumer(base: Any) -> Any:
    return obedient(base)


async def payloads(client: Client, count: int) -> list[Any]:
    return [frame["payload"] for frame in await client.frames(count)]


def obey(what: str) -> dict[str, Any]:
    return {"type": "obey", "what": what}


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.event for record in caplog.records]  # type: ignore[attr-defined]  # extras


async def test_a_handler_that_waits_holds_up_nobody_else(consumer: Any, connect: Connect) -> None:
    first, second = await connect(consumer), await connect(consumer)
    second.consumer.gate.set()
    for event in (Do(payload="wait"), Say(payload=1), Do(payload="x"), Say(payload=2)):
        await consumer.broadcast_event(event)
    await consumer.send_event(Say(payload=3), first.consumer.channel_name)

    assert await payloads(second, 4) == ["wait", 1, "x", 2]
    await first.quiet()
    first.consumer.gate.set()
    assert await payloads(first, 5) == ["wait", 1, "x", 2, 3]


async def test_messages_that_come_while_others_are_worked_off_come_after_them(consumer: Any, connect: Connect) -> None:
    client = await connect(consumer)
    await consumer.broadcast_event(Do(payload="wait"))
    for number in range(100):
        await consumer.broadcast_event(Say(payload=number))
    client.consumer.gate.set()
    for number in range(100, 200):
        await consumer.broadcast_event(Say(payload=number))
        await asyncio.sleep(0)
    assert await payloads(client, 201) == ["wait", *range(200)]


@pytest.mark.parametrize("is_busy", [False, True])
async def test_the_task_of_a_handler_is_one_until_it_ends(consumer: Any, connect: Connect, is_busy: bool) -> None:
    """Given a message that waits behind another or does not, Then timeouts and groups of tasks work in its handler."""
    client = await connect(consumer)
    client.consumer.gate.clear()
    await consumer.broadcast_event(Do(payload="yield" if is_busy else "go on"))
    await consumer.broadcast_event(Do(payload="limits"))
    await consumer.broadcast_event(Say(payload="then"))
    assert (await payloads(client, 3))[1:] == ["limits", "then"]
    before, *limits, after = client.consumer.tasks[2:]
    assert before is after
    assert limits == ["timeout", "group"]


@pytest.mark.parametrize("what", ["cancel", "cancel and wait", "wait and cancel"])
@pytest.mark.parametrize("held", [0, 3])
async def test_a_handler_that_cancels_its_own_task_harms_nobody(
    consumer: Any, connect: Connect, what: str, held: int
) -> None:
    """Given messages that wait behind it or come later, Then these arrive, and their handlers are not cancelled."""
    first, second = await connect(consumer), await connect(consumer)
    await consumer.send_event(Do(payload=what), first.consumer.channel_name)
    for number in range(held):
        await consumer.broadcast_event(Say(payload=number))
    await consumer.broadcast_event(Do(payload="limits"))
    first.consumer.gate.set()
    second.consumer.gate.set()
    await consumer.broadcast_event(Do(payload="wait"))
    await consumer.broadcast_event(Say(payload="last"))

    expected = [*range(held), "limits", "wait", "last"]
    got = await payloads(first, len(expected) + (what != "cancel and wait"))
    assert [payload for payload in got if payload != what] == expected
    assert await payloads(second, len(expected)) == expected


async def test_what_waits_behind_a_handler_that_cancels_its_task_is_not_cancelled(
    consumer: Any, connect: Connect
) -> None:
    client = await connect(consumer)
    for what in ("wait and cancel", "yield", "yield"):
        await consumer.broadcast_event(Do(payload=what))
    await turns()
    client.consumer.gate.set()
    assert (await payloads(client, 3))[1:] == ["yield", "yield"]


async def test_an_odd_exception_ends_the_connection_of_its_method_alone(
    consumer: Any, layer: Any, connect: Connect
) -> None:
    """Given a handler of events too, whose failure ends nothing."""
    first, second = await connect(consumer), await connect(consumer)
    name = first.consumer.channel_name
    await consumer.send_event(Do(payload="odd"), name)
    await consumer.send_event(Say(payload="on"), name)
    assert await payloads(first, 1) == ["on"]
    await layer.send(name, obey("odd"))
    assert await first.closed() == 1011
    await consumer.broadcast_event(Say(payload="on"))
    assert await payloads(second, 1) == ["on"]


async def test_an_odd_exception_of_a_validator_harms_nobody(base: Any, connect: Connect) -> None:
    class Odd(BaseMessage):
        action: Literal["odd"] = "odd"
        payload: str

        @field_validator("payload")
        @classmethod
        def refuse(cls, value: str) -> str:
            if value == "odd":
                raise OddError
            return value

    consumer = obedient(base, passthrough_events=[Say, Odd])
    other = obedient(base)
    client, bystander = await connect(consumer), await connect(other)
    await consumer.broadcast_event(Odd.model_construct(action="odd", payload="odd"))
    await consumer.broadcast_event(Say(payload="on"))
    assert await payloads(bystander, 1) == ["on"]
    assert client.consumer.is_closed or await payloads(client, 1) == ["on"]


@pytest.mark.parametrize("what", ["stop", "wait and stop"])
async def test_a_method_that_stops_its_connection_is_its_last(
    consumer: Any, layer: Any, connect: Connect, what: str
) -> None:
    """Given messages that are there already and some that wait, Then they are handed to the others alone."""
    first, second = await connect(consumer), await connect(consumer)
    await asyncio.gather(
        layer.send(first.consumer.channel_name, obey(what)),
        layer.group_send("all", obey("after")),
        layer.group_send("all", obey("after")),
    )
    await turns()
    first.consumer.gate.set()
    await turns()
    assert len(second.consumer.tasks) == 4
    assert len(first.consumer.tasks) == 1
    assert first.consumer.is_closed
    first.consumer.tasks.clear()
    await layer.group_send("all", obey("x"))
    await turns()
    assert (len(first.consumer.tasks), len(second.consumer.tasks)) == (0, 6)


async def test_a_handler_that_closes_its_connection_is_its_last(consumer: Any, connect: Connect) -> None:
    client = await connect(consumer)
    name = client.consumer.channel_name
    await asyncio.gather(*(consumer.send_event(Do(payload=what), name) for what in ("close", "after", "after")))
    assert await client.closed() == 4000
    await turns()
    assert len(client.consumer.tasks) == 2


async def test_a_handler_has_the_context_of_its_connection(base: Any, connect: Connect) -> None:
    consumer = obedient(base, __call__=serving_in_a_context(base))
    first, second = await connect(consumer, "/a/"), await connect(consumer, "/b/")
    token = variable.set("sender")
    await consumer.broadcast_event(Do(payload="context"))
    await consumer.send_event(Do(payload="context"), first.consumer.channel_name)
    variable.reset(token)
    assert await payloads(first, 2) == ["/a/", "/a/"]
    assert await payloads(second, 1) == ["/b/"]


@pytest.mark.parametrize("waits", [False, True])
async def test_a_frame_that_is_sent_directly_is_sent_in_the_context_of_its_connection(
    base: Any, connect: Connect, waits: bool
) -> None:
    """As middlewares expect that wrap ``send``."""
    consumer = obedient(base, __call__=serving_in_a_context(base))
    clients = [await connect(consumer, path) for path in ("/a/", "/b/")]
    seen: list[tuple[str, str]] = []
    for client in clients:
        send = client.consumer.base_send

        async def noting(message: Any, path: str = client.consumer.scope["path"], send: Any = send) -> None:
            seen.append((path, variable.get("none")))
            if waits:
                await asyncio.sleep(0)
                seen.append((path, variable.get("none")))
            await send(message)

        client.consumer.base_send = noting
    token = variable.set("sender")
    await consumer.broadcast_event(Say(payload=1))
    variable.reset(token)
    for client in clients:
        assert await payloads(client, 1) == [1]
    assert sorted(seen) == [(path, path) for path in ("/a/", "/b/") for _ in range(1 + waits)]


def serving_in_a_context(base: Any) -> Any:
    """As a middleware that sets a variable for each connection, to its path."""

    async def serve(self: Any, scope: Any, receive: Any, send: Any) -> None:
        variable.set(scope["path"])
        await base.__call__(self, scope, receive, send)

    return serve


async def test_a_message_of_ones_own_type_is_ones_own(consumer: Any, layer: Any, connect: Connect) -> None:
    """Given several, one of them busy, When their methods change the message, Then the others see nothing of it."""
    clients = [await connect(consumer, path) for path in ("/a/", "/b/", "/c/")]
    await consumer.send_event(Do(payload="wait"), clients[0].consumer.channel_name)
    await turns()
    await layer.group_send("all", {"type": "chat.message", "content": []})
    await turns()
    clients[0].consumer.gate.set()
    assert await payloads(clients[0], 2) == ["wait", ["dict", ["/a/"]]]
    assert [await payloads(client, 1) for client in clients[1:]] == [[["dict", ["/b/"]]], [["dict", ["/c/"]]]]


async def test_a_message_of_ones_own_type_stays_ones_own_when_others_have_left(
    base: Any, layer: Any, connect: Connect
) -> None:
    """Given one who has not looked at it yet, When another is alone in the group by then, Then both have their own."""
    left = asyncio.Event()

    async def chat_slow(self: Any, message: dict[str, Any]) -> None:
        await left.wait()

    busy_class, slow_class, last_class = obedient(base), obedient(base, chat_slow=chat_slow), obedient(base)
    busy, slow, last = [
        await connect(consumer, path)
        for consumer, path in ((busy_class, "/busy/"), (slow_class, "/slow/"), (last_class, "/last/"))
    ]
    original = slow.consumer.chat_message

    async def leaving(message: dict[str, Any]) -> None:
        for client in (busy, slow):
            await client.consumer.channel_layer.group_discard("all", client.consumer.channel_name)
        await original(message)

    slow.consumer.chat_message = leaving
    await busy_class.send_event(Do(payload="wait"), busy.consumer.channel_name)
    await turns()
    await layer.group_send("all", {"type": "chat.message", "content": []})
    assert await payloads(last, 1) == [["dict", ["/last/"]]]
    busy.consumer.gate.set()
    assert await payloads(busy, 2) == ["wait", ["dict", ["/busy/"]]]


@pytest.mark.parametrize("name", ["handle_channel_event", "handle_group_message"])
async def test_an_overridden_method_has_a_message_of_its_own(
    base: Any, layer: Any, connect: Connect, name: str
) -> None:
    async def changing(self: Any, message: dict[str, Any]) -> None:
        data = message["event_data" if name == "handle_channel_event" else "message"]
        data["payload"] = [*data["payload"], self.scope["path"]]
        await getattr(base, name)(self, message)

    consumer, other = obedient(base, **{name: changing}), obedient(base)
    clients = [await connect(cls, path) for cls, path in ((consumer, "/a/"), (consumer, "/b/"), (other, "/c/"))]
    content: dict[str, Any] = {"action": "say", "payload": []}
    await layer.group_send("all", {"type": name, "event_data": content, "message": content})
    assert [await payloads(client, 1) for client in clients] == [[["/a/"]], [["/b/"]], [[]]]


async def test_a_send_that_awaits_something_cancelled_keeps_nothing_from_its_connection(
    consumer: Any, connect: Connect
) -> None:
    client, other = await connect(consumer), await connect(consumer)
    send, lost = client.consumer.base_send, asyncio.get_running_loop().create_future()

    async def losing(message: Any) -> None:
        client.consumer.base_send = send
        await lost

    client.consumer.base_send = losing
    await consumer.broadcast_event(Say(payload=1))
    assert await payloads(other, 1) == [1]
    lost.cancel()
    await turns()
    await consumer.broadcast_event(Say(payload=2))
    assert await payloads(client, 1) == [2]
    assert await payloads(other, 1) == [2]


@pytest.mark.parametrize("bad", [{}, {"type": None}, {"type": ["x"]}, {"type": {"a": 1}}, {"type": "_private"}])
@pytest.mark.parametrize("is_busy", [False, True])
async def test_a_message_that_is_none_is_logged_and_ends_nothing(
    consumer: Any, layer: Any, connect: Connect, caplog: pytest.LogCaptureFixture, bad: dict[str, Any], is_busy: bool
) -> None:
    first, second = await connect(consumer), await connect(consumer)
    what = "wait" if is_busy else "go"
    await consumer.broadcast_event(Do(payload=what))
    await turns()
    await layer.group_send("all", bad)
    await consumer.broadcast_event(Say(payload="on"))
    for client in (first, second):
        client.consumer.gate.set()
        assert await payloads(client, 2) == [what, "on"]
    assert events(caplog) == ["channel_message_failed"] * 2


async def test_a_loop_that_was_closed_with_its_connections_open_harms_no_sender(
    consumer: Any, layer: Any, connect: Connect
) -> None:
    def elsewhere() -> None:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(open_one())
        for task in asyncio.all_tasks(loop):
            task.cancel()
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # that is what is tested
        loop.close()

    names: list[str] = []

    async def open_one() -> None:
        client = Client(consumer)
        await client.connect()
        await turns()
        names.append(client.consumer.channel_name)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()

    client = await connect(consumer)
    await consumer.broadcast_event(Say(payload=1))
    await consumer.send_event(Say(payload=2), names[0])
    await consumer.broadcast_event(Say(payload=3))
    assert await payloads(client, 2) == [1, 3]


class _Unheard(BaseMessage):
    action: Literal["unheard"] = "unheard"
    payload: str


async def test_connections_of_several_classes_share_a_group(base: Any, connect: Connect) -> None:
    """Given classes that handle an event in different ways, or not at all, Then each does as its class has it."""
    said: list[str] = []

    async def heard(self: Any, event: _Unheard) -> None:
        said.append(event.payload)

    passing = obedient(base, passthrough_events=[Say, _Unheard])
    handling = obedient(base, heard=event_handler(input_type=_Unheard)(heard))
    without = obedient(base)
    clients = [await connect(consumer) for consumer in (passing, handling, without, passing)]
    await passing.broadcast_event(_Unheard(payload="x"))
    await passing.broadcast_event(Say(payload="then"))
    assert [await payloads(client, count) for client, count in zip(clients, (2, 1, 1, 2), strict=True)] == [
        ["x", "then"],
        ["then"],
        ["then"],
        ["x", "then"],
    ]
    assert said == ["x"]

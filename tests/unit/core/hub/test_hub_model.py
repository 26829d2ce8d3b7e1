"""Whatever connections and senders do: each client gets what a simple model says, in order, and nothing is left."""

import asyncio
from functools import partial
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chanx.core.hub.hub as hub_module
from chanx.core.decorators import event_handler
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from tests.unit.channels.client import Client
from tests.unit.core.hub.consumers import Say, Told
from tests.unit.core.hub.doubles import turns
from tests.unit.flavours.conftest import FLAVOURS

TOPIC = "room:1"


class Act(BaseMessage):
    action: Literal["act"] = "act"
    payload: tuple[str, int]


class Room(Topic):
    pattern = "room:{id}"

    @event_handler(input_type=Say)
    async def say(self, event: Say) -> Say:
        return event


def acting(base: Any, layer: Any) -> Any:
    class Acting(base):  # type: ignore[misc]  # made for each flavour
        groups = ["all"]
        topics = [Room]
        passthrough_events = [Say]
        gate: asyncio.Event

        @staticmethod
        def get_channel_layer(alias: str) -> Any:
            return layer

        @event_handler(input_type=Act, output_type=Told)
        async def act(self, event: Act) -> Told:
            what, number = event.payload
            match what:
                case "yield":
                    await asyncio.sleep(0)
                case "wait":
                    await self.gate.wait()
                case "raise":
                    raise ValueError
                case "wait and raise":
                    await self.gate.wait()
                    raise ValueError
                case "close":
                    await self.close(4000)
                case _:
                    pass
            return Told(payload=number)

    return Acting


class Connected:
    """A client, what it has got, and what the model says of it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.consumer = client.consumer
        self.consumer.gate = asyncio.Event()
        self.consumer.base_send = self._send
        self.got: list[int] = []
        self.member = {"all"}
        self.expected: list[int] = []
        self.optional: set[int] = set()
        self.on_topic: list[int] = []
        self.has_closed = False
        self.is_reading = asyncio.Event()
        self.is_reading.set()

    async def _send(self, message: dict[str, Any]) -> None:
        await self.is_reading.wait()
        text = message.get("text", "")
        if '"say"' in text or '"told"' in text:
            self.got.append(int(text.rpartition('"payload":')[2].partition(",")[0].strip("}")))

    def is_sent(self, what: str, number: int) -> None:
        if self.has_closed:
            return
        if "raise" not in what and what != "close":
            self.expected.append(number)
        if what == "close":
            self.has_closed = True

    def is_right(self) -> bool:
        return self.got == [number for number in self.expected if number in self.got or number not in self.optional]

    async def set(self, event: asyncio.Event) -> None:
        event.set()
        await turns()


SLOTS = st.integers(0, 3)
GROUPS = st.sampled_from(["all", "a", "b"])
WHAT = st.sampled_from(["say", "say", "say", "go", "yield", "wait", "raise", "wait and raise", "close"])
STEPS = st.one_of(
    st.tuples(st.just("open"), SLOTS, st.none()),
    st.tuples(st.just("end"), SLOTS, st.sampled_from(["disconnect", "end"])),
    st.tuples(st.sampled_from(["join", "leave"]), SLOTS, GROUPS),
    st.tuples(st.sampled_from(["all join", "all leave"]), st.none(), GROUPS),
    st.tuples(st.sampled_from(["subscribe", "unsubscribe"]), SLOTS, st.none()),
    st.tuples(st.just("send"), SLOTS, WHAT),
    st.tuples(st.just("group send"), GROUPS, WHAT),
    st.tuples(st.just("topic send"), st.none(), st.none()),
    st.tuples(st.sampled_from(["open the gate", "read not", "read"]), SLOTS, st.none()),
)


class Run:
    """One run of steps, over a layer whose group operations take turns of the event loop."""

    def __init__(self, name: str, speeds: list[int]) -> None:
        self.layer: Any = FLAVOURS[name].new_layer()
        self.consumer = acting(FLAVOURS[name].base, self.layer)
        self.connected: dict[int, Connected] = {}
        self.ended: list[Connected] = []
        self.number = 0
        self.calls: dict[str, list[str]] = {}
        self.speeds = speeds
        for operation in ("group_add", "group_discard"):
            setattr(self.layer, operation, partial(self._slowly, operation, getattr(self.layer, operation)))

    async def _slowly(self, name: str, operation: Any, group: str, channel: str) -> None:
        if not channel.startswith("chanx.hub!"):  # a group that is none of a connection's by now is left once more
            assert name == "group_discard"
            await operation(group, channel)
            return
        calls = self.calls.setdefault(group, [])
        calls.append(name)
        await turns(self.speeds[len(calls) % len(self.speeds)])
        await operation(group, channel)
        await turns(self.speeds[(len(calls) + 1) % len(self.speeds)])

    async def step(self, kind: str, where: Any, what: Any) -> None:
        connection = self.connected.get(where)
        match kind:
            case "open" if connection is None:
                client = Client(self.consumer)
                await client.connect()
                await turns(200)
                self.connected[where] = Connected(client)
            case "all join" | "all leave":
                await turns()
                await asyncio.gather(*(self.move(kind[4:], one, what) for one in self.connected.values()))
            case "group send":
                await self.send_to(
                    [one for one in self.connected.values() if where in one.member],
                    what,
                    partial(self.layer.group_send, where),
                )
            case "topic send":
                await self.topic_send()
            case _ if connection is None:
                pass
            case "end":
                await turns()
                self.ended.append(self.connected.pop(where))
                if what == "end":  # a server that shuts down can send, or what it sends is cut
                    connection.is_reading.set()
                await getattr(connection.client, what)()
            case "join" | "leave":
                await turns()
                await self.move(kind, connection, what)
            case "subscribe" | "unsubscribe" if connection.is_reading.is_set():
                await turns()
                await connection.client.send({"action": kind, "topic": TOPIC})
                await turns(200)
                self.subscribed(connection, kind)
            case "send":
                await self.send_to([connection], what, partial(self.layer.send, connection.consumer.channel_name))
            case "open the gate":
                await connection.set(connection.consumer.gate)
                connection.consumer.gate.clear()
            case "read":
                await connection.set(connection.is_reading)
            case "read not":
                await turns()
                connection.is_reading.clear()
            case _:
                pass

    async def move(self, kind: str, connection: Connected, group: str) -> None:
        layer, name = connection.consumer.channel_layer, connection.consumer.channel_name
        if kind == "join":
            await layer.group_add(group, name)
            connection.member.add(group)
        else:
            await layer.group_discard(group, name)
            connection.member.discard(group)

    def subscribed(self, connection: Connected, kind: str) -> None:
        if kind == "subscribe":
            connection.member.add(TOPIC)
        else:
            connection.member.discard(TOPIC)
            connection.optional.update(connection.on_topic)  # those that wait are dropped, with the subscription

    async def send_to(self, connections: list[Connected], what: str, send: Any) -> None:
        self.number += 1
        event: Any = Say(payload=self.number) if what == "say" else Act(payload=(what, self.number))
        for connection in connections:
            connection.is_sent(what, self.number)
        await send({"type": "handle_channel_event", "event_data": event.model_dump(mode="json")})

    async def topic_send(self) -> None:
        self.number += 1
        for connection in self.connected.values():
            if TOPIC in connection.member:
                connection.is_sent("say", self.number)
                connection.on_topic.append(self.number)
        event = Say(payload=self.number).model_dump(mode="json")
        message = {"type": "handle_topic_event", "topic": TOPIC, "event_data": event}
        await self.layer.group_send(Room.group_name(TOPIC), message)

    async def end(self) -> None:
        for connection in self.connected.values():
            connection.is_reading.set()
            connection.consumer.gate.set()
        await turns(200)


@pytest.mark.parametrize("name", FLAVOURS)
@settings(deadline=None, max_examples=60)
@given(steps=st.lists(STEPS, max_size=30), speeds=st.lists(st.integers(0, 12), min_size=1, max_size=5))
async def test_each_client_gets_its_messages_in_order_and_nothing_is_left(
    name: str, steps: list[tuple[str, Any, Any]], speeds: list[int]
) -> None:
    run, before = Run(name, speeds), asyncio.all_tasks()
    for slot in range(3):
        await run.step("open", slot, None)
    for step in steps:
        await run.step(*step)
    await run.end()

    # Then who is still there has everything, and who has gone has it up to some place
    for connection in run.connected.values():
        assert connection.is_right(), (connection.got, connection.expected)
    for connection in run.ended:
        connection.expected = [n for n in connection.expected if n <= max(connection.got, default=0)]
        assert connection.is_right(), (connection.got, connection.expected)

    # And when all have left, nothing remains; of each group the layer has seen one member, joining and leaving in turn
    for connection in run.connected.values():
        await connection.client.disconnect()
    await turns(200)
    assert asyncio.all_tasks() == before
    assert run.layer.groups == run.layer.channels == {}
    for calls in run.calls.values():
        assert calls == ["group_add", "group_discard"] * (len(calls) // 2)
    hubs: dict[Any, Any] = vars(hub_module)["_hubs"]
    assert [key for key in hubs if key[1] == id(run.layer)] == []

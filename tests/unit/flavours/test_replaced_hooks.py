"""What is put in the place of a method while connections are open is called, as it is when a message is dispatched.

By the methods' module alone a replacement is not told: ``functools.wraps`` and mocks with ``autospec`` copy it.
"""

import functools
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Literal
from unittest import mock

import pytest
import pytest_asyncio
import structlog
from pydantic import ConfigDict
from structlog.testing import capture_logs

from chanx.core.decorators import event_handler
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from tests.unit.channels.client import Client
from tests.unit.conftest import Connect

MEMBERS = 3
TOPIC = "room:1"


class Told(BaseMessage):
    action: Literal["told"] = "told"
    payload: int = 1


class Answered(BaseMessage):
    action: Literal["answered"] = "answered"
    payload: int = 2


class FrozenAnswer(Answered):
    model_config = ConfigDict(frozen=True)


FROZEN = FrozenAnswer()


class Ask(BaseMessage):
    action: Literal["ask"] = "ask"
    payload: None = None


class Handling:
    @event_handler
    async def ask(self, event: Ask) -> FrozenAnswer:
        return FROZEN


class Room(Handling, Topic):
    pattern = "room:{id}"
    passthrough_events = [Told]


SENDING = ("dispatch", "send_encoded", "send_text", "log_frame", "send_json")
EVENT = (*SENDING, "handle_channel_event", "receive_event", "send_message", "send_last", "encode")
HOOKS = {
    "event": (*EVENT, "handle_passthrough_told"),
    "answer": EVENT,
    "broadcast": ("dispatch", "send_encoded", "send_text", "log_frame", "send_json", "handle_group_message"),
    "host": ("dispatch", "send_encoded", "send_text", "log_frame", "send_json", "handle_topic_event", "encode"),
    "topic": ("receive_event", "send_message", "send_last", "frame", "handle_passthrough_told"),
    "topic answer": ("receive_event", "send_message", "send_last", "frame"),
}
KINDS = [(kind, hook) for kind, hooks in HOOKS.items() for hook in hooks]


class Group:
    """Members of one group and one topic."""

    def __init__(self, base: Any, layer: Any) -> None:
        options = {"passthrough_events": [Told], "groups": ["all"], "topics": [Room], "log_websocket_message": True}
        self.member: Any = type("Member", (Handling, base), options)
        self._layer = layer
        self.clients: list[Client] = []

    async def join(self, connect: Connect) -> None:
        client = await connect(self.member)
        await client.send({"action": "subscribe", "topic": TOPIC})
        assert (await client.frame())["action"] == "subscribed"
        self.clients.append(client)

    def owners(self, kind: str) -> list[Any]:
        """Whose hooks they are."""
        consumers = [client.consumer for client in self.clients]
        if not kind.startswith("topic"):
            return consumers
        return [consumer.topic_session._topics[TOPIC] for consumer in consumers]

    async def tell(self, kind: str) -> list[Any]:
        event = (Ask() if "answer" in kind else Told()).model_dump(mode="json")
        match kind:
            case "event" | "answer":
                await self._layer.group_send("all", {"type": "handle_channel_event", "event_data": event})
            case "broadcast":
                await self._layer.group_send("all", self.member()._group_message(Told()))
            case _:
                message = {"type": "handle_topic_event", "topic": TOPIC, "event_data": event}
                await self._layer.group_send(Room.group_name(TOPIC), message)
        return [await client.frame() for client in self.clients]


@pytest_asyncio.fixture
async def group(base: Any, layer: Any, connect: Connect) -> Group:
    made = Group(base, layer)
    for _ in range(MEMBERS):
        await made.join(connect)
    return made


def wrapped(owner: type, hook: str, called: list[str]) -> Any:
    """The method with ``functools.wraps``, as tracing and error reporting put it there."""
    original: Callable[..., Any] = getattr(owner, hook)

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        called.append(hook)
        return original(*args, **kwargs)

    return mock.patch.object(owner, hook, wrapper)


def specified(owner: type, hook: str, called: list[str]) -> Any:
    """A mock with the method's signature, which calls it."""
    original: Callable[..., Any] = getattr(owner, hook)

    def effect(*args: Any, **kwargs: Any) -> Any:
        called.append(hook)
        return original(*args, **kwargs)

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        return await effect(*args, **kwargs)

    is_async = bool(original.__code__.co_flags & 0x80)
    return mock.patch.object(owner, hook, autospec=True, side_effect=awaited if is_async else effect)


@pytest.mark.parametrize("replaced", [wrapped, specified])
@pytest.mark.parametrize(("kind", "hook"), KINDS)
async def test_on_a_class(group: Group, kind: str, hook: str, replaced: Any) -> None:
    before = await group.tell(kind)
    called: list[str] = []
    with replaced(type(group.owners(kind)[0]), hook, called):
        frames = await group.tell(kind)

    assert Counter(called)[hook] == MEMBERS
    assert frames == before
    assert await group.tell(kind) == before
    assert len(called) == MEMBERS


@pytest.mark.parametrize("number", [0, MEMBERS - 1])
@pytest.mark.parametrize(("kind", "hook"), KINDS)
async def test_on_one_of_the_connections(group: Group, kind: str, hook: str, number: int) -> None:
    before = await group.tell(kind)
    owner = group.owners(kind)[number]
    original: Callable[..., Any] = getattr(owner, hook)
    called: list[str] = []

    def effect(*args: Any, **kwargs: Any) -> Any:
        called.append(hook)
        return original(*args, **kwargs)

    with mock.patch.object(owner, hook, effect):
        frames = await group.tell(kind)

    assert called == [hook]
    assert frames == before


@pytest.mark.parametrize("number", [0, MEMBERS - 1])
@pytest.mark.parametrize("kind", ["event", "answer", "topic", "topic answer", "host"])
async def test_what_one_connection_makes_of_a_message_no_other_gets(group: Group, kind: str, number: int) -> None:
    before = await group.tell(kind)
    owner, hook = group.owners(kind)[number], "frame" if kind.startswith("topic") else "encode"

    def own(*args: Any, **kwargs: Any) -> str:
        return '{"own": 1}' if hook == "frame" else '{"own": 1, "action": "told"}'

    with mock.patch.object(owner, hook, own):
        frames = await group.tell(kind)

    assert frames[number]["own"] == 1
    assert frames[:number] + frames[number + 1 :] == before[1:]


async def test_a_topic_whose_frames_are_of_its_own_making_gets_those(base: Any, layer: Any, connect: Connect) -> None:
    class Personal(Room):
        def frame(self, message: BaseMessage, **options: Any) -> str:
            return super().frame(message, **options)[:-1] + f',"to":{self.subscribe_payload}}}'

    member = type("Member", (base,), {"topics": [Personal]})
    clients = [await connect(member) for _ in range(MEMBERS)]
    for number, client in enumerate(clients):
        await client.send({"action": "subscribe", "topic": TOPIC, "payload": number})
        await client.frame()
    message = {"type": "handle_topic_event", "topic": TOPIC, "event_data": Told().model_dump(mode="json")}
    await layer.group_send(Personal.group_name(TOPIC), message)
    assert [(await client.frame())["to"] for client in clients] == list(range(MEMBERS))


@pytest.mark.parametrize("kind", ["event", "broadcast", "host"])
@pytest.mark.parametrize("quiet", [{"log_websocket_message": False}, {"log_ignored_actions": ["told"]}], ids=str)
@pytest.mark.parametrize("first", ["quiet", "logging"])
async def test_one_connection_that_logs_nothing_takes_no_other_s_entry(
    group: Group, connect: Connect, kind: str, quiet: dict[str, Any], first: str
) -> None:
    """The options are read when a connection begins: those of one class may have different ones."""
    group.clients, seasoned = [], group.clients
    for client in seasoned:
        await client.disconnect()
    for options in [quiet, {}] if first == "quiet" else [{}, quiet]:
        with ExitStack() as patches:
            for name, value in options.items():
                patches.enter_context(mock.patch.object(group.member, name, value))
            await group.join(connect)

    with capture_logs() as logs:
        await group.tell(kind)
    structlog.reset_defaults()  # or every test after this one would have its log entries there

    assert [entry["event"] for entry in logs if entry.get("action") == "told"] == ["Websocket sent"]

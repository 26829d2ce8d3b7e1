"""Capturing broadcasts: exactly as passed, from everywhere, and nothing left behind."""

import asyncio
import threading
from typing import Any, Literal

import pytest

from chanx.core.testing import (
    CapturedBroadcastEvent,
    CapturedTopicBroadcast,
    capture_broadcast_events,
    capture_topic_broadcasts,
)
from chanx.core.topic import Topic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.base import BaseMessage


class Said(BaseMessage):
    action: Literal["said"] = "said"
    payload: str


class Layer:
    """A channel layer that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self.sent.append(group)


class Chat(ChanxWebsocketConsumerMixin[Said]):
    groups = ["hall"]


class QuietChat(Chat):
    pass


class LoudChat(Chat):
    @classmethod
    async def broadcast_event(cls, event: Said, groups: Any = None) -> None:
        await super().broadcast_event(Said(payload=event.payload.upper()), groups)


class Room(Topic):
    pattern = "room:{id}"


@pytest.fixture
def layer(monkeypatch: pytest.MonkeyPatch) -> Layer:
    layer = Layer()
    for owner in (Chat, Room):
        monkeypatch.setattr(owner, "get_channel_layer", staticmethod(lambda alias: layer))
    return layer


@pytest.fixture(autouse=True)
def methods_as_before() -> Any:
    """After every test the classes are as they were."""
    classes = (ChanxWebsocketConsumerMixin, Chat, QuietChat, LoudChat, Room)
    names = ("broadcast_event", "broadcast_event_sync", "broadcast", "broadcast_sync")
    before = [[vars(cls).get(name) for name in names] for cls in classes]
    yield
    assert [[vars(cls).get(name) for name in names] for cls in classes] == before


async def test_a_captured_event_has_the_arguments_as_they_were_passed() -> None:
    groups = ("a", "b")
    with capture_broadcast_events(Chat) as captured:
        await Chat.broadcast_event(Said(payload="1"), groups)
        await Chat.broadcast_event(Said(payload="2"), groups="a")
        await Chat.broadcast_event(event=Said(payload="3"))
    assert captured == [
        CapturedBroadcastEvent(Said(payload="1"), groups),
        CapturedBroadcastEvent(Said(payload="2"), "a"),
        CapturedBroadcastEvent(Said(payload="3"), None),
    ]
    assert captured[0].groups is groups


def test_the_synchronous_variant_is_captured_once() -> None:
    with capture_broadcast_events(Chat) as captured:
        Chat.broadcast_event_sync(Said(payload="1"), ["a"])
    assert captured == [CapturedBroadcastEvent(Said(payload="1"), ["a"])]


def test_its_options_are_taken_too() -> None:
    with capture_broadcast_events(Chat) as captured:
        Chat.broadcast_event_sync(Said(payload="1"), ["a"], on_commit=True)
    assert captured == [CapturedBroadcastEvent(Said(payload="1"), ["a"])]


async def test_it_is_captured_inside_a_running_loop_too() -> None:
    with capture_broadcast_events(Chat) as captured:
        Chat.broadcast_event_sync(Said(payload="1"))
    assert len(captured) == 1


async def test_a_suppressed_event_is_not_sent(layer: Layer) -> None:
    with capture_broadcast_events(Chat):
        await Chat.broadcast_event(Said(payload="1"), ["a"])
        Chat.broadcast_event_sync(Said(payload="1"), ["a"])
    assert layer.sent == []


async def test_without_suppress_it_is_sent_as_well(layer: Layer) -> None:
    with capture_broadcast_events(Chat, suppress=False) as captured:
        await Chat.broadcast_event(Said(payload="1"), ["a"])
        await Chat.broadcast_event(Said(payload="1"))
    assert layer.sent == ["a", "hall"]
    assert len(captured) == 2


async def test_nothing_is_captured_after_the_block(layer: Layer) -> None:
    with capture_broadcast_events(Chat) as captured:
        pass
    await Chat.broadcast_event(Said(payload="1"), ["a"])
    assert (captured, layer.sent) == ([], ["a"])


async def test_the_class_is_as_before_after_an_exception(layer: Layer) -> None:
    with pytest.raises(ValueError, match="in the block"), capture_broadcast_events(Chat):
        raise ValueError("in the block")
    await Chat.broadcast_event(Said(payload="1"), ["a"])
    assert layer.sent == ["a"]


async def test_captures_nest(layer: Layer) -> None:
    with capture_broadcast_events(Chat, suppress=False) as outer:
        with capture_broadcast_events(Chat) as inner:
            await Chat.broadcast_event(Said(payload="both"), ["a"])
        await Chat.broadcast_event(Said(payload="outer"), ["b"])
    assert [len(outer), len(inner)] == [2, 1]
    assert layer.sent == ["b"]


async def test_captures_may_end_in_any_order(layer: Layer) -> None:
    first, second = capture_broadcast_events(Chat), capture_broadcast_events(Chat)
    one, two = first.__enter__(), second.__enter__()
    first.__exit__(None, None, None)
    await Chat.broadcast_event(Said(payload="1"), ["a"])
    second.__exit__(None, None, None)
    assert (one, len(two), layer.sent) == ([], 1, [])
    await Chat.broadcast_event(Said(payload="1"), ["b"])
    assert layer.sent == ["b"]


def test_other_threads_are_captured_and_leave_nothing_behind() -> None:
    # Given captures that begin and end in four threads at once
    counts: list[int] = []

    def often() -> None:
        for _ in range(50):
            with capture_broadcast_events(Chat) as captured:
                Chat.broadcast_event_sync(Said(payload="1"))
            counts.append(len(captured))

    with capture_broadcast_events(Chat) as all_of_them:
        threads = [threading.Thread(target=often) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    # Then each saw its own at least, and the one around them saw every one
    assert len(all_of_them) == 200
    assert len(counts) == 200
    assert min(counts) >= 1


async def test_a_task_that_began_before_the_block_is_captured() -> None:
    begin = asyncio.Event()

    async def later() -> None:
        await begin.wait()
        await Chat.broadcast_event(Said(payload="1"))

    task = asyncio.create_task(later())
    with capture_broadcast_events(Chat) as captured:
        begin.set()
        await task
    assert len(captured) == 1


async def test_subclasses_count_and_other_classes_do_not(layer: Layer) -> None:
    with capture_broadcast_events(QuietChat) as of_quiet:
        await Chat.broadcast_event(Said(payload="1"), ["a"])
        assert (of_quiet, layer.sent) == ([], ["a"])
    with capture_broadcast_events(Chat) as of_chat:
        await QuietChat.broadcast_event(Said(payload="1"))
    assert len(of_chat) == 1


@pytest.mark.parametrize("suppress", [True, False])
async def test_captures_of_a_class_and_of_its_base_both_see_a_call_once(layer: Layer, suppress: bool) -> None:
    with (
        capture_broadcast_events(Chat) as of_base,
        capture_broadcast_events(QuietChat, suppress=suppress) as of_class,
    ):
        await QuietChat.broadcast_event(Said(payload="1"))
    assert [len(of_base), len(of_class), layer.sent] == [1, 1, []]


async def test_an_override_is_captured_where_it_is_watched(layer: Layer) -> None:
    with capture_broadcast_events(LoudChat, suppress=False) as of_class:
        await LoudChat.broadcast_event(Said(payload="hi"), ["a"])
    with capture_broadcast_events(Chat) as of_base:
        await LoudChat.broadcast_event(Said(payload="hi"), ["a"])
    assert (of_class[0].event.payload, of_base[0].event.payload, layer.sent) == ("hi", "HI", ["a"])


async def test_wrong_arguments_fail_as_they_would_without_a_capture() -> None:
    with capture_broadcast_events(Chat), pytest.raises(TypeError):
        await Chat.broadcast_event()  # type: ignore[call-arg]


async def test_topic_broadcasts(layer: Layer) -> None:
    with capture_topic_broadcasts(Room) as captured:
        await Room.broadcast("room:1", Said(payload="1"), seq=4)
        Room.broadcast_sync("room:2", Said(payload="2"))
    assert captured == [
        CapturedTopicBroadcast("room:1", Said(payload="1"), 4),
        CapturedTopicBroadcast("room:2", Said(payload="2"), None),
    ]
    assert layer.sent == []


async def test_topic_broadcasts_that_are_sent_as_well(layer: Layer) -> None:
    with capture_topic_broadcasts(Room, suppress=False) as captured:
        await Room.broadcast("room:1", Said(payload="1"))
    assert (len(captured), layer.sent) == (1, [Room.group_name("room:1")])

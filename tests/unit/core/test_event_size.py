"""An event that is too large is refused by every way to send one, before anybody has it."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
from channels.layers import InMemoryChannelLayer

from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.errors import EventTooLargeError
from chanx.layers import publisher_for
from chanx.messages.base import BaseMessage

LIMIT = 1000


class Report(BaseMessage):
    action: Literal["report"] = "report"
    payload: str


LAYER = InMemoryChannelLayer()


class Consumer(ChanxWebsocketConsumerMixin):
    groups = ["room"]
    get_channel_layer = staticmethod(lambda alias: LAYER)
    commits: list[Callable[[], None]] = []

    @classmethod
    def run_on_commit(cls, action: Callable[[], None]) -> None:
        cls.commits.append(action)


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_for(LAYER), "max_event_bytes", LIMIT, raising=False)


async def send(way: str, event: Report) -> None:
    match way:
        case "send_event":
            await Consumer.send_event(event, "room")
        case "send_event to the class's groups":
            await Consumer.send_event(event)
        case "broadcast_event":
            await Consumer.broadcast_event(event, groups=["room", "other"])
        case "send_event_sync":
            Consumer.send_event_sync(event, "room")
        case "broadcast_event_sync":
            Consumer.broadcast_event_sync(event, groups=["room", "other"])
        case "send_event_sync on commit":
            Consumer.send_event_sync(event, "room", on_commit=True)
        case "broadcast_event_sync on commit":
            Consumer.broadcast_event_sync(event, on_commit=True)


@pytest.mark.parametrize(
    "way",
    [
        "send_event",
        "send_event to the class's groups",
        "broadcast_event",
        "send_event_sync",
        "broadcast_event_sync",
        "send_event_sync on commit",
        "broadcast_event_sync on commit",
    ],
)
async def test_an_event_over_the_limit_names_itself_its_size_and_the_limit(way: str) -> None:
    # Given a member of the group
    channel: Any = await LAYER.new_channel()
    await LAYER.group_add("room", channel)

    # When an event over the limit is sent, Then it is refused at once
    with pytest.raises(EventTooLargeError, match=rf"'report' is 1\d\d\d bytes, over the {LIMIT} of max_event_bytes"):
        await send(way, Report(payload="x" * LIMIT))

    # And nobody has it
    assert LAYER.channels == {}
    assert Consumer.commits == []

    # While one below it is sent
    await send(way, Report(payload="x" * (LIMIT // 2)))
    await LAYER.flush()
    Consumer.commits.clear()

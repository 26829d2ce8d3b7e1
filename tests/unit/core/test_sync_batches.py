"""``broadcast_event_sync`` to many groups is one round trip."""

from typing import Any, Literal

import pytest

from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.errors import InvalidNameError
from chanx.layers import MemoryPublisher
from chanx.messages.base import BaseMessage


class Note(BaseMessage):
    action: Literal["note"] = "note"
    payload: int


class Recording(MemoryPublisher):
    """Keeps the groups of what was handed over in one go."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[list[str]] = []

    def _deliver(self, parcels: Any) -> Any:
        self.parts.append([parcel.name for parcel in parcels])
        return super()._deliver(parcels)


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Recording:
    publisher = Recording()
    monkeypatch.setattr("chanx.core.events.publisher_for", lambda layer: publisher)
    return publisher


class Consumer(ChanxWebsocketConsumerMixin):
    groups = ["own.1", "own.2"]
    get_channel_layer = staticmethod(lambda alias: object())


def test_many_groups_go_out_together_and_in_order(publisher: Recording) -> None:
    Consumer.broadcast_event_sync(Note(payload=1), groups=["a", "b", "c"])
    Consumer.broadcast_event_sync(Note(payload=2))
    Consumer.broadcast_event_sync(Note(payload=3), groups="a")
    assert publisher.parts == [["a", "b", "c"], ["own.1", "own.2"], ["a"]]


def test_inside_a_batch_they_wait_for_its_end(publisher: Recording) -> None:
    with publisher.batch():
        Consumer.broadcast_event_sync(Note(payload=1), groups=["a", "b"])
        Consumer.broadcast_event_sync(Note(payload=2), groups="c")
        assert publisher.parts == []
    assert publisher.parts == [["a", "b", "c"]]


def test_a_name_that_is_none_raises(publisher: Recording) -> None:
    with pytest.raises(InvalidNameError, match="'b c'"):
        Consumer.broadcast_event_sync(Note(payload=1), groups=["a", "b c"])

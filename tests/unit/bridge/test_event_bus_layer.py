"""The channel layer of a worker on the event bus: plain events reach the site's layer."""

from typing import Literal

import pytest
from celery import Celery, _state
from fast_channels.layers.registry import register_channel_layer, unregister_channel_layer

from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.event_bus.layer import EventBusChannelLayer
from chanx.core.decorators import event_handler
from chanx.errors import ConfigurationError
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.layers import publisher_for
from chanx.messages.base import BaseMessage
from tests.bus_bench import BusBench


class Invoice(BaseMessage):
    action: Literal["invoice"] = "invoice"
    payload: int


class InvoiceConsumer(AsyncJsonWebsocketConsumer):
    channel_layer_alias = "of-the-bus"

    @event_handler
    async def on_invoice(self, event: Invoice) -> Invoice:
        return event


@pytest.fixture
def bench() -> BusBench:
    return BusBench(MemoryJobStore())


@pytest.fixture
def layer(bench: BusBench) -> EventBusChannelLayer:
    return EventBusChannelLayer(bus=bench.bus)


async def test_messages_go_to_the_site_s_layer(bench: BusBench, layer: EventBusChannelLayer) -> None:
    await layer.group_send("room", {"type": "hello"})
    await layer.send("specific.in!x", {"type": "hello"})
    await layer.close()

    assert [(kind, name) for kind, name, _ in bench.publisher.sent] == [("group", "room"), ("channel", "specific.in!x")]


def test_a_publisher_for_it_goes_over_the_bus(bench: BusBench, layer: EventBusChannelLayer) -> None:
    publisher_for(layer).group_send("room", {"type": "hello"})

    assert [name for _, name, _ in bench.publisher.sent] == ["room"]


def test_a_consumer_s_events_reach_it(bench: BusBench, layer: EventBusChannelLayer) -> None:
    register_channel_layer("of-the-bus", layer)  # type: ignore[arg-type]  # it is no fast_channels class
    try:
        InvoiceConsumer.broadcast_event_sync(Invoice(payload=1), groups=["staff"])
    finally:
        unregister_channel_layer("of-the-bus")

    ((_, group, message),) = bench.publisher.sent
    assert (group, message["event_data"]) == ("staff", {"action": "invoice", "payload": 1})


async def test_it_is_for_workers_only(layer: EventBusChannelLayer) -> None:
    with pytest.raises(ConfigurationError, match="only sends"):
        await layer.receive("c")
    with pytest.raises(ConfigurationError, match="only sends"):
        await layer.new_channel()
    with pytest.raises(ConfigurationError, match="only sends"):
        await layer.group_add("g", "c")
    with pytest.raises(ConfigurationError, match="only sends"):
        await layer.group_discard("g", "c")


async def test_it_goes_over_the_worker_s_own_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_state, "default_app", Celery(set_as_current=False, broker="memory://"))

    with pytest.raises(ConfigurationError, match="the broker is 'memory'"):
        await EventBusChannelLayer().group_send("room", {"type": "hello"})

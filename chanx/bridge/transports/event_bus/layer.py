"""A channel layer for workers on the bus: what their code sends to groups, a relay hands to the site's layer.

broadcast_event_sync, send_event_sync ─> this ─> broker ─> relay ─> the site's channel layer
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NoReturn

from celery import Celery, current_app

from chanx.bridge.transports.event_bus.brokers import BrokerBus
from chanx.bridge.transports.event_bus.bus import Bus
from chanx.bridge.transports.event_bus.publisher import EventBusPublisher
from chanx.bridge.transports.event_bus.store import BUS_NAME, EventBusStore, valid_bus_name
from chanx.errors import ConfigurationError


class EventBusChannelLayer:
    """For ``CHANNEL_LAYERS``, or ``register_channel_layer``, of a worker. No connection can be there.

    It goes over the broker of the worker's Celery app, or over ``bus``. ``name`` is the bus's. A message that cannot be
    handed to the broker is lost, counted and logged, as with any publisher.
    """

    extensions = ("groups",)

    def __init__(self, *, name: str = BUS_NAME, bus: Bus | None = None) -> None:
        self._store = EventBusStore(bus or _CurrentBus(), name=valid_bus_name(name))
        self._publisher = EventBusPublisher(self._store)

    async def send(self, channel: str, message: Mapping[str, Any]) -> None:
        """To one connection of the site's."""
        await asyncio.to_thread(self._publisher.send, channel, message)

    async def group_send(self, group: str, message: Mapping[str, Any]) -> None:
        """To a group on the site's layer."""
        await asyncio.to_thread(self._publisher.group_send, group, message)

    async def receive(self, channel: str) -> NoReturn:
        """Raises ``ConfigurationError``, as all that a connection needs does."""
        raise _only_for_workers()

    async def new_channel(self, prefix: str = "specific.") -> NoReturn:
        raise _only_for_workers()

    async def group_add(self, group: str, channel: str) -> NoReturn:
        raise _only_for_workers()

    async def group_discard(self, group: str, channel: str) -> NoReturn:
        raise _only_for_workers()

    async def close(self) -> None:
        """Lets go of connections to the broker; it opens new ones when it is used again."""
        await asyncio.to_thread(self._store.close)


class _CurrentBus(BrokerBus):
    """On the broker of whatever app is the current one when it is needed: in a worker, the worker's."""

    def __init__(self) -> None:
        app: Celery = current_app
        super().__init__(app)


def _only_for_workers() -> ConfigurationError:
    return ConfigurationError(
        "EventBusChannelLayer only sends: it is for workers on the event bus. Give a site that has connections the "
        "layer of its Redis, such as channels_redis.pubsub.RedisPubSubChannelLayer."
    )

"""The event bus on the broker of a Celery app, whichever it is."""

from __future__ import annotations

from celery import Celery
from kombu import Connection

from chanx.bridge.transports.event_bus.amqp import AmqpBus
from chanx.bridge.transports.event_bus.bus import Bus, BusInbox, BusLine
from chanx.bridge.transports.event_bus.redis import RedisBus
from chanx.errors import ConfigurationError


class BrokerBus(Bus):
    """On the app's own broker; its configuration is not looked at before it is needed."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def line(self) -> BusLine:
        return self._bus().line()

    def inbox(self, queue: str) -> BusInbox:
        return self._bus().inbox(queue)

    def _bus(self) -> Bus:
        return bus_on(self._app.connection_for_write())


def bus_on(connection: Connection) -> Bus:
    """The bus on a broker of kombu's; ``ConfigurationError`` for one that it cannot be on."""
    match connection.transport.driver_type:
        case "amqp":
            return AmqpBus(connection)
        case "redis":
            return RedisBus(connection)
        case other:
            raise ConfigurationError(
                f"The event bus goes over RabbitMQ or Redis, and the broker is {other!r}. Set broker_url to one of "
                "these, or give the worker the site's store: install(app, store=..., layer=...)."
            )

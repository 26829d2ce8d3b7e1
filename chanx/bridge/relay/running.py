"""Runs a relay as a process of its own, until it is told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from chanx.bridge.installed import Bridge
from chanx.bridge.relay.celery_events import CeleryEvents
from chanx.bridge.relay.health import health_served
from chanx.bridge.relay.relay import Relay
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.event_bus.brokers import bus_on
from chanx.bridge.transports.event_bus.bus import Bus
from chanx.bridge.transports.event_bus.store import BUS_NAME, valid_bus_name
from chanx.errors import ConfigurationError
from chanx.log import log_event

STOP_SECONDS: Final = 5.0

_STOPPING: Final = {signal.SIGTERM, signal.SIGINT}


def run_relay(
    bridge: Bridge,
    *,
    name: str | None = None,
    broker: str | None = None,
    celery_events: bool = False,
    health: tuple[str, int] | None = None,
) -> None:
    """Relays until SIGTERM or SIGINT; to be called by the main thread.

    ``name`` is the bus's; ``broker`` the URL of its broker, by default the app's own. With ``celery_events`` also
    what Celery says of tasks on workers that the bridge is not in. Raises ``ConfigurationError`` for a bridge that
    is on the event bus itself, or keeps its jobs in memory, and for a broker that there is no bus on. ``health`` are
    host and port where it says over HTTP how it is, at ``/live`` and ``/ready``.
    """
    chosen = valid_bus_name(name or BUS_NAME)
    if isinstance(bridge.store, MemoryJobStore):
        raise ConfigurationError(
            "A relay is a process of its own, and the store is in this process's memory: nobody would see what it "
            'writes. Give the site install(app, store="redis://..."), or store=DjangoJobStore().'
        )
    connection, bus = _bus(bridge.app, broker)
    relay = Relay(bridge, bus, name=chosen)

    # Blocked, so that the relay's threads, which inherit that, leave them to this one.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    try:
        with relay, ExitStack() as stack:
            if health is not None:
                stack.enter_context(health_served(bridge, relay, *health))
            if celery_events:
                stack.enter_context(_listening(bridge, connection))
            log_event("relay_started", bus=chosen, broker=connection.as_uri())
            signal.sigwait(_STOPPING)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    log_event("relay_stopped", bus=chosen)


def _bus(app: Any, broker: str | None) -> tuple[Any, Bus]:
    try:
        connection = app.connection_for_write(url=broker) if broker else app.connection_for_write()
        return connection, bus_on(connection)
    except (ValueError, KeyError, ImportError) as error:  # kombu has no error of its own for what it cannot use
        raise ConfigurationError(f"The relay cannot use its broker's URL: {error}") from error


@contextmanager
def _listening(bridge: Bridge, connection: Any) -> Generator[None]:
    stopped = threading.Event()
    events = CeleryEvents(bridge)
    thread = threading.Thread(target=events.listen, args=(connection, stopped), name="chanx-celery-events", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(STOP_SECONDS)

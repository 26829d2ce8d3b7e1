"""The job store: whether it answers, and what its server tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from chanx.bridge.installed import Bridge
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.store.redis import RedisJobStore
from chanx.bridge.transports.event_bus.store import EventBusStore
from chanx.bridge.worker_report import store_name
from chanx.doctor.finding import Finding
from chanx.doctor.redis_server import ServerFacts, server_findings
from chanx.errors import ConfigurationError
from chanx.layers.hosts import RedisHost

_START_THE_SERVER: Final = "Start its server, or correct store= of chanx.bridge.install(), its password, its firewall."
_START_A_RELAY: Final = "Run chanx relay where the site runs, with the same broker and the same name of the bus."


def store_findings(bridge: Bridge, *, seconds: float) -> Iterator[Finding]:
    """E201; of a Redis also E203 to W208."""
    store = bridge.store
    try:
        store.leases()
        facts = (
            ServerFacts.ask(RedisHost.parse(store.url), seconds=seconds) if isinstance(store, RedisJobStore) else None
        )
    except (StoreUnavailableError, ConfigurationError, OSError) as error:
        fix = _START_A_RELAY if isinstance(store, EventBusStore) else _START_THE_SERVER
        yield Finding("chanx.E201", f"The job store ({store_name(bridge)}) cannot be used from here: {error}", fix)
        return
    if facts is not None and isinstance(store, RedisJobStore):
        yield from server_findings(facts, store.retention)

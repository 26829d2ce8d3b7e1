"""What a process tells of itself and its bridge when `chanx doctor` asks. No password, no key, no name of a user.

worker ── chanx_doctor (Celery's remote control) ──> WorkerReport ──> compared with the process that asks
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from pydantic import BaseModel, ConfigDict

from chanx.bridge.installed import Bridge
from chanx.bridge.store.redis import RedisJobStore
from chanx.bridge.transports.event_bus.store import EventBusStore
from chanx.layers import LayerSpec
from chanx.layers.hosts import RedisHost
from chanx.layers.redis_info import ask, database_of, info_of, place_of
from chanx.layers.wire import command

COMMAND: Final = "chanx_doctor"
"""The name of the question in Celery's remote control."""

PROBE_GROUPS: Final = "chanx.doctor."
"""What the names of the groups begin with that a process may be asked to send a word to."""

PROBE_TYPE: Final = "chanx.doctor"

PACKAGES: Final = (
    *("chanx", "celery", "kombu", "redis", "pydantic"),
    *("django", "channels", "channels-redis", "fastapi", "fast-channels"),
)


class LayerReport(BaseModel):
    """A layer, without its secrets. ``servers`` are the run ids of its hosts, "" of one not asked, or away."""

    model_config = ConfigDict(frozen=True)

    kind: str
    places: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    databases: tuple[int, ...] = ()
    prefix: str = ""
    serializer: str = ""
    keys: tuple[str, ...] = ()

    @classmethod
    def of(cls, spec: LayerSpec | None, layer: object, *, identify: bool = True) -> LayerReport:
        """``spec`` is that of ``layer``, None where a layer is only known by its class.

        With ``identify`` its servers are asked who they are, for a second each at most.
        """
        if spec is None:
            return cls(kind=f"{type(layer).__module__}.{type(layer).__qualname__}")
        return cls(
            kind=spec.kind,
            places=tuple(map(place_of, spec.hosts)),
            servers=tuple(map(_run_id, spec.hosts)) if identify else ("",) * len(spec.hosts),
            databases=tuple(map(database_of, spec.hosts)) if spec.kind == "redis_core" else (),
            prefix=spec.prefix,
            serializer=spec.serializer,
            # Six of 64 characters: enough to see that two keys differ, and nothing to find a key by.
            keys=tuple(hashlib.sha256(key).hexdigest()[:6] for key in spec.fernet_keys),
        )

    def differences(self, other: LayerReport) -> Iterator[str]:
        """How what this one publishes differs from what listeners on ``other`` read, in words."""
        if self.kind != other.kind:
            yield f"layer {self.kind} instead of {other.kind}"
            return
        if not _are_same(self, other):
            yield f"servers {', '.join(self.places)} instead of {', '.join(other.places)}"
        if self.databases != other.databases:
            yield f"database {_joined(self.databases)} instead of {_joined(other.databases)}"
        if self.prefix != other.prefix:
            yield f"prefix {self.prefix!r} instead of {other.prefix!r}"
        if self.serializer != other.serializer:
            yield f"serializer {self.serializer} instead of {other.serializer}"
        # The first key encrypts, any decrypts.
        if self.keys[:1] != other.keys[:1] and (not self.keys or self.keys[0] not in other.keys):
            yield "another encryption key"


class WorkerReport(BaseModel):
    """What a worker answers. ``lease`` is its name in the job store, ``time`` its clock in seconds since 1970.

    ``over_bus``: it reaches store and layer over the event bus, by a relay.
    """

    model_config = ConfigDict(frozen=True)

    lease: str
    time: float
    versions: dict[str, str]
    store: str
    layer: LayerReport
    over_bus: bool = False


def report_of(bridge: Bridge, *, lease: str) -> WorkerReport:
    """This process's report. Asks the servers of the layer who they are, a second each at most."""
    return WorkerReport(
        lease=lease,
        time=time.time(),
        versions=installed_versions(),
        store=store_name(bridge),
        layer=layer_of(bridge),
        over_bus=isinstance(bridge.store, EventBusStore),
    )


def layer_of(bridge: Bridge, *, identify: bool = True) -> LayerReport:
    """The layer that the bridge publishes to."""
    publisher = getattr(bridge.transport, "publisher", None)
    return LayerReport.of(getattr(publisher, "spec", None), getattr(publisher, "layer", publisher), identify=identify)


def store_name(bridge: Bridge) -> str:
    """The kind of the bridge's store, and where it is, for people to read."""
    store = bridge.store
    if isinstance(store, RedisJobStore):
        host = RedisHost.parse(store.url)
        return f"RedisJobStore on {place_of(host)}, database {database_of(host)}, prefix {store.prefix!r}"
    return f"{type(store).__name__}{f' in {store.place}' if store.place else ''}"


def installed_versions() -> dict[str, str]:
    """Of those of ``PACKAGES`` that are installed."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _run_id(host: RedisHost) -> str:
    try:
        (answer,) = ask(host, command(b"INFO", b"server"))
    except OSError:
        return ""
    return info_of(answer).get("run_id", "")


def _are_same(one: LayerReport, other: LayerReport) -> bool:
    """By their run ids, as one server has many names; by their names where one of them does not say who it is."""
    if all(one.servers) and all(other.servers):
        return one.servers == other.servers
    return [*map(_name, one.places)] == [*map(_name, other.places)]


def _name(place: str) -> str:
    host, separator, port = place.rpartition(":")
    return f"127.0.0.1{separator}{port}" if host in ("localhost", "::1") else place


def _joined(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))

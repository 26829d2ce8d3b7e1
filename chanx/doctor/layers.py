"""What the configuration of channel layers tells, W001 to W005; all but W004 without a connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit

from chanx.doctor.finding import Finding
from chanx.errors import ConfigurationError
from chanx.layers.hosts import DEFAULT_ADDRESS, RedisHost
from chanx.layers.redis_info import ask, info_of
from chanx.layers.wire import command

_IN_MEMORY: Final = ("channels.layers.InMemoryChannelLayer", "fast_channels.layers.in_memory.InMemoryChannelLayer")
_CORE: Final = ("channels_redis.core.RedisChannelLayer", "fast_channels.layers.redis.core.RedisChannelLayer")
_RECEIVE_SECONDS: Final = 5

USE_PUBSUB: Final = (
    'Use {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": ["redis://..."]}}.'
)
REGISTER_PUBSUB: Final = 'Use register_channel_layer("default", RedisPubSubChannelLayer(hosts=["redis://..."])).'


@dataclass(frozen=True, slots=True)
class ConfiguredLayer:
    """A layer as it is configured: its ``name`` in texts, its class, its options, and how to have a better one."""

    name: str
    backend: type
    config: Mapping[str, Any]
    remedy: str = USE_PUBSUB

    @classmethod
    def of_object(cls, alias: str, layer: object) -> ConfiguredLayer:
        """One that is registered as an object, as fast-channels has them."""
        config = {"hosts": vars(layer)["hosts"]} if "hosts" in vars(layer) else {}
        return cls(f"The layer {alias!r}", type(layer), config, REGISTER_PUBSUB)

    @property
    def is_in_memory(self) -> bool:
        return self._is_a(_IN_MEMORY)

    @property
    def is_core(self) -> bool:
        return self._is_a(_CORE)

    @property
    def hosts(self) -> Sequence[Any]:
        hosts = self.config.get("hosts")
        return cast("Sequence[Any]", hosts) if isinstance(hosts, (list, tuple)) and hosts else [DEFAULT_ADDRESS]

    def _is_a(self, names: Sequence[str]) -> bool:
        """Or a class of the project's own that is derived from it."""
        return any(f"{base.__module__}.{base.__qualname__}" in names for base in getattr(self.backend, "__mro__", ()))


def no_layer(remedy: str = f"Set CHANNEL_LAYERS['default']. {USE_PUBSUB}") -> Finding:
    """W001."""
    return Finding("chanx.W001", "No channel layer is configured, which groups, events and jobs need.", remedy)


def configured_layers(layers: Sequence[ConfiguredLayer], *, broker: str | None) -> Iterator[Finding]:
    """W002, W003, W005 and E007. ``broker`` is Celery's, None where no worker apart from this process reads from it."""
    for layer in layers:
        if layer.is_in_memory and broker is not None:
            yield _in_memory(layer, broker)
        if layer.is_core:
            yield from _short_socket_timeout(layer)
            yield from _several_hosts(layer)


def clustered_layers(layers: Sequence[ConfiguredLayer]) -> Iterator[Finding]:
    """W004. It asks the servers; one that does not answer at once is passed over."""
    for layer in layers:
        if layer.is_core and any(map(_is_cluster, layer.hosts)):
            yield Finding(
                "chanx.W004",
                f"{layer.name} is the core layer on Redis Cluster, where its scripts cannot work.",
                f"{layer.remedy} Or point it to a Redis without cluster mode.",
            )


def _in_memory(layer: ConfiguredLayer, broker: str) -> Finding:
    return Finding(
        "chanx.W002",
        f"{layer.name} is in this process's memory, but Celery has a broker ({broker}), so its "
        "workers are other processes: what tasks publish reaches nobody.",
        f"{layer.remedy} For tests, set task_always_eager.",
    )


def _short_socket_timeout(layer: ConfiguredLayer) -> Iterator[Finding]:
    longest = getattr(layer.backend, "brpop_timeout", _RECEIVE_SECONDS)
    try:
        timeouts = [_socket_timeout(host) for host in layer.hosts]
    except (TypeError, ValueError):  # whose text may hold a password
        yield Finding(
            "chanx.E007",
            f"{layer.name}: the address of a host, or its socket_timeout, cannot be read.",
            'Write each host as "redis://user:password@host:6379/0", and its socket_timeout as a number of seconds. '
            f"{layer.remedy}",
        )
        return
    if any(seconds is not None and seconds <= longest for seconds in timeouts):
        yield Finding(
            "chanx.W003",
            f"{layer.name}: the core layer waits {longest} seconds for a message, and the "
            "socket_timeout (redis-py 8 has one of 5 by default) ends that with an error, which closes idle "
            "connections.",
            'Give each host one that is longer, or none: "hosts": [{"address": "redis://...", "socket_timeout": '
            f"None}}]. {layer.remedy}",
        )


def _several_hosts(layer: ConfiguredLayer) -> Iterator[Finding]:
    if len(layer.hosts) > 1:
        yield Finding(
            "chanx.W005",
            f"{layer.name}: the core layer with several hosts sends to a channel on one of them and "
            "receives on another, so most direct messages are lost.",
            f"Give it one host. {layer.remedy}",
        )


def _socket_timeout(host: Any) -> float | None:
    """In seconds; None for none. Raises ``TypeError`` or ``ValueError`` for what is neither."""
    options: Mapping[str, Any] = cast("Mapping[str, Any]", host) if isinstance(host, Mapping) else {}
    address = options.get("address") if options else cast("object", host)
    in_address = parse_qs(urlsplit(address).query).get("socket_timeout") if isinstance(address, str) else None
    if in_address:
        return float(in_address[0])
    if "socket_timeout" in options:
        seconds = options["socket_timeout"]
        if not isinstance(seconds, int | float | None):
            raise TypeError
        return seconds
    return _default_socket_timeout()


def _default_socket_timeout() -> float | None:
    try:
        major = version("redis").partition(".")[0]
    except PackageNotFoundError:
        return None
    return 5.0 if int(major) >= 8 else None


def _is_cluster(host: Any) -> bool:
    try:
        (answer,) = ask(RedisHost.parse(host), command(b"INFO", b"cluster"))
    except (ConfigurationError, OSError, TypeError, ValueError):  # a check of the settings is no check of the network
        return False
    return info_of(answer).get("cluster_enabled") == "1"

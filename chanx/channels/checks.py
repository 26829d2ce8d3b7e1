"""System checks of the channel layers: what would lose events later is said by ``manage.py check``.

W001  no channel layer is configured
W002  an in-memory layer, and Celery workers that cannot reach it
W003  the core layer, and a socket_timeout that ends its receive()
W004  the core layer on Redis Cluster (``check --deploy`` only, because it asks the server)
W005  the core layer with several hosts
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.utils.module_loading import import_string

from chanx.errors import ConfigurationError
from chanx.layers.hosts import DEFAULT_ADDRESS, RedisHost
from chanx.layers.redis_line import new_connection
from chanx.layers.wire import command

_IN_MEMORY = "channels.layers.InMemoryChannelLayer"
_CORE = "channels_redis.core.RedisChannelLayer"
_USE_PUBSUB = 'Use {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": ["redis://..."]}}.'
_RECEIVE_SECONDS = 5


def check_layers(**_: object) -> list[CheckMessage]:
    """W001, W002, W003 and W005: what the settings tell."""
    if not _layers():
        hint = f"Set CHANNEL_LAYERS['default']. {_USE_PUBSUB}"
        return [_warning(1, "No channel layer is configured, which groups, events and jobs need.", hint)]
    return [*_in_memory_with_workers(), *_short_socket_timeouts(), *_several_hosts()]


def check_servers(**_: object) -> list[CheckMessage]:
    """W004: what the servers tell. One that does not answer at once is passed over."""
    return [
        _warning(
            4,
            f"CHANNEL_LAYERS[{alias!r}] is the core layer on Redis Cluster, where its scripts cannot work.",
            f"{_USE_PUBSUB} Or point it to a Redis without cluster mode.",
        )
        for alias, _, config in _configured(_CORE)
        if any(_is_cluster(host) for host in _hosts(config))
    ]


def _in_memory_with_workers() -> Iterator[CheckMessage]:
    broker = _broker_of_workers()
    if broker is None:
        return
    for alias, _, _ in _configured(_IN_MEMORY):
        yield _warning(
            2,
            f"CHANNEL_LAYERS[{alias!r}] is in this process's memory, but Celery has a broker ({broker}), so its "
            "workers are other processes: what tasks publish reaches nobody.",
            f"{_USE_PUBSUB} For tests, set task_always_eager.",
        )


def _short_socket_timeouts() -> Iterator[CheckMessage]:
    for alias, backend, config in _configured(_CORE):
        longest = getattr(backend, "brpop_timeout", _RECEIVE_SECONDS)
        if any(seconds is not None and seconds <= longest for seconds in map(_socket_timeout, _hosts(config))):
            yield _warning(
                3,
                f"CHANNEL_LAYERS[{alias!r}]: the core layer waits {longest} seconds for a message, and the "
                "socket_timeout (redis-py 8 has one of 5 by default) ends that with an error, which closes idle "
                "connections.",
                'Give each host one that is longer, or none: "hosts": [{"address": "redis://...", "socket_timeout": '
                f"None}}]. {_USE_PUBSUB}",
            )


def _several_hosts() -> Iterator[CheckMessage]:
    for alias, _, config in _configured(_CORE):
        if len(_hosts(config)) > 1:
            yield _warning(
                5,
                f"CHANNEL_LAYERS[{alias!r}]: the core layer with several hosts sends to a channel on one of them and "
                "receives on another, so most direct messages are lost.",
                f"Give it one host. {_USE_PUBSUB}",
            )


def _layers() -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", getattr(settings, "CHANNEL_LAYERS", None) or {})


def _configured(kind: str) -> Iterator[tuple[str, type, Mapping[str, Any]]]:
    """Alias, class and CONFIG of the layers of a class, or of one that is derived from it."""
    for alias, entry in _layers().items():
        try:
            backend = import_string(entry["BACKEND"])
        except (ImportError, KeyError):  # Channels has a better error for it
            continue
        if any(f"{base.__module__}.{base.__qualname__}" == kind for base in getattr(backend, "__mro__", ())):
            yield alias, backend, entry.get("CONFIG") or {}


def _hosts(config: Mapping[str, Any]) -> Sequence[Any]:
    hosts = config.get("hosts")
    return cast("Sequence[Any]", hosts) if isinstance(hosts, (list, tuple)) and hosts else [DEFAULT_ADDRESS]


def _socket_timeout(host: Any) -> float | None:
    """In seconds; None for none."""
    options: Mapping[str, Any] = cast("Mapping[str, Any]", host) if isinstance(host, Mapping) else {}
    address = options.get("address") if options else cast("object", host)
    in_address = parse_qs(urlsplit(address).query).get("socket_timeout") if isinstance(address, str) else None
    if in_address:
        return float(in_address[0])
    if "socket_timeout" in options:
        return cast("float | None", options["socket_timeout"])
    return _default_socket_timeout()


def _default_socket_timeout() -> float | None:
    try:
        major = version("redis").partition(".")[0]
    except PackageNotFoundError:
        return None
    return 5.0 if int(major) >= 8 else None


def _is_cluster(host: Any) -> bool:
    try:
        connection = new_connection(RedisHost.parse(host))
    except ConfigurationError:
        return False
    try:
        connection.send_packed_command((command(b"INFO", b"cluster"),), check_health=False)
        return b"cluster_enabled:1" in connection.read_response()
    except Exception:  # a check of the settings is no check of the network
        return False
    finally:
        connection.disconnect()


def _broker_of_workers() -> str | None:
    """The scheme of Celery's broker, if there is one that workers of their own read from."""
    # A project that uses Celery has made its app by now.
    state: Any = sys.modules.get("celery._state")
    app = (state._tls.current_app or state.default_app) if state else None
    if app is None:
        broker: Any = getattr(settings, "CELERY_BROKER_URL", None)
        eager: Any = getattr(settings, "CELERY_TASK_ALWAYS_EAGER", False)
    else:
        broker, eager = app.conf.broker_url or "amqp://", app.conf.task_always_eager
    if not broker or eager:
        return None
    first = broker if isinstance(broker, str) else broker[0]
    scheme = urlsplit(first).scheme
    return None if scheme == "memory" else f"{scheme}://"


def _warning(number: int, text: str, hint: str) -> CheckMessage:
    return Warning(text, hint=hint, id=f"chanx.W{number:03}")

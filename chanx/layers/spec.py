"""A channel layer as plain data: all that a publisher needs to know to write to it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

from chanx.errors import ConfigurationError
from chanx.layers.hosts import DEFAULT_ADDRESS, HostForm, RedisHost, parse_hosts
from chanx.layers.wire import Serializer, fernet_key

Kind: TypeAlias = Literal["redis_pubsub", "redis_core"]

_SERIALIZERS: dict[str, Serializer] = {"MsgPackSerializer": "msgpack", "JSONSerializer": "json"}

_LAYERS: dict[tuple[str, str], tuple[Kind, str]] = {
    ("channels_redis.pubsub", "RedisPubSubChannelLayer"): ("redis_pubsub", "channels_redis.serializers"),
    ("channels_redis.core", "RedisChannelLayer"): ("redis_core", "channels_redis.serializers"),
    ("fast_channels.layers.redis.pubsub", "RedisPubSubChannelLayer"): (
        "redis_pubsub",
        "fast_channels.layers.redis.serializers",
    ),
    ("fast_channels.layers.redis.core", "RedisChannelLayer"): ("redis_core", "fast_channels.layers.redis.serializers"),
}
"""The layers whose bytes are known here, by class, and where their serializers are defined. Both packages write the
same bytes."""

MAX_EVENT_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """A layer that a publisher writes to directly. Its text shows no credentials and no keys; it can be pickled.

    ``max_event_bytes`` is the publisher's; all else has to be as in the layer's own configuration.
    """

    kind: Kind
    hosts: tuple[RedisHost, ...]
    prefix: str = "asgi"
    serializer: Serializer = "msgpack"
    fernet_keys: tuple[bytes, ...] = field(default=(), repr=False)
    max_event_bytes: int = MAX_EVENT_BYTES
    expiry: int = 60
    group_expiry: int = 86400
    capacity: int = 100
    random_prefix_length: int = 12

    @classmethod
    def redis_pubsub(
        cls,
        *hosts: HostForm,
        prefix: str = "asgi",
        serializer: Serializer = "msgpack",
        symmetric_encryption_keys: Sequence[str | bytes] = (),
        max_event_bytes: int = MAX_EVENT_BYTES,
    ) -> LayerSpec:
        """The ``RedisPubSubChannelLayer`` with the same ``hosts`` (in the same order), ``prefix``, serializer and keys.

        A host is a URL, a ``(host, port)`` pair or a dict of options (``sentinels`` and ``master_name`` as well), as in
        ``CHANNEL_LAYERS``, or a job store's URL. Raises ``ConfigurationError`` for one that cannot be published to
        directly.
        """
        if isinstance(symmetric_encryption_keys, (str, bytes)):
            raise ConfigurationError("symmetric_encryption_keys is a list of keys, even if there is only one.")
        keys = tuple(fernet_key(key) for key in symmetric_encryption_keys)
        return cls("redis_pubsub", parse_hosts(hosts), prefix, _known(serializer), keys, max_event_bytes)

    @classmethod
    def redis_core(
        cls,
        host: HostForm = DEFAULT_ADDRESS,
        *,
        prefix: str = "asgi",
        serializer: Serializer = "msgpack",
        max_event_bytes: int = MAX_EVENT_BYTES,
        expiry: int = 60,
        group_expiry: int = 86400,
        capacity: int = 100,
        random_prefix_length: int = 12,
    ) -> LayerSpec:
        """The ``RedisChannelLayer`` with the same options and one host, without encryption or ``channel_capacity``.

        ``expiry`` and ``group_expiry`` are in seconds, ``capacity`` in messages for each server process. Raises
        ``ConfigurationError`` for a host that cannot be published to directly.
        """
        layer = (expiry, group_expiry, capacity, random_prefix_length)
        return cls("redis_core", parse_hosts([host]), prefix, _known(serializer), (), max_event_bytes, *layer)

    @classmethod
    def from_layer(cls, layer: object) -> LayerSpec | None:
        """The spec of a configured channel layer; None if it has to be published to through the layer itself.

        That is any other class than the Redis layers of channels_redis and of fast-channels, one with a serializer of
        your own or options unknown here, and a core layer with several hosts, encryption keys or ``channel_capacity``.
        """
        known = _LAYERS.get((type(layer).__module__, type(layer).__qualname__))
        if known is None:
            return None
        kind, serializers = known
        # Past the pub/sub layer's __getattr__, which needs a running loop. Some of it is private, so a contract test
        # compares every reading with what the installed layer receives.
        inside = vars(layer)
        serializer, keys = _serializer_of(inside.get("_serializer"), serializers)
        if serializer is None or keys is None:
            return None
        try:
            if kind == "redis_core":
                return None if keys else cls._from_core(inside, serializer)
            return replace(cls._from_pubsub(inside, serializer), fernet_keys=keys)
        except ConfigurationError:
            return None

    @classmethod
    def _from_pubsub(cls, inside: Mapping[str, Any], serializer: Serializer) -> LayerSpec:
        positional = dict(zip(("hosts", "prefix"), inside.get("_args", ()), strict=False))
        arguments: dict[str, Any] = {**positional, **inside.get("_kwargs", {})}
        hosts = arguments.get("hosts") or ()
        if isinstance(hosts, (str, bytes)):
            raise ConfigurationError("hosts is a list, even if there is only one host.")
        return cls.redis_pubsub(*hosts, prefix=arguments.get("prefix", "asgi"), serializer=serializer)

    @classmethod
    def _from_core(cls, inside: Mapping[str, Any], serializer: Serializer) -> LayerSpec | None:
        hosts = inside["hosts"]
        if len(hosts) != 1 or inside["channel_capacity"]:
            return None
        numbers = {name: int(inside[name]) for name in ("expiry", "group_expiry", "capacity")}
        prefix_length = int(inside["_serializer"].random_prefix_length)
        return cls.redis_core(
            hosts[0], prefix=inside["prefix"], serializer=serializer, random_prefix_length=prefix_length, **numbers
        )


def _known(serializer: Serializer) -> Serializer:
    if serializer not in _SERIALIZERS.values():
        raise ConfigurationError(f"There is no serializer {serializer!r}: use 'msgpack' or 'json', as the layer does.")
    return serializer


def _serializer_of(serializer: object, module: str) -> tuple[Serializer | None, tuple[bytes, ...] | None]:
    """Its name and its encryption keys; None for what is not known."""
    # By name, so that nothing is imported; exactly, because a subclass may write other bytes.
    kind = type(serializer)
    name = _SERIALIZERS.get(kind.__qualname__) if kind.__module__ == module else None
    crypter: Any = getattr(serializer, "crypter", None)
    if crypter is None:
        return name, ()
    try:
        # The layer does not keep the keys; the Fernet that it made of each does, in two halves.
        halves = [fernet._signing_key + fernet._encryption_key for fernet in crypter._fernets]
    except AttributeError:
        return name, None
    return name, tuple(base64.urlsafe_b64encode(half) for half in halves)

"""A channel layer as plain data: all that a publisher needs to know to write to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from chanx.errors import ConfigurationError
from chanx.layers.hosts import HostForm, RedisHost, parse_hosts
from chanx.layers.wire import Serializer

_SERIALIZERS: dict[str, Serializer] = {"MsgPackSerializer": "msgpack", "JSONSerializer": "json"}

_PUBSUB_LAYERS = {
    "channels_redis.pubsub": "channels_redis.serializers",
    "fast_channels.layers.redis.pubsub": "fast_channels.layers.redis.serializers",
}
"""Where a ``RedisPubSubChannelLayer`` is defined, and its serializers. Both write the same bytes."""


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """A layer that a publisher writes to directly. Its text shows no credentials; it can be pickled."""

    kind: Literal["redis_pubsub"]
    hosts: tuple[RedisHost, ...]
    prefix: str = "asgi"
    serializer: Serializer = "msgpack"

    @classmethod
    def redis_pubsub(cls, *hosts: HostForm, prefix: str = "asgi", serializer: Serializer = "msgpack") -> LayerSpec:
        """The ``RedisPubSubChannelLayer`` with the same ``hosts`` (in the same order), ``prefix`` and serializer.

        A host is a URL, a ``(host, port)`` pair or a dict of options, as in ``CHANNEL_LAYERS``. Raises
        ``ConfigurationError`` for one that cannot be published to directly.
        """
        if serializer not in _SERIALIZERS.values():
            raise ConfigurationError(
                f"There is no serializer {serializer!r}: use 'msgpack' or 'json', as the layer does."
            )
        return cls("redis_pubsub", parse_hosts(hosts), prefix, serializer)

    @classmethod
    def from_layer(cls, layer: object) -> LayerSpec | None:
        """The spec of a configured channel layer; None if it has to be published to through the layer itself.

        That is any other class than the ``RedisPubSubChannelLayer`` of channels_redis or of fast-channels, and one with
        encryption keys, a serializer of your own, Sentinel hosts or options unknown here.
        """
        serializers = _PUBSUB_LAYERS.get(type(layer).__module__)
        if serializers is None or type(layer).__qualname__ != "RedisPubSubChannelLayer":
            return None
        # Its attributes, past its __getattr__, which needs a running loop. They are private, so a contract test
        # compares every reading with what the installed layer receives.
        inside = vars(layer)
        arguments: dict[str, Any] = {
            **dict(zip(("hosts", "prefix"), inside.get("_args", ()), strict=False)),
            **inside.get("_kwargs", {}),
        }
        serializer = _serializer_of(inside.get("_serializer"), serializers)
        hosts = arguments.get("hosts")
        if serializer is None or isinstance(hosts, (str, bytes)):
            return None
        try:
            return cls.redis_pubsub(*(hosts or ()), prefix=arguments.get("prefix", "asgi"), serializer=serializer)
        except ConfigurationError:
            return None


def _serializer_of(serializer: object, module: str) -> Serializer | None:
    if getattr(serializer, "crypter", None) is not None:
        return None
    # By name, so that nothing is imported; exactly, because a subclass may write other bytes.
    kind = type(serializer)
    return _SERIALIZERS.get(kind.__qualname__) if kind.__module__ == module else None

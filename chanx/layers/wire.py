"""The bytes of channels_redis' pub/sub layer: bodies, shards and the PUBLISH command.

Sources: channels_redis 4.3, ``serializers.py``, ``utils.py`` (``_consistent_hash``) and ``pubsub.py``; RESP2 in
https://redis.io/docs/latest/develop/reference/protocol-spec/.
"""

from __future__ import annotations

import json
from binascii import crc32
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from chanx.errors import ConfigurationError, PublisherError
from chanx.layers.payload import refuse_foreign_values
from chanx.utils.extras import need

Serializer: TypeAlias = Literal["msgpack", "json"]
Encode: TypeAlias = Callable[[dict[str, Any]], bytes]


def encoder_for(serializer: str) -> Encode:
    """What turns a message into a body. The encoder raises ``PublisherError`` for a message it cannot carry."""
    if serializer == "msgpack":
        return _msgpack_encoder()
    if serializer == "json":
        return _encode_json
    raise ConfigurationError(f"There is no serializer {serializer!r}: use 'msgpack' or 'json', as the layer does.")


def shard_of(name: bytes, shards: int) -> int:
    """The index of the host that carries the channel or group channel ``name``."""
    return 0 if shards == 1 else int((crc32(name) & 0xFFF) / (4096 / shards))


def publish_command(channel: bytes, body: bytes) -> bytes:
    """The RESP bytes of ``PUBLISH channel body``."""
    return b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(channel), channel, len(body), body)


def _msgpack_encoder() -> Encode:
    msgpack = need("msgpack", extra="redis")
    pack: Callable[[Any], bytes] = msgpack.packb
    unpack: Callable[[bytes], Any] = msgpack.unpackb

    def encode(message: dict[str, Any]) -> bytes:
        try:
            body = pack(message)
            # Keys that are no strings are packed gladly and raise in the receiver. This costs less than a microsecond.
            unpack(body)
        except (TypeError, ValueError, OverflowError) as error:
            raise _refusal(message, error) from error
        return body

    return encode


def _encode_json(message: dict[str, Any]) -> bytes:
    try:
        return json.dumps(message).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise _refusal(message, error) from error


def _refusal(message: dict[str, Any], error: Exception) -> PublisherError:
    refuse_foreign_values(message)
    return PublisherError(f"The channel layer cannot carry this message: {error}. Send smaller, flatter JSON data.")

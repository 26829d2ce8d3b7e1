"""The bytes of channels_redis' layers: bodies, encryption, shards, and commands to the server.

Sources: channels_redis 4.3, ``serializers.py``, ``utils.py`` (``_consistent_hash``), ``pubsub.py`` and ``core.py``;
RESP2 in https://redis.io/docs/latest/develop/reference/protocol-spec/; maps in
https://github.com/msgpack/msgpack/blob/master/spec.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
from binascii import crc32
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, TypeAlias

from chanx.errors import ConfigurationError, PublisherError
from chanx.layers.payload import refuse_foreign_values
from chanx.utils.extras import need

Serializer: TypeAlias = Literal["msgpack", "json"]
Encode: TypeAlias = Callable[[dict[str, Any]], bytes]

RECEIVERS_KEY: Final = "__asgi_channel__"
"""Where the core layer says in a message which channels of a process it is for."""


def encoder_for(serializer: str, fernet_keys: Sequence[bytes] = ()) -> Encode:
    """What turns a message into a body. The encoder raises ``PublisherError`` for a message it cannot carry."""
    if serializer == "msgpack":
        encode = _msgpack_encoder()
    elif serializer == "json":
        encode = _encode_json
    else:
        raise ConfigurationError(f"There is no serializer {serializer!r}: use 'msgpack' or 'json', as the layer does.")
    return _encrypted(encode, fernet_keys[0]) if fernet_keys else encode


def fernet_key(secret: str | bytes) -> bytes:
    """The key that channels_redis makes of one of its ``symmetric_encryption_keys``."""
    return base64.urlsafe_b64encode(hashlib.sha256(secret.encode() if isinstance(secret, str) else secret).digest())


def shard_of(name: bytes, shards: int) -> int:
    """The index of the host that carries the channel or group channel ``name``."""
    return 0 if shards == 1 else int((crc32(name) & 0xFFF) / (4096 / shards))


def publish_command(channel: bytes, body: bytes) -> bytes:
    """The RESP bytes of ``PUBLISH channel body``."""
    return b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(channel), channel, len(body), body)


def command(*parts: bytes) -> bytes:
    """The RESP bytes of any command."""
    return b"*%d\r\n%b" % (len(parts), arguments(parts))


def arguments(parts: Sequence[bytes]) -> bytes:
    """The RESP bytes of a command's parts, without how many there are."""
    return b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])


def around_receivers(serializer: Serializer, body: bytes, size: int) -> tuple[bytes, bytes]:
    """The core layer's form of a body with ``size`` keys: what comes before and what after the list of receivers."""
    if serializer == "json":
        return body[:-1] + f', "{RECEIVERS_KEY}": '.encode(), b"}"
    pairs = body[{0xDE: 3, 0xDF: 5}.get(body[0], 1) :]
    # The key is 16 bytes long: a fixstr.
    return _msgpack_map(size + 1) + pairs + b"\xb0" + RECEIVERS_KEY.encode(), b""


def _msgpack_map(size: int) -> bytes:
    if size < 16:
        return bytes([0x80 | size])
    return b"\xde" + size.to_bytes(2, "big") if size < 1 << 16 else b"\xdf" + size.to_bytes(4, "big")


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


def _encrypted(encode: Encode, key: bytes) -> Encode:
    # With the first key, as the layer does; the others are there to read what was encrypted before.
    encrypt: Callable[[bytes], bytes] = need("cryptography.fernet", extra="encryption").Fernet(key).encrypt
    return lambda message: encrypt(encode(message))


def _refusal(message: dict[str, Any], error: Exception) -> PublisherError:
    refuse_foreign_values(message)
    return PublisherError(f"The channel layer cannot carry this message: {error}. Send smaller, flatter JSON data.")

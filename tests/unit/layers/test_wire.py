from __future__ import annotations

from channels_redis.utils import _consistent_hash
from hypothesis import given
from hypothesis import strategies as st
from redis.connection import Connection

from chanx.layers.wire import publish_command, shard_of


@given(st.text(st.characters(codec="utf-8")), st.integers(1, 9))
def test_the_shard_is_the_one_of_channels_redis(name: str, shards: int) -> None:
    assert shard_of(name.encode(), shards) == _consistent_hash(name, shards)


@given(st.binary(min_size=1), st.binary())
def test_the_command_is_the_one_of_redis_py(channel: bytes, body: bytes) -> None:
    assert publish_command(channel, body) == b"".join(Connection().pack_command("PUBLISH", channel, body))

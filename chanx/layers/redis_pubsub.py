"""Publishing to channels_redis' pub/sub layer with one synchronous PUBLISH, no event loop in between."""

from __future__ import annotations

from typing import Any

from chanx.layers.publisher import Publisher
from chanx.layers.redis_connection import RedisShard
from chanx.layers.spec import LayerSpec
from chanx.layers.wire import encoder_for, shard_of
from chanx.utils.extras import need
from chanx.utils.process import PerProcess


class RedisPubSubPublisher(Publisher):
    """Writes what a ``RedisPubSubChannelLayer`` of the same ``spec`` would, at about the cost of a bare PUBLISH.

    Works on every Celery pool. Each process opens its own connections when it first publishes. Messages of one thread
    arrive in their order, except that with several hosts two different names may go through different servers.
    A message whose answer was lost with its connection is sent again once, so it may then arrive twice.
    """

    def __init__(self, spec: LayerSpec) -> None:
        super().__init__()
        need("redis", extra="redis")
        self.spec = spec
        self.channel_prefix = spec.prefix
        self._encode = encoder_for(spec.serializer)
        self._group_prefix = f"{spec.prefix}__group__"
        self._shards = PerProcess(self._open)

    def close(self) -> None:
        for shard in self._shards.reset() or ():
            shard.close()

    def _open(self) -> list[RedisShard]:
        return [RedisShard(host) for host in self.spec.hosts]

    def _group_send(self, group: str, message: dict[str, Any]) -> None:
        self._publish(self._group_prefix + group, message)

    def _send(self, channel: str, message: dict[str, Any]) -> None:
        self._publish(channel, message)

    def _publish(self, name: str, message: dict[str, Any]) -> None:
        body = self._encode(message)
        target = name.encode()
        shards = self._shards.get()
        shards[shard_of(target, len(shards))].publish(target, body)

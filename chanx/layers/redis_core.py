"""Publishing to channels_redis' core layer on one host: one synchronous script call, no event loop in between."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

from chanx.errors import PublisherError
from chanx.layers.batch import Parcel
from chanx.layers.failures import Kind, PublishFailure
from chanx.layers.publisher import Publisher, failure_of
from chanx.layers.redis_connection import RedisShard
from chanx.layers.spec import LayerSpec
from chanx.layers.wire import RECEIVERS_KEY, around_receivers, command, encoder_for
from chanx.utils.extras import need
from chanx.utils.process import PerProcess

_CLUSTER = (
    " (channels_redis' core layer cannot work on Redis Cluster: use its pub/sub layer, or a server without cluster)"
)


class RedisCorePublisher(Publisher):
    """Writes what a ``RedisChannelLayer`` of the same ``spec`` would, in one round trip.

    Works on every Celery pool. Messages of one process arrive in their order; those of several are sorted by their
    senders' clocks. A server process whose queue is full does not get the message, which is counted in
    ``over_capacity``; all connections of that process share the queue.
    """

    def __init__(self, spec: LayerSpec) -> None:
        super().__init__()
        need("redis", extra="redis")
        self.spec = spec
        self.max_event_bytes = spec.max_event_bytes
        self._encode_body = encoder_for(spec.serializer)
        self._send_script, self._group_send_script = _Script("send"), _Script("group_send")
        self._shard = PerProcess(lambda: RedisShard(spec.hosts[0]))
        self._last_score = 0.0

    def close(self) -> None:
        shard = self._shard.reset()
        if shard is not None:
            shard.close()

    def _encode(self, kind: Kind, name: str, message: dict[str, Any]) -> tuple[tuple[_Script, list[bytes]], int]:
        if RECEIVERS_KEY in message:
            raise PublisherError(f"The key {RECEIVERS_KEY!r} is the core layer's own: call it something else.")
        spec, now = self.spec, self._score()
        expiry = int(spec.expiry)
        timing = [repr(now).encode(), b"%d" % (int(now) - expiry), b"%d" % expiry, b"%d" % spec.capacity]
        if kind == "group":
            body = self._encode_body(message)
            front, tail = around_receivers(spec.serializer, body, len(message))
            expired_join = b"%d" % (int(now) - int(spec.group_expiry))
            key = f"{spec.prefix}:group:{name}".encode()
            parts = [expired_join, spec.prefix.encode(), spec.serializer.encode(), self._unique() + front, tail]
            return (self._group_send_script, [key, *parts, *timing]), len(body)
        process, bang, _ = name.partition("!")
        body = self._encode_body({**message, RECEIVERS_KEY: name} if bang else message)
        key = f"{spec.prefix}{process}{bang}".encode()
        return (self._send_script, [key, self._unique() + body, *timing]), len(body)

    def _deliver(self, parcels: Sequence[Parcel]) -> Iterable[PublishFailure]:
        loaded: set[_Script] = set()
        commands: list[bytes] = []
        for parcel in parcels:
            script, arguments = parcel.content
            # By its text once, which also loads it, so that a restart of the server needs no special case.
            commands.append(script.call(arguments, by_digest=script in loaded))
            loaded.add(script)
        answers = self._shard.get().exchange(commands)
        outcomes = map(self._failure, parcels, answers)
        return [failure for failure in outcomes if failure is not None]

    def _failure(self, parcel: Parcel, answer: Any) -> PublishFailure | None:
        if isinstance(answer, Exception):
            text = str(answer)
            is_cluster = "CROSSSLOT" in text or "non local key" in text or "MOVED" in text
            return failure_of(parcel, text + _CLUSTER if is_cluster else text)
        processes, full = answer
        if not full:
            return None
        if parcel.kind == "channel":
            return failure_of(parcel, f"the queue of its process is full ({self.spec.capacity} messages)")
        reason = f"{full} of {processes} server processes have a full queue ({self.spec.capacity} messages)"
        return failure_of(parcel, reason, over_capacity=full)

    def _score(self) -> float:
        # Later than the one before, because the layer sorts by it and equal ones at random. (Two threads that race
        # have no order anyway.)
        self._last_score = max(time.time(), self._last_score + 1e-6)
        return self._last_score

    def _unique(self) -> bytes:
        # The queues are sets, in which two equal messages would be one.
        length = self.spec.random_prefix_length
        return random.getrandbits(8 * length).to_bytes(length, "big") if length else b""


class _Script:
    def __init__(self, name: str) -> None:
        text = resources.files("chanx.layers").joinpath("scripts", f"{name}.lua").read_bytes()
        self._by_text = (b"EVAL", text, b"1")
        self._by_digest = (b"EVALSHA", hashlib.sha1(text, usedforsecurity=False).hexdigest().encode(), b"1")

    def call(self, arguments: Sequence[bytes], *, by_digest: bool) -> bytes:
        """The command that runs it with one key and the other arguments."""
        return command(*(self._by_digest if by_digest else self._by_text), *arguments)

"""The combinations of broker and Celery that a test can run on, as marks."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.celery_nodes.versions import NEWEST, OLDEST, CeleryVersion


@dataclass(frozen=True, slots=True)
class Stack:
    broker: str
    celery: CeleryVersion
    database: str = ""
    """The number of the broker's Redis database."""
    pool: str = "prefork"
    backend: str = "redis"

    def __str__(self) -> str:
        name = f"{self.broker}-{self.celery.name}"
        if self.pool != "prefork":
            name += f"-{self.pool}"
        return name if self.backend == "redis" else f"{name}-{self.backend}"


_REDIS = [Stack("redis", OLDEST, "2"), Stack("redis", NEWEST, "3")]
_RABBITMQ = Stack("rabbitmq", NEWEST)


def _on(stacks: list[Stack]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stack", stacks, indirect=True, ids=str, scope="session")


on_redis = _on(_REDIS)
on_newest = _on(_REDIS[1:])
on_both_brokers = _on([*_REDIS, _RABBITMQ])
on_rabbitmq = _on([_RABBITMQ])
on_other_pools = _on(
    [
        Stack("redis", NEWEST, "4", "threads"),
        Stack("redis", NEWEST, "5", "solo"),
        Stack("redis", NEWEST, "6", "gevent"),
        Stack("redis", NEWEST, "7", "eventlet"),
    ]
)
on_pools_of_one_process = _on([Stack("redis", NEWEST, "5", "solo"), Stack("redis", NEWEST, "6", "gevent")])
on_a_backend_without_native_chords = _on([Stack("redis", NEWEST, "8", backend="file")])

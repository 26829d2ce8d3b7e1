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

    def __str__(self) -> str:
        name = f"{self.broker}-{self.celery.name}"
        return name if self.pool == "prefork" else f"{name}-{self.pool}"


_REDIS = [Stack("redis", OLDEST, "2"), Stack("redis", NEWEST, "3")]


def _on(stacks: list[Stack]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stack", stacks, indirect=True, ids=str, scope="session")


on_redis = _on(_REDIS)
on_both_brokers = _on([*_REDIS, Stack("rabbitmq", NEWEST)])
on_other_pools = _on(
    [
        Stack("redis", NEWEST, "4", "threads"),
        Stack("redis", NEWEST, "5", "solo"),
        Stack("redis", NEWEST, "6", "gevent"),
        Stack("redis", NEWEST, "7", "eventlet"),
    ]
)

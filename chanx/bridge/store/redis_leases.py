"""Leases and deadlines on Redis.

{prefix}:workers        hash    worker -> the number of its newest renewal
{prefix}:held:<worker>  hash    publish id -> execution
{prefix}:deadlines      zset    deadline by its time
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import fields
from typing import Final

from chanx.bridge.entry import Deadline, Execution, NewEntry
from chanx.bridge.store.redis_client import RedisClient
from chanx.bridge.store.redis_lines import Request, request

_EVERYBODY: Final = b""
"""The field of the workers' hash that counts all renewals."""

_MEMBERS: Final = tuple(member.name for member in fields(Execution))
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


class RedisLeases:
    """What a worker holds is a hash of its own, forgotten with its lease, or when nobody has renewed that for long."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._workers = client.key("workers")

    def renew(self, worker: str) -> None:
        self._client.ask(self._client.scripts.renew([self._workers], [worker]), self._keep(worker))

    def numbers(self) -> dict[str, int]:
        (flat,) = self._client.ask(request("HGETALL", self._workers))
        found: dict[bytes, bytes] = dict(zip(flat[::2], flat[1::2], strict=True))
        return {worker.decode(): int(number) for worker, number in found.items() if worker != _EVERYBODY}

    def drop(self, worker: str) -> None:
        self._client.ask(request("DEL", self._held(worker)), request("HDEL", self._workers, worker))

    def hold(self, worker: str, executions: Sequence[Execution]) -> None:
        self._client.ask(*(self._put(worker, execution) for execution in executions), self._keep(worker))

    def held(self, worker: str) -> list[Execution]:
        (found,) = self._client.ask(request("HVALS", self._held(worker)))
        return [Execution(**json.loads(execution)) for execution in found]

    def release(self, worker: str, publish_ids: Collection[str], *, run_id: str | None) -> None:
        if not publish_ids:
            return
        if run_id is None:
            self._client.ask(request("HDEL", self._held(worker), *publish_ids))
        else:
            self._client.ask(self._client.scripts.release([self._held(worker)], [run_id, *publish_ids]))

    def before(self, entry: NewEntry) -> tuple[Request, ...]:
        """What comes before an append: a claim's execution is in the worker's care from then on."""
        execution = entry.execution
        if entry.worker and entry.claims and execution and execution.publish_id:
            return self._put(entry.worker, execution), self._keep(entry.worker)
        return ()

    def after(self, entry: NewEntry) -> tuple[Request, ...]:
        """What comes after an append: the end of the job is out of the worker's hands."""
        if entry.worker and entry.ending and entry.state and entry.state.is_terminal:
            held = self._held(entry.worker)
            return (self._client.scripts.release([held], [entry.run_id, entry.ending.publish_id]),)
        return ()

    def _put(self, worker: str, execution: Execution) -> Request:
        # What no run has begun does not replace what one has.
        name = "HSET" if execution.run_id else "HSETNX"
        return request(name, self._held(worker), execution.publish_id, _json(execution))

    def _keep(self, worker: str) -> Request:
        return request("EXPIRE", self._held(worker), self._client.retention.active_seconds)

    def _held(self, worker: str) -> str:
        return self._client.key(f"held:{worker}")


class RedisDeadlines:
    """Deadlines by their time on the server's clock."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._key = client.key("deadlines")

    def set(self, deadline: Deadline, *, seconds: float) -> None:
        self._client.ask(self._client.scripts.set_deadline([self._key], [_json(deadline), seconds]))

    def due(self, *, limit: int) -> list[Deadline]:
        (members,) = self._client.ask(self._client.scripts.due_deadlines([self._key], [limit]))
        found = [json.loads(member) for member in members]
        return [Deadline(due["kind"], Execution(**due["execution"])) for due in found]

    def clear(self, deadline: Deadline) -> None:
        self._client.ask(request("ZREM", self._key, _json(deadline)))


def _json(value: Execution | Deadline) -> str:
    # Not by dataclasses.asdict, which takes four times as long: every start of a task comes here.
    if isinstance(value, Execution):
        return _encode({name: getattr(value, name) for name in _MEMBERS})
    return _encode({"kind": value.kind, "execution": {name: getattr(value.execution, name) for name in _MEMBERS}})

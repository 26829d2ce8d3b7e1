"""The workers that live, what each of them holds, and what is due at a certain time, in the database."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Final

from chanx.bridge.contrib.connections import Statement, digest_of
from chanx.bridge.contrib.database import Database
from chanx.bridge.entry import Deadline, Execution, NewEntry
from chanx.bridge.store.base import Deadlines, Leases

# Begins with the time, so that a worker that comes back after it was dropped has a number of its own.
_RENEW: Final = (
    "INSERT INTO chanx_jobs_lease (worker, renewal) VALUES (%s, CAST(NOW() * 1000 AS bigint))"
    " ON CONFLICT (worker) DO UPDATE SET renewal = chanx_jobs_lease.renewal + 1"
)
# What no run has begun yet does not replace what one has.
_HOLD: Final = (
    "INSERT INTO chanx_jobs_held (worker, publish_id, run_id, execution) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (worker, publish_id) DO UPDATE SET run_id = excluded.run_id, execution = excluded.execution"
    " WHERE excluded.run_id <> ''"
)
_SET: Final = (
    "INSERT INTO chanx_jobs_deadline (digest, deadline, due_at) VALUES (%s, %s, NOW() + %s)"
    " ON CONFLICT (digest) DO NOTHING"
)
_DUE: Final = "SELECT deadline FROM chanx_jobs_deadline WHERE due_at <= NOW() ORDER BY due_at, digest LIMIT %s"


class DatabaseLeases(Leases, Deadlines):
    """Leases and deadlines in a database."""

    _database: Database

    def renew_lease(self, worker: str) -> None:
        self._database.ask((_RENEW, (worker,)))

    def leases(self) -> dict[str, int]:
        (rows,) = self._database.ask(("SELECT worker, renewal FROM chanx_jobs_lease", ()))
        return dict(rows)

    def drop_lease(self, worker: str) -> None:
        with self._database.transaction() as transaction:
            transaction.ask(
                ("DELETE FROM chanx_jobs_lease WHERE worker = %s", (worker,)),
                ("DELETE FROM chanx_jobs_held WHERE worker = %s", (worker,)),
            )

    def hold(self, worker: str, executions: Sequence[Execution]) -> None:
        if executions:
            with self._database.transaction() as transaction:
                transaction.ask(*holds(worker, executions))

    def held(self, worker: str) -> list[Execution]:
        (rows,) = self._database.ask(("SELECT execution FROM chanx_jobs_held WHERE worker = %s ORDER BY id", (worker,)))
        return [Execution(**json.loads(execution)) for (execution,) in rows]

    def release(self, worker: str, publish_ids: Collection[str], *, run_id: str | None = None) -> None:
        if publish_ids:
            self._database.ask(_release(worker, publish_ids, run_id))

    def set_deadline(self, deadline: Deadline, *, seconds: float) -> None:
        text = json.dumps(asdict(deadline))
        self._database.ask((_SET, (digest_of(text), text, seconds)))

    def due_deadlines(self, *, limit: int = 100) -> list[Deadline]:
        (rows,) = self._database.ask((_DUE, (limit,)))
        found = [json.loads(deadline) for (deadline,) in rows]
        return [Deadline(due["kind"], Execution(**due["execution"])) for due in found]

    def clear_deadline(self, deadline: Deadline) -> None:
        digest = digest_of(json.dumps(asdict(deadline)))
        self._database.ask(("DELETE FROM chanx_jobs_deadline WHERE digest = %s", (digest,)))


def care_before(entry: NewEntry) -> list[Statement]:
    """What an append does first: a worker whose run claims its task has the execution in its care from then on."""
    if entry.worker and entry.claims and entry.execution and entry.execution.publish_id:
        return holds(entry.worker, [entry.execution])
    return []


def care_after(entry: NewEntry) -> list[Statement]:
    """What an append does last: the end of the job is out of the worker's hands."""
    if entry.worker and entry.ending and entry.state and entry.state.is_terminal:
        return [_release(entry.worker, [entry.ending.publish_id], entry.run_id)]
    return []


def holds(worker: str, executions: Iterable[Execution]) -> list[Statement]:
    """In one order for everybody, as each locks its row."""
    return [
        (_HOLD, (worker, execution.publish_id, execution.run_id, json.dumps(asdict(execution))))
        for execution in sorted(executions, key=lambda execution: execution.publish_id)
    ]


def _release(worker: str, publish_ids: Collection[str], run_id: str | None) -> Statement:
    wanted = ", ".join(["%s"] * len(publish_ids))
    sql = f"DELETE FROM chanx_jobs_held WHERE worker = %s AND publish_id IN ({wanted})"
    if run_id is None:
        return sql, (worker, *publish_ids)
    return f"{sql} AND run_id = %s", (worker, *publish_ids, run_id)

"""The Lua scripts of the Redis job store, and what their answers mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from chanx.bridge.entry import Appended, AppendStatus, JobOutcome
from chanx.bridge.snapshot import JobSnapshot, decoded_fields
from chanx.bridge.states import JobState
from chanx.bridge.store.base import MAX_RESULT_BYTES, Retention
from chanx.bridge.store.redis_lines import Lines, LineScript

if TYPE_CHECKING:
    from redis.commands.core import Script

_SHARED = ("epoch", "fields", "executions")


class Scripts:
    """The scripts of the store, bound to one process's client. Its bounds are constants in them."""

    def __init__(self, client: Any, lines: Lines, retention: Retention) -> None:
        self.client = client  # Any: redis-py types its synchronous and asynchronous answers as one
        self.lines = lines
        self._constants = (
            f"local MAX_ENTRIES, MAX_RESULT_BYTES = {retention.max_entries:d}, {MAX_RESULT_BYTES:d}\n"
            f"local ACTIVE_SECONDS, ENDED_SECONDS = {retention.active_seconds:d}, {retention.ended_seconds:d}\n"
        )
        self.create = self._script("create")
        self.use_key = self._script("use_key")
        self.append = LineScript(lines, self._text("append"))
        self.read = self._script("read")
        self.snapshot = self._script("snapshot")
        self.head = self._script("head")
        self.cancel = self._script("cancel")
        self.add_pending = self._script("add_pending")
        self.drop_pending = self._script("drop_pending")
        self.outcome = self._script("outcome")
        self.suspect = self._script("suspect")
        self.suspects = self._script("suspects")

    def _script(self, name: str) -> Script:
        script: Script = self.client.register_script(self._text(name))
        return script

    def _text(self, name: str) -> str:
        return self._constants + "".join(map(_source, (*_SHARED, name)))


@cache
def _source(name: str) -> str:
    return resources.files("chanx.bridge.store").joinpath("scripts", f"{name}.lua").read_text()


def appended_of(answer: Any) -> Appended:
    """What ``append.lua`` says."""
    status, seq, rev, epoch, cancelled, complete, event, announced = answer
    return Appended(
        AppendStatus(status.decode()),
        seq,
        rev,
        epoch.decode(),
        bool(cancelled),
        bool(complete),
        event.decode() if event else None,
        bool(announced),
    )


def snapshot_of(answer: Any) -> JobSnapshot | None:
    """What ``snapshot.lua`` says."""
    if answer is None:
        return None
    oldest, flat = answer
    values = _decoded(flat)
    record: Mapping[str, Any] = json.loads(values["record"])
    return JobSnapshot(
        **record,
        state=JobState(values["state"]),
        attempt=int(values["attempt"]),
        cancel_requested="cancel" in values,
        epoch=values["epoch"],
        seq=int(values["seq"]),
        oldest=oldest,
        rev=int(values["rev"]),
        fields=decoded_fields(_below("f:", values)),
    )


def outcome_of(answer: Any) -> JobOutcome | None:
    """What ``outcome.lua`` says."""
    if answer is None:
        return None
    cancelled, flat = answer
    values = _decoded(flat)
    places = {task_id: int(place) for task_id, place in _below("task:", values).items() if place != "0"}
    results = _below("result:", values)
    return JobOutcome(
        {task_id: results[task_id] or None for task_id in sorted(places, key=places.__getitem__) if task_id in results},
        len(places) - len(results),
        values.get("failure"),
        values.get("cancellation"),
        bool(cancelled),
    )


def _decoded(flat: list[bytes]) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in zip(flat[::2], flat[1::2], strict=True)}


def _below(prefix: str, values: Mapping[str, str]) -> dict[str, str]:
    return {name[len(prefix) :]: value for name, value in values.items() if name.startswith(prefix)}

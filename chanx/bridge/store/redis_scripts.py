"""The Lua scripts of the Redis job store, and what their answers mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from chanx.bridge.entry import Appended, AppendStatus, Head, JobOutcome
from chanx.bridge.snapshot import JobSnapshot, decoded_fields
from chanx.bridge.states import JobState
from chanx.bridge.store.base import MAX_RESULT_BYTES, PAGE_BYTES, Retention
from chanx.bridge.store.redis_lines import LineScript

CLAIMED = "*"
"""Stands for the publisher of an execution that a run has claimed."""


class Scripts:
    """The scripts of the store. Its bounds are constants in them."""

    def __init__(self, retention: Retention) -> None:
        self._constants = (
            f"local MAX_ENTRIES, MAX_BYTES = {retention.max_entries:d}, {retention.max_bytes:d}\n"
            f"local PAGE_BYTES, MAX_RESULT_BYTES = {PAGE_BYTES:d}, {MAX_RESULT_BYTES:d}\n"
            f"local ACTIVE_SECONDS, ENDED_SECONDS = {retention.active_seconds:d}, {retention.ended_seconds:d}\n"
        )
        self.create = self._script("create", "fields")
        self.append = self._script("append", "epoch", "fields", "executions", "retention")
        self.read = self._script("read", "epoch")
        self.snapshot = self._script("snapshot", "epoch")
        self.head = self._script("head", "epoch")
        self.delete = self._script("delete")
        self.add_pending = self._script("add_pending")
        self.drop_pending = self._script("drop_pending")
        self.outcome = self._script("outcome")
        self.cancel = self._script("cancel")
        self.use_key = self._script("use_key")
        self.forget_key = self._script("forget_key")
        self.list = self._script("list")
        self.enlist = self._script("enlist")
        self.renew = self._script("renew")
        self.release = self._script("release")
        self.set_deadline = self._script("set_deadline")
        self.due_deadlines = self._script("due_deadlines")

    def _script(self, name: str, *shared: str) -> LineScript:
        return LineScript(self._constants + "".join(map(_source, (*shared, name))))


@cache
def _source(name: str) -> str:
    return resources.files("chanx.bridge.store").joinpath("scripts", f"{name}.lua").read_text()


def appended_of(answer: Any) -> Appended:
    """What ``append.lua`` says."""
    status, seq, rev, epoch, cancelled, complete, event, announced, lists = answer
    return Appended(
        AppendStatus(status.decode()),
        seq,
        rev,
        epoch.decode(),
        bool(cancelled),
        bool(complete),
        event.decode() if event else None,
        bool(announced),
        tuple(json.loads(lists)) if lists else (),
    )


def head_of(answer: Any) -> Head | None:
    """What ``head.lua`` says."""
    if answer is None:
        return None
    epoch, seq, rev, complete, ended = answer
    return Head(epoch.decode(), seq, rev, bool(complete), bool(ended))


def snapshot_of(answer: Any) -> JobSnapshot | None:
    """What ``snapshot.lua`` says."""
    if answer is None:
        return None
    values = _decoded(answer)
    record: Mapping[str, Any] = json.loads(values["record"])
    return JobSnapshot(
        **record,
        state=JobState(values["state"]),
        attempt=int(values["attempt"]),
        cancel_requested="cancel" in values,
        cancel_reason=values.get("reason"),
        epoch=values["epoch"],
        seq=int(values["seq"]),
        oldest=int(values["oldest"]),
        rev=int(values["rev"]),
        fields=decoded_fields(_below("f:", values)),
        latest={action: int(rev) for action, rev in _below("l:", values).items()},
    )


def outcome_of(answer: Any) -> JobOutcome | None:
    """What ``outcome.lua`` says."""
    if answer is None:
        return None
    cancelled, reason, flat = answer
    values = _decoded(flat)
    places = {task_id: int(place) for task_id, place in _below("task:", values).items() if place != "0"}
    results = _below("result:", values)
    return JobOutcome(
        {task_id: results[task_id] or None for task_id in sorted(places, key=places.__getitem__) if task_id in results},
        len(places) - len(results),
        values.get("failure"),
        values.get("cancellation"),
        bool(cancelled),
        reason.decode() if reason else None,
    )


def _decoded(flat: list[bytes]) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in zip(flat[::2], flat[1::2], strict=True)}


def _below(prefix: str, values: Mapping[str, str]) -> dict[str, str]:
    return {name[len(prefix) :]: value for name, value in values.items() if name.startswith(prefix)}

"""The Lua scripts of the Redis job store, and what their answers mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from chanx.bridge.entry import Appended, AppendStatus, Head, JobOutcome, NewEntry
from chanx.bridge.names import LIVE_EVENT_TYPE, job_group, job_topic
from chanx.bridge.snapshot import JobSnapshot, decoded_fields
from chanx.bridge.states import JobState
from chanx.bridge.store.base import MAX_RESULT_BYTES, PAGE_BYTES, Retention
from chanx.bridge.store.redis_lines import LineScript

_STATUSES = {status.value.encode(): status for status in AppendStatus}

_ALWAYS = {"rank", "value"}
"""Terms that are sent even where they are 0 or empty."""

CLAIMED = "*"
"""Stands for the publisher of an execution that a run has claimed."""


class Scripts:
    """The scripts of the store. Its bounds are constants in them."""

    def __init__(self, retention: Retention) -> None:
        self._constants = (
            f"local MAX_ENTRIES, MAX_BYTES = {retention.max_entries:d}, {retention.max_bytes:d}\n"
            f"local PAGE_BYTES, MAX_RESULT_BYTES = {PAGE_BYTES:d}, {MAX_RESULT_BYTES:d}\n"
            f"local ACTIVE_SECONDS, ENDED_SECONDS = {retention.active_seconds:d}, {retention.ended_seconds:d}\n"
            f"local MESSAGE_TYPE = '{LIVE_EVENT_TYPE}'\n"
            f"local JOB_TOPIC, JOB_GROUP = '{job_topic('')}', '{job_group('')}'\n"
        )
        self.create = self._script("create", "fields")
        self.append = LineScript(self._appending("local publish\n"))
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

    def announcing_append(self, prefix: str, serializer: str) -> LineScript:
        """The append that publishes too, on the pub/sub layer that has this prefix and serializer."""
        channels = "".join(f"\\{byte:03d}" for byte in f"{prefix}__group__".encode())
        constants = f"local CHANNELS, SERIALIZER = '{channels}', '{serializer}'\n"
        return LineScript(self._appending(constants + _source("publish")))

    def _appending(self, publish: str) -> str:
        return publish + self._text("append", "epoch", "fields", "executions", "retention")

    def _script(self, name: str, *shared: str) -> LineScript:
        return LineScript(self._text(name, *shared))

    def _text(self, name: str, *shared: str) -> str:
        return self._constants + "".join(map(_source, (*shared, name)))


@cache
def _source(name: str) -> str:
    return resources.files("chanx.bridge.store").joinpath("scripts", f"{name}.lua").read_text()


def terms_of(entry: NewEntry) -> str:
    """What only some entries have, as ``append.lua`` reads it; empty for most."""
    state, ending = entry.state, entry.ending
    conditions = entry.claims or entry.only_if_queued or entry.only_if_complete or entry.in_place_of
    if not (state or ending or conditions or entry.trace):
        return ""
    terms: dict[str, object] = {
        "only_if_queued": entry.only_if_queued,
        "only_if_complete": entry.only_if_complete,
        "claims": entry.claims,
        "claimed": entry.execution and entry.execution.publish_id,
        "given_back": entry.gives_back,
        "in_place_of": entry.in_place_of,
        "trace": entry.trace,
    }
    if state:
        terms |= {"state": state, "rank": state.rank, "terminal": state.is_terminal}
    if ending:
        terms |= {"publish_id": ending.publish_id, "outcome": ending.outcome, "value": ending.value}
    return json.dumps({name: term for name, term in terms.items() if term or name in _ALWAYS}, ensure_ascii=False)


def appended_of(answer: Any) -> Appended:
    """What ``append.lua`` says."""
    status, seq, rev, epoch, flags, *rest = answer
    event, lists = rest or (b"", b"")
    return Appended(
        _STATUSES[status],
        seq,
        rev,
        epoch.decode(),
        cancelled=bool(flags & 1),
        complete=bool(flags & 2),
        event=event.decode() if event else None,
        announced=bool(flags & 4),
        list_groups=tuple(json.loads(lists)) if lists else (),
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

"""A job as its last snapshot and the events since then tell it. No I/O."""

from __future__ import annotations

from typing import Any

from .job_states import CONNECTING, REFUSED, STATE_AFTER, is_newer


class JobFold:
    """``state`` is that of the job, ``connecting`` before anything is known, or ``refused``."""

    def __init__(self) -> None:
        self._snapshot: dict[str, Any] | None = None
        self.state = CONNECTING
        self.attempt = 1
        self.cancel_requested = False
        self.cancel_reason: str | None = None
        self.fields: dict[str, Any] = {}
        self._seq = 0
        self._rev = 0

    def take(self, snapshot: dict[str, Any]) -> None:
        """Takes a snapshot, which counts more than anything before it."""
        self._snapshot = snapshot
        self.state = snapshot["state"]
        self.attempt = snapshot["attempt"]
        self.cancel_requested = snapshot["cancel_requested"]
        self.cancel_reason = snapshot.get("cancel_reason")
        self.fields = dict(snapshot["fields"])
        self._seq = snapshot["seq"]
        self._rev = snapshot["rev"]

    def event(self, event: dict[str, Any]) -> None:
        """Takes a numbered event that the snapshot does not know yet."""
        action, time = event["action"], event.get("time")
        payload: dict[str, Any] = event.get("payload") or {}
        self._seq = event["seq"]
        state = STATE_AFTER.get(action)
        if state is not None:
            self._follow(state, event.get("attempt") or self.attempt)
        if action == "job_started":  # the bar begins anew
            self.fields.update(started_at=time, job_progress=None)
        elif action == "job_succeeded":
            self.fields.update({"ended_at": time, "result_omitted": False, **payload})
        elif action == "job_failed":
            self.fields.update(ended_at=time, error=payload.get("error"))
        elif action in {"job_cancelled", "job_cancel_requested"}:
            self._cancelled(payload, time if action == "job_cancelled" else None)

    def latest(self, event: dict[str, Any]) -> None:
        """Takes the newest value of an event of which only the newest counts."""
        self.fields[event["action"]] = event.get("payload")
        self._rev = event["rev"]

    @property
    def snapshot(self) -> dict[str, Any] | None:
        """The snapshot as it would be read now, or None before the first one."""
        if self._snapshot is None:
            return None
        return {
            **self._snapshot,
            "state": self._snapshot["state"] if self.state == REFUSED else self.state,
            "attempt": self.attempt,
            "cancel_requested": self.cancel_requested,
            "cancel_reason": self.cancel_reason,
            "fields": dict(self.fields),
            "seq": self._seq,
            "rev": self._rev,
        }

    def _follow(self, state: str, attempt: int) -> None:
        if is_newer(state, attempt, than=self.state, than_attempt=self.attempt):
            self.state, self.attempt = state, attempt

    def _cancelled(self, payload: dict[str, Any], ended_at: Any) -> None:
        if ended_at is None:
            self.cancel_requested = True
        else:
            self.fields["ended_at"] = ended_at
        if self.cancel_reason is None:
            self.cancel_reason = payload.get("reason")

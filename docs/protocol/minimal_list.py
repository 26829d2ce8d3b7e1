"""Somebody's jobs, as they come, change and go; nothing of chanx, only the protocol."""

import itertools
from datetime import datetime
from typing import Any

Frame = dict[str, Any]


class JobListView:
    """What a client knows of a list. No I/O: it takes frames, and says what to send."""

    def __init__(self, owner: str = "me", limit: int = 50) -> None:
        self.topic = f"jobs:{owner}"
        self.limit = limit  # of a page
        self.has_more = False
        self._jobs: dict[str, Frame] = {}
        self._refs = itertools.count(1)
        self._asked: dict[str, bool] = {}  # `ref` of a `subscribe` -> whether it begins the list anew

    @property
    def jobs(self) -> list[Frame]:
        """Newest first."""
        return sorted(self._jobs.values(), key=_created, reverse=True)

    def connected(self) -> Frame:
        """What to send on a new connection: the list begins anew."""
        self._asked.clear()
        return self._subscribe({}, begins=True)

    def more(self) -> Frame:
        """What to send for the next older jobs."""
        oldest = self.jobs[-1]
        return self._subscribe({"before": oldest["created_at"], "before_id": oldest["job_id"]}, begins=False)

    def take(self, frame: Frame) -> None:
        """Take a frame of the server."""
        if frame.get("topic") != self.topic:
            return
        action, payload = frame["action"], frame["payload"]
        if action == "subscribed" and frame.get("ref") in self._asked:
            if self._asked.pop(frame["ref"]):
                self._jobs.clear()
            self.has_more = payload["more"]
            for job in payload["jobs"]:
                self._take_job(job)
        elif action == "job_changed":
            self._take_job(payload["job"])
        elif action == "job_removed":
            self._jobs.pop(payload["job_id"], None)

    def _take_job(self, job: Frame) -> None:
        known = self._jobs.get(job["job_id"])
        is_older = known is not None and known["epoch"] == job["epoch"] and _place(job) < _place(known)
        if not is_older:
            self._jobs[job["job_id"]] = job

    def _subscribe(self, payload: Frame, *, begins: bool) -> Frame:
        ref = str(next(self._refs))
        self._asked[ref] = begins
        return {"topic": self.topic, "ref": ref, "action": "subscribe", "payload": {**payload, "limit": self.limit}}


def _created(job: Frame) -> tuple[datetime, str]:
    return datetime.fromisoformat(job["created_at"]), job["job_id"]


def _place(job: Frame) -> tuple[int, int]:
    return job["seq"], job["rev"]

"""What travels with every task of a job: which job it belongs to, and whose it is.

start_job -> Celery header "chanx" -> request.headers -> before_task_publish -> every task published from there
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HEADER = "chanx"


@dataclass(frozen=True, slots=True)
class JobContext:
    """The identity of a job inside a Celery message. ``root_task_id`` is the task whose end is the job's end."""

    job_id: str
    owner: str
    root_task_id: str
    parent_job: str | None = None

    def to_header(self) -> dict[str, str | None]:
        """A JSON-safe mapping, whatever serialiser the task message uses."""
        return {
            "job_id": self.job_id,
            "owner": self.owner,
            "root_task_id": self.root_task_id,
            "parent_job": self.parent_job,
        }

    @classmethod
    def from_headers(cls, headers: Mapping[str, Any] | None) -> JobContext | None:
        """The context in a task's headers; None where there is none, or one that another version cannot read."""
        value: Any = headers.get(HEADER) if headers else None
        try:
            return cls(
                job_id=value["job_id"],
                owner=value["owner"],
                root_task_id=value["root_task_id"],
                parent_job=value.get("parent_job"),
            )
        except (KeyError, TypeError, AttributeError):
            return None

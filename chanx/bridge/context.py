"""What travels with every task of a job: which job it belongs to, and whose it is.

start_job -> before_task_publish -> Celery header "chanx" -> request.headers -> before_task_publish -> ...
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from chanx.telemetry import OBSERVERS, carrier, carrier_in

HEADER = "chanx"


@dataclass(frozen=True, slots=True)
class JobContext:
    """The identity of a job inside a Celery message.

    ``root_task_id`` is the task whose result is the job's. With ``canvas`` the job consists of several tasks, and ends
    with the last of them; else it has one, the root, beside what that publishes. ``groups`` and ``reply_channel`` are
    names on the channel layer. ``publish_id`` is of the one message that the context was read from: the execution that
    the job waits for; empty where it does not wait. ``begun``: the message was published by a task of the job.

    ``trace`` is where the message comes from, as observers have it (``traceparent``), ``published_at`` (Unix time) when
    it was published; None where nobody observes.
    """

    job_id: str
    owner: str
    root_task_id: str
    parent_job: str | None = None
    canvas: bool = False
    groups: tuple[str, ...] = ()
    reply_channel: str | None = None
    publish_id: str = ""
    begun: bool = False
    trace: Mapping[str, str] | None = field(default=None, hash=False)
    published_at: float | None = None

    def published_as(self, publish_id: str) -> JobContext:
        """The same context for another message, which is published now."""
        published_at = time.time() if OBSERVERS else None
        return replace(self, publish_id=publish_id, trace=carrier() or self.trace, published_at=published_at)

    def is_root(self, task_id: str) -> bool:
        """Whether the task reports as the job itself; never in a canvas."""
        return not self.canvas and self.root_task_id == task_id

    def to_header(self) -> dict[str, Any]:
        """A JSON-safe mapping, whatever serialiser the task message uses."""
        return {**asdict(self), "groups": list(self.groups)}

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
                canvas=bool(value.get("canvas")),
                groups=tuple(value.get("groups") or ()),
                reply_channel=value.get("reply_channel"),
                publish_id=value.get("publish_id") or "",
                begun=bool(value.get("begun")),
                trace=carrier_in(value.get("trace")),
                published_at=_time_in(value.get("published_at")),
            )
        except (KeyError, TypeError, AttributeError):
            return None


def _time_in(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, int | float) else None
    except OverflowError:
        return None

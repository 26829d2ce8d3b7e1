"""A job as it stands: who started what, its state, and the fields its events have patched in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from chanx.bridge.states import JobState


class JobRecord(BaseModel):
    """What is known of a job when it is started. ``name`` is the Celery task's; ``meta`` is the starter's own.

    ``watchers`` are owner strings of others who may watch (``project:7``), but not cancel. ``idempotency_key`` names
    what the owner wants done once. Both stay on the server side.
    """

    model_config = ConfigDict(frozen=True)

    job_id: str
    owner: str
    name: str
    task_id: str
    created_at: datetime
    meta: dict[str, Any] = Field(default_factory=dict)
    idempotency_key: str | None = None
    watchers: tuple[str, ...] = ()

    @property
    def listed_for(self) -> tuple[str, ...]:
        """The owner and the watchers, each once."""
        return tuple(dict.fromkeys([self.owner, *self.watchers]))


class JobSnapshot(BaseModel):
    """A job's state and position, read in one atomic step.

    ``seq`` is the newest numbered event, ``oldest`` the first one the log still has, ``rev`` the newest ``latest``
    event; ``latest`` has that of each ``latest`` action. ``fields`` holds what events patched in: ``result``,
    ``error``, ``job_progress``, … An ``epoch`` that differs from the one a client knows means that the log may have
    been rewound.
    """

    model_config = ConfigDict(frozen=True)

    job_id: str
    owner: str
    name: str
    meta: dict[str, Any]
    created_at: datetime
    state: JobState
    attempt: int
    cancel_requested: bool
    cancel_reason: str | None = None
    epoch: str
    seq: int
    oldest: int
    rev: int
    fields: dict[str, Any]
    task_id: str = Field(exclude=True)
    watchers: tuple[str, ...] = Field((), exclude=True)
    latest: dict[str, int] = Field(default_factory=dict, exclude=True)


def decoded_fields(fields: Mapping[str, str]) -> dict[str, Any]:
    """The snapshot's fields from their JSON texts.

    A text that Python does not read (an integer of more than 4,300 digits) is None: one value of one job must not hide
    an owner's whole list.
    """
    decoded: dict[str, Any] = {}
    for name, text in fields.items():
        try:
            decoded[name] = json.loads(text)
        except ValueError:
            decoded[name] = None
    return decoded

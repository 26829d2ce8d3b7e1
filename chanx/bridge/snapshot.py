"""A job as it stands: who started what, its state, and the fields its events have patched in."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, cast

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from chanx.bridge.events import ErrorPayload, ProgressPayload
from chanx.bridge.states import JobState
from chanx.utils.json_schema import SchemaOf

_ROUNDING: Final = 1e-9
"""0.29 * 100 is a little less than 29."""


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
    def place(self) -> tuple[datetime, str]:
        """Where it is on lists, which begin with the greatest."""
        return self.created_at, self.job_id

    @property
    def listed_for(self) -> tuple[str, ...]:
        """The owner and the watchers, each once."""
        return tuple(dict.fromkeys([self.owner, *self.watchers]))


class JobFields(TypedDict, total=False):
    """What the events of a job have set so far, each as the last of them left it; of the rest nothing is there.

    ``result`` is what the task returned; null where it is too long to keep, which ``result_omitted`` says.
    ``job_progress`` is the payload of the newest such event, and so is it with every other event of which only the
    newest counts: it is under its action.
    """

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc] # where Pydantic looks for it

    started_at: datetime | None
    ended_at: datetime | None
    result: Any
    result_omitted: bool
    error: ErrorPayload
    job_progress: ProgressPayload | None


class JobSnapshot(BaseModel):
    """A job as it stands: its state, and how far its log goes.

    ``seq`` is the newest numbered event, ``oldest`` the first one the log still has, ``rev`` the newest of the events
    of which only the last counts. ``fields`` holds what the events have set. An ``epoch`` that differs from the one a
    client knows means that the log may have been rewound.
    """

    # Read in one atomic step; `latest` has the `rev` of each `latest` action.
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
    fields: Annotated[dict[str, Any], SchemaOf(JobFields)]
    task_id: str = Field(exclude=True)
    watchers: tuple[str, ...] = Field((), exclude=True)
    latest: dict[str, int] = Field(default_factory=dict, exclude=True)

    @property
    def fraction(self) -> float | None:
        """How far the job is, 0 to 1, and 1 once it has succeeded; None where it is not known."""
        return fraction_of(self.state, self.fields)

    @property
    def place(self) -> tuple[datetime, str]:
        """Where it is on lists, which begin with the greatest."""
        return self.created_at, self.job_id


def fraction_of(state: JobState, fields: Mapping[str, Any]) -> float | None:
    """How far a job in that state and with these fields is, 0 to 1; None where it is not known."""
    if state is JobState.SUCCEEDED:
        return 1.0
    progress = fields.get("job_progress")
    fraction: Any = cast("dict[str, Any]", progress).get("fraction") if isinstance(progress, dict) else None
    # A project may write the field itself, with any value.
    if not isinstance(fraction, int | float) or isinstance(fraction, bool) or not -math.inf < fraction < math.inf:
        return None
    return float(min(max(fraction, 0), 1))


def percent(fraction: float | None) -> str:
    """``42 %``, which is 100 only of the whole; empty where it is not known."""
    return "" if fraction is None else f"{int(fraction * 100 + _ROUNDING)} %"


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

"""What a client says about a job beyond subscribing, and what it is answered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.states import JobState
from chanx.messages.base import BaseMessage


class JobPosition(BaseModel):
    """Up to where a client has seen the log: every event up to the number ``after``, in the log of that ``epoch``."""

    epoch: Annotated[str, Field(max_length=100)] | None = None
    after: Annotated[int, Field(ge=0)] = 0


class JobSubscribe(JobPosition):
    """What a client may say when it subscribes to a job: up to where it has the log, and a signed token.

    ``epoch`` and ``after`` are those of the last ``subscribed`` and the last event that it has dealt with: what comes
    after them is sent again. Without them the job is told from its beginning. ``token`` is for a client that is not the
    job's owner.
    """

    token: str | None = None


def reaches_back(job: JobSnapshot, position: JobPosition) -> bool:
    """Whether the log has everything after the client's position, in the same epoch."""
    is_from_the_start = position.after == 0
    return (is_from_the_start or position.epoch == job.epoch) and job.oldest - 1 <= position.after <= job.seq


class JobSubscribed(BaseModel):
    """The job as it stands, and where its log begins to be told: at the client's position if ``recovered``.

    With ``recovered`` false the client forgets what it had, and starts from ``snapshot`` and the events that follow.
    """

    epoch: str
    seq: int
    recovered: bool
    snapshot: JobSnapshot


class AckPayload(BaseModel):
    """``seq`` of the last event that the client has dealt with."""

    seq: Annotated[int, Field(ge=0)]


class JobAck(BaseMessage):
    """The client has dealt with every event up to ``seq``; it may be sent 500 beyond it, 100 if they are large."""

    action: Literal["ack"] = "ack"
    payload: AckPayload


class CancelPayload(BaseModel):
    """``reason`` is shown to those who watch the job."""

    reason: Annotated[str, Field(max_length=500)] | None = None


class JobCancel(BaseMessage):
    """The client asks to cancel the job."""

    action: Literal["cancel"] = "cancel"
    payload: CancelPayload | None = None


class CancelAcceptedPayload(BaseModel):
    """The job's state as the cancellation was taken down."""

    state: JobState


class JobCancelAccepted(BaseMessage):
    """The answer to ``cancel``: the state of the job now; a terminal one if it had ended already."""

    action: Literal["job_cancel_accepted"] = "job_cancel_accepted"
    payload: CancelAcceptedPayload

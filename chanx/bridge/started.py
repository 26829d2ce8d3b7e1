"""What ``start_job`` hands back."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from chanx.bridge.names import job_topic


class JobRef(BaseModel):
    """What a client needs to watch a job: send it in a message's payload, or put it into a page."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    topic: str


@dataclass(frozen=True, slots=True)
class StartedJob:
    """A job that is on its way. ``task_id`` is Celery's id of its task, or of its canvas's result."""

    job_id: str
    task_id: str

    @property
    def ref(self) -> JobRef:
        return JobRef(job_id=self.job_id, topic=job_topic(self.job_id))

"""What a client can ask of the site's WebSocket beside watching jobs, and what it is answered."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel

from chanx.bridge import JobRef
from chanx.messages.base import BaseMessage
from example_worker.commands import COMMANDS

CommandKey = StrEnum("CommandKey", list(COMMANDS))
CommandKey.__doc__ = "A command that the worker agrees to run."


class StartCommandPayload(BaseModel):
    command: CommandKey


class StartCommand(BaseMessage):
    """Runs one of the worker's commands."""

    action: Literal["start_command"] = "start_command"
    payload: StartCommandPayload


class RunAgainPayload(BaseModel):
    """``job_id`` of an earlier job."""

    job_id: str


class RunAgain(BaseMessage):
    """Starts what an earlier job was about anew: the same files, the same command."""

    action: Literal["run_again"] = "run_again"
    payload: RunAgainPayload


class JobAccepted(BaseMessage):
    """The job exists: subscribe to its topic."""

    action: Literal["job_accepted"] = "job_accepted"
    payload: JobRef


class RefusalPayload(BaseModel):
    """``detail`` is a text to show."""

    detail: str


class JobNotStarted(BaseMessage):
    """There is no job, for a reason that can be shown."""

    action: Literal["job_not_started"] = "job_not_started"
    payload: RefusalPayload

"""Messages chanx sends by itself: answers, errors, the result of authentication, and the ends of processing."""

from typing import Any, Literal

from pydantic import BaseModel

from chanx.messages.base import BaseMessage


class PongMessage(BaseMessage):
    """The answer to a ping."""

    action: Literal["pong"] = "pong"
    payload: None = None


class ErrorMessage(BaseMessage):
    """What went wrong, in words safe to show: ``{"detail": ...}``, or a list of ``{"type", "loc", "msg"}``."""

    action: Literal["error"] = "error"
    payload: Any = None


class AuthenticationPayload(BaseModel):
    """The outcome as an HTTP status."""

    status_code: int
    status_text: str
    data: Any = None


class AuthenticationMessage(BaseMessage):
    """The result of authentication, sent before anything else."""

    action: Literal["authentication"] = "authentication"
    payload: AuthenticationPayload


class CompleteMessage(BaseMessage):
    """Everything in answer to one message of this client has been sent."""

    action: Literal["complete"] = "complete"
    payload: None = None


class GroupCompleteMessage(BaseMessage):
    """A message broadcast to a group has been sent."""

    action: Literal["group_complete"] = "group_complete"
    payload: None = None


class EventCompleteMessage(BaseMessage):
    """Everything in answer to one event has been sent."""

    action: Literal["event_complete"] = "event_complete"
    payload: None = None

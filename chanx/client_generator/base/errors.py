"""What goes wrong for a client, each with an error of its own."""

from __future__ import annotations

from typing import Any, cast


class ClientError(Exception):
    """The base of all of them."""


class NotConnectedError(ClientError):
    """There is no connection: none could be made, it was lost while an answer was awaited, or the client is closed."""


class AccessDeniedError(ClientError):
    """The server does not let this client in, or not any more; ``status`` is HTTP's (401, 403, 404), or None."""

    def __init__(self, detail: str, *, status: int | None = None) -> None:
        super().__init__(detail)
        self.status = status


class AnswerTimeoutError(ClientError, TimeoutError):
    """What was waited for has not come in time."""


class RequestRefusedError(ClientError):
    """The server answers with an error.

    ``reason`` is its code ("unauthorized", "not_subscribed", "failed", …), None where it has none; ``detail`` its
    words; ``payload`` all of it: a list of ``{"type", "loc", "msg"}`` where the message was not valid.
    """

    def __init__(self, payload: Any) -> None:
        self.payload = payload
        self.reason, self.detail = reason_and_detail(payload)
        super().__init__(f"{self.reason}: {self.detail}" if self.reason else self.detail)


class UnexpectedAnswerError(ClientError):
    """The server's answer is none of those that the client knows: it may be a newer one. ``frame`` is the answer."""

    def __init__(self, frame: dict[str, Any]) -> None:
        super().__init__(f"The answer {frame!r:.200} is none of those that this client was generated with.")
        self.frame = frame


class JobError(ClientError):
    """The base of what a job's result and its events raise; ``job_id`` is None for a list of jobs."""

    def __init__(self, job_id: str | None, message: str) -> None:
        super().__init__(message)
        self.job_id = job_id


class JobFailedError(JobError):
    """The task failed. ``message`` is safe to show; ``reference`` finds the traceback in the worker's log."""

    def __init__(self, job_id: str, error: Any) -> None:
        known = object_of(error)
        self.message: str = known.get("message") or "Something went wrong."
        self.code: str = known.get("code") or "error"
        self.reference: str | None = known.get("reference")
        super().__init__(job_id, self.message)


class JobCancelledError(JobError):
    """The job was cancelled; ``reason`` is what whoever cancelled it said, or None."""

    def __init__(self, job_id: str, reason: str | None) -> None:
        super().__init__(job_id, f"The job was cancelled: {reason}" if reason else "The job was cancelled.")
        self.reason = reason


class JobRefusedError(JobError):
    """The server says no. ``reason`` is its code ("unauthorized": no such job or list, or somebody else's)."""

    def __init__(self, job_id: str | None, payload: Any) -> None:
        reason, self.detail = reason_and_detail(payload)
        self.reason = reason or "refused"
        super().__init__(job_id, self.detail)


class JobClosedError(JobError):
    """This client itself closed the job before there was an answer."""

    def __init__(self, job_id: str) -> None:
        super().__init__(job_id, "This client does not watch the job any more.")


def object_of(value: Any) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def reason_and_detail(payload: Any) -> tuple[str | None, str]:
    """What the payload of an ``error`` says, whatever it is."""
    if isinstance(payload, list) and payload:
        problems: list[Any] = payload  # pyright: ignore[reportUnknownVariableType] -- any JSON
        return None, "; ".join(_problem(object_of(problem)) for problem in problems)
    known = object_of(payload)
    reason = known.get("reason")
    return (reason if isinstance(reason, str) else None), str(known.get("detail") or "The server refused.")


def _problem(problem: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in problem.get("loc") or ())
    return f"{place}: {problem.get('msg')}" if place else str(problem.get("msg"))

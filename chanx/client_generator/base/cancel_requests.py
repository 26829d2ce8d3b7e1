"""Wishes to cancel a job: each is sent as soon as can be, again after a lost connection, and answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from .errors import JobRefusedError, object_of
from .messages import Frame

Answered = Callable[[Frame | None], None]


@dataclass(slots=True, eq=False)
class _Wish:
    reason: str | None
    answer: asyncio.Future[str]
    is_sent: bool = False


class CancelRequests:
    """``send(reason, answered)`` asks the server and returns whether it could."""

    def __init__(self, job_id: str, send: Callable[[str | None, Answered], bool]) -> None:
        self._job_id = job_id
        self._send = send
        self._open: list[_Wish] = []

    async def add(self, reason: str | None) -> str:
        """The job's state when the server has taken the request."""
        wish = _Wish(reason, asyncio.get_running_loop().create_future())
        self._open.append(wish)
        try:
            self.send()
            return await wish.answer
        finally:
            self._open.remove(wish)

    def send(self) -> None:
        """Sends what was not sent yet."""
        for wish in list(self._open):
            if not wish.is_sent:
                wish.is_sent = self._send(wish.reason, self._answer_to(wish))

    def ended(self, state: str) -> None:
        """The job is over: that answers all of them."""
        for wish in self._open:
            if not wish.answer.done():
                wish.answer.set_result(state)

    def fail(self, error: Exception) -> None:
        for wish in self._open:
            if not wish.answer.done():
                wish.answer.set_exception(error)

    def _answer_to(self, wish: _Wish) -> Answered:
        def answered(frame: Frame | None) -> None:
            payload = object_of(frame.get("payload")) if frame else {}
            reason = payload.get("reason")
            if frame is None or reason == "not_subscribed":
                wish.is_sent = False  # on its way when the connection was lost: cancelling twice does no harm
            elif wish.answer.done():
                return
            elif frame["action"] == "error":
                wish.answer.set_exception(JobRefusedError(self._job_id, payload))
            else:
                wish.answer.set_result(str(payload.get("state")))

        return answered

"""One job on the connection: keeps where the stream and the job stand, and hands its events to all who read it here.

  frames ─> place (next, stale, gap?) ─> fold (state, fields) ─> readers, each from its own place on

The stream begins where the reader that has least stands; the others have what comes again already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from .cancel_requests import Answered, CancelRequests
from .channel import Token
from .errors import JobClosedError, JobRefusedError, RequestRefusedError, object_of
from .job_fold import JobFold
from .job_place import LogPlace, Meaning
from .job_reader import JobReader
from .job_states import CONNECTING, REFUSED, TERMINAL_STATES
from .messages import ACTION, Frame
from .subscriptions import Subscriptions
from .tasks import logger

ACK_EVERY: Final = 100
"""The server sends 500 events beyond the last acknowledged one."""


class JobChannel:
    """``on_empty`` is called when nobody reads the job any more."""

    hears_while_asking: ClassVar[bool] = False

    def __init__(self, topic: str, job_id: str, subscriptions: Subscriptions, on_empty: Callable[[], None]) -> None:
        self.topic: Final = topic
        self.job_id = job_id
        self.fold = JobFold()
        self.refusal: Any = None
        self.error: Exception | None = None
        self._subscriptions = subscriptions
        self._on_empty = on_empty
        self._place = LogPlace()
        self._readers: list[JobReader] = []
        self._followers = 0
        self._cancels = CancelRequests(job_id, self._ask_to_cancel)
        self._acked = 0
        self._is_listed = False
        self._has_leapt = False
        self._token: Token = None

    def join(self, reader: JobReader, token: Token = None) -> None:
        """Begins to hand events to a reader, from its place on."""
        self._readers.append(reader)
        self._followers += reader.takes_at_once
        self._token = token if token is not None else self._token
        if self._is_listed:
            self._subscriptions.again(self)
            return
        self._is_listed = True
        if self.fold.state == REFUSED:
            self.fold.state = CONNECTING
        self._subscriptions.add(self)

    def leave(self, reader: JobReader) -> None:
        """The reader wants no more."""
        if reader not in self._readers:
            return
        self._readers.remove(reader)
        self._followers -= reader.takes_at_once
        if self._readers:
            self.took(self._place.seq)
            return
        self._end()
        self._on_empty()
        self._cancels.fail(JobClosedError(self.job_id))

    def took(self, seq: int) -> None:
        """A reader has dealt with everything up to ``seq``: when all of them have, the server may send more."""
        if seq - self._acked < ACK_EVERY:
            return
        taken = min(self._place.seq, self._least_taken())
        if taken - self._acked >= ACK_EVERY:
            self._acked = taken
            self._subscriptions.send(self, "ack", {"seq": taken})

    async def cancel(self, reason: str | None) -> str:
        """Asks the job to stop; its state once the server has taken the request."""
        if self.fold.state in TERMINAL_STATES:
            return self.fold.state
        if self.fold.state == REFUSED:
            raise self.error or JobRefusedError(self.job_id, self.refusal)
        return await self._cancels.add(reason)

    def close(self) -> None:
        """The client is done with the job: loops end."""
        self._end()
        self._cancels.fail(JobClosedError(self.job_id))
        for reader in list(self._readers):
            reader.close()

    # What the subscriptions ask and tell

    def token(self) -> Token:
        return self._token

    def payload(self, token: str | None) -> dict[str, Any] | None:
        self._go_back()
        payload = {**self._place.payload, "token": token} if token else self._place.payload
        return payload or None

    def trouble(self, payload: Any) -> None:
        if object_of(payload).get("reason") == "invalid_position":
            for reader in self._readers:
                reader.forget()
            self._place = LogPlace()

    def lost(self) -> None:
        """The readers wait; the next ``subscribed`` goes on from where they are."""
        self._has_leapt = False

    def subscribed(self, payload: dict[str, Any]) -> None:
        epoch, seq, snapshot = payload["epoch"], payload["seq"], payload["snapshot"]
        self._place.subscribed(payload)
        self._acked = self._place.seq
        self.fold.take(snapshot)
        for reader in list(self._readers):
            reader.stand(epoch=epoch, oldest=snapshot["oldest"], seq=seq, snapshot=snapshot)
        self._cancels.send()
        self._changed()
        first = min((reader.seq for reader in self._readers), default=self._place.seq)
        if self.fold.state in TERMINAL_STATES and first >= seq:
            self._finish()
        elif first < self._place.seq:  # somebody still needs what is before
            self._subscriptions.again(self)
        elif first - self._place.seq > ACK_EVERY and not self._has_leapt:  # nobody needs what comes first
            self._has_leapt = True
            self._subscriptions.again(self)

    def frame(self, frame: Frame) -> None:
        if ACTION not in frame:
            frame[ACTION] = frame.get(self._subscriptions.discriminator)
        if frame[ACTION] == "error":
            logger.warning("%s: %s", self.topic, RequestRefusedError(frame.get("payload")))
            return
        meaning = self._place.accept(frame)
        if meaning is Meaning.NEXT:
            self._next(frame)
        elif meaning is Meaning.GAP:
            self._subscriptions.later(self)
        elif meaning is Meaning.LATEST:
            self.fold.latest(frame)
            for reader in list(self._readers):
                reader.latest(frame)
            self._changed()
        elif meaning is Meaning.PLAIN:
            for reader in list(self._readers):
                reader.plain(frame)

    def refused(self, payload: Any) -> None:
        self.refusal = payload
        self.failed(JobRefusedError(self.job_id, payload))

    def failed(self, error: Exception) -> None:
        """It is refused, or there will be no connection any more."""
        self._is_listed = False
        self.error = error
        if self.fold.state not in TERMINAL_STATES:
            self.fold.state = REFUSED
        self._cancels.fail(error)
        self._changed()
        for reader in list(self._readers):
            reader.end(None if reader.ended else error)

    # The stream

    def _end(self) -> None:
        if self._is_listed:
            self._is_listed = False
            self._subscriptions.release(self)

    def _go_back(self) -> None:
        if self._readers:
            self._place.go_to(self._readers[0].epoch, self._least_taken())

    def _least_taken(self) -> int:
        return min((reader.taken for reader in self._readers), default=self._place.seq)

    def _next(self, event: Frame) -> None:
        is_replayed = self._place.in_snapshot(event["seq"])
        if not is_replayed:
            self.fold.event(event)
        for reader in list(self._readers):
            reader.offer(event)
        if not is_replayed:
            self._changed()
        if self._place.complete:
            self._finish()
        elif self._place.ended:
            # The newest progress is not in the log and may have been overtaken by the end: the last snapshot has it.
            self._subscriptions.again(self)
        elif len(self._readers) == self._followers:  # others take it later
            self.took(event["seq"])

    def _changed(self) -> None:
        if self.fold.state in TERMINAL_STATES:
            self._cancels.ended(self.fold.state)
        for reader in list(self._readers):
            reader.changed()

    def _finish(self) -> None:
        self._end()
        for reader in list(self._readers):
            reader.end(None)

    def _ask_to_cancel(self, reason: str | None, answered: Answered) -> bool:
        if not self._subscriptions.is_open(self):
            return False
        self._subscriptions.request(self, "cancel", {"reason": reason} if reason else {}, answered)
        return True

"""A client of a job's stream, as a browser is one: it subscribes, takes events in order, acknowledges, cancels.

WebsocketCommunicator (either framework) <─ frames of job:<id> ─> JobWatcher ─> JobEvents
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from pydantic_core import to_json

from chanx.bridge.names import job_topic
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.web.messages import AckPayload, CancelPayload, JobAck, JobCancel, JobSubscribed
from chanx.core.testing import WebsocketCommunicatorMixin
from chanx.messages.base import ACTION, BaseMessage
from chanx.testing.jobs.events import AnyJob, JobEvents, job_id_of
from chanx.testing.jobs.matching import Expected, check_expected, described, matches
from chanx.testing.jobs.recorded import Recorded

ACK_EVERY: Final = 100
"""Numbered events between two acknowledgements, as the protocol asks for."""

_ENDS: Final = frozenset({"job_succeeded", "job_failed", "job_cancelled"})
_ENVELOPE: Final = ("version", "topic", "seq", "head", "rev", "ref")


async def watch_job(
    client: WebsocketCommunicatorMixin,
    job: AnyJob,
    *,
    epoch: str | None = None,
    after: int = 0,
    token: str | None = None,
    timeout: float = 5.0,
) -> JobWatcher:
    """Subscribes to a job on an open connection, whose consumer has ``JobTopic`` among its ``topics``.

    With ``epoch`` and ``after`` it goes on where an earlier watcher ended; ``token`` is a signed one. Raises
    ``AssertionError`` if the server refuses, which a test can look for by ``client.subscribe(...)``.
    """
    __tracebackhide__ = True
    watcher = JobWatcher(client, job_id_of(job))
    await watcher.subscribe(epoch=epoch, after=after, token=token, timeout=timeout)
    return watcher


class JobWatcher:
    """Made by :func:`watch_job`. It raises ``AssertionError`` where the stream breaks its promise: that each numbered
    event comes once and in order, and each ``latest`` one only after the events before it, newer than the last.

    ``events`` are those that came so far; ``position`` is the number of the last one, ``epoch`` the log's.
    """

    def __init__(self, client: WebsocketCommunicatorMixin, job_id: str) -> None:
        self.client = client
        self.job_id = job_id
        self.topic = job_topic(job_id)
        self.snapshot: JobSnapshot | None = None
        self.epoch = ""
        self.position = 0
        self.recovered = False
        self._recorded: list[Recorded] = []
        self.events = JobEvents(self._recorded)
        self._revs: dict[str, int] = {}
        self._acknowledged = 0
        self._asked = 0

    @property
    def has_ended(self) -> bool:
        """Whether the job's last event has come."""
        return bool(self._recorded) and self._recorded[-1].action in _ENDS

    async def subscribe(
        self, *, epoch: str | None = None, after: int = 0, token: str | None = None, timeout: float = 5.0
    ) -> JobSubscribed:
        """Subscribes, or subscribes again; ``AssertionError`` if that is refused."""
        __tracebackhide__ = True
        payload = {"epoch": epoch, "after": after, "token": token}
        reply = await self.client.subscribe(self.topic, self._ref(), payload=payload, timeout=timeout)
        if self.client.wire.action(reply) != "subscribed":
            raise AssertionError(f"The subscription to {self.topic} was refused: {reply.get('payload')}")
        return self._begin(reply["payload"], after)

    async def next(self, *, timeout: float = 5.0) -> BaseMessage:
        """The next event. Raises ``TimeoutError`` where none comes, and ``AssertionError`` for one that must not."""
        __tracebackhide__ = True
        return (await self._first(lambda _: True, "another event", timeout)).message()

    async def until(self, wanted: Expected, *, timeout: float = 5.0) -> JobEvents:
        """Takes events up to one that is expected (a class, a message, ``like(...)``); returns all so far.

        Raises ``TimeoutError``, with the events that did come, and ``AssertionError`` if the job ends before, or has.
        """
        __tracebackhide__ = True
        check_expected(wanted)
        if self.has_ended:
            raise AssertionError(f"The job has ended: there is no further {described(wanted)}.\n{self.events!r}")
        await self._first(lambda event: matches(wanted, event), described(wanted), timeout)
        return self.events

    async def until_end(self, *, timeout: float = 10.0) -> JobEvents:
        """Takes events up to the job's last one; returns all. Raises ``TimeoutError``, as :meth:`until` does."""
        __tracebackhide__ = True
        if not self.has_ended:
            await self._first(lambda event: event.action in _ENDS, "the end of the job", timeout)
        return self.events

    async def ack(self, seq: int | None = None) -> None:
        """Acknowledges everything up to ``seq``, by default all that came. Every 100th event is without being asked."""
        self._acknowledged = self.position if seq is None else seq
        await self.client.send_message(JobAck(payload=AckPayload(seq=self._acknowledged)), topic=self.topic)

    async def cancel(self, reason: str | None = None, *, timeout: float = 5.0) -> JobState:
        """Asks to cancel the job, as somebody who may; returns its state as the server has answered.

        ``AssertionError`` if that is refused.
        """
        __tracebackhide__ = True
        ref = self._ref()
        message = JobCancel(payload=CancelPayload(reason=reason))
        await self.client.send_message(message, topic=self.topic, ref=ref)
        reply = await self.client.receive_topic_reply(self.topic, ref, timeout)
        if self.client.wire.action(reply) != "job_cancel_accepted":
            raise AssertionError(f"{self.topic} was not cancelled: {reply.get('payload')}")
        return JobState(reply["payload"]["state"])

    def _begin(self, payload: Any, after: int | None) -> JobSubscribed:
        # What clients are not told is not in the frame.
        snapshot = {**payload["snapshot"], "task_id": ""}
        subscribed = JobSubscribed.model_validate({**payload, "snapshot": snapshot})
        self.snapshot, self.epoch, self.recovered = subscribed.snapshot, subscribed.epoch, subscribed.recovered
        if after is None or not subscribed.recovered:
            self._recorded.clear()
            self._revs.clear()
            after = subscribed.snapshot.oldest - 1
        self.position = self._acknowledged = after
        return subscribed

    async def _next(self, timeout: float) -> Recorded:
        __tracebackhide__ = True
        while True:
            frame = await self.client.receive_topic_frame(self.topic, timeout)
            action = str(self.client.wire.action(frame))
            if action == "subscribed":  # without having been asked: the log was rewound
                self._begin(frame["payload"], None)
            elif "seq" in frame or "rev" in frame:
                return await self._take(action, frame)
            elif action == "error" and frame.get("ref") is None:
                raise AssertionError(f"The stream of {self.topic} has ended: {frame.get('payload')}")

    async def _first(self, is_wanted: Callable[[Recorded], bool], what: str, timeout: float) -> Recorded:
        __tracebackhide__ = True
        try:
            async with asyncio.timeout(timeout):
                while not is_wanted(event := await self._next(timeout)):
                    if self.has_ended:
                        raise AssertionError(f"The job ended without {what}.\n{self.events!r}")
                return event
        except TimeoutError as error:
            why = error if str(error) else None  # that its time is over says nothing
            raise TimeoutError(f"There was not {what} within {timeout:g} s.\n{self.events!r}") from why

    async def _take(self, action: str, frame: dict[str, Any]) -> Recorded:
        __tracebackhide__ = True
        if self.has_ended:
            raise AssertionError(f"{action} came after the end of the job.\n{self.events!r}")
        self._check_order(action, frame)
        content = {name: value for name, value in frame.items() if name not in _ENVELOPE}
        event = Recorded(self.job_id, action, to_json({**content, ACTION: action}).decode())
        self._recorded.append(event)
        if self.position - self._acknowledged >= ACK_EVERY:
            await self.ack()
        return event

    def _check_order(self, action: str, frame: dict[str, Any]) -> None:
        __tracebackhide__ = True
        if "seq" in frame:
            if frame["seq"] != self.position + 1:
                raise AssertionError(f"{action} has the number {frame['seq']}: {self.position + 1} is the next one.")
            self.position = frame["seq"]
            return
        if frame["head"] > self.position:
            raise AssertionError(f"{action} came before event {frame['head']}: {self.position} was the last one.")
        if frame["rev"] <= self._revs.get(action, 0):
            raise AssertionError(f"{action} has rev {frame['rev']}: {self._revs[action]} was there before.")
        self._revs[action] = frame["rev"]

    def _ref(self) -> str:
        self._asked += 1
        return f"watch-{self._asked}"

"""The topic that streams a job to a browser: ``job:<job_id>``, complete from any position, for its owner.

subscribe ─> authorize ─> join the group ─> probe ─> snapshot ─> `subscribed` ─> JobStream (log, then live)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping
from typing import Any, cast

from pydantic import ValidationError

from chanx.bridge.entry import LogEntry
from chanx.bridge.events import JOB_EVENTS
from chanx.bridge.names import JOB_STREAM_PROTOCOL, JOB_TOPIC_PATTERN, LIVE_EVENT_TYPE, is_job_id, job_group
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.tokens import JobAction
from chanx.bridge.web import descriptions
from chanx.bridge.web.access import NO_SUCH_JOB
from chanx.bridge.web.bridged import BridgedTopic, token_in
from chanx.bridge.web.early import EarlyEvents
from chanx.bridge.web.event_frames import EventFrames
from chanx.bridge.web.live_entry import Arrival, LiveEntry
from chanx.bridge.web.merge import LatestEntry
from chanx.bridge.web.messages import (
    CancelAcceptedPayload,
    JobAck,
    JobCancel,
    JobCancelAccepted,
    JobPosition,
    JobSubscribe,
    JobSubscribed,
    reaches_back,
)
from chanx.bridge.web.stream import RETRY_SECONDS, JobStream
from chanx.core.channel_layer import configured
from chanx.core.decorators import channel, ws_handler
from chanx.core.failures import log_failure
from chanx.core.group_probe import GroupProbes
from chanx.core.hub.shared_message import worked_out
from chanx.core.topic import TopicRefused
from chanx.core.topic_host import TopicHost
from chanx.core.topic_session import FAILED
from chanx.messages.topic import SubscribedMessage
from chanx.metrics import JOB_RECOVERIES
from chanx.telemetry import OBSERVERS, carrier_in, measure

_FRAMES = EventFrames()


@channel(description=descriptions.JOB)
class JobTopic(BridgedTopic):
    """Put it into a consumer's ``topics``; override :meth:`allows` for rules of its own about who may watch or cancel.

    A client without a right of its own sends a signed token (:meth:`Bridge.token`) as ``"token"`` in the payload of
    ``subscribe``. The frames of the stream are a fixed protocol: a consumer's ``camelize`` renames what a subclass
    sends itself, but nothing in them.

    A job's own events reach the client as they are. List their types in a subclass's ``sends``, and the AsyncAPI
    document and generated clients have them too.
    """

    pattern = JOB_TOPIC_PATTERN
    sends = JOB_EVENTS
    subscribe_payload_type = JobSubscribe | None
    subscribed_payload_type = JobSubscribed
    protocol = JOB_STREAM_PROTOCOL

    def __init__(self, consumer: Any, topic: str, params: Mapping[str, str]) -> None:
        super().__init__(consumer, topic, params)
        self._stream: JobStream | None = None
        self._is_proving = False
        self._frame_start = f'{{"version":1,"topic":{json.dumps(topic)},'
        self._early = EarlyEvents()

    @classmethod
    def group_name(cls, topic: str) -> str:
        params = cls.parse(topic)
        return job_group(params["job_id"] if params else topic)

    async def authorize(self, job_id: str) -> bool:
        """An unknown job and another's look the same."""
        self.token = token_in(self.subscribe_payload) or self.token
        if await self._allowed_job(job_id, "subscribe") is None:
            raise TopicRefused("unauthorized", NO_SUCH_JOB)
        return True

    async def subscribed_payload(self, payload: Any) -> dict[str, Any]:
        """Opens the stream at the client's position; it begins to flow once the client has its answer."""
        try:
            position = JobPosition.model_validate(payload or {})
        except ValidationError as error:
            raise TopicRefused("invalid_position", 'Send {"epoch": "…", "after": n}, or no payload at all.') from error
        await self._stop()
        try:
            await self._wait_for_probe()
            return (await self._open(position)).model_dump(mode="json")
        except BaseException:
            self._probes.left(self._group, self)
            raise

    @ws_handler(
        summary="Acknowledge events",
        description="At most 500 events are sent beyond the last ack, 100 if they are large: acknowledge every 100th.",
    )
    async def ack(self, message: JobAck) -> None:
        if self._stream is not None:
            self._stream.acknowledge(message.payload.seq)

    @ws_handler(summary="Cancel the job", description=descriptions.CANCEL)
    async def cancel(self, message: JobCancel) -> JobCancelAccepted:
        job_id = self.params["job_id"]
        if await self._allowed_job(job_id, "cancel") is None:
            raise TopicRefused("unauthorized", NO_SUCH_JOB)
        bridge = self.get_bridge()
        reason = message.payload.reason if message.payload else None
        state = await bridge.async_store.run(lambda: bridge.cancel(job_id, reason=reason))
        return JobCancelAccepted(payload=CancelAcceptedPayload(state=state))

    async def receive_event(self, message: dict[str, Any]) -> None:
        """Takes a live event of the job, a probe, or an ordinary event of the topic from the channel layer."""
        if not self.take(message):
            await super().receive_event(message)

    def take(self, message: dict[str, Any]) -> bool:
        """Takes a live event or a probe, without waiting for anything; False for an ordinary event."""
        if self._is_proving:
            self._probes.arrived(self._group)
        if "event" in message:
            entry = worked_out(message, "job entry", lambda: _entry_in(message))
            if self._stream is None:
                self._early.add(entry, message["epoch"])
            else:
                self._stream.live(entry, message["epoch"])
            return True
        return "probe" in message

    async def _allowed_job(self, job_id: str, action: JobAction) -> JobSnapshot | None:
        if not is_job_id(job_id):
            return None
        job = await self.get_bridge().async_store.snapshot(job_id)
        return job if job is not None and await self.is_allowed(job, action) else None

    async def _wait_for_probe(self) -> None:
        """Joining a group returns before Redis has subscribed: only a message that comes through it proves that it has.

        One that is lost costs a bounded wait, and correctness nothing: what the layer loses, the log has.
        """
        layer = configured(self.consumer.channel_layer, self.consumer.channel_layer_alias)
        probe = {"type": LIVE_EVENT_TYPE, "topic": self.topic, "probe": True}
        self._is_proving = True
        try:
            await self._probes.wait(self._group, self, lambda: layer.group_send(self.group_name(self.topic), probe))
        finally:
            self._is_proving = False

    @property
    def _probes(self) -> GroupProbes:
        return self.get_bridge().async_store.probes

    @property
    def _group(self) -> tuple[str, str]:
        return self.consumer.channel_layer_alias or "", self.group_name(self.topic)

    async def _open(self, position: JobPosition | None) -> JobSubscribed:
        """Reads where the job stands and sets up the stream; without a position the client starts over."""
        store = self.get_bridge().async_store
        job = await store.snapshot(self.params["job_id"])
        if job is None:
            raise TopicRefused("unauthorized", NO_SUCH_JOB)
        recovered = position is not None and reaches_back(job, position)
        start = position.after if position is not None and recovered else job.oldest - 1
        if position is None or position.after:  # it has had events of the job before
            measure(JOB_RECOVERIES, 1, {"chanx.recovered": recovered})
        self._stream = JobStream(store, job, position=start, send=self._send_entry)
        for entry, epoch in self._early.take():
            self._stream.live(entry, epoch)
        return JobSubscribed(epoch=job.epoch, seq=job.seq, recovered=recovered, snapshot=job)

    async def _run(self) -> None:
        """A stream that fails in a way nobody thought of ends the subscription: its client would wait for ever."""
        try:
            while self._stream is not None:
                await self._stream.run()
                self._stream = None
                await self._start_over()
        except Exception as error:
            log_failure("job_stream_failed", error, topic=self.topic)
            await self._give_up(TopicRefused(FAILED, "The stream has failed. Subscribe again."))

    async def _start_over(self) -> None:
        """Tells the client to forget what it has, as a `subscribed` frame that answers nothing."""
        while True:
            try:
                opened = await self._open(None)
            except StoreUnavailableError:
                await asyncio.sleep(RETRY_SECONDS)
            except TopicRefused as gone:
                await self._give_up(gone)
                return
            else:
                await self.send_message(SubscribedMessage(payload=opened.model_dump(mode="json")))
                return

    async def _give_up(self, refused: TopicRefused) -> None:
        async def why() -> TopicRefused:
            return refused

        await cast("TopicHost", self.consumer).topic_session.refuse(self, why)

    def _send_entry(self, entry: LogEntry | LatestEntry) -> Awaitable[None]:
        sending = self.send_text(_FRAMES.text(entry, self._frame_start, self.consumer.discriminator))
        return _observed(sending, entry) if isinstance(entry, LiveEntry) else sending

    async def _stop(self) -> None:
        self._stream = None
        self._probes.left(self._group, self)
        await super()._stop()


async def _observed(sending: Awaitable[None], entry: LiveEntry) -> None:
    await sending
    entry.arrival.reached_client(entry.event)


def _entry_in(message: dict[str, Any]) -> LogEntry | LatestEntry:
    if "seq" in message:
        if OBSERVERS:
            return LiveEntry(
                message["seq"], message["event"], Arrival(message["action"], carrier_in(message.get("trace")))
            )
        return LogEntry(message["seq"], message["event"])
    return LatestEntry(message["head"], message["rev"], message["action"], message["event"])

"""The frames of a job stream read the same whatever the consumer's ``camelize`` is: they are a fixed protocol."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from celery import Celery
from channels.layers import InMemoryChannelLayer
from pydantic import BaseModel

from chanx.bridge import Bridge, JobTopic
from chanx.bridge.events import JobEvent, JobProgress, ProgressPayload
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.states import JobState
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.bridge.web.messages import (
    AckPayload,
    CancelAcceptedPayload,
    CancelPayload,
    JobAck,
    JobCancel,
    JobCancelAccepted,
)
from chanx.channels.testing import WebsocketCommunicator
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.camelize import camelized
from chanx.core.decorators import ws_handler
from chanx.layers import MemoryPublisher
from chanx.messages.base import BaseMessage

TOPIC = "job:j"


class Row(BaseModel):
    row_number: int


class RowRejected(JobEvent):
    action: Literal["row_rejected"] = "row_rejected"
    payload: Row


class AskRow(BaseMessage):
    action: Literal["ask_row"] = "ask_row"
    payload: Row


class RowAnswer(AskRow):
    action: Literal["row_answer"] = "row_answer"  # type: ignore[assignment]  # another message


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    app = Celery("job-stream-names", set_as_current=False)
    store = MemoryJobStore()
    store.create(JobRecord(job_id="j", owner="user:1", name="n", task_id="t", created_at=datetime.now(UTC)))
    yield Bridge(app, store, DirectTransport(store, MemoryPublisher()))
    app.close()


async def conversation(bridge: Bridge, *, camelize: bool) -> list[dict[str, Any]]:
    """Everything that a client hears that subscribes to the job and asks something."""
    layer = InMemoryChannelLayer()

    class Jobs(JobTopic):
        get_channel_layer = staticmethod(lambda alias: layer)

        @ws_handler
        async def answer(self, message: AskRow) -> RowAnswer:
            return RowAnswer(payload=message.payload)

    Jobs.bridge = bridge
    attributes = {"topics": [Jobs], "camelize": camelize, "get_channel_layer": Jobs.get_channel_layer}
    consumer = type("Consumer", (AsyncJsonWebsocketConsumer,), attributes)
    socket = WebsocketCommunicator(consumer.as_asgi(), "/ws/", consumer=consumer)
    socket.scope["user"] = SimpleNamespace(pk=1)
    assert (await socket.connect())[0]

    async def say(action: str, payload: Any) -> None:
        await socket.send_json_to({"topic": TOPIC, "action": action, "payload": payload})

    async def hear() -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(await socket.receive_from(30))
        return frame

    await say("subscribe", {"after": 0})
    frames = [await hear() for _ in range(2)]
    await say("ask_row", {"row_number": 7})
    frames.append(await hear())
    await socket.disconnect()
    return frames


async def test_camelize_leaves_the_stream_and_renames_a_topic_s_own_messages(bridge: Bridge) -> None:
    # Given a job that has an event in its log, and a latest one in its snapshot
    reporter = JobReporter(bridge.transport, job_id="j", task_id="t", attempt=1)
    reporter.send(RowRejected(payload=Row(row_number=3)))
    reporter.send(JobProgress(payload=ProgressPayload(current=1, message="a_b")))

    # When
    plain = await conversation(bridge, camelize=False)
    camel = await conversation(bridge, camelize=True)

    # Then
    subscribed, event, answer = camel
    assert subscribed == plain[0]
    snapshot = subscribed["payload"]["snapshot"]
    assert {"job_id", "created_at"} <= set(snapshot)
    assert snapshot["fields"]["job_progress"]["message"] == "a_b"
    assert event == plain[1]
    assert event["payload"] == {"row_number": 3}
    assert {"job_id", "task_id", "run_id"} <= set(event)
    assert plain[2]["payload"] == {"row_number": 7}
    assert answer == {**plain[2], "payload": {"rowNumber": 7}}


@pytest.mark.parametrize(
    "message",
    [
        JobAck(payload=AckPayload(seq=1)),
        JobCancel(payload=CancelPayload(reason="enough")),
        JobCancelAccepted(payload=CancelAcceptedPayload(state=JobState.STARTED)),
    ],
    ids=lambda message: type(message).__name__,
)
def test_what_a_client_says_and_is_answered_has_no_name_to_rename(message: BaseMessage) -> None:
    content = message.model_dump(mode="json")
    assert camelized(type(message), content, "action") == content

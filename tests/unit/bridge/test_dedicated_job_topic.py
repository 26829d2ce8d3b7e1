"""A job on a route of its own: whoever connects to its URL sees it, if it is theirs."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from channels.layers import InMemoryChannelLayer
from channels.routing import URLRouter

from chanx.bridge import Bridge, JobTopic
from chanx.bridge.events import JobLogLine, LogPayload
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.channels.routing import path
from chanx.channels.testing import WebsocketCommunicator
from chanx.layers import MemoryPublisher

pytestmark = pytest.mark.usefixtures("asyncapi_contract")  # every frame is one that the AsyncAPI document has


@pytest.fixture
def bridge() -> Any:
    app = Celery("dedicated-job-topic", set_as_current=False)
    store = MemoryJobStore()
    store.create(JobRecord(job_id="j", owner="user:1", name="n", task_id="t", created_at=datetime.now(UTC)))
    yield Bridge(app, store, DirectTransport(store, MemoryPublisher()))
    app.close()


def connection(bridge: Bridge, url: str, user: int = 1) -> WebsocketCommunicator:
    class Jobs(JobTopic):
        pass

    Jobs.bridge = bridge
    layer = InMemoryChannelLayer()
    consumer = Jobs.as_consumer(get_channel_layer=staticmethod(lambda alias: layer))
    socket = WebsocketCommunicator(
        URLRouter([path("ws/jobs/<str:job_id>/", consumer.as_asgi())]), url, consumer=consumer
    )
    socket.scope["user"] = SimpleNamespace(pk=user)
    return socket


async def test_connecting_streams_the_job(bridge: Bridge) -> None:
    # Given a job that has said something
    reporter = JobReporter(bridge.transport, job_id="j", task_id="t", attempt=1)
    reporter.send(JobLogLine(payload=LogPayload(message="hello")))

    # When its owner connects to its URL
    socket = connection(bridge, "/ws/jobs/j/")
    assert (await socket.connect())[0]

    # Then there is the snapshot, and what was said, and frames need no envelope
    opened = await socket.receive_json_from(5)
    assert (opened["topic"], opened["action"], opened["payload"]["seq"]) == ("job:j", "subscribed", 1)
    line = await socket.receive_json_from(5)
    assert (line["seq"], line["payload"]["message"]) == (1, "hello")
    await socket.send_json_to({"action": "cancel", "ref": "c"})
    assert (await socket.receive_json_from(5))["action"] == "job_cancel_accepted"

    # And it can be resumed at a position, as on any connection
    position = {"epoch": opened["payload"]["epoch"], "after": 1}
    await socket.send_json_to({"action": "subscribe", "payload": position, "ref": "s"})
    frame = await socket.receive_json_from(5)
    while frame["action"] != "subscribed":
        frame = await socket.receive_json_from(5)
    assert (frame["ref"], frame["payload"]["recovered"]) == ("s", True)
    await socket.disconnect()


@pytest.mark.parametrize(("url", "user"), [("/ws/jobs/j/", 2), ("/ws/jobs/other/", 1)])
async def test_another_users_job_and_no_job_look_the_same(bridge: Bridge, url: str, user: int) -> None:
    socket = connection(bridge, url, user)
    assert (await socket.connect())[0]
    error = await socket.receive_json_from(5)
    assert error["payload"] == {"reason": "unauthorized", "detail": "There is no such job, or it is not yours."}
    assert await socket.receive_output(5) == {"type": "websocket.close"}
    await socket.disconnect()

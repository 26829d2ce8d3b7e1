"""The README's other blocks of Python, word for word, each run with what it leaves out."""

import json
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from celery import chord
from celery.signals import task_failure
from channels.layers import InMemoryChannelLayer
from django.urls import include
from django.urls import path as django_path
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from pydantic import BaseModel
from rest_framework.permissions import BasePermission, IsAuthenticated
from starlette.routing import WebSocketRoute

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.bridge import Job, JobError, JobEvent, JobTopic, StartedJob, install, start_job_sync
from chanx.bridge.states import JobState
from chanx.bridge.web.access import names_of
from chanx.channels.authenticator import DjangoAuthenticator
from chanx.channels.routing import path
from chanx.channels.testing import WebsocketCommunicator
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.authenticator import BaseAuthenticator
from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.errors import ContractViolationError
from chanx.fast_channels.jobs import jobs_router
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer as FastConsumer
from chanx.layers import LayerSpec
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from chanx.routing.discovery import RouteInfo
from chanx.testing.contract import assert_compatible
from tests.unit.bridge.apps import bridged_app
from tests.unit.bridge.doubles import Bench
from tests.unit.channels.rooms.models import Room

README = Path(__file__).parents[2] / "README.md"


class RejectedPayload(BaseModel):
    line: int


class StatisticsPayload(BaseModel):
    mean: float


class ChatPayload(BaseModel):
    text: str


class JobsOfFastAPI(FastConsumer):
    topics = [JobTopic]


class InvoiceReady(BaseMessage):
    action: Literal["invoice_ready"] = "invoice_ready"
    payload: int


def run_block(beginning: str, **left_out: Any) -> dict[str, Any]:
    """Runs the block that begins so, with the names it leaves out; returns all its names."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (block,) = [block for block in blocks if block.startswith(beginning)]
    names = {"__name__": __name__, **left_out}
    exec(compile(block, str(README), "exec"), names)
    return names


def event_types() -> dict[str, Any]:
    return run_block(
        "class RowRejected",
        JobEvent=JobEvent,
        Literal=Literal,
        RejectedPayload=RejectedPayload,
        StatisticsPayload=StatisticsPayload,
    )


def test_the_calls_in_a_task() -> None:
    bench = Bench()
    task = SimpleNamespace(job=Job(bench.reporter))
    rejected = event_types()["RowRejected"]

    with pytest.raises(JobError, match="The file is empty") as raised:
        run_block(
            "self.job.progress(", self=task, RowRejected=rejected, RejectedPayload=RejectedPayload, JobError=JobError
        )

    assert raised.value.code == "empty_file"
    assert [event["action"] for event in bench.events()][:2] == ["job_log", "row_rejected"]
    assert bench.fields()["job_progress"]["fraction"] == 0.3


def test_the_event_types() -> None:
    bench, types = Bench(), event_types()
    job = Job(bench.reporter)

    job.emit(types["RowRejected"](payload=RejectedPayload(line=7)))
    job.emit(types["Statistics"](payload=StatisticsPayload(mean=0.5)))

    assert [event["payload"] for event in bench.events()] == [{"line": 7}]
    assert bench.fields() == {"statistics": {"mean": 0.5}}


def nothing(self: Any, *args: Any) -> None: ...


@pytest.mark.django_db(transaction=True)
def test_starting_jobs() -> None:
    with bridged_app(eager=True) as bridged:
        run = bridged.task(nothing, name="run")
        started: list[StartedJob] = []

        def start(*args: Any, **options: Any) -> None:
            started.append(start_job_sync(*args, **options))

        run_block(
            "start_job_sync(import_csv, path, owner=user)",
            start_job_sync=start,
            import_csv=run,
            profile=run,
            summarise=run,
            chord=chord,
            files=["a", "b"],
            path="a.csv",
            upload=SimpleNamespace(pk=7),
            user="user:1",
        )

        assert [bridged.snapshot(job).state for job in started] == [JobState.SUCCEEDED] * 5


def test_watching_and_signals() -> None:
    with bridged_app(eager=False) as bridged:
        build_report = bridged.task(nothing, name="reports.build")
        names = run_block(
            "def owner_of_report",
            install=partial(install, layer=LayerSpec.redis_pubsub("redis://127.0.0.1:1/0")),
            app=bridged.app,
            task_failure=task_failure,
            build_report=build_report,
            ReportFailed=InvoiceReady,
        )

        assert names["bridge"].watch.owner_for("reports.build", (), {"user_id": 3}) == "user:3"
        event, groups = names["report_failed"](sender=build_report, task_id=5)
        assert (event.payload, groups) == (5, ["operators"])


async def test_who_may_watch() -> None:
    projects = SimpleNamespace(values_list=lambda name, flat: [7, 8])

    with bridged_app(eager=False) as bridged:
        names = run_block(
            "def owners_of",
            install=partial(install, layer=LayerSpec.redis_pubsub("redis://127.0.0.1:1/0"), secret="a" * 32),
            app=bridged.app,
            job_id="j1",
        )

        scope = {"user": SimpleNamespace(pk=1, projects=projects, is_authenticated=True)}
        assert await names_of(names["bridge"].access, scope) == {"user:1", "project:7", "project:8"}
        assert names["token"].count(".") == 2


def test_the_endpoints() -> None:
    app = FastAPI()

    names = run_block(
        'path("jobs/"',
        include=include,
        path=django_path,
        jobs_router=jobs_router,
        app=app,
        current_user=lambda: None,
    )

    assert names["app"].url_path_for("job", job_id="j1") == "/jobs/j1/"


def test_the_application_on_fastapi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fast_channels.layers.register_channel_layer", lambda alias, layer: None)

    names = run_block("from chanx.bridge import JobTopic", user_of=None)

    paths = [getattr(route, "path", "") for route in names["app"].routes]
    assert {"/ws/jobs/", "/chanx"} <= set(paths)


def test_the_document_on_django() -> None:
    names = run_block("urlpatterns += ", urlpatterns=[], path=django_path, include=include)

    (included,) = names["urlpatterns"]
    assert {str(pattern.pattern) for pattern in included.url_patterns} == {"docs/", "schema/"}


async def test_the_document_on_fastapi() -> None:
    app = FastAPI(title="Shop")
    app.router.routes.append(WebSocketRoute("/ws/jobs/", JobsOfFastAPI.as_asgi()))

    run_block("from chanx.fast_channels import asyncapi_docs", app=app)

    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        page, document = await client.get("/asyncapi"), await client.get("/asyncapi.json")
    assert "job_progress" in page.text
    assert document.json()["channels"]["jobs_of_fast_api_job"]["address"] == "/ws/jobs/"


def test_own_events_in_the_document() -> None:
    names = run_block("class ImportJobs", JobTopic=JobTopic, **event_types())

    assert {"row_rejected", "statistics", "job_progress"} <= names["ImportJobs"].handler_table.outputs.keys()


def test_a_document_that_was_published(chat_consumer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a published document, when a message is there no more, then the test fails."""
    route = RouteInfo("ws/chat/", None, "ws://localhost", chat_consumer)
    published = AsyncAPIGenerator([route]).generate()
    (tmp_path / "asyncapi.yaml").write_text(json.dumps(published))
    monkeypatch.chdir(tmp_path)
    routes = [route]

    names = run_block(
        "def test_no_client_breaks",
        assert_compatible=assert_compatible,
        AsyncAPIGenerator=AsyncAPIGenerator,
        get_websocket_routes=lambda: routes,
    )

    names["test_no_client_breaks"]()
    routes.clear()
    with pytest.raises(ContractViolationError):
        names["test_no_client_breaks"]()


@pytest.fixture
def chat_consumer(monkeypatch: pytest.MonkeyPatch) -> Any:
    names = run_block(
        "class ChatMessage",
        AsyncJsonWebsocketConsumer=AsyncJsonWebsocketConsumer,
        BaseMessage=BaseMessage,
        ChatPayload=ChatPayload,
        InvoiceReady=InvoiceReady,
        Literal=Literal,
        PingMessage=PingMessage,
        PongMessage=PongMessage,
        channel=channel,
        event_handler=event_handler,
        ws_handler=ws_handler,
    )
    layer = InMemoryChannelLayer()
    monkeypatch.setattr(names["ChatConsumer"], "get_channel_layer", staticmethod(lambda alias: layer))
    return names["ChatConsumer"]


async def test_the_chat_consumer(chat_consumer: Any) -> None:
    def client() -> WebsocketCommunicator:
        return WebsocketCommunicator(chat_consumer.as_asgi(), "/ws/chat/", consumer=chat_consumer)

    async with client() as ada, client() as grace:
        await ada.send_message(PingMessage())
        assert await ada.receive_json_from() == {"action": "pong", "payload": None}

        await ada.send_json_to({"action": "chat", "payload": {"text": "hello"}})
        assert await grace.receive_json_from() == {"action": "chat", "payload": {"text": "hello"}}
        assert await ada.receive_nothing()

        await chat_consumer.broadcast_event(InvoiceReady(payload=3), groups=["lobby"])
        assert await ada.receive_json_from() == {"action": "invoice_ready", "payload": 3}


def test_the_routes(chat_consumer: Any) -> None:
    app = FastAPI()

    run_block("app.router.routes", ChatConsumer=chat_consumer, WebSocketRoute=WebSocketRoute, app=app, path=path)

    assert [route.path for route in app.routes if isinstance(route, WebSocketRoute)] == ["/ws/chat/{room}"]


async def test_the_authenticators(chat_consumer: Any) -> None:
    async def user_of(token: str | None) -> str | None:
        return token

    names = run_block(
        "class RoomAuthenticator",
        BaseAuthenticator=BaseAuthenticator,
        DjangoAuthenticator=DjangoAuthenticator,
        IsAuthenticated=IsAuthenticated,
        IsMember=BasePermission,
        Room=Room,
        user_of=user_of,
    )
    chat_consumer.authenticator_class = names["TokenAuthenticator"]

    async with WebsocketCommunicator(chat_consumer.as_asgi(), "/ws/?token=t", consumer=chat_consumer) as allowed:
        await allowed.send_message(PingMessage())
        assert await allowed.receive_json_from() == {"action": "pong", "payload": None}
    async with WebsocketCommunicator(chat_consumer.as_asgi(), "/ws/", consumer=chat_consumer) as refused:
        assert await refused.receive_output() == {"type": "websocket.close"}

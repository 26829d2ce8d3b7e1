"""Telemetry neither breaks what it watches, nor grows with users, jobs and clients."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, NoReturn

import pytest
from opentelemetry import propagate
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.metrics import Counter, Histogram, UpDownCounter
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from chanx.bridge import start_job_sync
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from chanx.metrics import METRICS
from tests.unit.bridge.apps import bridged_app
from tests.unit.channels.client import SECONDS
from tests.unit.conftest import Connect
from tests.unit.telemetry_sdk import Sdk, instrumented


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: str


class Said(BaseMessage):
    action: Literal["said"] = "said"
    payload: str


class Asked(BaseMessage):
    action: Literal["asked"] = "asked"
    payload: str


@pytest.fixture
def room(base: Any) -> Any:
    """Repeats what is said to everybody, answers what it is asked, and has a topic."""

    class Talk(Topic):
        pattern = "talk:{name}"

        @ws_handler
        async def say(self, message: Say) -> Said:
            return Said(payload=message.payload)

    class Room(base):  # type: ignore[misc]
        groups = ["room"]
        passthrough_events = (Said,)
        topics = [Talk]

        @ws_handler(output_type=Said)
        async def say(self, message: Say) -> None:
            await self.broadcast_event(Said(payload=message.payload))

        @event_handler
        async def asked(self, event: Asked) -> Said:
            return Said(payload=event.payload)

    return Room


STRUCK: Final[list[str]] = []


def fail(*_: Any, **__: Any) -> NoReturn:
    STRUCK.append("a fault")
    raise RuntimeError("a fault of the SDK")


class FailingSampler(Sampler):
    should_sample = fail

    def get_description(self) -> str:
        return "fails"


class FailsAtStart(SpanProcessor):
    on_start = fail


class FailsAtEnd(SpanProcessor):
    on_end = fail


class FailingExporter(SpanExporter):
    export = fail


class FailingPropagator(TextMapPropagator):
    inject = extract = fail

    @property
    def fields(self) -> set[str]:
        return set()


FAULTS = ("sampler", "start", "end", "exporter", "propagator", "metrics")


@pytest.fixture(params=[*([fault] for fault in FAULTS), FAULTS], ids=",".join)
def faulty(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sdk]:
    """An SDK with these faults."""
    faults: Sequence[str] = request.param
    STRUCK.clear()
    if "propagator" in faults:
        monkeypatch.setattr(propagate, "get_global_textmap", FailingPropagator)
        monkeypatch.setattr(propagate, "inject", fail)
        monkeypatch.setattr(propagate, "extract", fail)
    if "metrics" in faults:
        for instrument, method in ((Counter, "add"), (UpDownCounter, "add"), (Histogram, "record")):
            monkeypatch.setattr(instrument, method, fail)
    with instrumented(FailingSampler() if "sampler" in faults else ALWAYS_ON) as sdk:
        for fault, processor in (("start", FailsAtStart()), ("end", FailsAtEnd())):
            if fault in faults:
                sdk.tracer_provider.add_span_processor(processor)
        if "exporter" in faults:
            sdk.tracer_provider.add_span_processor(SimpleSpanProcessor(FailingExporter()))
        yield sdk


@pytest.mark.usefixtures("faulty")
async def test_faults_of_the_sdk_reach_no_connection(room: Any, connect: Connect) -> None:
    clients = [await connect(room) for _ in range(2)]

    async def heard(text: str) -> None:
        for client in clients:
            assert (await client.frame())["payload"] == text

    # When clients talk to each other, and the server tells them something, Then all arrives
    await clients[0].send({"action": "say", "payload": "hi"})
    await heard("hi")
    await room.broadcast_event(Asked(payload="there"))
    await heard("there")
    room.broadcast_event_sync(Said(payload="you"))
    await heard("you")
    assert not any(client.consumer.is_closed for client in clients)
    assert STRUCK


@pytest.mark.usefixtures("faulty")
def test_faults_of_the_sdk_reach_no_task() -> None:
    def work(self: Any) -> int:
        self.job.log("hello")
        self.job.progress(1, 2)
        return 7

    with bridged_app(eager=True) as app:
        job = start_job_sync(app.task(work, name="work"), owner="user:1")
        assert app.actions(job) == ["job_queued", "job_started", "job_log", "job_succeeded"]
    assert STRUCK


def points(sdk: Sdk) -> dict[str, int]:
    """How many series each metric has."""
    return {metric.name: len(sdk.points(metric.name)) for metric in METRICS}


async def test_metrics_do_not_grow_with_users_groups_and_topics(room: Any, connect: Connect) -> None:
    with instrumented() as sdk:

        async def visit(number: int) -> None:
            client = await connect(room)
            client.consumer.user = f"user-{number}"
            await client.send({"action": "subscribe", "topic": f"talk:{number}"})
            await client.send({"action": "say", "topic": f"talk:{number}", "payload": f"{number}"})
            await client.send({"action": f"odd-{number}", "payload": ""})
            await client.send({"action": "say", "payload": f"{number}"})
            await client.frames(4)
            await client.disconnect()

        await visit(0)
        series = points(sdk)
        for number in range(1, 20):
            await visit(number)
        assert points(sdk) == series


def test_metrics_do_not_grow_with_jobs_and_owners() -> None:
    def work(self: Any, number: int) -> int:
        self.job.log(f"line {number}")
        if number % 2:
            raise LookupError(f"no {number}")
        return number

    with instrumented() as sdk, bridged_app(eager=True) as app:
        task = app.task(work, name="work")
        for number in range(2):
            start_job_sync(task, number, owner=f"user:{number}")
        series = points(sdk)
        for number in range(2, 20):
            start_job_sync(task, number, owner=f"user:{number}", meta={"n": number})
        assert points(sdk) == series
        assert series["chanx.job.run.duration"] == 2


@pytest.mark.parametrize("event", [Said, Asked])
async def test_spans_do_not_grow_with_clients(room: Any, connect: Connect, event: type[Said] | type[Asked]) -> None:
    with instrumented() as sdk:
        clients = [await connect(room) for _ in range(100)]
        with sdk.tracer.start_as_current_span("request"):
            await room.broadcast_event(event(payload="hi"))
        for client in clients:
            await client.frame()
        async with asyncio.timeout(SECONDS):
            while "deliver event" not in sdk.names:  # noqa: ASYNC110  # what tells has no event to set
                await asyncio.sleep(0)
        assert sorted(sdk.names) == ["deliver event", "request"]

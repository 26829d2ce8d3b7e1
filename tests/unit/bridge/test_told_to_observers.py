"""What the bridge tells of jobs: from the request that starts one to the client that sees its events."""

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from celery import signals
from channels.layers import InMemoryChannelLayer
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from chanx.bridge import JobTopic, detach, start_job, start_job_sync
from chanx.bridge.context import HEADER, JobContext
from chanx.bridge.encoding import Origin, encode_event
from chanx.bridge.entry import Appended, AppendStatus, Execution, NewEntry
from chanx.bridge.events import JobLogLine, JobProgress, LogPayload, ProgressPayload
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport, live_message
from chanx.bridge.web import merge
from chanx.bridge.web.live_entry import time_of
from chanx.bridge.worker.observed_run import ObservedRun
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import ws_handler
from chanx.layers import MemoryPublisher
from chanx.messages.base import BaseMessage
from chanx.metrics import Metric
from chanx.telemetry import Attributes, Observer, Span, SpanStart, carrier, observe, span
from tests.contract.jobs import record
from tests.unit.bridge.apps import BridgedApp, bridged_app
from tests.unit.bridge.doubles import Bench
from tests.unit.channels.client import SECONDS, Client
from tests.unit.conftest import Connect
from tests.unit.telemetry_sdk import Sdk, instrumented, is_child


@pytest.fixture
def sdk() -> Iterator[Sdk]:
    with instrumented() as sdk:
        yield sdk


@pytest.fixture
def eager() -> Iterator[BridgedApp]:
    with bridged_app(eager=True) as app:
        yield app


@pytest.fixture
def queueing() -> Iterator[BridgedApp]:
    with bridged_app(eager=False) as app:
        yield app


@pytest.fixture
def published() -> Iterator[list[dict[str, Any]]]:
    """The headers of the messages that went out."""
    found: list[dict[str, Any]] = []

    def keep(headers: Any = None, **_: Any) -> None:
        found.append(headers)

    signals.after_task_publish.connect(keep)
    yield found
    signals.after_task_publish.disconnect(keep)


def nothing(self: Any) -> None:
    """A task."""


def line(text: str) -> JobLogLine:
    return JobLogLine(payload=LogPayload(message=text))


def span_id_in(trace: Any) -> int:
    return int(trace["traceparent"].split("-")[2], 16)


def id_of(span: ReadableSpan) -> int:
    context = span.get_span_context()
    assert context is not None
    return context.span_id


class TestTraces:
    """Spans belong together across threads and messages."""

    def test_from_the_request_to_the_events_of_the_task(self, sdk: Sdk, eager: BridgedApp) -> None:
        # Given
        def work(self: Any) -> int:
            self.job.log("hello")
            return 1

        task = eager.task(work, name="work")

        # When
        with sdk.tracer.start_as_current_span("request"):
            job = start_job_sync(task, owner="user:1")

        # Then
        spans = sdk.spans
        assert is_child(spans["start_job work"], spans["request"])
        assert is_child(spans["run work"], spans["start_job work"])
        for action in ("job_started", "job_log", "job_succeeded"):
            assert is_child(spans[f"report {action}"], spans["run work"])
        assert dict(spans["start_job work"].attributes or {}) == {"chanx.task": "work", "chanx.job.id": job.job_id}
        assert dict(spans["run work"].attributes or {}) == {
            "chanx.task": "work",
            "chanx.task.id": job.task_id,
            "chanx.job.id": job.job_id,
            "chanx.attempt": 1,
            "chanx.outcome": "succeeded",
        }

    async def test_from_async_code(self, sdk: Sdk, eager: BridgedApp) -> None:
        task = eager.task(nothing, name="work")

        with sdk.tracer.start_as_current_span("request"):
            await start_job(task, owner="user:1")

        assert is_child(sdk.spans["start_job work"], sdk.spans["request"])

    def test_the_message_of_a_task_says_where_it_comes_from(
        self, sdk: Sdk, queueing: BridgedApp, published: list[dict[str, Any]]
    ) -> None:
        start_job_sync(queueing.task(nothing, name="work"), owner="user:1")

        (headers,) = published
        context = JobContext.from_headers(headers)
        assert context is not None
        assert span_id_in(context.trace) == id_of(sdk.spans["start_job work"])
        assert context.published_at is not None
        assert json.loads(json.dumps(headers[HEADER])) == headers[HEADER]

    def test_what_a_task_publishes_comes_from_its_run(
        self, sdk: Sdk, queueing: BridgedApp, published: list[dict[str, Any]]
    ) -> None:
        # Given
        inner = queueing.task(nothing, name="inner")

        def work(self: Any) -> None:
            inner.delay()
            with detach():
                inner.delay()

        outer = queueing.task(work, name="outer")
        start_job_sync(outer, owner="user:1")

        # When a worker runs it
        outer.apply(task_id=published[0]["id"], headers={HEADER: published[0][HEADER]})

        # Then
        _, nested, detached = published
        assert span_id_in(nested[HEADER]["trace"]) == id_of(sdk.spans["run outer"])
        assert is_child(sdk.spans["run outer"], sdk.spans["start_job outer"])
        assert HEADER not in detached

    def test_a_task_that_fails(self, sdk: Sdk, eager: BridgedApp) -> None:
        def work(self: Any) -> None:
            raise RuntimeError("no")

        start_job_sync(eager.task(work, name="work"), owner="user:1")

        run = sdk.spans["run work"]
        assert (run.status.status_code, run.status.description) == (StatusCode.ERROR, "failed")

    def test_nothing_of_one_task_is_left_for_the_next(self, sdk: Sdk, eager: BridgedApp) -> None:
        """In one thread, as in a worker's process."""
        task = eager.task(nothing, name="work")

        for _ in range(2):
            start_job_sync(task, owner="user:1")

        assert [span.parent for span in sdk.spans.values() if span.name == "start_job work"] == [None]
        assert carrier() is None

    def test_events_from_another_thread_belong_to_the_run(self, sdk: Sdk) -> None:
        # Given
        bench = Bench()
        with span(SpanStart("run")):
            bench.reporter.trace = carrier()

        # When
        thread = threading.Thread(target=bench.reporter.send, args=(line("hi"),))
        thread.start()
        thread.join()

        # Then
        assert is_child(sdk.spans["report job_log"], sdk.spans["run"])
        (_, _, message) = bench.publisher.sent[0]
        assert span_id_in(message["trace"]) == id_of(sdk.spans["report job_log"])

    def test_progress_has_no_spans(self, sdk: Sdk) -> None:
        bench = Bench()

        with span(SpanStart("run")):
            bench.reporter.send(JobProgress(payload=ProgressPayload(current=1)))

        assert sdk.names == ["run"]
        assert "trace" not in bench.publisher.sent[0][2]

    def test_where_nobody_observes_messages_are_as_they_were(
        self, queueing: BridgedApp, published: list[dict[str, Any]]
    ) -> None:
        bench = Bench()

        start_job_sync(queueing.task(nothing, name="work"), owner="user:1")
        bench.reporter.send(line("hi"))

        assert (published[0][HEADER]["trace"], published[0][HEADER]["published_at"]) == (None, None)
        assert "trace" not in bench.publisher.sent[0][2]

    def test_a_header_of_another_version(self) -> None:
        context = JobContext("j", "user:1", "t", trace={"traceparent": "x"}, published_at=1.5)
        header = context.to_header()
        assert JobContext.from_headers({HEADER: header}) == context
        for trace, published_at in (("odd", "odd"), (["odd"], None), ({}, {}), ({"a": 1}, []), (1, 10**400)):
            read = JobContext.from_headers({HEADER: {**header, "trace": trace, "published_at": published_at}})
            assert read == JobContext("j", "user:1", "t")
        del header["trace"], header["published_at"]
        assert JobContext.from_headers({HEADER: header}) == JobContext("j", "user:1", "t")


class Failing(Observer):
    """Raises whatever it is told, and has no text to inject."""

    def measured(self, metric: Metric, value: float, attributes: Attributes) -> None:
        raise RuntimeError("measured")

    def began(self, start: SpanStart) -> Span:
        return FailingSpan()

    def spanned(self, start: SpanStart, seconds: float) -> None:
        raise RuntimeError("spanned")

    def inject(self, carrier: dict[str, str]) -> None:
        odd: Any = carrier
        odd["odd"] = object()


class FailingSpan(Span):
    def note(self, attributes: Attributes) -> None:
        raise RuntimeError("note")

    def end(self, error: BaseException | str | None = None) -> None:
        raise RuntimeError("end")


@pytest.mark.parametrize("is_eager", [True, False])
def test_an_observer_that_fails_harms_no_job(is_eager: bool) -> None:
    def work(self: Any) -> int:
        self.job.log("hello")
        self.job.progress(1, 2)
        return 1

    stop = observe(Failing())
    try:
        with bridged_app(eager=is_eager) as app:
            # When
            job = start_job_sync(app.task(work, name="work"), owner="user:1", meta={"a": 1})

            # Then
            ran = ["job_started", "job_log", "job_succeeded"] if is_eager else []
            assert app.actions(job) == ["job_queued", *ran]
    finally:
        stop()


class TestRuns:
    """How long a task waited, and how long it took."""

    def test_a_run_is_measured(self, sdk: Sdk, eager: BridgedApp) -> None:
        start_job_sync(eager.task(nothing, name="work"), owner="user:1")

        for action in ("job_queued", "job_started", "job_succeeded"):
            assert sdk.value("chanx.job.events.published", {"chanx.action": action}) == 1
        assert sdk.count("chanx.job.queue.duration", {"chanx.task": "work"}) == 1
        assert sdk.count("chanx.job.run.duration", {"chanx.task": "work", "chanx.outcome": "succeeded"}) == 1

    def test_each_attempt_is_a_run(self, sdk: Sdk, eager: BridgedApp) -> None:
        def work(self: Any) -> None:
            if self.request.retries == 0:
                raise self.retry(countdown=0, exc=RuntimeError("later"))

        start_job_sync(eager.task(work, name="work"), owner="user:1")

        for outcome in ("retrying", "succeeded"):
            assert sdk.count("chanx.job.run.duration", {"chanx.task": "work", "chanx.outcome": outcome}) == 1

    @pytest.mark.parametrize(
        ("eta", "waited"),
        [(None, 60), (-90, 60), (-20, 20), (50, 0), ("odd", 60)],
    )
    def test_a_task_does_not_wait_before_its_time(
        self, sdk: Sdk, monkeypatch: pytest.MonkeyPatch, eta: Any, waited: float
    ) -> None:
        # Given a message that was published a minute ago
        now = datetime(2026, 1, 1, tzinfo=UTC)
        monkeypatch.setattr("time.time", now.timestamp)
        context = JobContext("j", "user:1", "t", published_at=now.timestamp() - 60)
        due = (now + timedelta(seconds=eta)).isoformat() if isinstance(eta, int) else eta

        # When
        ObservedRun(context, Execution("j", "p", "t", "work", 1), eta=due).close()

        # Then
        (point,) = sdk.points("chanx.job.queue.duration").values()
        assert point.sum == waited

    def test_a_message_of_who_does_not_observe(self, sdk: Sdk) -> None:
        run = ObservedRun(JobContext("j", "user:1", "t"), Execution("j", "p", "t", "work", 1), eta=None)
        run.close()
        run.close()  # once more changes nothing

        assert sdk.points("chanx.job.queue.duration") == {}
        assert sdk.count("chanx.job.run.duration", {"chanx.task": "work", "chanx.outcome": "unknown"}) == 1
        assert sdk.names == ["run work"]


class FailingStore(MemoryJobStore):
    """Raises ``error`` instead of appending, where there is one."""

    error: Exception | None = None

    def append(self, entry: NewEntry) -> Appended:
        if self.error is not None:
            raise self.error
        return super().append(entry)


class TestLog:
    """What becomes of a job's events on their way into its log."""

    def test_events_that_were_appended(self, sdk: Sdk) -> None:
        bench = Bench()

        bench.reporter.send(line("one"))
        bench.reporter.send(line("two"))
        bench.transport.send(encode_event(line("two"), bench.reporter.origin, 2))  # repeated
        bench.reporter.send(JobProgress(payload=ProgressPayload(current=1)))

        assert sdk.value("chanx.job.events.published", {"chanx.action": "job_log"}) == 2
        assert sdk.value("chanx.job.events.published", {"chanx.action": "job_progress"}) == 1
        assert sdk.count("chanx.job.append.duration", {"chanx.status": "appended"}) == 3
        assert sdk.count("chanx.job.append.duration", {"chanx.status": "duplicate"}) == 1

    def test_who_only_hands_events_on_does_not_count_them(self, sdk: Sdk) -> None:
        """A worker on the event bus: the relay appends, and counts."""

        # Given
        class OnTheWay(MemoryJobStore):
            is_observed_here = False

        store = OnTheWay()
        origin = Origin(store.create(record()), "t1", 1, "r")

        # When
        DirectTransport(store, MemoryPublisher()).send(encode_event(line("one"), origin, 1))

        # Then
        assert sdk.points("chanx.job.events.published") == {}
        assert sdk.count("chanx.job.append.duration", {"chanx.status": "appended"}) == 1

    def test_a_store_that_fails(self, sdk: Sdk) -> None:
        # Given
        store = FailingStore()
        transport = DirectTransport(store, MemoryPublisher(), retry_seconds=3600)
        origin = Origin("j", "t", 1, "r")

        # When it fails over one event, is away, and the process ends with two more
        store.error = ValueError("odd")
        transport.send(encode_event(line("one"), origin, 1))
        store.error = StoreUnavailableError("away")
        transport.send(encode_event(line("two"), origin, 2))
        transport.send(encode_event(line("three"), origin, 3))
        transport.give_up(0)

        # Then
        assert sdk.value("chanx.job.events.failed", {"chanx.reason": "error"}) == 1
        assert sdk.value("chanx.job.events.failed", {"chanx.reason": "exit"}) == 2
        assert sdk.points("chanx.job.events.published") == {}
        assert sdk.count("chanx.job.append.duration", {"chanx.status": "error"}) >= 2

    def test_more_than_can_wait(self, sdk: Sdk) -> None:
        # Given
        store = FailingStore()
        job_id = store.create(record())
        transport = DirectTransport(store, MemoryPublisher(), retry_seconds=3600, max_steps=4)
        store.error = StoreUnavailableError("away")

        # When
        for n in range(1, 11):
            transport.send(encode_event(line(str(n)), Origin(job_id, "t1", 1, "r"), n))
        store.error = None
        transport.flush(5)

        # Then
        dropped = sdk.value("chanx.job.events.dropped")
        assert dropped >= 6
        assert sdk.value("chanx.job.gaps") == 1
        assert sdk.value("chanx.job.events.published", {"chanx.action": "job_gap"}) == 1
        assert sdk.value("chanx.job.events.published", {"chanx.action": "job_log"}) == 10 - dropped


class Watched:
    """A job, the consumer class of those who watch it, and the layer that its live events come over."""

    def __init__(self, app: BridgedApp) -> None:
        self.layer = layer = InMemoryChannelLayer(capacity=10_000)
        self.n = 0
        self._app = app
        self.job_id = app.store.create(record())

        class Begin(BaseMessage):
            action: Literal["begin"] = "begin"
            payload: None = None

        task = app.task(nothing, name="work")

        class Jobs(JobTopic):
            bridge = app.bridge

        class Site(AsyncJsonWebsocketConsumer):
            topics = [Jobs]
            get_channel_layer = staticmethod(lambda alias: layer)

            @ws_handler
            async def begin(self, message: Begin) -> None:
                await start_job(task, owner="user:1")

        self.consumer = Site

    @property
    def topic(self) -> str:
        return f"job:{self.job_id}"

    async def log(self, *texts: str, live: bool = True) -> None:
        """Events of the job; the layer loses what is not ``live``."""
        for text in texts:
            self.n += 1
            entry = encode_event(line(text), Origin(self.job_id, "t1", 1, "r"), self.n)
            appended = self._app.store.append(entry)
            assert appended.status is AppendStatus.APPENDED
            if live:
                message = dict(live_message(entry, appended))
                await self.layer.group_send(self.group, message)

    @property
    def group(self) -> str:
        return JobTopic.group_name(self.topic)

    async def subscribe(self, client: Client, **position: Any) -> dict[str, Any]:
        await client.send({"action": "subscribe", "topic": self.topic, "payload": position or None})
        frame: dict[str, Any] = await client.frame()
        assert frame["action"] == "subscribed"
        return frame


@pytest.fixture
def watched(queueing: BridgedApp) -> Watched:
    return Watched(queueing)


ADA = SimpleNamespace(pk=1)


async def told(condition: Any) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110  # what tells has no event to set
            await asyncio.sleep(0)


class TestStream:
    """What becomes of events on their way to clients."""

    async def test_a_live_event_is_one_delivery_in_the_trace_of_its_run(
        self, sdk: Sdk, watched: Watched, connect: Connect
    ) -> None:
        # Given
        clients = [await connect(watched.consumer, user=ADA) for _ in range(2)]
        for client in clients:
            await watched.subscribe(client)

        # When
        with sdk.tracer.start_as_current_span("run"):
            await watched.log("hi")
        for client in clients:
            assert (await client.frame())["payload"]["message"] == "hi"
        await told(lambda: "deliver job_log" in sdk.names)

        # Then
        assert is_child(sdk.spans["deliver job_log"], sdk.spans["run"])
        assert sdk.names.count("deliver job_log") == 1
        assert sdk.count("chanx.delivery.duration", {"chanx.kind": "job"}) == 1
        assert sdk.points("chanx.job.events.replayed") == {}

    async def test_an_event_without_a_trace_is_measured(self, sdk: Sdk, watched: Watched, connect: Connect) -> None:
        client = await connect(watched.consumer, user=ADA)
        await watched.subscribe(client)

        await watched.log("hi")
        await client.frame()
        await told(lambda: sdk.count("chanx.delivery.duration", {"chanx.kind": "job"}) == 1)

        assert sdk.names == []

    async def test_what_is_replayed(self, sdk: Sdk, watched: Watched, connect: Connect) -> None:
        # Given
        await watched.log("1", "2", "3", live=False)
        client = await connect(watched.consumer, user=ADA)

        # When somebody comes late, and the layer loses an event afterwards
        await watched.subscribe(client)
        await client.frames(3)
        await watched.log("4", live=False)
        await watched.log("5")
        assert [frame["seq"] for frame in await client.frames(2)] == [4, 5]

        # Then
        replayed = "chanx.job.events.replayed"
        assert sdk.value(replayed, {"chanx.reason": "subscribed"}) == 3
        assert sdk.value(replayed, {"chanx.reason": "gap"}) == 2
        assert sdk.points("chanx.job.recoveries") == {}  # it was never there before

    async def test_who_comes_back(self, sdk: Sdk, watched: Watched, connect: Connect) -> None:
        # Given
        await watched.log("1", "2", live=False)
        client = await connect(watched.consumer, user=ADA)
        epoch = (await watched.subscribe(client))["payload"]["epoch"]
        await client.frames(2)

        # When
        assert (await watched.subscribe(client, epoch=epoch, after=1))["payload"]["recovered"]
        await client.frame()
        assert not (await watched.subscribe(client, epoch="another", after=1))["payload"]["recovered"]
        await client.frames(2)

        # Then
        assert sdk.value("chanx.job.recoveries", {"chanx.recovered": True}) == 1
        assert sdk.value("chanx.job.recoveries", {"chanx.recovered": False}) == 1

    async def test_who_does_not_acknowledge(
        self, sdk: Sdk, watched: Watched, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Given
        for name, value in (("HOLD", 2), ("CREDIT", 4), ("SURE_CREDIT", 4)):
            monkeypatch.setattr(merge, name, value)
        client = await connect(watched.consumer, user=ADA)
        await watched.subscribe(client)

        # When it is sent four events, and then acknowledges them
        for n in range(4):
            await watched.log(str(n))
            await client.frame()
        await watched.log("4", "5", "6", "7")
        slow = {"chanx.reason": "credit"}
        await told(lambda: sdk.value("chanx.slow_clients", slow) == 1)
        await client.send({"action": "ack", "topic": watched.topic, "payload": {"seq": 4}})
        await client.frames(4)

        # Then
        assert sdk.value("chanx.slow_clients", slow) == 1
        assert sdk.value("chanx.job.events.replayed", {"chanx.reason": "slow"}) == 2
        assert sdk.points("chanx.job.events.replayed").keys() == {frozenset({("chanx.reason", "slow")})}

    async def test_a_frame_that_starts_a_job(self, sdk: Sdk, watched: Watched, connect: Connect) -> None:
        client = await connect(watched.consumer, user=ADA)

        await client.send({"action": "begin"})
        await told(lambda: "handle begin" in sdk.names)

        assert is_child(sdk.spans["start_job work"], sdk.spans["handle begin"])


def test_the_time_of_an_event() -> None:
    entry = encode_event(line('"time":"1970"'), Origin("j", "t", 1, "r"), 1)
    assert time_of(entry.event) == datetime.fromisoformat(json.loads(entry.event)["time"]).timestamp()
    assert time_of("{}") is None
    assert time_of('{"time":"noon"}') is None

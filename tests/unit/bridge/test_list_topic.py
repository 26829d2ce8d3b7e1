"""The topic of somebody's jobs: it follows what comes and changes, whatever messages are lost on the way."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chanx.bridge import Bridge, JobListTopic
from chanx.bridge.access import Access
from chanx.bridge.events import (
    FailedPayload,
    JobEvent,
    JobFailed,
    JobProgress,
    JobStarted,
    JobSucceeded,
    ProgressPayload,
    SucceededPayload,
)
from chanx.bridge.names import list_group
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.bridge.web import list_topic
from chanx.bridge.web.job_list import FIELD_BYTES, JobList, listed
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.topic import TopicRefused
from chanx.layers import MemoryPublisher

START = datetime(2026, 1, 1, tzinfo=UTC)
ADA = SimpleNamespace(pk=1)


class Jobs:
    """Some jobs in a memory store, and what the channel layer would deliver of them."""

    def __init__(self, access: Access | None = None) -> None:
        self.store, self.publisher = MemoryJobStore(), MemoryPublisher()
        self.bridge = Bridge(
            Celery("list-topic", set_as_current=False),
            self.store,
            DirectTransport(self.store, self.publisher),
            access=access or Access(),
        )
        self.count = 0

    def start(self, owner: str = "user:1", *watchers: str) -> str:
        self.count += 1
        job_id = f"j{self.count}"
        created_at = START + timedelta(seconds=self.count // 3)  # three of the same time
        self.store.create(
            JobRecord(job_id=job_id, owner=owner, name="n", task_id="t", created_at=created_at, watchers=watchers)
        )
        return job_id

    def snapshot(self, job_id: str) -> JobSnapshot:
        snapshot = self.store.snapshot(job_id)
        assert snapshot
        return snapshot

    def report(self, job_id: str, event: JobEvent) -> None:
        JobReporter(self.bridge.transport, job_id=job_id, task_id="t", attempt=1).send(event)

    def told(self, owner: str) -> list[dict[str, Any]]:
        """What was published to the list's group since the last time."""
        messages = [dict(message) for _, to, message in self.publisher.sent if to == list_group(owner)]
        self.publisher.sent.clear()
        return messages


def place_of(job: Mapping[str, Any]) -> tuple[str, str]:
    return job["created_at"], job["job_id"]


class Viewer:
    """A client's list, and the topic of its connection."""

    repair_seconds = 0.005

    def __init__(self, jobs: Jobs, topic: str = "jobs:user:1", user: Any = ADA) -> None:
        topic_type = type("Mine", (JobListTopic,), {"bridge": jobs.bridge, "repair_seconds": self.repair_seconds})
        consumer = AsyncJsonWebsocketConsumer()
        consumer.scope, consumer.user, consumer.base_send = {"user": user}, user, self._take
        params = topic_type.parse(topic)
        assert params is not None
        self.topic: JobListTopic = topic_type(consumer, topic, params)
        self.jobs: dict[str, dict[str, Any]] = {}
        self.frames: list[str] = []
        self.oldest: tuple[str, str] | None = None
        self._is_subscribed = False

    async def subscribe(self, **payload: Any) -> dict[str, Any]:
        await self.topic.authorize(**self.topic.params)
        answer = await self.topic.subscribed_payload(payload or None)
        if "before" not in payload:
            self.jobs.clear()
        for job in answer["jobs"]:
            self._replace(job)
        self.oldest = min(map(place_of, self.jobs.values()), default=("", "")) if answer["more"] else None
        await (self.topic.on_resubscribe() if self._is_subscribed else self.topic.on_subscribe())
        self._is_subscribed = True
        return answer

    async def _take(self, message: dict[str, Any]) -> None:
        frame = json.loads(message["text"])
        assert frame["topic"] == self.topic.topic
        self.frames.append(frame["action"])
        if frame["action"] == "job_changed":
            self._replace(frame["payload"]["job"])
        else:
            assert frame["action"] == "job_removed"
            del self.jobs[frame["payload"]["job_id"]]

    def _replace(self, job: dict[str, Any]) -> None:
        known = self.jobs.get(job["job_id"])
        if known is not None:
            assert (known["seq"], known["rev"]) <= (job["seq"], job["rev"])
        self.jobs[job["job_id"]] = job


@asynccontextmanager
async def viewing(jobs: Jobs, *args: Any, **kwargs: Any) -> AsyncIterator[Viewer]:
    viewer = Viewer(jobs, *args, **kwargs)
    yield viewer
    await viewer.topic.on_unsubscribe()


async def eventually(condition: Callable[[], bool], what: Callable[[], object]) -> None:
    deadline = asyncio.get_running_loop().time() + 5
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, what()
        await asyncio.sleep(0.002)


@pytest.fixture(autouse=True)
def rounds_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_topic, "ROUND_SECONDS", 0)
    monkeypatch.setattr(list_topic, "RETRY_SECONDS", 0.01)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is read again in pages of two."""
    monkeypatch.setattr(list_topic, "PAGE", 2)


EVENTS = st.sampled_from(
    [
        JobStarted(),
        JobProgress(payload=ProgressPayload(current=1)),
        JobSucceeded(payload=SucceededPayload(result=1)),
        JobFailed(payload=FailedPayload.model_validate({"error": {"message": "broken"}})),
    ]
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.sampled_from([("user:1",), ("user:2", "user:1"), ("user:2",)])),
        st.tuples(st.just("report"), st.integers(0, 5), EVENTS),
        st.tuples(st.just("deliver"), st.integers(0, 2)),
        st.tuples(st.just("delete"), st.integers(0, 5)),
        st.tuples(st.just("subscribe"), st.sampled_from([{}, {"limit": 2}])),
        st.tuples(st.just("more"), st.integers(1, 3)),
        st.tuples(st.just("outage"), st.booleans()),
        st.tuples(st.just("breathe"), st.integers(1, 5)),
        st.tuples(st.just("settle")),
    ),
    min_size=10,
    max_size=40,
)


@given(steps=STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_the_list_is_the_stores_in_the_end(steps: list[Any], small_pages: None) -> None:
    asyncio.run(play(steps))


async def play(steps: list[Any]) -> None:
    jobs = Jobs()
    works, reads, jobs_of, snapshot = True, 0, jobs.store.jobs_of, jobs.store.snapshot

    def asked(question: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*args: Any, **kwargs: Any) -> Any:
            nonlocal reads
            if not works:
                raise StoreUnavailableError("away")
            reads += question == jobs_of
            return question(*args, **kwargs)

        return ask

    jobs.store.jobs_of, jobs.store.snapshot = asked(jobs_of), asked(snapshot)  # type: ignore[method-assign]
    for _ in range(3):
        jobs.start()
    async with viewing(jobs) as viewer:
        await viewer.subscribe()

        async def read_again() -> None:
            enough = reads + 3
            await eventually(lambda: reads >= enough, lambda: "the list is not read")

        def expected() -> dict[str, Any]:
            mine = [listed(job) for job in jobs_of("user:1", limit=1000)]
            return {job["job_id"]: job for job in mine if viewer.oldest is None or place_of(job) >= viewer.oldest}

        for step, *args in [*steps, ("outage", False), ("settle",)]:
            if step == "start":
                jobs.start(*args[0])
            elif step == "report":
                jobs.report(f"j{args[0] % jobs.count + 1}", args[1])
            elif step == "deliver":  # each message so many times, out of order
                for message in reversed(jobs.told("user:1") * args[0]):
                    await viewer.topic.receive_event(message)
            elif step == "delete":
                jobs.store.delete(f"j{args[0] % jobs.count + 1}")
            elif step == "subscribe" and works:
                await viewer.subscribe(**args[0])
            elif step == "more" and works and viewer.oldest:
                before, before_id = viewer.oldest
                await viewer.subscribe(before=before, before_id=before_id, limit=args[0])
            elif step == "outage":
                works = not args[0]
            elif step == "breathe":
                for _ in range(args[0]):
                    await asyncio.sleep(0.001)
            elif step == "settle" and works:
                await read_again()
                await eventually(lambda: viewer.jobs == expected(), lambda: (viewer.jobs, expected(), viewer.frames))


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def unrepaired(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is read once after subscribing, and not again."""
    monkeypatch.setattr(Viewer, "repair_seconds", 3600.0)


async def test_a_change_of_state_is_told_at_once(jobs: Jobs, unrepaired: None) -> None:
    # Given a list with one job
    job_id = jobs.start()
    async with viewing(jobs) as viewer:
        assert [job["state"] for job in (await viewer.subscribe())["jobs"]] == ["queued"]
        jobs.told("user:1")

        # When it starts, and another one comes
        jobs.report(job_id, JobStarted())
        other = jobs.start()
        messages = [*jobs.told("user:1"), {"job_id": other, "state": "queued"}]
        assert len(messages) == 2
        for message in messages:
            await viewer.topic.receive_event(message)

        # Then the client has both
        def states() -> dict[str, str]:
            return {name: job["state"] for name, job in viewer.jobs.items()}

        await eventually(lambda: states() == {job_id: "started", other: "queued"}, states)


async def test_progress_of_active_jobs_is_polled(jobs: Jobs, unrepaired: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given an active job and one that has ended
    active, ended = jobs.start(), jobs.start()
    jobs.report(ended, JobSucceeded(payload=SucceededPayload()))
    poller = jobs.bridge.async_store.head_poller
    async with viewing(jobs) as viewer:
        await viewer.subscribe()
        await eventually(lambda: set(poller._listeners) == {active}, lambda: poller._listeners)

        # When it reports progress, and the heads are polled
        jobs.report(active, JobProgress(payload=ProgressPayload(current=7)))
        await poller.poll()

        # Then the client sees it
        await eventually(lambda: "job_progress" in viewer.jobs[active]["fields"], lambda: viewer.jobs)
        assert viewer.jobs[active]["fields"]["job_progress"]["current"] == 7

        # And once the job has ended it is polled no more
        jobs.report(active, JobSucceeded(payload=SucceededPayload()))
        await poller.poll()
        await eventually(lambda: viewer.jobs[active]["state"] == "succeeded", lambda: viewer.jobs)
        await eventually(lambda: not poller._listeners, lambda: poller._listeners)


async def test_pages(jobs: Jobs) -> None:
    # Given more jobs than a page has
    names = [jobs.start() for _ in range(60)]
    async with viewing(jobs) as viewer:
        # When the client asks for the first page and the next
        first = await viewer.subscribe()
        before, before_id = place_of(first["jobs"][-1])
        second = await viewer.subscribe(before=before, before_id=before_id)

        # Then it has them all, in order, and a change of the oldest is told
        newest_first = sorted(names, key=lambda name: jobs.snapshot(name).place, reverse=True)
        assert (first["more"], second["more"]) == (True, False)
        assert [job["job_id"] for job in [*first["jobs"], *second["jobs"]]] == newest_first
        jobs.report(names[0], JobStarted())
        await eventually(lambda: viewer.jobs[names[0]]["state"] == "started", lambda: viewer.jobs[names[0]])


async def test_a_list_has_an_end(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a list of at most three, and two jobs
    monkeypatch.setattr(list_topic, "JobList", lambda: JobList(limit=3))
    monkeypatch.setattr(list_topic, "MAX_SHOWN", 3)
    monkeypatch.setattr(list_topic, "PAGE", 3)
    for _ in range(2):
        jobs.start()
    async with viewing(jobs) as viewer:
        assert (await viewer.subscribe())["more"] is False

        # When more come, the oldest leave
        for _ in range(3):
            await viewer.topic.receive_event({"job_id": jobs.start(), "state": "queued"})
        await eventually(lambda: sorted(viewer.jobs) == ["j3", "j4", "j5"], lambda: sorted(viewer.jobs))

        # And there is no older page
        assert await viewer.subscribe(before=viewer.jobs["j3"]["created_at"]) == {"jobs": [], "more": False}


async def test_long_values_are_left_out(jobs: Jobs) -> None:
    job_id = jobs.start()
    jobs.report(job_id, JobSucceeded(payload=SucceededPayload(result="x" * FIELD_BYTES)))
    async with viewing(jobs) as viewer:
        (job,) = (await viewer.subscribe())["jobs"]
    assert "result" not in job["fields"]
    assert job["omitted_fields"] == ["result"]
    assert "ended_at" in job["fields"]


async def test_a_list_that_is_too_long_already_has_no_next_page(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a list of at most one that has three, as the oldest are about to leave it
    monkeypatch.setattr(list_topic, "JobList", lambda: JobList(limit=1))
    for _ in range(9):
        jobs.start()
    async with viewing(jobs) as viewer:
        await viewer.subscribe()
        await viewer.topic.on_unsubscribe()
        for job_id in ("j7", "j8"):
            viewer.topic._list.take(jobs.snapshot(job_id), is_hidden=False)

        answer = await viewer.topic.subscribed_payload({"before": jobs.snapshot("j7").created_at.isoformat()})

        assert answer == {"jobs": [], "more": False}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(max_size=4), parts),
)


@given(value=JSON_VALUES)
def test_what_is_left_out_is_what_takes_more_than_a_field_may(value: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chanx.bridge.web.job_list.FIELD_BYTES", 20)
        shown = listed(snapshot_with(value))

    is_long = len(json.dumps(value)) > 20
    assert shown["omitted_fields"] == (["value"] if is_long else [])
    assert ("value" in shown["fields"]) is not is_long


def test_what_is_left_out_is_not_written_to_measure_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a value that takes long to write
    snapshot = snapshot_with([{"row": number} for number in range(20_000)])
    written: list[Any] = []
    monkeypatch.setattr("chanx.bridge.web.job_list.json", SimpleNamespace(dumps=written.append))

    # When
    shown = listed(snapshot)

    # Then
    assert shown["omitted_fields"] == ["value"]
    assert written == []


def snapshot_with(value: Any) -> JobSnapshot:
    jobs = Jobs()
    return jobs.snapshot(jobs.start()).model_copy(update={"fields": {"value": value}})


async def test_me_is_the_user(jobs: Jobs) -> None:
    mine, _ = jobs.start("user:1"), jobs.start("user:2")
    async with viewing(jobs, "jobs:me") as viewer:
        assert [job["job_id"] for job in (await viewer.subscribe())["jobs"]] == [mine]
        assert viewer.topic.group == viewer.topic.event_topic == list_group("user:1")

        # It stays the list of that user, whoever the connection is later
        viewer.topic.consumer.user = SimpleNamespace(pk=2)
        with pytest.raises(TopicRefused):
            await viewer.topic.reauthorize()


@pytest.mark.parametrize(
    ("topic", "user"), [("jobs:user:2", ADA), ("jobs:me", None), ("jobs:user:1", None), ("jobs:project:7", ADA)]
)
async def test_the_lists_of_others_are_refused(jobs: Jobs, topic: str, user: Any) -> None:
    async with viewing(jobs, topic, user=user) as viewer:
        with pytest.raises(TopicRefused, match="There is no such list, or it is not yours"):
            await viewer.subscribe()


async def test_watchers_have_the_list_of_what_they_watch_as() -> None:
    # Given a connection that watches as a project
    jobs = Jobs(Access(watches_as=lambda scope: ["project:7"]))
    watched, owned, _ = jobs.start("user:2", "project:7"), jobs.start("project:7"), jobs.start("user:2")
    async with viewing(jobs, "jobs:project:7") as viewer:
        # Then it sees the project's jobs, and when one changes
        assert {job["job_id"] for job in (await viewer.subscribe())["jobs"]} == {watched, owned}
        jobs.report(watched, JobStarted())
        await eventually(lambda: viewer.jobs[watched]["state"] == "started", lambda: viewer.jobs)


async def test_a_function_of_the_project_decides_about_each_job() -> None:
    # Given a project that shows what is not secret
    secret: set[str] = set()

    def authorize(job: JobSnapshot, scope: Any) -> set[Any]:
        return set() if job.job_id in secret else {"subscribe"}

    jobs = Jobs(Access(authorize=authorize))
    first, second = jobs.start(), jobs.start()
    secret.add(second)
    async with viewing(jobs) as viewer:
        assert [job["job_id"] for job in (await viewer.subscribe())["jobs"]] == [first]

        # When a secret one changes it is not told of
        jobs.report(second, JobStarted())
        jobs.report(first, JobStarted())
        await eventually(lambda: viewer.jobs[first]["state"] == "started", lambda: viewer.jobs)
        assert set(viewer.jobs) == {first}

        # And when the secrets change, the list does, once it is asked again
        secret.symmetric_difference_update({first, second})
        assert await viewer.topic.reauthorize()
        await eventually(lambda: set(viewer.jobs) == {second}, lambda: viewer.jobs)


async def test_the_next_page_does_not_keep_on_showing_what_may_not_be_seen_any_more(
    monkeypatch: pytest.MonkeyPatch, unrepaired: None
) -> None:
    # Given a list that is being asked again who may see what
    may_watch = True
    jobs = Jobs(Access(authorize=lambda job, scope: may_watch))
    jobs.start()
    jobs.start()
    async with viewing(jobs) as viewer:
        await viewer.subscribe(limit=1)
        await eventually(lambda: set(viewer.jobs) == {"j2"}, lambda: viewer.jobs)
        jobs_of, is_asking, may_go_on = jobs.store.jobs_of, threading.Event(), threading.Event()

        def slow(*args: Any, **kwargs: Any) -> list[JobSnapshot]:
            if not is_asking.is_set():
                is_asking.set()
                may_go_on.wait(30)
            return jobs_of(*args, **kwargs)

        monkeypatch.setattr(jobs.store, "jobs_of", slow)
        may_watch = False
        assert await viewer.topic.reauthorize()
        await eventually(is_asking.is_set, lambda: "nothing is asked")

        # When the client asks for the next page
        may_go_on.set()
        assert viewer.oldest is not None
        await viewer.subscribe(before=viewer.oldest[0], before_id=viewer.oldest[1])

        # Then what is shown is asked about all the same
        await eventually(lambda: not viewer.jobs, lambda: viewer.jobs)


async def test_a_store_that_is_away_does_not_keep_on_showing_what_may_not_be_seen_any_more(
    monkeypatch: pytest.MonkeyPatch, unrepaired: None
) -> None:
    may_watch = True
    jobs = Jobs(Access(authorize=lambda job, scope: may_watch))
    jobs.start()
    async with viewing(jobs) as viewer:
        await viewer.subscribe()
        await eventually(lambda: len(viewer.jobs) == 1, lambda: viewer.jobs)
        jobs_of, failures = jobs.store.jobs_of, [StoreUnavailableError("away")]

        def away_once(*args: Any, **kwargs: Any) -> list[JobSnapshot]:
            if failures:
                raise failures.pop()
            return jobs_of(*args, **kwargs)

        monkeypatch.setattr(jobs.store, "jobs_of", away_once)
        may_watch = False
        assert await viewer.topic.reauthorize()

        await eventually(lambda: not viewer.jobs, lambda: viewer.jobs)


async def test_what_goes_wrong_is_tried_again(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = jobs.start()
    async with viewing(jobs) as viewer:
        await viewer.subscribe()
        jobs_of, failures = jobs.store.jobs_of, [RuntimeError("nobody thought of this"), StoreUnavailableError("away")]

        def broken(*args: Any, **kwargs: Any) -> list[JobSnapshot]:
            if failures:
                raise failures.pop()
            return jobs_of(*args, **kwargs)

        monkeypatch.setattr(jobs.store, "jobs_of", broken)
        jobs.report(job_id, JobStarted())
        await eventually(lambda: viewer.jobs[job_id]["state"] == "started", lambda: viewer.jobs)
    assert "job_list_waits" in caplog.text
    assert "job_list_failed" in caplog.text


@pytest.mark.parametrize(
    "payload",
    [
        {"before": "yesterday"},
        {"before": "2026-01-01T00:00:00"},  # of no time zone
        {"limit": 0},
        {"limit": 10**30},
        {"limit": "many"},
        [1],
        "text",
        5,
    ],
    ids=str,
)
async def test_a_request_of_another_form_is_refused(jobs: Jobs, payload: Any) -> None:
    async with viewing(jobs) as viewer:
        await viewer.topic.authorize("user:1")
        with pytest.raises(TopicRefused, match="created_at of the oldest"):
            await viewer.topic.subscribed_payload(payload)


@pytest.mark.parametrize(
    "topic",
    ["jobs:", "jobs:me2", "jobs:user:", "jobs:User:1", "jobs:user:a b", "job:user:1", "jobs:" + "a" * 300, "jobs:x:\n"],
)
def test_what_is_no_list(topic: str) -> None:
    assert JobListTopic.parse(topic) is None


def test_names() -> None:
    assert JobListTopic.parse("jobs:project:a:b/c") == {"owner": "project:a:b/c"}
    assert JobListTopic.group_name("jobs:user:7") == list_group("user:7")

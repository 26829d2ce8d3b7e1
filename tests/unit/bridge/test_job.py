"""A task's view of its job, without Celery: what is reported, how often, and when it stops."""

import math
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from chanx.bridge.entry import AppendStatus
from chanx.bridge.events import JobCancelledEvent, JobEvent
from chanx.bridge.reporter import JobReporter
from chanx.bridge.worker.job import Job
from chanx.errors import EventTooLargeError, JobCancelled
from chanx.messages.base import BaseMessage
from tests.unit.bridge.doubles import Bench, Clock


class TextPayload(BaseModel):
    text: str


class Note(JobEvent):
    action: Literal["note"] = "note"
    payload: TextPayload


class Stats(JobEvent):
    delivery = "latest"
    action: Literal["stats"] = "stats"
    payload: TextPayload


class OrdinaryMessage(BaseMessage):
    action: Literal["ordinary"] = "ordinary"
    payload: float


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def job(bench: Bench, clock: Clock) -> Job:
    return Job(bench.reporter, clock=clock)


def test_events_are_stamped_with_where_they_come_from(bench: Bench, job: Job) -> None:
    job.emit(Note(payload=TextPayload(text="ä")))

    (event,) = bench.events()
    assert event.pop("time").endswith("Z")
    assert event.pop("run_id") == bench.reporter.origin.run_id
    assert event == {
        "action": "note",
        "payload": {"text": "ä"},
        "job_id": bench.job_id,
        "task_id": "t1",
        "attempt": 1,
    }


def test_any_message_can_be_emitted(bench: Bench, job: Job) -> None:
    job.emit(OrdinaryMessage(payload=math.nan))

    (event,) = bench.events()
    assert (event["action"], event["payload"], event["job_id"]) == ("ordinary", None, bench.job_id)


def test_a_latest_event_is_published_but_only_its_newest_is_kept(bench: Bench, job: Job) -> None:
    for text in ("one", "two"):
        job.emit(Stats(payload=TextPayload(text=text)))

    assert bench.events() == []
    assert bench.fields() == {"stats": {"text": "two"}}
    assert [event["payload"]["text"] for event in bench.published("stats")] == ["one", "two"]


def test_an_event_that_is_too_large_reaches_nobody(bench: Bench, job: Job) -> None:
    with pytest.raises(EventTooLargeError, match=r"Note is 300\d+ bytes"):
        job.emit(Note(payload=TextPayload(text="x" * 300_000)))
    job.log("still here")

    assert [event["action"] for event in bench.events()] == ["job_log"]


def test_progress_is_sent_ten_times_a_second_at_most_and_the_last_one_always(
    bench: Bench, job: Job, clock: Clock
) -> None:
    # When 10,001 calls come within 1 second
    for i in range(10_001):
        job.progress(i, 10_000)
        clock.now += 0.0001

    # Then
    sent = [event["payload"]["current"] for event in bench.published("job_progress")]
    assert len(sent) <= 11
    assert sent[0] == 0

    # When the task ends
    job.finish(JobCancelledEvent())

    # Then what was held back came first
    assert bench.published("job_progress")[-1]["payload"]["current"] == 10_000
    assert bench.fields()["job_progress"]["fraction"] == 1


def test_rate_and_time_to_go(bench: Bench, job: Job, clock: Clock) -> None:
    # When 50 items a second are done of 1,000
    for i in range(0, 501, 50):
        job.progress(i, 1000, "rows")
        clock.now += 1.0

    # Then
    payload = bench.published("job_progress")[-1]["payload"]
    assert payload["rate"] == pytest.approx(50)
    assert payload["eta"] == pytest.approx(10)
    assert (payload["fraction"], payload["message"]) == (0.5, "rows")


def test_progress_that_begins_again_forgets_its_rate(bench: Bench, job: Job, clock: Clock) -> None:
    for current in (0, 100, 0):
        job.progress(current, 100)
        clock.now += 1.0

    assert bench.published("job_progress")[-1]["payload"]["rate"] is None


@given(
    current=st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12),
    total=st.none() | st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12),
)
def test_whatever_is_reported_the_fraction_stays_between_0_and_1(current: float, total: float | None) -> None:
    bench, clock = Bench(), Clock()
    job = Job(bench.reporter, clock=clock)

    for value in (0, current):
        job.progress(value, total)
        clock.now += 1.0

    for event in bench.published("job_progress"):
        fraction, eta = event["payload"]["fraction"], event["payload"]["eta"]
        assert (fraction is None) == (total is None or total <= 0)
        assert fraction is None or 0 <= fraction <= 1
        assert eta is None or eta >= 0


def test_tracking_counts_the_items(bench: Bench, job: Job, clock: Clock) -> None:
    # When
    seen = []
    for item in job.track(["a", "b", "c"]):
        seen.append(item)
        clock.now += 1.0

    # Then
    assert seen == ["a", "b", "c"]
    told = [(e["payload"]["current"], e["payload"]["total"]) for e in bench.published("job_progress")]
    assert told[0] == (0, 3)
    assert told[-1] == (3, 3)


def test_tracking_nothing(bench: Bench, job: Job) -> None:
    assert list(job.track(iter([]))) == []
    job.finish(JobCancelledEvent())
    assert bench.published("job_progress")[-1]["payload"] | {"rate": 0} == {
        "current": 0,
        "total": None,
        "fraction": None,
        "rate": 0,
        "eta": None,
        "message": None,
        "unit": None,
    }


def test_a_cancelled_job_stops_at_its_next_step(bench: Bench, job: Job, clock: Clock) -> None:
    # Given
    items = job.track(range(100))
    next(items)
    bench.store.request_cancel(bench.job_id)

    # When a quarter of a second has passed
    clock.now += 0.25

    # Then
    with pytest.raises(JobCancelled):
        next(items)
    assert job.should_abort()


def test_the_store_is_not_asked_at_every_step(bench: Bench, job: Job, clock: Clock) -> None:
    asked = 0
    original = bench.transport.is_cancelled

    def counted(job_id: str) -> bool:
        nonlocal asked
        asked += 1
        return original(job_id)

    bench.transport.is_cancelled = counted  # type: ignore[method-assign]  # counts the calls
    for _ in range(1000):
        assert not job.should_abort()
        clock.now += 0.001

    assert asked <= 4


def test_an_answer_to_an_event_tells_of_the_cancellation(bench: Bench, job: Job) -> None:
    bench.store.request_cancel(bench.job_id)

    job.log("hello")

    assert job.should_abort()


def test_a_run_of_an_ended_job_is_told_to_stop(bench: Bench, job: Job) -> None:
    # Given somebody ended the job before this run began
    other = type(bench.reporter)(bench.transport, job_id=bench.job_id, task_id="t1", attempt=0)
    ended = other.send(JobCancelledEvent(), only_if_queued=True)
    assert ended is not None
    assert ended.status is AppendStatus.APPENDED

    # When
    job.log("hello")

    # Then
    with pytest.raises(JobCancelled):
        job.progress(1)


@pytest.mark.parametrize("message", ["x" * 300_000, "a\udcff"], ids=["too large", "no JSON form"])
def test_progress_that_cannot_be_sent_does_not_keep_the_end_back(bench: Bench, job: Job, message: str) -> None:
    # Given a report that waits, and could not be sent
    job.progress(1, 2)
    job.progress(2, 2, message)

    # When
    job.finish(JobCancelledEvent())

    # Then
    assert [event["action"] for event in bench.events()] == ["job_cancelled"]


def test_fields_of_the_stream_s_own_cannot_be_imitated(bench: Bench, job: Job) -> None:
    class Imitation(BaseMessage):
        action: Literal["imitation"] = "imitation"
        payload: None = None
        seq: int = 7
        topic: str = "other"
        job_id: str = "other"

    job.emit(Imitation())

    (event,) = bench.events()
    assert "seq" not in event
    assert "topic" not in event
    assert event["job_id"] == bench.job_id


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_other_tasks_of_a_job_outlive_its_end_but_not_its_cancellation(
    bench: Bench, clock: Clock, is_cancelled: bool
) -> None:
    # Given a job that has ended, one way or the other
    if is_cancelled:
        bench.store.request_cancel(bench.job_id)
    bench.reporter.send(JobCancelledEvent())

    # When a callback of it runs
    callback = JobReporter(bench.transport, job_id=bench.job_id, task_id="t2", attempt=1, is_member=False)
    job = Job(callback, clock=clock)
    job.log("hello")

    # Then
    assert job.should_abort() == is_cancelled

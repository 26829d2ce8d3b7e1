"""A task's view of its job, without Celery: what is reported, how often, and when it stops."""

import logging
import math
import os
import signal
import threading
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from chanx.bridge.entry import AppendStatus, NewEntry
from chanx.bridge.events import JobCancelledEvent, JobEvent
from chanx.bridge.reporter import JobReporter
from chanx.bridge.transports.nowhere import NowhereTransport
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


def test_a_log_handler_that_reports_to_the_job_does_not_stall_it(clock: Clock) -> None:
    """What is logged while an event is sent (the store is away, say) comes back as an event of the same run."""

    class Away(NowhereTransport):
        def __init__(self) -> None:
            self.sent: list[str] = []

        def send(self, entry: NewEntry, **_: Any) -> None:
            logging.getLogger("tests").warning("lost")
            self.sent.append(entry.action)

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not self.inside:
                self.inside = True
                job.log(record.getMessage())

        inside = False

    # Given
    transport = Away()
    job = Job(JobReporter(transport, job_id="j", task_id="t", attempt=1), clock=clock)
    handler = Handler()
    logging.getLogger("tests").addHandler(handler)

    # When
    try:
        job.emit(Note(payload=TextPayload(text="x")))
    finally:
        logging.getLogger("tests").removeHandler(handler)

    # Then
    assert sorted(transport.sent) == ["job_log", "note"]


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_a_process_that_a_task_forks_reports_beside_it(clock: Clock) -> None:
    """While a thread that the child does not have is in the middle of sending."""

    class Stalled(NowhereTransport):
        def __init__(self) -> None:
            self.entries: list[NewEntry] = []
            self.reached = threading.Event()
            self.goes_on = threading.Event()

        def send(self, entry: NewEntry, **_: Any) -> None:
            self.entries.append(entry)
            self.reached.set()
            if os.getpid() == parent:
                assert self.goes_on.wait(30)

    # Given
    parent = os.getpid()
    transport = Stalled()
    job = Job(JobReporter(transport, job_id="j", task_id="t", attempt=1, of_run=True), clock=clock)
    thread = threading.Thread(target=job.log, args=("from the thread",))
    thread.start()
    assert transport.reached.wait(30)

    # When
    child = os.fork()
    if not child:
        signal.alarm(10)
        fine = False
        try:
            job.log("from the child")
            own, its = transport.entries
            fine = own.run_id != its.run_id and (its.n, its.task_id) == (1, "")
        finally:
            os._exit(0 if fine else 1)
    transport.goes_on.set()
    thread.join()
    job.log("from the parent")

    # Then
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    first, second = transport.entries
    assert (first.run_id, first.n, first.task_id) == (second.run_id, 1, "t")
    assert second.n == 2

"""Progress reports: how often they are sent, what is worked out of them, and that the newest always arrives."""

import math
import threading
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.bridge.entry import Ending
from chanx.bridge.events import (
    JobCancelledEvent,
    JobProgress,
    JobSucceeded,
    JobTaskState,
    ProgressPayload,
    SucceededPayload,
    TaskPayload,
)
from chanx.bridge.names import new_job_id
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.worker.job import Job
from chanx.bridge.worker.progress import INTERVAL
from tests.unit.bridge.doubles import Bench, Clock
from tests.unit.bridge.manual_timer import ManualTimer
from tests.waiting import wait_until


def told(bench: Bench, field: str = "current") -> list[Any]:
    return [event["payload"][field] for event in bench.published("job_progress")]


def test_progress_is_sent_ten_times_a_second_at_most_and_the_last_one_always(
    bench: Bench, job: Job, timer: ManualTimer
) -> None:
    # When 10,001 calls come within 1 second
    for i in range(10_001):
        job.progress(i, 10_000)
        timer.advance(0.0001)

    # Then
    assert len(told(bench)) <= 11
    assert told(bench)[0] == 0

    # When the task ends
    job.finish(JobCancelledEvent())

    # Then what was held back came first
    assert told(bench)[-1] == 10_000
    assert bench.fields()["job_progress"]["fraction"] == 1


def test_the_newest_report_is_sent_although_the_task_falls_silent(bench: Bench, job: Job, timer: ManualTimer) -> None:
    # Given
    for i in range(5):
        job.progress(i, 10)
    assert told(bench) == [0]

    # When
    timer.advance(0.15)

    # Then
    assert told(bench) == [0, 4]
    # And after that the timer has nothing to do
    timer.advance(0.15)
    assert timer.waiting == []
    assert told(bench) == [0, 4]


def test_the_newest_item_is_told_although_the_next_one_takes_long(bench: Bench, job: Job, timer: ManualTimer) -> None:
    # Given a loop, two of whose items are quick
    items = iter(job.track(range(10)))
    for _ in range(3):
        next(items)
        timer.advance(0.01)

    # When the third one takes long
    timer.advance(0.3)

    # Then
    assert told(bench) == [0, 2]

    # And so it is at any later item
    next(items)  # due, so sent at once
    timer.advance(0.01)
    next(items)  # not due
    timer.advance(1)
    assert told(bench) == [0, 2, 3, 4]


def test_a_steady_loop_sends_by_itself_and_the_timer_stays_out_of_the_way(
    bench: Bench, job: Job, timer: ManualTimer
) -> None:
    sent_by_timer = 0
    for _ in job.track(range(1000)):
        before = len(told(bench))
        timer.advance(0.005)
        sent_by_timer += len(told(bench)) - before

    assert sent_by_timer == 0
    assert len(told(bench)) == pytest.approx(50, abs=2)


def test_nothing_comes_after_the_end(bench: Bench, job: Job, timer: ManualTimer) -> None:
    job.progress(1, 10)
    job.progress(2, 10)
    job.output("x")
    job.finish(JobSucceeded(payload=SucceededPayload()))
    count = len(bench.publisher.sent)

    timer.advance(5)
    # Nor from a thread that the task has forgotten
    job.progress(3, 10)
    job.output("y")
    timer.advance(5)

    assert len(bench.publisher.sent) == count
    assert bench.events()[-1]["action"] == "job_succeeded"
    assert timer.waiting == []


@given(
    pauses=st.lists(st.floats(min_value=0, max_value=0.5), min_size=1, max_size=60),
    in_loop=st.booleans(),
)
def test_at_any_pace_no_two_come_too_close_and_none_waits_long(pauses: list[float], in_loop: bool) -> None:
    # Given
    bench, clock = Bench(), Clock()
    timer = ManualTimer(clock)
    job = Job(bench.reporter, clock=clock, timer=timer)
    times: list[float] = []
    group_send = bench.publisher.group_send

    def noted(*args: Any, **kwargs: Any) -> Any:
        times.append(clock.now)
        return group_send(*args, **kwargs)

    bench.publisher.group_send = noted  # type: ignore[method-assign]  # notes the times

    def reports() -> Any:
        if in_loop:
            yield from zip(job.track([*pauses, 0.0]), pauses, strict=False)
        else:
            for i, pause in enumerate(pauses, 1):
                job.progress(i)
                yield None, pause

    # When
    for i, (_, pause) in enumerate(reports(), 0 if in_loop else 1):
        timer.advance(pause)
        # Then the newest report was sent, unless it is younger than an interval
        if pause > INTERVAL + 0.03:
            assert told(bench)[-1] == i
    assert all(later - earlier >= INTERVAL - 1e-9 for earlier, later in pairwise(times))


def test_the_timer_s_thread_and_the_task_s_never_overtake_each_other() -> None:
    # Given a real clock and timer, and more reports than can be sent
    bench = Bench()
    job = Job(bench.reporter)

    # When
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    i = 0
    while not stop.is_set():
        i += 1
        job.progress(i)
        if i % 1000 == 0:
            job.log(str(i))
    wait_until(lambda: told(bench)[-1] == i, what="the newest report, sent by the timer")
    job.finish(JobCancelledEvent())

    # Then what was sent is in order, whoever sent it
    sent = [event["payload"] for event in bench.live()]
    numbers = [float(payload.get("current", payload.get("message", i))) for payload in sent]
    currents = told(bench)
    assert currents == sorted(currents)
    assert numbers == sorted(numbers)


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

    assert told(bench, "rate")[-1] is None


@given(
    current=st.floats() | st.integers() | st.decimals(allow_nan=False) | st.fractions(),
    total=st.none() | st.floats() | st.integers() | st.decimals(allow_nan=False),
)
def test_whatever_number_is_reported_what_is_shown_makes_sense(current: Any, total: Any) -> None:
    bench, clock = Bench(), Clock()
    job = Job(bench.reporter, clock=clock, timer=ManualTimer(clock))

    for value in (0, current):
        job.progress(value, total)
        clock.now += 1.0

    for event in bench.published("job_progress"):
        payload = event["payload"]
        assert math.isfinite(payload["current"])
        assert payload["fraction"] is None or 0 <= payload["fraction"] <= 1
        assert payload["eta"] is None or 0 <= payload["eta"] < math.inf
        assert payload["rate"] is None or 0 <= payload["rate"] < math.inf
        assert (payload["fraction"] is None) == (payload["total"] is None or payload["total"] <= 0)


@pytest.mark.parametrize("current", [math.nan, math.inf, -math.inf, 10**400, Decimal("Infinity")])
def test_a_position_that_is_no_amount_is_ignored(
    bench: Bench, job: Job, clock: Clock, current: Any, caplog: pytest.LogCaptureFixture
) -> None:
    job.progress(3, 10)
    clock.now += 1
    job.progress(current, 10)

    assert told(bench) == [3]
    assert [record.getMessage().split()[0] for record in caplog.records] == ["job_progress_ignored"]


@pytest.mark.parametrize("total", [math.nan, math.inf, 10**400])
def test_a_total_that_is_no_amount_is_not_known(bench: Bench, job: Job, total: Any) -> None:
    job.progress(3, total)

    assert (told(bench, "total"), told(bench, "fraction")) == ([None], [None])


@pytest.mark.parametrize(
    ("current", "total", "fraction"), [(15, 10, 1), (-5, 10, 0), (Fraction(1, 2), Decimal(2), 0.25), (5, 0, None)]
)
def test_a_position_beyond_the_ends_is_at_the_end(
    bench: Bench, job: Job, current: Any, total: Any, fraction: float | None
) -> None:
    job.progress(current, total)

    assert (told(bench), told(bench, "fraction")) == ([float(current)], [fraction])


@pytest.mark.parametrize(("current", "total", "wrong"), [("some", 1, "current is 'some'"), (1, [], r"total is \[\]")])
def test_what_is_no_number_is_a_clear_mistake(job: Job, current: Any, total: Any, wrong: str) -> None:
    with pytest.raises(TypeError, match=f"progress.. takes numbers: {wrong}"):
        job.progress(current, total)


def test_tracking_counts_the_items(bench: Bench, job: Job, clock: Clock) -> None:
    # When
    seen = []
    for item in job.track(["a", "b", "c"]):
        seen.append(item)
        clock.now += 1.0

    # Then
    assert seen == ["a", "b", "c"]
    shown = list(zip(told(bench), told(bench, "total"), strict=True))
    assert (shown[0], shown[-1]) == ((0, 3), (3, 3))


def test_the_end_is_told_once(bench: Bench, job: Job, clock: Clock) -> None:
    """Given a last item whose report was sent at once, then the loop's end does not send the same again."""
    for _ in job.track(range(2)):
        clock.now += 1
    clock.now += 1
    job.progress(2, 2)
    job.finish(JobCancelledEvent())

    assert told(bench) == [0, 1, 2]


def test_what_is_not_the_end_is_told_again(bench: Bench, job: Job, clock: Clock) -> None:
    """Given a task that stands still, then its rate goes down: that is news."""
    for _ in range(3):
        job.progress(1, 2)
        clock.now += 1
    assert told(bench) == [1, 1, 1]


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
        "step": [],
    }


@pytest.mark.parametrize(("message", "shown"), [("x" * 300_000, "x" * 4000 + "…"), ("a\udcff", "a\\udcff"), (7, "7")])
def test_any_message_can_be_sent(bench: Bench, job: Job, message: Any, shown: str) -> None:
    job.progress(1, 2, message)
    job.progress(2, 2, message, unit=message)
    job.finish(JobCancelledEvent())

    assert told(bench, "message") == [shown, shown]
    assert told(bench, "unit") == [None, shown]


class Canvas:
    """A job of two tasks in a memory store."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.job_id = new_job_id()
        record = JobRecord(job_id=self.job_id, owner="user:1", name="t", task_id="b", created_at=datetime.now(UTC))
        self.bench.store.create(record, pending={"p": "a", "q": "b"}, tasks={"a": False, "b": True})
        self.clock = Clock()

    def job(self, task_id: str) -> Job:
        reporter = JobReporter(self.bench.transport, job_id=self.job_id, task_id=task_id, attempt=1, of_run=True)
        return Job(reporter, clock=self.clock, timer=ManualTimer(self.clock), in_canvas=True)

    def told(self) -> list[ProgressPayload]:
        events = self.bench.published("job_progress")
        return [JobProgress.model_validate(event).payload for event in events]


def task_succeeded() -> JobTaskState:
    return JobTaskState(payload=TaskPayload(name="t", state="succeeded"))


def test_a_job_of_several_tasks_has_one_bar() -> None:
    # Given
    canvas = Canvas()
    first, second = canvas.job("a"), canvas.job("b")

    # When
    first.progress(1, 2, "rows", unit="rows")
    with second.step("load"):
        pass
    first.finish(task_succeeded(), ending=Ending("p", "succeeded"))
    second.finish(task_succeeded(), ending=Ending("q", "succeeded"))

    # Then
    told = canvas.told()
    assert [(each.fraction, each.current, each.total, each.unit) for each in told] == [
        (0.25, 0.5, 2, "tasks"),
        (0.25, 0.5, 2, "tasks"),
        (0.5, 1, 2, "tasks"),
        (1, 2, 2, "tasks"),
    ]
    assert [(each.message, each.step) for each in told] == [("rows", ()), (None, ("load",)), ("rows", ()), (None, ())]
    snapshot = canvas.bench.store.snapshot(canvas.job_id)
    assert snapshot is not None
    assert snapshot.fields["job_progress"]["fraction"] == 1


def test_a_task_of_several_that_reports_nothing_counts_when_it_succeeds() -> None:
    canvas = Canvas()

    canvas.job("a").finish(task_succeeded(), ending=Ending("p", "succeeded"))

    assert [(each.fraction, each.current) for each in canvas.told()] == [(0.5, 1)]


def test_a_task_of_several_that_said_it_all_is_not_told_twice() -> None:
    canvas = Canvas()
    job = canvas.job("a")

    job.progress(2, 2)
    job.finish(task_succeeded(), ending=Ending("p", "succeeded"))

    assert [each.fraction for each in canvas.told()] == [0.5]


def test_a_task_of_several_that_fails_leaves_the_bar_where_it_was() -> None:
    canvas = Canvas()
    job = canvas.job("a")

    job.progress(1, 2)
    job.finish(JobTaskState(payload=TaskPayload(name="t", state="failed")), ending=Ending("p", "failed"))

    assert [each.fraction for each in canvas.told()] == [0.25]

"""What the store did not acknowledge waits, in order and within bounds, and reaches it as soon as it is back."""

from __future__ import annotations

import gc
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any, Literal, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chanx.bridge.entry import Appended, Ending, NewEntry
from chanx.bridge.events import JobEvent, JobLogLine, JobStarted, JobSucceeded, LogPayload, SucceededPayload
from chanx.bridge.reporter import JobReporter
from chanx.bridge.states import JobState
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.layers import MemoryPublisher
from tests.contract.jobs import record
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]

T = TypeVar("T")

Weather = Literal["up", "away", "mute"]
"""``mute``: the store does what it is asked, and its answer is lost."""


class FlakyStore(MemoryJobStore):
    weather: Weather = "up"

    def append(self, entry: NewEntry) -> Appended:
        return self._answered(lambda: super(FlakyStore, self).append(entry))

    def drop_pending(self, *args: Any) -> bool:
        return self._answered(lambda: super(FlakyStore, self).drop_pending(*args))

    def outcome(self, job_id: str) -> Any:
        return self._answered(lambda: super(FlakyStore, self).outcome(job_id))

    def _answered(self, ask: Callable[[], T]) -> T:
        if self.weather == "away":
            raise StoreUnavailableError("away")
        answer = ask()
        if self.weather == "mute":
            raise StoreUnavailableError("no answer in time")
        return answer


class Mood(JobEvent):
    delivery = "latest"
    action: Literal["mood"] = "mood"
    payload: str


class Site:
    """A store that fails as it is told, and a transport that tries again only when it is told."""

    def __init__(self, **bounds: Any) -> None:
        self.store = FlakyStore()
        bounds.setdefault("retry_seconds", 3600.0)
        self.transport = DirectTransport(self.store, MemoryPublisher(), **bounds)

    def job(self, *, pending: Mapping[str, str] | None = None, tasks: Mapping[str, bool] | None = None) -> str:
        return self.store.create(record(), pending=pending, tasks=tasks)

    def run(self, job_id: str, task_id: str = "t1") -> JobReporter:
        return JobReporter(self.transport, job_id=job_id, task_id=task_id, attempt=1)

    def events(self, job_id: str) -> list[dict[str, Any]]:
        page = self.store.read(job_id, after=0, limit=100_000)
        assert page is not None
        return [json.loads(entry.event) for entry in page.entries]

    def told(self, job_id: str) -> list[Any]:
        """The lines of a job's log, the number of those lost where there is a gap, else the action."""
        return [_short(event) for event in self.events(job_id)]

    def come_back(self) -> None:
        self.store.weather = "up"
        self.transport.flush(10)
        assert self.transport.waiting == 0


def _short(event: dict[str, Any]) -> Any:
    payload = event["payload"] or {}
    return payload.get("message", payload.get("lost", event["action"]))


def line(text: str) -> JobLogLine:
    return JobLogLine(payload=LogPayload(message=text))


DONE = JobSucceeded(payload=SucceededPayload(result=1))


def test_beyond_its_bound_the_oldest_lines_go_and_a_gap_stands_where_the_last_of_them_was() -> None:
    # Given
    site = Site(max_steps=5)
    job_id = site.job()
    run = site.run(job_id)
    site.store.weather = "away"

    # When
    run.send(JobStarted())
    for number in range(1, 9):
        run.send(line(str(number)))
    run.send(DONE)
    site.come_back()

    # Then
    assert site.told(job_id) == ["job_started", 6, "7", "8", "job_succeeded"]
    assert site.transport.failures == 6


def test_progress_goes_before_lines() -> None:
    # Given
    site = Site(max_steps=3)
    job_id = site.job()
    run = site.run(job_id)
    site.store.weather = "away"

    # When
    for event in (line("1"), Mood(payload="a"), line("2"), line("3")):
        run.send(event)
    site.come_back()

    # Then
    assert site.told(job_id) == ["1", 1, "2", "3"] or site.told(job_id) == ["1", 2, "3"]


def test_a_newer_report_replaces_an_older_one_which_is_no_loss() -> None:
    # Given
    site = Site(max_steps=3)
    job_id = site.job()
    run = site.run(job_id)
    site.store.weather = "away"

    # When
    run.send(line("1"))
    for mood in "abcdefgh":
        run.send(Mood(payload=mood))
    site.come_back()

    # Then
    snapshot = site.store.snapshot(job_id)
    assert snapshot is not None
    assert snapshot.fields["mood"] == "h"
    assert (snapshot.rev, site.told(job_id), site.transport.failures) == (1, ["1"], 0)


def test_large_events_wait_within_bytes() -> None:
    site = Site(max_bytes=50_000)
    job_id = site.job()
    run = site.run(job_id)
    site.store.weather = "away"

    for number in range(20):
        run.send(line(str(number) + " " * 10_000))
    site.come_back()

    # Then the first was tried and is kept, as the newest are
    first, lost, *others = site.told(job_id)
    assert first.strip() == "0"
    assert [other.strip() for other in others] == [str(number) for number in range(lost + 1, 20)]
    assert 3 <= len(others) <= 4


def entries() -> int:
    """How many there are in memory."""
    return sum(type(one) is NewEntry for one in gc.get_objects())  # isinstance() asks lazy objects of Django to wake up


def test_what_was_lost_takes_no_memory() -> None:
    # Given many runs that each lose large events
    site = Site(max_steps=20)
    runs = [site.run(site.job()) for _ in range(20)]
    gc.collect()
    gc.disable()
    others = entries()

    # When
    site.store.weather = "away"
    for _ in range(5):
        for run in runs:
            run.send(line("x" * 10_000))
    kept = entries() - others
    gc.enable()

    # Then
    assert kept <= site.transport.waiting <= 40
    site.come_back()


def test_a_job_whose_last_execution_is_told_late_ends() -> None:
    # Given a canvas whose closing is the reporter's matter
    site = Site()
    job_id = site.job(pending={"p1": "a", "p2": "b"}, tasks={"a": False, "b": True})
    site.store.weather = "away"

    # When
    site.run(job_id, "a").send(line("a ends"), ending=Ending("p1", "succeeded"))
    site.run(job_id, "b").send(line("b ends"), task_id="b", ending=Ending("p2", "succeeded", "7"))
    site.come_back()

    # Then
    snapshot = site.store.snapshot(job_id)
    assert snapshot is not None
    assert (snapshot.state, snapshot.fields["result"]) == (JobState.SUCCEEDED, 7)


def test_a_task_learns_late_that_its_job_was_cancelled() -> None:
    site = Site()
    job_id = site.job()
    run = site.run(job_id)
    site.store.request_cancel(job_id)
    site.store.weather = "away"
    run.send(line("1"))
    assert not run.aborted

    site.come_back()

    assert run.aborted


def test_what_waits_is_tried_again_without_anybody_s_help() -> None:
    site = Site(retry_seconds=0.01)
    job_id = site.job()
    run = site.run(job_id)
    site.store.weather = "away"
    for number in range(100):
        run.send(line(str(number)))

    # When
    site.store.weather = "up"

    # Then
    wait_until(lambda: site.transport.waiting == 0)
    assert site.told(job_id) == [str(number) for number in range(100)]


def test_the_end_of_a_process_waits_a_bounded_time(caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    run = site.run(site.job())
    site.store.weather = "away"
    run.send(line("1"))
    run.send(line("2"))

    site.transport.give_up(0.05)

    assert site.transport.failures == 2
    assert "job_events_lost" in caplog.text


def test_an_event_that_the_store_can_never_take_keeps_no_other(caplog: pytest.LogCaptureFixture) -> None:
    # Given
    site = Site()
    job_id = site.job()
    run = site.run(job_id)
    site.store.weather = "away"
    run.send(line("1"))
    poison = site.transport.drop_pending
    poison(job_id, None)  # type: ignore[arg-type]  # what no store expects
    run.send(line("2"))

    # When
    site.come_back()

    # Then
    assert site.told(job_id) == ["1", "2"]
    assert site.transport.failures == 1
    assert "job_event_lost" in caplog.text


def test_a_store_s_mistake_fails_no_task(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def mistaken(*_: Any, **__: Any) -> Any:
        raise ValueError("a column is missing")

    site = Site()
    run = site.run(job_id := site.job())
    for name in ("is_cancelled", "add_pending", "drop_pending"):
        monkeypatch.setattr(site.store, name, mistaken)
    monkeypatch.setattr(site.transport, "_append_to", mistaken)

    assert run.send(line("1")) is None
    assert not run.ask_cancelled()
    assert not site.transport.add_pending(job_id, "p", "t")
    assert site.transport.waiting == 0
    assert "a column is missing" in caplog.text


def test_many_threads_while_the_store_comes_and_goes() -> None:
    # Given
    site = Site(retry_seconds=0.005)
    job_id = site.job()
    texts = [[f"{thread}:{number}" for number in range(400)] for thread in range(4)]
    runs = [site.run(job_id) for _ in texts]

    def report(run: JobReporter, own: list[str]) -> None:
        for text in own:
            run.send(line(text))

    # When
    threads = [threading.Thread(target=report, args=both) for both in zip(runs, texts, strict=True)]
    for thread in threads:
        thread.start()
    weathers: itertools.cycle[Weather] = itertools.cycle(["away", "up", "mute", "up"])
    while any(thread.is_alive() for thread in threads):
        site.store.weather = next(weathers)
        threading.Event().wait(0.002)
    site.come_back()

    # Then
    told = site.told(job_id)
    for own in texts:
        assert [text for text in told if text in set(own)] == own
    assert len(told) == 1600


def test_a_process_that_exits_hands_on_what_it_has() -> None:
    program = """
        import atexit, threading
        from tests.unit.bridge.test_spool import Site, line
        site = Site()
        job_id = site.job()
        atexit.register(lambda: print(site.told(job_id)))  # after what is registered later
        site.store.weather = "away"
        site.run(job_id).send(line("1"))
        threading.Timer(0.3, setattr, (site.store, "weather", "up")).start()
    """
    ended = subprocess.run(
        [sys.executable, "-c", dedent(program)], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    assert ended.stdout.strip() == "['1']"


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_a_forked_process_leaves_what_waits_to_its_parent() -> None:
    site = Site()
    job_id = site.job()
    run = site.run(job_id)
    site.store.weather = "away"
    run.send(line("1"))

    pid = os.fork()
    if pid == 0:  # pragma: no cover - another process
        site.store.weather = "up"
        site.transport.flush(1)
        os._exit(len(site.told(job_id)) + site.transport.waiting)
    _, status = os.waitpid(pid, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert site.transport.waiting == 1
    site.come_back()
    assert site.told(job_id) == ["1"]


lines = st.tuples(st.just("line"), st.integers(0, 1), st.integers(1, 2000))
moods = st.tuples(st.just("mood"), st.integers(0, 1), st.integers(1, 2000))
changes = st.tuples(st.just("weather"), st.sampled_from(["up", "away", "mute"]), st.just(0))
flushes = st.tuples(st.just("flush"), st.just(0), st.just(0))
steps = st.lists(st.one_of(lines, lines, moods, changes, flushes), max_size=60)


@settings(deadline=None, max_examples=150)
@given(steps=steps, max_steps=st.integers(1, 20), max_bytes=st.integers(3000, 30_000))
def test_every_event_is_in_the_log_once_and_in_order_or_counted_in_a_gap(
    steps: list[tuple[str, Any, int]], max_steps: int, max_bytes: int
) -> None:
    # Given two runs of a job's two tasks
    site = Site(max_steps=max_steps, max_bytes=max_bytes)
    job_id = site.job(pending={"p0": "t0", "p1": "t1"}, tasks={"t0": False, "t1": True})
    runs = [site.run(job_id, f"t{number}") for number in range(2)]
    sent: list[list[str]] = [[], []]

    # When
    for run in runs:
        run.send(JobStarted())
    for number, (kind, what, size) in enumerate(steps):
        if kind == "weather":
            site.store.weather = what
        elif kind == "flush":
            site.transport.flush(0)
        elif kind == "mood":
            runs[what].send(Mood(payload="x" * size))
        else:
            sent[what].append(f"{number} ".ljust(size))
            runs[what].send(line(sent[what][-1]))
    for number, run in enumerate(runs):
        run.send(line("end"), task_id=f"t{number}", ending=Ending(f"p{number}", "succeeded", "7"))
    site.come_back()

    # Then
    snapshot = site.store.snapshot(job_id)
    assert snapshot is not None
    assert snapshot.state is JobState.SUCCEEDED
    events = site.events(job_id)
    assert events[-1]["action"] == "job_succeeded"
    counted = 0
    for run, expected in zip(runs, sent, strict=True):
        own = [_short(event) for event in events if event["run_id"] == run.origin.run_id]
        assert own[0] == "job_started"
        assert own[-1] == "end"
        kept = [text for text in own[1:-1] if isinstance(text, str)]
        assert kept == [text for text in expected if text in set(kept)]  # once, in order
        gaps = sum(text for text in own if isinstance(text, int))
        assert gaps >= len(expected) - len(kept)  # those of a mood too
        if not any(kind == "mood" for kind, _, _ in steps):
            assert gaps == len(expected) - len(kept)
        counted += gaps
    assert counted == site.transport.failures


@settings(deadline=None, max_examples=50)
@given(before=st.integers(0, 3), count=st.integers(1, 40), after=st.integers(0, 3), max_steps=st.integers(1, 10))
def test_one_outage_leaves_one_gap(before: int, count: int, after: int, max_steps: int) -> None:
    # Given
    site = Site(max_steps=max_steps)
    job_id = site.job()
    run = site.run(job_id)

    def say(first: int, number: int) -> list[str]:
        texts = [str(text) for text in range(first, first + number)]
        for text in texts:
            run.send(line(text))
        return texts

    # When
    texts = say(0, before)
    site.store.weather = "away"
    texts += say(before, count)
    site.come_back()
    texts += say(before + count, after)

    # Then the lost ones are in one row, and the gap stands in their place
    told = site.told(job_id)
    gaps = [place for place, text in enumerate(told) if isinstance(text, int)]
    assert len(gaps) == (count > max_steps)
    if gaps:
        (place,) = gaps
        assert told[:place] + texts[place : place + told[place]] + told[place + 1 :] == texts

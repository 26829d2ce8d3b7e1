"""From a run to the log and the layer, also while the store is away."""

from typing import Any

import pytest

from chanx.bridge.entry import Appended, NewEntry
from chanx.bridge.events import JobCancelledEvent, JobLogLine, LogPayload
from chanx.bridge.reporter import JobReporter
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.layers import MemoryPublisher
from tests.unit.bridge.doubles import Bench, Clock


class SometimesAway(MemoryJobStore):
    """A store that counts how often it is asked, and can be away."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.asked = 0

    def append(self, entry: NewEntry) -> Appended:
        self._ask()
        return super().append(entry)

    def is_cancelled(self, job_id: str) -> bool:
        self._ask()
        return super().is_cancelled(job_id)

    def _ask(self) -> None:
        self.asked += 1
        if self.away:
            raise StoreUnavailableError("away")


class FragileBench(Bench):
    """A bench whose store can be away, and a transport that goes by a clock set by hand."""

    store: SometimesAway

    def __init__(self) -> None:
        super().__init__()
        jobs = self.store._jobs
        self.store = SometimesAway()
        self.store._jobs = jobs
        self.clock = Clock()
        self.transport = DirectTransport(self.store, self.publisher, clock=self.clock)
        self.reporter = JobReporter(self.transport, job_id=self.job_id, task_id="t1", attempt=1)

    def log(self, message: str = "x") -> Any:
        return self.reporter.send(JobLogLine(payload=LogPayload(message=message)))


@pytest.fixture
def bench() -> FragileBench:
    return FragileBench()


def test_what_is_in_the_log_is_published_once(bench: FragileBench) -> None:
    appended = bench.log()

    ((kind, name, message),) = bench.publisher.sent
    assert (kind, name) == ("group", f"chanx.job.{bench.job_id}")
    assert (message["seq"], message["epoch"], message["action"]) == (1, appended.epoch, "job_log")

    # When the run repeats it
    bench.transport.send(NewEntry(bench.job_id, "job_log", "{}", bench.reporter.origin.run_id, 1))

    # Then
    assert len(bench.publisher.sent) == 1


def test_a_store_that_is_away_is_asked_once_a_second_only(bench: FragileBench) -> None:
    """Each question can cost its whole timeout, and a task may report thousands of times."""
    bench.store.away = True

    # When
    answers = [bench.log() for _ in range(1000)]
    cancelled = [bench.reporter.ask_cancelled() for _ in range(1000)]

    # Then
    assert not any(answers)
    assert not any(cancelled)
    assert bench.store.asked == 1
    assert bench.transport.failures == 1000
    assert bench.publisher.sent == []

    # When it is back
    bench.store.away = False
    bench.clock.now += 1
    bench.log("again")
    bench.log("and again")

    # Then
    assert [event["payload"]["message"] for event in bench.events()] == ["again", "and again"]


def test_a_change_of_state_is_always_tried(bench: FragileBench) -> None:
    # Given
    bench.store.away = True
    bench.log()
    bench.store.away = False

    # When
    bench.reporter.send(JobCancelledEvent())

    # Then
    assert [event["action"] for event in bench.events()] == ["job_cancelled"]


def test_a_job_that_nobody_knows_is_published_to_nobody() -> None:
    publisher = MemoryPublisher()
    transport = DirectTransport(MemoryJobStore(), publisher)

    transport.send(NewEntry("unknown", "job_log", "{}", "r", 1))

    assert publisher.sent == []

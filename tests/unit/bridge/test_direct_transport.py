"""From a run to the log and the layer, also while the store is away."""

from collections.abc import Callable, Collection, Generator, Mapping
from typing import Any

import pytest

from chanx.bridge.entry import Appended, AppendStatus, Deadline, Ending, JobOutcome, NewEntry
from chanx.bridge.events import JobCancelledEvent, JobLogLine, LogPayload
from chanx.bridge.names import list_group
from chanx.bridge.reporter import JobReporter
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.errors import PublisherError
from chanx.layers import MemoryPublisher
from tests.contract.jobs import execution, record
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

    def add_pending(self, job_id: str, publish_id: str, task_id: str, *, worker: str = "") -> bool:
        self._ask()
        return super().add_pending(job_id, publish_id, task_id)

    def drop_pending(self, job_id: str, publish_ids: Collection[str]) -> bool:
        self._ask()
        return super().drop_pending(job_id, publish_ids)

    def outcome(self, job_id: str) -> JobOutcome | None:
        self._ask()
        return super().outcome(job_id)

    def set_deadline(self, deadline: Deadline, *, seconds: float) -> None:
        self._ask()
        super().set_deadline(deadline, seconds=seconds)

    def clear_deadline(self, deadline: Deadline) -> None:
        self._ask()
        super().clear_deadline(deadline)

    def release(self, worker: str, publish_ids: Collection[str], *, run_id: str | None = None) -> None:
        self._ask()
        super().release(worker, publish_ids, run_id=run_id)

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
        self.transport = DirectTransport(self.store, self.publisher, clock=self.clock, retry_seconds=3600)
        self.reporter = JobReporter(self.transport, job_id=self.job_id, task_id="t1", attempt=1)

    def log(self, message: str = "x") -> Any:
        return self.reporter.send(JobLogLine(payload=LogPayload(message=message)))


@pytest.fixture
def bench() -> Generator[FragileBench]:
    bench = FragileBench()
    yield bench
    bench.store.away = False
    bench.transport.flush(5)


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
    answers = [bench.log(str(number)) for number in range(1000)]
    cancelled = [bench.reporter.ask_cancelled() for _ in range(1000)]

    # Then
    assert not any(answers)
    assert not any(cancelled)
    assert bench.store.asked == 1
    assert bench.transport.failures == 0
    assert bench.publisher.sent == []

    # When it is back
    bench.store.away = False
    bench.transport.flush(5)
    bench.log("again")

    # Then nothing is lost
    assert [event["payload"]["message"] for event in bench.events()] == [*map(str, range(1000)), "again"]
    assert len(bench.publisher.sent) == 1001


def test_a_job_that_nobody_knows_is_published_to_nobody() -> None:
    publisher = MemoryPublisher()
    transport = DirectTransport(MemoryJobStore(), publisher)

    transport.send(NewEntry("unknown", "job_log", "{}", "r", 1))

    assert publisher.sent == []


def test_the_job_s_fraction_reaches_the_watchers() -> None:
    # Given a job of two tasks
    bench = Bench()
    job_id = bench.store.create(record(), tasks={"a": True, "b": True})
    text = '{"f":"@fraction@"}'

    # When
    bench.transport.send(NewEntry(job_id, "job_progress", text, "r", 1, task_id="a", fraction=0.5))

    # Then
    ((_, _, message),) = bench.publisher.sent
    assert message["event"] == '{"f":0.25}'


def test_an_ending_that_is_held_is_published_to_nobody() -> None:
    bench = Bench()
    bench.transport.add_pending(bench.job_id, "p1", "t1")
    bench.transport.add_pending(bench.job_id, "p2", "t2")

    held = bench.reporter.send(JobCancelledEvent(), ending=Ending("p1", "cancelled"))

    assert held is not None
    assert held.status is AppendStatus.HELD
    assert bench.publisher.sent == []


OVERDUE = Deadline("stopped", execution("p1"))


def test_executions_reach_the_store(bench: FragileBench) -> None:
    transport, job_id = bench.transport, bench.job_id

    assert transport.add_pending(job_id, "p1", "t1")
    assert not transport.add_pending("unknown", "p1", "t1")
    assert bench.store.pending(job_id) == {"p1": "t1"}
    assert transport.drop_pending(job_id, ["p1"])
    assert transport.outcome(job_id) == JobOutcome({}, 1)

    transport.set_deadline(OVERDUE, seconds=0)
    assert bench.store.due_deadlines() == [OVERDUE]
    transport.clear_deadline(OVERDUE)
    assert bench.store.due_deadlines() == []
    bench.store.hold("w", [execution("p1"), execution("p2")])
    transport.release("w", ["p1"])
    assert bench.store.held("w") == [execution("p2")]
    assert transport.failures == 0


@pytest.mark.parametrize(
    ("use", "answer", "waiting", "failures"),
    [
        (lambda transport, job_id: transport.add_pending(job_id, "p", "t"), False, 1, 1),
        (lambda transport, job_id: transport.drop_pending(job_id, ["p"]), False, 1, 0),
        (lambda transport, job_id: transport.outcome(job_id), None, 1, 0),
        (lambda transport, _: transport.set_deadline(OVERDUE, seconds=2), None, 1, 0),
        (lambda transport, _: transport.clear_deadline(OVERDUE), None, 1, 0),
        (lambda transport, _: transport.release("w", ["p1"]), None, 1, 0),
    ],
)
def test_a_store_that_is_away_fails_no_task(
    bench: FragileBench, use: Callable[[DirectTransport, str], object], answer: object, waiting: int, failures: int
) -> None:
    bench.store.away = True

    assert use(bench.transport, bench.job_id) == answer

    assert bench.store.asked == 1
    assert bench.transport.waiting == waiting
    assert bench.transport.failures == failures


def test_what_ends_an_execution_waits_its_turn(bench: FragileBench) -> None:
    # Given
    bench.store.away = True
    bench.log()
    transport, job_id = bench.transport, bench.job_id
    heard: list[object] = []

    # When
    transport.drop_pending(job_id, ["p"], later=heard.append)
    transport.outcome(job_id, later=heard.append)
    transport.set_deadline(OVERDUE, seconds=0)
    bench.store.away = False

    # Then
    assert heard == []
    transport.flush(5)
    assert heard == [True, JobOutcome({}, 1)]
    assert bench.store.due_deadlines() == [OVERDUE]


def test_a_list_is_told_of_a_job_s_new_state(bench: FragileBench) -> None:
    bench.reporter.send(JobCancelledEvent())

    told = [(name, message) for _, name, message in bench.publisher.sent if name == list_group("user:1")]
    assert [(message["job_id"], message["state"]) for _, message in told] == [(bench.job_id, "cancelled")]


class WrongProcess(MemoryPublisher):
    """As that of an in-memory layer in a worker."""

    def group_send(self, group: str, message: Mapping[str, Any]) -> None:
        raise PublisherError("Use a Redis layer.")


def test_a_layer_that_cannot_be_published_to_fails_no_task(caplog: pytest.LogCaptureFixture) -> None:
    # Given
    store = MemoryJobStore()
    job_id = store.create(record())
    reporter = JobReporter(DirectTransport(store, WrongProcess()), job_id=job_id, task_id="t1", attempt=1)

    # When
    appended = reporter.send(JobLogLine(payload=LogPayload(message="hello")))

    # Then
    assert appended is not None
    assert appended.status is AppendStatus.APPENDED
    assert "Use a Redis layer." in caplog.text

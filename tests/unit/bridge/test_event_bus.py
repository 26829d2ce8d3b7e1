"""The worker's side of the event bus: what is asked, what is only told, and what happens where nobody answers."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import ANY

import pytest
from pydantic_core import from_json

from chanx.bridge.entry import AppendStatus, Deadline, Ending, Execution, NewEntry
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.bridge.transports.event_bus.calls import control_queue, partition_of, partition_queue
from chanx.bridge.transports.event_bus.publisher import EventBusPublisher
from chanx.bridge.transports.event_bus.store import BUS_NAME
from chanx.errors import CallRefusedError, TooManyJobsError
from tests.bus_bench import BusBench
from tests.unit.bridge.doubles import Clock

CONTROL = control_queue(BUS_NAME)


class Worker(BusBench):
    """A worker's store with a job in the site's."""

    def __init__(self) -> None:
        self.clock = Clock()
        super().__init__(MemoryJobStore(), clock=self.clock)
        self.job_id = self.started()

    def started(self, job_id: str = "job-1", **terms: Any) -> str:
        record = JobRecord(job_id=job_id, owner="user:1", name="t", task_id="t1", created_at=datetime.now(UTC))
        return self.real.create(record, pending={"p1": "t1"})

    def entry(self, n: int, **terms: Any) -> NewEntry:
        return NewEntry(self.job_id, "note", f'{{"n":{n}}}', "r1", n, task_id="t1", **terms)

    @property
    def queue(self) -> str:
        return partition_queue(BUS_NAME, partition_of(self.job_id))

    def waiting(self, queue: str = "") -> list[str]:
        """The operations that wait in a queue, the job's by default."""
        return [from_json(body)["op"] for body in self.bus.queues[queue or self.queue]]

    def log(self) -> list[str]:
        page = self.real.read(self.job_id, after=0, limit=1000)
        assert page is not None
        return [entry.event for entry in page.entries]


@pytest.fixture
def worker() -> Worker:
    return Worker()


def test_an_ordinary_event_is_only_told(worker: Worker) -> None:
    assert worker.store.append(worker.entry(1)).seq == 1
    worker.is_relayed = False

    appended = worker.store.append(worker.entry(2))

    assert appended.status is AppendStatus.APPENDED
    (told,) = worker.bus.queues[worker.queue]
    assert from_json(told)["reply_to"] == ""
    worker.relay()
    assert worker.log() == ['{"n":1}', '{"n":2}']


def test_a_cancellation_is_heard_of_within_a_second(worker: Worker) -> None:
    worker.store.append(worker.entry(1))
    worker.real.request_cancel(worker.job_id)

    assert not worker.store.append(worker.entry(2)).cancelled
    assert not worker.store.is_cancelled(worker.job_id)
    worker.clock.now += 1
    assert worker.store.append(worker.entry(3)).cancelled
    assert worker.store.append(worker.entry(4)).cancelled
    assert worker.store.is_cancelled(worker.job_id)


def test_what_begins_and_ends_is_asked(worker: Worker) -> None:
    execution = Execution(worker.job_id, "p1", "t1", "t", 1, run_id="r1")
    claim = worker.store.append(worker.entry(1, claims=True, worker="w", execution=execution))

    assert claim.seq == 1
    assert worker.real.held("bus/w") == [execution]
    assert worker.store.append(worker.entry(2, ending=Ending("p1", "succeeded"))).seq == 2


def test_without_a_relay_events_are_on_their_way(worker: Worker) -> None:
    worker.is_relayed = False

    endings: list[dict[str, Any]] = [{"claims": True}, {}, {"ending": Ending("p1", "succeeded")}]
    for n, terms in enumerate(endings, 1):
        assert worker.store.append(worker.entry(n, **terms)).status is AppendStatus.APPENDED
    assert worker.waiting() == ["append"] * 3
    worker.relay()

    assert len(worker.log()) == 4  # the relay has ended the job


def test_without_a_relay_a_job_is_asked_about_once_a_second(worker: Worker) -> None:
    worker.is_relayed = False
    for n in range(1, 7):
        worker.store.append(worker.entry(n))
        worker.clock.now += 0.4

    asked = [bool(from_json(body)["reply_to"]) for body in worker.bus.queues[worker.queue]]
    assert asked == [True, False, False, True, False, False]


def test_without_a_relay_a_question_fails_and_the_next_one_at_once(worker: Worker) -> None:
    worker.is_relayed = False

    with pytest.raises(StoreUnavailableError, match="No relay answered to outcome"):
        worker.store.outcome(worker.job_id)
    with pytest.raises(StoreUnavailableError, match="run `chanx relay`"):
        worker.store.outcome(worker.job_id)

    assert worker.waiting() == ["outcome"]
    worker.clock.now += 5
    worker.is_relayed = True
    assert worker.store.outcome(worker.job_id) is not None


def test_a_late_answer_tells_that_a_relay_is_there(worker: Worker) -> None:
    worker.is_relayed = False
    with pytest.raises(StoreUnavailableError):
        worker.store.outcome(worker.job_id)
    worker.is_relayed = True
    worker.relay()

    worker.store.append(worker.entry(1, claims=True))

    assert worker.store.outcome(worker.job_id) is not None


def test_a_broker_that_is_away_is_tried_twice_a_second(worker: Worker) -> None:
    worker.store.append(worker.entry(1))
    worker.bus.down = True

    with pytest.raises(StoreUnavailableError, match="took this broker down"):
        worker.store.append(worker.entry(2))
    worker.bus.down = False
    with pytest.raises(StoreUnavailableError, match="a moment ago"):
        worker.store.append(worker.entry(2))
    worker.clock.now += 0.5

    worker.store.append(worker.entry(2))
    assert worker.log() == ['{"n":1}', '{"n":2}']


def test_a_release_comes_after_the_claim(worker: Worker) -> None:
    worker.is_relayed = False
    execution = Execution(worker.job_id, "p1", "t1", "t", 1, run_id="r1")
    worker.store.append(worker.entry(1, claims=True, worker="w", execution=execution))

    worker.store.release("w", ["p1"], run_id="r1")
    worker.store.release("w", ["unknown"], run_id="r1")

    assert worker.waiting() == ["append", "release"]
    assert worker.waiting(CONTROL) == ["release"]
    worker.relay()
    assert worker.real.held("bus/w") == []


def test_a_lease_is_renewed_rarely_while_no_relay_answers(worker: Worker) -> None:
    worker.store.renew_lease("w")
    assert worker.real.leases() == {"bus/w": ANY}
    assert worker.store.leases() == {"w": ANY}
    worker.is_relayed = False

    for _ in range(25):
        worker.clock.now += 1
        worker.store.renew_lease("w")

    assert worker.waiting(CONTROL) == ["renew_lease"] * 3
    worker.relay()
    worker.is_relayed = True
    worker.clock.now += 10
    for _ in range(3):
        worker.store.renew_lease("w")
    assert worker.store.leases() == {"w": ANY}


def test_an_error_of_the_store_is_raised_here(worker: Worker) -> None:
    record = JobRecord(job_id="job-2", owner="user:1", name="t", task_id="t1", created_at=datetime.now(UTC))

    with pytest.raises(TooManyJobsError, match="At most 1 jobs"):
        worker.store.create(record, max_active=1)


def test_a_store_s_own_error_does_not_stop_the_relay(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(job_id: str) -> dict[str, str]:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(worker.real, "pending", failing)

    with pytest.raises(CallRefusedError, match="division by zero"):
        worker.store.pending(worker.job_id)
    assert worker.store.append(worker.entry(1)).seq == 1


def test_the_watchers_are_told_by_the_relay_only(worker: Worker) -> None:
    transport = DirectTransport(worker.store, EventBusPublisher(worker.store))

    appended = transport.send(worker.entry(1))

    assert appended is not None
    assert [name for _, name, _ in worker.publisher.sent] == [f"chanx.job.{worker.job_id}"]


def test_messages_for_groups_and_connections_go_to_the_site_s_layer(worker: Worker) -> None:
    transport = DirectTransport(worker.store, EventBusPublisher(worker.store))

    transport.tell(["room", "specific.inmemory!abc"], {"type": "hello", "n": 1})

    assert worker.publisher.sent == [
        ("group", "room", {"type": "hello", "n": 1}),
        ("channel", "specific.inmemory!abc", {"type": "hello", "n": 1}),
    ]


def test_messages_that_do_not_go_out_are_counted(worker: Worker) -> None:
    publisher = EventBusPublisher(worker.store)
    worker.bus.down = True

    publisher.group_send("room", {"type": "hello"})

    assert publisher.failures == 1


def test_a_deadline_is_set_and_cleared(worker: Worker) -> None:
    deadline = Deadline("stopped", Execution(worker.job_id, "p1", "t1", "t", 1))

    worker.store.set_deadline(deadline, seconds=-1)
    assert worker.real.due_deadlines() == [deadline]
    worker.store.clear_deadline(deadline)
    assert worker.real.due_deadlines() == []


def test_lines_are_closed_and_opened_again(worker: Worker) -> None:
    worker.store.append(worker.entry(1))
    worker.store.close()
    worker.store.append(worker.entry(2))

    assert len(worker.log()) == 2

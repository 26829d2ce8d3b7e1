"""The site's side of the event bus: killed anywhere, away for long, told twice - the log is what the worker told."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any

import pytest
from celery import Celery
from hypothesis import given, settings
from hypothesis import strategies as st

from chanx.bridge.entry import Appended, Ending, Execution, NewEntry
from chanx.bridge.installed import Bridge
from chanx.bridge.relay import Relay, reader
from chanx.bridge.relay.applying import Applying
from chanx.bridge.relay.health import health_served, relay_health
from chanx.bridge.relay.judge import SETTLING_TICKS, Judge
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore, StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.bridge.transports.event_bus.bus import BusInbox
from chanx.bridge.transports.event_bus.calls import (
    MARK,
    PARTITIONS,
    Call,
    operations,
    queues,
    read_call,
)
from chanx.bridge.transports.event_bus.memory import MemoryBus, MemoryInbox
from chanx.bridge.transports.event_bus.store import BUS_NAME, EventBusStore
from chanx.errors import ConfigurationError
from chanx.layers import MemoryPublisher
from tests.bus_bench import BusBench
from tests.unit.bridge.relayed_job import JOB, QUEUE, create, entry, log
from tests.waiting import wait_until


def state(store: JobStore) -> JobState:
    job = store.snapshot(JOB)
    assert job is not None
    return job.state


@pytest.fixture
def bench() -> BusBench:
    bench = BusBench(MemoryJobStore())
    create(bench.real, {"p1": "t1"})
    return bench


@given(killed_after=st.lists(st.integers(0, 6), max_size=4))
@settings(deadline=None)
def test_a_job_waits_for_nothing_that_is_over(killed_after: list[int]) -> None:
    real = MemoryJobStore()
    create(real, {"p1": "t1"})
    bench = BusBench(real)
    add = operations()["add_pending"].call(
        {"job_id": JOB, "publish_id": "p2", "task_id": "t2", "worker": ""}, ticket="", reply_to=""
    )
    Applying(bench.bridge).apply(read_call(add))
    bench.is_relayed = False
    for each in (
        entry(1, "child", claims=True, task_id="t2"),
        entry(2, "child", ending=Ending("p2", "succeeded"), task_id="t2"),
        entry(1, "root", ending=Ending("p1", "succeeded"), task_id="t1"),
    ):
        bench.store.append(each)
    bench.bus.queues[QUEUE].appendleft(add)  # nobody knows that it was done

    for number in killed_after:
        for body in list(bench.bus.queues[QUEUE])[:number]:
            Applying(bench.bridge).apply(read_call(body))
        bench.kill_relay()
    bench.relay()
    bench.bus.queues[QUEUE].append(add)
    bench.relay()

    assert state(real) is JobState.SUCCEEDED


def test_a_relay_ends_the_job_of_a_worker_that_is_gone(bench: BusBench) -> None:
    bench.is_relayed = False
    bench.store.append(entry(1, ending=Ending("p1", "failed", '{"message":"m","code":"c","reference":"r"}')))

    bench.relay()

    assert state(bench.real) is JobState.FAILED


def test_what_is_no_call_is_left_out(bench: BusBench) -> None:
    queue = bench.bus.queues[QUEUE]
    queue += [b"nonsense", b"[]", b'{"v":2,"op":"append","arguments":{}}', b'{"v":1,"op":"rm","arguments":{}}']
    queue += [b'{"v":1,"op":"append","arguments":{"entry":{}}}', b'{"v":1,"op":["append"],"arguments":{}}', b"[" * 9000]
    queue += [b'{"v":1,"op":"tell","arguments":{}}', b'{"v":1,"op":"mark","arguments":7}', b'{"v":1}', b"\xff", b""]
    pending = '{"v":1,"op":"pending","arguments":{"job_id":"j"},"ticket":"t","reply_to":%s}'
    queue += [(pending % to).encode() for to in ('"celery"', "7", '{"a":1}', '"chanx.answers.x"')]

    bench.store.append(entry(1))

    assert log(bench.real) == ['"r1:1"']
    assert "chanx.answers.x" in bench.bus.answers
    assert all(address.startswith("chanx.answers.") for address in bench.bus.answers)


def test_the_same_start_of_a_job_is_one(bench: BusBench) -> None:
    record = JobRecord(job_id="job-2", owner="user:1", name="t", task_id="t1", created_at=datetime.now(UTC))
    first = replace(entry(1), job_id="job-2")

    assert bench.store.create(record, first=first) == "job-2"
    assert bench.store.create(record, first=first) == "job-2"
    with pytest.raises(ConfigurationError):
        bench.store.create(record, first=replace(first, event='"another"'))


def test_a_relay_needs_the_site_s_own_store() -> None:
    bus = MemoryBus()
    store = EventBusStore(bus)
    bridge = Bridge(Celery(set_as_current=False), store, DirectTransport(store, MemoryPublisher()))

    with pytest.raises(ConfigurationError, match="run it with the site's Celery app"):
        Relay(bridge, bus)


class AwayStore(MemoryJobStore):
    """A store that can be away."""

    away = False

    def append(self, entry: NewEntry) -> Appended:
        if self.away:
            raise StoreUnavailableError("away")
        return super().append(entry)


def threaded() -> tuple[Bridge, MemoryBus, AwayStore]:
    real = AwayStore()
    create(real, {"p1": "t1"})
    return Bridge(Celery(set_as_current=False), real, DirectTransport(real, MemoryPublisher())), MemoryBus(), real


def test_a_relay_waits_for_the_store_and_goes_on_in_order() -> None:
    bridge, bus, real = threaded()
    worker = EventBusStore(bus, answer_seconds=0.05)
    real.away = True
    with Relay(bridge, bus):
        for n in range(1, 6):
            worker.append(entry(n))
        real.away = False

        wait_until(lambda: len(log(real)) == 5)
    assert log(real) == [f'"r1:{n}"' for n in range(1, 6)]
    assert not bus.queues[QUEUE]


def test_a_relay_keeps_its_queues_while_it_waits_for_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    bridge, bus, real = threaded()
    kept: list[BusInbox] = []

    def keep(inbox: BusInbox) -> None:
        kept.append(inbox)

    monkeypatch.setattr(MemoryInbox, "keep", keep)
    monkeypatch.setattr(reader, "STORE_REST", 0.01)
    real.away = True
    with Relay(bridge, bus):
        EventBusStore(bus, answer_seconds=0.05).append(entry(1))

        wait_until(lambda: len(kept) > 2)


def test_what_a_relay_was_at_when_it_stopped_is_left_to_another() -> None:
    bridge, bus, real = threaded()
    worker = EventBusStore(bus, answer_seconds=0.05)
    real.away = True
    with Relay(bridge, bus) as relay:
        worker.append(entry(1))
        wait_until(lambda: QUEUE in bus.readers)
    assert len(bus.queues[QUEUE]) == 1
    assert not any(reader.is_alive for reader in relay.readers)
    real.away = False

    with Relay(bridge, bus):
        wait_until(lambda: log(real))


def test_a_relay_comes_back_to_its_broker() -> None:
    bridge, bus, real = threaded()
    worker = EventBusStore(bus)
    with Relay(bridge, bus) as relay:
        wait_until(lambda: all(reader.is_connected for reader in relay.readers))
        bus.down = True
        wait_until(lambda: not any(reader.is_connected for reader in relay.readers))
        bus.down = False

        assert wait_until(lambda: worker.append(entry(1)).seq or log(real))


def test_several_relays_share_the_queues() -> None:
    bridge, bus, real = threaded()
    worker = EventBusStore(bus)
    with Relay(bridge, bus) as first, Relay(bridge, bus) as second:
        for n in range(1, 6):
            worker.append(entry(n))
        wait_until(lambda: len(log(real)) == 5)
        readers = [each for relay in (first, second) for each in relay.readers if each.queue == QUEUE]
        assert sorted(bool(each.handled) for each in readers) == [False, True]


class JudgedWorker:
    """A worker on the bus that has begun an execution, and a judge whose ticks are given by hand."""

    def __init__(self) -> None:
        self.real = MemoryJobStore()
        create(self.real, {"p1": "t1"})
        execution = Execution(JOB, "p1", "t1", "t", 1, run_id="r1")
        self.real.append(entry(1, task_id="t1", claims=True, worker="bus/w", execution=execution))
        self.real.renew_lease("bus/w")
        self.bridge = Bridge(Celery(set_as_current=False), self.real, DirectTransport(self.real, MemoryPublisher()))
        self.put: list[tuple[str, Call]] = []
        self.judge = Judge(self.bridge, BUS_NAME, lambda queue, body: self.put.append((queue, read_call(body))))

    def tick(self, count: int, *, renewing: bool = False) -> None:
        for _ in range(count):
            if renewing:
                self.real.renew_lease("bus/w")
            self.judge.tick()


def test_a_worker_whose_lease_lapses_is_dead_once_all_it_told_is_done() -> None:
    judged = JudgedWorker()
    judged.tick(SETTLING_TICKS + 10, renewing=True)
    assert judged.put == []

    judged.tick(7)
    assert [queue for queue, _ in judged.put] == queues(BUS_NAME)[:PARTITIONS]
    assert {call.op for _, call in judged.put} == {MARK}
    judged.tick(10)
    for _, call in judged.put[:-1]:
        judged.judge.passed(call)
    judged.tick(1)
    assert state(judged.real) is not JobState.FAILED

    judged.judge.passed(judged.put[-1][1])
    judged.tick(1)
    assert state(judged.real) is JobState.FAILED
    assert judged.real.leases() == {}


@pytest.mark.parametrize(("ticks_before", "seconds"), [(SETTLING_TICKS, 10), (0, 30)])
def test_a_dead_worker_s_job_fails_as_soon_as_the_guide_says(ticks_before: int, seconds: int) -> None:
    judged = JudgedWorker()
    judged.tick(ticks_before, renewing=True)

    for _ in range(seconds - 1):  # it dies between two ticks
        judged.tick(1)
        for _, call in judged.put:
            judged.judge.passed(call)

    assert state(judged.real) is JobState.FAILED


def test_a_worker_that_renews_after_all_is_not_dead() -> None:
    judged = JudgedWorker()
    judged.tick(SETTLING_TICKS + 7)
    assert judged.put
    judged.tick(1, renewing=True)
    for _, call in judged.put:
        judged.judge.passed(call)

    judged.tick(3)

    assert state(judged.real) is not JobState.FAILED


def test_marks_that_are_lost_are_put_again() -> None:
    judged = JudgedWorker()
    judged.tick(SETTLING_TICKS + 7 + 60)

    assert len(judged.put) == 2 * PARTITIONS


def test_nobody_is_dead_soon_after_a_relay_has_come() -> None:
    judged = JudgedWorker()
    judged.tick(SETTLING_TICKS)

    assert judged.put == []


def test_other_observers_leave_workers_on_the_bus_alone() -> None:
    judged = JudgedWorker()
    now = 0.0
    judged.bridge.observer._clock = lambda: now  # pyright: ignore[reportPrivateUsage]
    judged.bridge.observer._watch._clock = lambda: now  # pyright: ignore[reportPrivateUsage]
    for _ in range(20):
        now += 1
        judged.bridge.observer.look()

    assert judged.real.leases()
    assert state(judged.real) is not JobState.FAILED


def test_an_observer_on_the_bus_does_not_look() -> None:
    bus = MemoryBus()
    store = EventBusStore(bus, answer_seconds=0.01)
    bridge = Bridge(Celery(set_as_current=False), store, DirectTransport(store, MemoryPublisher()))

    bridge.observer.look()

    assert not any(bus.queues.values())


def test_a_mark_that_has_come_through_its_queue_is_told_of(bench: BusBench) -> None:
    bench.is_relayed = False
    with bench.bus.line() as line:
        line.put(QUEUE, b'{"v":1,"op":"mark","arguments":{"mark":"m","partition":0}}')
    bench.relay(QUEUE)

    assert [read_call(body).op for body in bench.bus.queues[queues(BUS_NAME)[-1]]] == ["passed"]


def test_a_relay_says_how_it_is() -> None:
    bridge, bus, _ = threaded()
    with Relay(bridge, bus) as relay, health_served(bridge, relay, "127.0.0.1", 0) as port:

        def asked(path: str) -> tuple[int, dict[str, Any]]:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            connection.close()
            return response.status, json.loads(body) if response.status != 404 else {}

        wait_until(lambda: asked("/ready")[0] == 200, what="the relay to be ready")
        assert asked("/live") == (200, {"status": "ok", "checks": {}})
        assert asked("/other")[0] == 404
        bus.down = True
        wait_until(lambda: asked("/ready")[0] == 503, what="the relay to miss its broker")
        status = asked("/ready")[1]
        assert status["checks"] == {"broker": {"status": "unavailable"}, "store": {"status": "ok"}}


def test_a_relay_without_its_store_is_not_ready(bench: BusBench, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(job_ids: object) -> list[Any]:
        raise StoreUnavailableError("away")

    monkeypatch.setattr(bench.real, "heads", away)

    health = relay_health(bench.bridge, Relay(bench.bridge, bench.bus))

    assert health.checks["store"] == {"status": "unavailable"}
    assert not health.is_ok

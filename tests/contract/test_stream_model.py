"""The promise of the job stream over every store: what a client sees is the log, whatever happens between the two."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol
from unittest import mock

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from chanx.bridge.contrib.epoch import new_epoch
from chanx.bridge.contrib.store import DjangoJobStore
from chanx.bridge.entry import LogEntry
from chanx.bridge.store import shared_reads
from chanx.bridge.store.base import JobStore, Retention
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.store.redis import RedisJobStore
from chanx.bridge.web import early, merge, stream, topic
from chanx.bridge.web.merge import LatestEntry, StreamMerge
from tests.contract.conftest import READ_BY_SITES, StoreMaker
from tests.contract.stream_world import LATEST, Message, World

SMALL = Retention(max_entries=12, max_bytes=900)
LARGE = Retention()

# So small that a run of a few dozen events goes beyond all of them.
SMALL_BOUNDS: list[tuple[Any, dict[str, int]]] = [
    (merge, {"HOLD": 4, "HOLD_BYTES": 300, "CREDIT": 10, "SURE_CREDIT": 4, "CREDIT_BYTES": 400}),
    (early, {"HOLD": 4, "HOLD_BYTES": 300}),
    (shared_reads, {"PAGE": 3, "KEPT_PAGES": 3}),
    (stream, {"PORTION": 2}),
]


class Backup(Protocol):
    """A copy of a job's data, and a store that comes back with it; without one, only the epoch changes."""

    keeps_data: bool

    def save(self, job_id: str) -> object: ...

    def restore(self, job_id: str, saved: Any) -> None: ...


class MemoryBackup:
    keeps_data = True

    def __init__(self, store: MemoryJobStore) -> None:
        self._store = store

    def save(self, job_id: str) -> object:
        return copy.deepcopy(self._store._jobs[job_id])

    def restore(self, job_id: str, saved: Any) -> None:
        self._store._jobs[job_id] = copy.deepcopy(saved)
        self._store.rewind(job_id, to_seq=saved.seq)


class RedisBackup:
    keeps_data = True

    def __init__(self, store: RedisJobStore) -> None:
        self._client: Any = redis.Redis.from_url(store.url)  # pyright: ignore[reportUnknownMemberType]
        self._store = store
        self._restored = 0

    def save(self, job_id: str) -> object:
        return {key: self._client.dump(key) for key in self._keys(job_id)}

    def restore(self, job_id: str, saved: Any) -> None:
        self._restored += 1
        self._client.delete(*self._keys(job_id))
        for key, data in saved.items():
            self._client.restore(key, 0, data)
        # What the store makes of another server's run id, which this one does not get: it knows its own by the start.
        job = f"{self._store.prefix}:{{{job_id}}}:job"
        server = self._client.hget(job, "epoch").decode()[:8]
        self._client.hset(job, "epoch", f"{server}-restored-{self._restored}")

    def _keys(self, job_id: str) -> list[bytes]:
        return list(self._client.scan_iter(f"{self._store.prefix}:{{{job_id}}}:*"))


class DjangoBackup:
    keeps_data = False

    def __init__(self, store: DjangoJobStore) -> None:
        self._store = store

    def save(self, job_id: str) -> object:
        return None

    def restore(self, job_id: str, saved: Any) -> None:
        self._store._database.ask(new_epoch())


BACKUPS: dict[type[JobStore], Callable[[Any], Backup]] = {
    MemoryJobStore: MemoryBackup,
    RedisJobStore: RedisBackup,
    DjangoJobStore: DjangoBackup,
}

clients = st.integers(0, 2)
delays = st.lists(st.sampled_from([0.0, 0.001, 0.05, 0.7]), min_size=1, max_size=5)
fates = st.lists(st.sampled_from(["now", "wire", "twice", "lost", "both"]), min_size=3, max_size=3)


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores that the runs of a machine share, each run with a job of its own."""

    small: JobStore
    large: JobStore


class StreamMachine(RuleBasedStateMachine):
    """A publisher, a store that restarts and goes away, a layer that errs, clients that come and go and fall behind.

    One thing is left out: a log that is rewound to before a job's end that a client has seen. It rests then, and what
    is published of the job afterwards tells it.
    """

    stores: Stores

    @initialize(small=st.booleans(), delays=delays, history=st.integers(0, 30), watching=st.sets(clients))
    def begin(self, small: bool, delays: list[float], history: int, watching: set[int]) -> None:
        self.store = self.stores.small if small else self.stores.large
        self.backup = BACKUPS[type(self.store)](self.store)
        self.world = World(self.store, clients=3)
        self.world.reading.delays = delays
        self.saved: tuple[object, list[int], dict[str, int]] | None = None
        for _ in range(history):
            self.world.publish()
        for of in watching:
            self.subscribe(of)
        self.world.pass_time(3)

    @rule(count=st.integers(1, 12), size=st.sampled_from([0, 0, 10, 120]), fates=fates)
    def publish(self, count: int, size: int, fates: list[str]) -> None:
        for _ in range(count):
            self._announce(self.world.publish(size=size), fates)

    @rule(actions=st.lists(st.sampled_from(LATEST), min_size=1, max_size=3), fates=fates)
    def publish_latest(self, actions: list[str], fates: list[str]) -> None:
        for action in actions:
            self._announce(self.world.publish(latest=action), fates)

    @rule(fates=fates)
    @precondition(lambda self: len(self.world.log) > 20)
    def end_the_job(self, fates: list[str]) -> None:
        self._announce(self.world.publish(ends=True), fates)

    @rule(seconds=st.sampled_from([0.0005, 0.01, 0.3, 1.1, 2.5]))
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(of=clients, place=st.integers(0, 20))
    def deliver_one(self, of: int, place: int) -> None:
        client = self.world.clients[of]
        wire = self.world.wire(client)
        if wire:
            self.world.deliver(client, wire.pop(place % len(wire)))
            self.world.pass_time(0)

    @rule(of=clients)
    def deliver_all(self, of: int) -> None:
        client = self.world.clients[of]
        wire = self.world.wire(client)
        while wire:
            self.world.deliver(client, wire.pop(0))
        self.world.pass_time(0)

    @rule(loses=st.booleans())
    def probes(self, loses: bool) -> None:
        self.world.layer.loses_probes = loses

    @rule(of=clients)
    def subscribe(self, of: int) -> None:
        client = self.world.clients[of]
        if client.connection is None:
            client.connect()
        client.subscribe()

    @rule(of=clients)
    def disconnect(self, of: int) -> None:
        self.world.run(self.world.clients[of].disconnect())

    @rule(of=clients, behind=st.integers(0, 12))
    def acknowledge(self, of: int, behind: int) -> None:
        client = self.world.clients[of]
        if client.connection is not None and client.position > behind:
            client.connection.say("ack", {"seq": client.position - behind})

    @rule(of=clients, drains=st.booleans())
    def socket(self, of: int, drains: bool) -> None:
        connection = self.world.clients[of].connection
        if connection is not None:
            connection.drains.set() if drains else connection.drains.clear()

    @rule(is_away=st.booleans())
    def store_is_away(self, is_away: bool) -> None:
        self.world.reading.is_away = is_away

    @rule()
    def back_up(self) -> None:
        self.saved = (self.backup.save(self.world.job_id), list(self.world.log), dict(self.world.latest))

    @precondition(lambda self: self.saved is not None and not self.world.has_ended)
    @rule()
    def store_comes_back_as_it_was(self) -> None:
        assert self.saved is not None
        data, log, latest = self.saved
        if not self.backup.keeps_data:
            log, latest = self.world.log, self.world.latest
        self.backup.restore(self.world.job_id, data)
        self.world.begin_epoch(log, latest)

    @precondition(lambda self: not self.world.has_ended)
    @rule(lost=st.integers(1, 3), fates=fates, seconds=st.sampled_from([0, 0.01, 1]), since=fates)
    def store_comes_back_without_the_newest(
        self, lost: int, fates: list[str], seconds: float, since: list[str]
    ) -> None:
        self.back_up()
        self.publish(lost, 0, fates)
        self.world.pass_time(seconds)
        self.store_comes_back_as_it_was()
        self.publish(lost, 0, since)

    @rule()
    def all_is_well_for_a_while(self) -> None:
        """Everybody who is subscribed then has everything, and the newest ``latest`` events."""
        self.world.reading.is_away = False
        for client in self.world.clients:
            if client.connection is None:
                client.connect()
                client.subscribe()
            elif client.epoch is None:
                client.subscribe()
            assert client.connection is not None
            client.connection.drains.set()
            self.world.wire(client).clear()
        for _ in range(60 + len(self.world.log) // 2):  # a slow store takes its time for a long log
            self.world.pass_time(3)
            for client in self.world.clients:
                assert client.connection is not None
                if client.connection.channel not in self.world.layer.wires:
                    client.subscribe()  # it was refused while the store was away
                elif client.position:
                    client.connection.say("ack", {"seq": client.position})
            if all(client.is_up_to_date for client in self.world.clients):
                return
        for client in self.world.clients:
            assert (client.epoch, client.position) == (self.world.epoch, len(self.world.log))
            assert client.latest == self.world.latest

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.all_is_well_for_a_while()
            finally:
                self.world.close()

    def _announce(self, message: Message | None, fates: list[str]) -> None:
        if message is None:
            return
        for client, fate in zip(self.world.clients, fates, strict=True):
            wire = self.world.wire(client)
            if fate in {"wire", "both"}:
                wire.append(message)
            if fate in {"now", "both", "twice"}:
                self.world.deliver(client, message)
            if fate == "twice":
                self.world.loop.call_later(0.002, self.world.deliver, client, message)


@pytest.fixture(autouse=True)
def small_bounds() -> Iterator[None]:
    with ExitStack() as patches:
        for module, values in SMALL_BOUNDS:
            for name, value in values.items():
                patches.enter_context(mock.patch.object(module, name, value))
        yield


@pytest.fixture
def machine(store_with: StoreMaker) -> type[StreamMachine]:
    stores = Stores(store_with(SMALL), store_with(LARGE))
    return type("StreamMachine", (StreamMachine,), {"stores": stores})


def runs(examples: int, **values: Any) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    phases = [Phase.explicit, Phase.reuse, Phase.generate]  # without shrinking, which takes minutes here
    return settings(
        phases=phases,
        max_examples=examples,
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=checks,
        **values,
    )


@pytest.mark.parametrize("store_with", READ_BY_SITES, indirect=True)
def test_what_a_client_sees_is_the_log(machine: type[StreamMachine]) -> None:
    run_state_machine_as_test(machine, settings=runs(40))


class Dropping(StreamMerge):
    """Loses an event where two are sent at once."""

    def take(self) -> list[LogEntry | LatestEntry]:
        taken = super().take()
        return [*taken[:1], *taken[2:]]


class Duplicating(StreamMerge):
    """Sends an event again that the layer repeats."""

    def live(self, entry: LogEntry) -> None:
        if entry.seq == self.position:
            self.position -= 1
        super().live(entry)


class Reordering(StreamMerge):
    """Sends what it holds in the order in which it came."""

    def take(self) -> list[LogEntry | LatestEntry]:
        return sorted(super().take(), key=lambda entry: entry.event)


class Leaping(StreamMerge):
    """Takes the next event that comes for the next event."""

    def live(self, entry: LogEntry) -> None:
        self.position = max(self.position, entry.seq - 1)
        super().live(entry)


class Deaf(StreamMerge):
    """Does not hear that the layer has lost the last event."""

    def at_least(self, head: int, rev: int = 0) -> None:
        pass


class Forgetful(StreamMerge):
    """Does not find out that a latest event was lost."""

    def at_least(self, head: int, rev: int = 0) -> None:
        super().at_least(head)


class Regressing(StreamMerge):
    """Sends the latest event that came last, whatever is newer."""

    def _offer(self, entry: LatestEntry) -> None:
        self.head = max(self.head, entry.head)
        self._latest[entry.action] = entry


PLANTED = [Dropping, Duplicating, Reordering, Leaping, Deaf, Forgetful, Regressing]


@pytest.mark.parametrize("bug", PLANTED)
@pytest.mark.parametrize("store_with", ["memory"], indirect=True)
def test_a_bug_in_the_merge_is_found(machine: type[StreamMachine], bug: type[StreamMerge]) -> None:
    with mock.patch.object(stream, "StreamMerge", bug), pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=runs(300, database=None, derandomize=True))


def any_epoch(self: stream.JobStream, entry: LogEntry | LatestEntry, epoch: str) -> None:
    """``JobStream.live`` without a look at the epoch."""
    _live(self, entry, self._epoch)


def anywhere(job: object, position: object) -> bool:
    """``reaches_back`` as if a log reached back for ever, in every epoch."""
    return True


_live = stream.JobStream.live


@pytest.mark.parametrize(
    ("owner", "name", "bug"), [(stream.JobStream, "live", any_epoch), (topic, "reaches_back", anywhere)]
)
@pytest.mark.parametrize("store_with", ["memory"], indirect=True)
def test_a_bug_in_resuming_is_found(machine: type[StreamMachine], owner: object, name: str, bug: object) -> None:
    with mock.patch.object(owner, name, bug), pytest.raises((AssertionError, KeyError)):
        run_state_machine_as_test(machine, settings=runs(300, database=None, derandomize=True))

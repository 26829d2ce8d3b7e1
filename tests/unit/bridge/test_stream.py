"""The pump of one subscription: what it sends, and when the client has to start over."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial

import pytest

from chanx.bridge.entry import Head, LogEntry, LogPage, NewEntry
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.states import JobState
from chanx.bridge.store.async_store import AsyncJobStore
from chanx.bridge.store.base import Retention, StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.store.shared_reads import PAGE
from chanx.bridge.web import stream as stream_module
from chanx.bridge.web.light_task import LightTask
from chanx.bridge.web.merge import LatestEntry
from chanx.bridge.web.stream import PORTION, JobStream

KEPT = 5


class Store(MemoryJobStore):
    """A store whose reads can fail, and that counts them."""

    def __init__(self, retention: Retention | None = None) -> None:
        super().__init__(retention or Retention(max_entries=KEPT))
        self.reads = 0
        self.failing_reads = 0

    def read(self, job_id: str, *, after: int, limit: int) -> LogPage | None:
        self.reads += 1
        if self.reads <= self.failing_reads:
            raise StoreUnavailableError("away")
        return super().read(job_id, after=after, limit=limit)


class Watched:
    """A job in a store, and a client that watches it from a position."""

    def __init__(self) -> None:
        self.store = Store()
        self.store.create(JobRecord(job_id="j", owner="user:1", name="n", task_id="t", created_at=datetime.now(UTC)))
        self.reading = AsyncJobStore(self.store, threads=1)
        self.n = 0
        self.seen: list[str] = []
        self._news = asyncio.Event()
        self.running: LightTask | None = None
        self._has_ended = asyncio.Event()

    def log(self, *texts: str) -> None:
        for text in texts:
            self.n += 1
            self.store.append(NewEntry("j", "x", text, "run", self.n))

    def progress(self, current: int) -> None:
        self.n += 1
        value = f'{{"current":{current}}}'
        entry = NewEntry("j", "job_progress", "{}", "run", self.n, "latest", patch={"job_progress": value})
        self.store.append(entry)

    def end(self) -> None:
        self.n += 1
        self.store.append(NewEntry("j", "job_succeeded", "end", "run", self.n, state=JobState.SUCCEEDED))

    def head(self) -> Head:
        (head,) = self.store.heads(["j"])
        assert head is not None
        return head

    def watch(self, position: int) -> JobStream:
        snapshot = self.store.snapshot("j")
        assert snapshot is not None
        stream = JobStream(self.reading, snapshot, position=position, send=self._take)
        self.running = LightTask(self._run(stream), name="stream")
        return stream

    async def has_seen(self, *texts: str) -> None:
        async with asyncio.timeout(30):
            while len(self.seen) < len(texts):
                self._news.clear()
                await self._news.wait()
        assert self.seen == list(texts)

    async def has_to_start_over(self) -> None:
        await asyncio.wait_for(self._has_ended.wait(), 30)

    async def _run(self, stream: JobStream) -> None:
        await stream.run()
        self._has_ended.set()

    async def _take(self, entry: LogEntry | LatestEntry) -> None:
        self.seen.append(entry.event)
        self._news.set()


@pytest.fixture
async def job() -> AsyncIterator[Watched]:
    watched = Watched()
    yield watched
    if watched.running is not None:
        await watched.running.stop()


async def test_the_log_comes_first_then_what_is_live(job: Watched) -> None:
    job.log("1", "2", "3")
    stream = job.watch(1)
    await job.has_seen("2", "3")

    stream.live(LogEntry(4, "4"), job.store.epoch)

    await job.has_seen("2", "3", "4")
    assert job.store.reads == 1


async def test_an_event_that_was_lost_is_read_once_the_head_tells_of_it(job: Watched) -> None:
    stream = job.watch(0)
    job.log("1")

    stream.head(Head(job.store.epoch, 1, 0))

    await job.has_seen("1")


@pytest.mark.parametrize("lost", [1, 2, 3])
async def test_a_log_that_does_not_reach_back_ends_the_stream(job: Watched, lost: int) -> None:
    # Given a client that is missing as many events as the log has let go of
    job.log(*"12345678")

    # When
    job.watch(8 - KEPT - lost)

    # Then nothing partial is sent
    await job.has_to_start_over()
    assert job.seen == []


async def test_a_log_that_reaches_back_just_so(job: Watched) -> None:
    job.log(*"12345678")

    job.watch(8 - KEPT)

    await job.has_seen(*"45678")


def by_a_live_event(stream: JobStream) -> None:
    stream.live(LogEntry(1, "other"), "other")


def by_the_head(stream: JobStream) -> None:
    stream.head(Head("other", 1, 0))


def by_its_absence(stream: JobStream) -> None:
    stream.head(None)


@pytest.mark.parametrize("tell", [by_a_live_event, by_the_head, by_its_absence])
async def test_another_epoch_or_none_ends_the_stream(job: Watched, tell: Callable[[JobStream], None]) -> None:
    stream = job.watch(0)

    tell(stream)

    await job.has_to_start_over()
    assert job.seen == []


async def test_a_log_that_was_rewound_ends_the_stream(job: Watched) -> None:
    # Given a client that is behind
    job.log("1", "2", "3")
    job.watch(0)

    # When the log changes under it
    job.store.rewind("j", to_seq=1)
    job.log("another 2")

    # Then
    await job.has_to_start_over()
    assert job.seen == []


async def test_a_store_that_is_away_is_waited_for(job: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "RETRY_SECONDS", 0)
    job.store.failing_reads = 3
    job.log("1")

    job.watch(0)

    await job.has_seen("1")
    assert job.store.reads == 4


async def test_a_latest_event_that_was_lost_is_read_once_the_head_tells_of_it(job: Watched) -> None:
    # Given a client that has seen progress 1 in the snapshot
    job.progress(1)
    stream = job.watch(0)
    stream.head(job.head())

    # When
    job.log("1")
    job.progress(2)
    stream.head(job.head())

    # Then
    who = '"job_id":"j","task_id":null,"attempt":null,"run_id":null,"time":null'
    await job.has_seen("1", f'{{"action":"job_progress","payload":{{"current":2}},{who}}}')


async def test_a_latest_event_that_lives_under_no_field_of_its_own_is_not_made_up(job: Watched) -> None:
    # Given one that patches another field than its action
    stream = job.watch(0)
    job.n += 1
    job.store.append(NewEntry("j", "statistics", "{}", "run", job.n, "latest", patch={"total": "1"}))

    # When
    job.log("1")
    stream.head(job.head())

    # Then
    await job.has_seen("1")


def is_polled(job: Watched) -> bool:
    return "j" in job.reading.head_poller._listeners


async def test_the_head_of_a_job_is_not_asked_for_any_more_once_all_of_it_was_sent(job: Watched) -> None:
    # Given a client that waits for what comes
    stream = job.watch(0)
    await asyncio.sleep(0)
    job.end()
    head = job.head()

    # When the end is sent, and when it was
    stream.head(head)
    assert is_polled(job)
    await job.has_seen("end")
    stream.head(head)

    # Then
    assert not is_polled(job)
    # And whatever still comes is told
    stream.live(LogEntry(2, "2"), "another epoch")
    await job.has_to_start_over()


async def test_a_job_that_ended_long_ago_is_never_asked_about(job: Watched) -> None:
    job.log("1")
    job.end()

    job.watch(0)

    await job.has_seen("1", "end")
    assert not is_polled(job)


class Crowd:
    """Clients of one process that come to a long log at once; ``order`` has who was sent each event."""

    def __init__(self, events: int) -> None:
        self.store = Store(Retention(max_entries=events))
        self.store.create(JobRecord(job_id="j", owner="user:1", name="n", task_id="t", created_at=datetime.now(UTC)))
        for n in range(1, events + 1):
            self.store.append(NewEntry("j", "x", str(n), "run", n))
        self.events = events
        self.order: list[str] = []

    async def replay(self, names: str) -> None:
        reading, snapshot = AsyncJobStore(self.store, threads=4), self.store.snapshot("j")
        assert snapshot is not None
        all_sent = asyncio.Event()

        async def take(name: str, stream: list[JobStream], entry: LogEntry | LatestEntry) -> None:
            self.order.append(name)
            stream[0].acknowledge(int(entry.event))
            if len(self.order) == self.events * len(names):
                all_sent.set()

        running: list[LightTask] = []
        for name in names:
            cell: list[JobStream] = []
            cell.append(JobStream(reading, snapshot, position=0, send=partial(take, name, cell)))
            running.append(LightTask(cell[0].run(), name=name))
        await asyncio.wait_for(all_sent.wait(), 20)
        for task in running:
            await task.stop()


async def test_a_long_replay_lets_others_have_their_turn() -> None:
    crowd = Crowd(5 * PORTION)

    await crowd.replay("ab")

    assert "".join(crowd.order) == ("a" * PORTION + "b" * PORTION) * 5


async def test_clients_that_come_at_once_read_the_log_once() -> None:
    # Given a log of 5 pages, and 26 clients
    crowd = Crowd(5 * PAGE)

    await crowd.replay("abcdefghijklmnopqrstuvwxyz")

    # Then what each page costs is a read, or two where they do not ask for quite the same
    assert crowd.store.reads <= 2 * 5


async def test_watchers_who_all_miss_an_event_read_the_log_once() -> None:
    # Given 1,000 clients that have everything
    watched, seen, all_sent = Watched(), 0, asyncio.Event()
    snapshot = watched.store.snapshot("j")
    assert snapshot is not None

    async def take(entry: LogEntry | LatestEntry) -> None:
        nonlocal seen
        seen += 1
        if seen == 3 * 1000:
            all_sent.set()

    streams = [JobStream(watched.reading, snapshot, position=0, send=take) for _ in range(1000)]
    running = [LightTask(stream.run(), name="stream") for stream in streams]
    watched.log("1", "2", "3")

    # When the layer has lost the second event
    for entry in (LogEntry(1, "1"), LogEntry(3, "3")):
        for stream in streams:
            stream.live(entry, watched.store.epoch)
        await asyncio.sleep(0)
    await asyncio.wait_for(all_sent.wait(), 20)

    # Then
    assert watched.store.reads <= 2
    for task in running:
        await task.stop()

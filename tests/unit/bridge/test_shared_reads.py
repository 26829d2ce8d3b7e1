"""Pages and snapshots that several clients need at once: read once, and never older than whoever asks may have."""

import asyncio
import gc
from datetime import UTC, datetime
from typing import Any

import pytest

from chanx.bridge.entry import LogEntry, LogPage, NewEntry
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.store import shared_reads
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.store.shared_reads import KEPT_BYTES, PAGE, SharedReads


async def everybody_waits() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Log:
    """A job's log whose reads wait until they are let through; it counts them."""

    def __init__(self, entries: int = 0) -> None:
        self.store = MemoryJobStore()
        self.store.create(JobRecord(job_id="j", owner="user:1", name="n", task_id="t", created_at=datetime.now(UTC)))
        self.n = 0
        self.append(entries)
        self.page_reads: list[int] = []
        self.snapshot_reads = 0
        self.error: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.reads = SharedReads(self.read, self.snapshot)

    def append(self, entries: int, text: str = "x") -> None:
        for _ in range(entries):
            self.n += 1
            self.store.append(NewEntry("j", "x", text, "run", self.n))

    def progress(self) -> None:
        self.n += 1
        self.store.append(NewEntry("j", "p", "{}", "run", self.n, "latest"))

    async def page(self, after: int) -> LogPage | None:
        return await asyncio.wait_for(self.reads.page("j", after=after, epoch=self.store.epoch), 30)

    async def read(self, job_id: str, after: int, limit: int) -> LogPage | None:
        self.page_reads.append(after)
        page = self.store.read(job_id, after=after, limit=limit)  # before it waits: what it answers is old by then
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return page

    async def snapshot(self, job_id: str) -> JobSnapshot | None:
        self.snapshot_reads += 1
        snapshot = self.store.snapshot(job_id)
        await self.open.wait()
        return snapshot


async def test_clients_at_about_the_same_place_share_a_page() -> None:
    # Given a log, and 50 clients that are missing about the same
    log = Log(500)
    log.open.clear()
    asking = [asyncio.create_task(log.page(100 + place)) for place in range(50)]
    await everybody_waits()

    # When
    log.open.set()
    pages = await asyncio.gather(*asking)
    later = await log.page(200)

    # Then
    assert log.page_reads == [100]
    for place, page in enumerate([*pages, later]):
        assert page is not None
        assert page.entries[0].seq <= 100 + place + 1 <= page.entries[-1].seq
    assert pages[0] is not None
    assert len(pages[0].entries) == PAGE


async def test_what_was_read_before_somebody_asked_does_not_tell_him_that_there_is_nothing_more() -> None:
    # Given a read of the end of the log that is on its way
    log = Log(10)
    log.open.clear()
    earlier = asyncio.create_task(log.page(10))
    await everybody_waits()

    # When another event is appended, and asked for
    log.append(1, "new")
    asking = asyncio.create_task(log.page(10))
    await everybody_waits()
    log.open.set()

    # Then
    before, page = await asyncio.gather(earlier, asking)
    assert before is not None
    assert before.entries == ()
    assert page is not None
    assert page.entries == (LogEntry(11, "new"),)


async def test_a_page_of_another_epoch_is_of_no_use() -> None:
    log = Log(10)
    await log.page(0)

    log.store.rewind("j", to_seq=5)
    page = await log.page(0)

    assert page is not None
    assert (page.epoch, page.head) == (log.store.epoch, 5)


async def test_pages_are_kept_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_reads, "KEPT_SECONDS", 0)
    log = Log(10)
    await log.page(0)
    await everybody_waits()
    await everybody_waits()

    await log.page(0)

    assert log.page_reads == [0, 0]


async def test_what_is_kept_is_bounded() -> None:
    log = Log()
    log.append(40, "x" * (KEPT_BYTES // 16))

    for after in range(40):
        await log.page(after)

    kept = log.reads._pages.values()
    assert sum(page.size for page in kept) == log.reads._kept_bytes <= KEPT_BYTES


async def test_a_client_that_leaves_does_not_end_the_read_of_the_others() -> None:
    log = Log(10)
    log.open.clear()
    first, second = (asyncio.create_task(log.page(0)) for _ in range(2))
    await everybody_waits()

    first.cancel()
    await everybody_waits()
    log.open.set()

    page = await second
    assert page is not None
    assert len(page.entries) == 10
    assert log.page_reads == [0]


async def test_a_read_that_fails_when_nobody_waits_for_it_any_more_is_nobodys_trouble() -> None:
    # Given a read that fails after everybody who waited for it has left
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    log = Log(10)
    log.open.clear()
    clients = [asyncio.create_task(log.page(0)) for _ in range(2)]
    await everybody_waits()
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    log.error = StoreUnavailableError("away")
    log.open.set()
    await everybody_waits()

    # When it is forgotten, Then asyncio does not complain of an exception that nobody has seen
    del clients, client  # whose tracebacks know it
    gc.collect()
    assert complaints == []


async def test_a_store_that_is_away_is_away_for_all_who_wait_and_asked_again_by_the_next() -> None:
    log = Log(10)
    log.error = StoreUnavailableError("away")

    answers = await asyncio.gather(*[log.page(0) for _ in range(5)], return_exceptions=True)
    log.error = None
    page = await log.page(0)

    assert [type(answer) for answer in answers] == [StoreUnavailableError] * 5
    assert page is not None
    assert log.page_reads == [0, 0]


async def test_a_job_that_is_gone_is_none() -> None:
    log = Log()

    assert await log.reads.page("gone", after=0, epoch="e") is None
    assert await log.reads.snapshot("gone", rev=1) is None


async def test_a_snapshot_is_shared_unless_it_is_too_old() -> None:
    # Given a read on its way that tells of rev 1
    log = Log()
    log.progress()
    log.open.clear()
    first, same = (asyncio.create_task(log.reads.snapshot("j", rev=1)) for _ in range(2))
    await everybody_waits()

    # When rev 2 is asked for
    log.progress()
    newer = asyncio.create_task(log.reads.snapshot("j", rev=2))
    await everybody_waits()
    log.open.set()

    # Then
    snapshots = await asyncio.gather(first, same, newer)
    assert [snapshot.rev for snapshot in snapshots if snapshot is not None] == [1, 1, 2]
    assert log.snapshot_reads == 2
    assert not log.reads._snapshot_reads._tasks

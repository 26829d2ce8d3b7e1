"""The store as an event loop uses it, and the poller of heads."""

import asyncio
import logging
import os
import threading
from collections.abc import Sequence
from functools import partial
from itertools import chain
from unittest import mock

import pytest

from chanx.bridge.entry import Head
from chanx.bridge.store.async_store import AsyncJobStore
from chanx.bridge.store.heads import BATCH, HeadPoller
from chanx.bridge.store.memory import MemoryJobStore


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    # Given a store that was used before a fork, as by a server that loads the site first
    store = AsyncJobStore(MemoryJobStore())
    assert asyncio.run(store.snapshot("j")) is None

    # When
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(asyncio.wait_for(store.snapshot("j"), 30))
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)

    # Then
    assert os.waitstatus_to_exitcode(status) == 0


class Logs:
    """Heads to be asked for; counts the questions."""

    def __init__(self) -> None:
        self.questions: list[list[str]] = []

    async def heads(self, job_ids: object) -> list[Head | None]:
        self.questions.append(list(job_ids))  # type: ignore[call-overload]  # a sequence
        return [None if job_id == "gone" else Head("e", 7, 1) for job_id in self.questions[-1]]


async def test_all_streams_of_a_process_share_one_question() -> None:
    # Given two clients of one job, one of another, one of a job that is gone
    logs = Logs()
    poller = HeadPoller(logs.heads, interval=0.001)
    told: list[tuple[str, Head | None]] = []
    listeners = {name: (lambda head, name=name: told.append((name, head))) for name in ("a", "b", "c", "d")}
    for name, job_id in (("a", "j"), ("b", "j"), ("c", "k"), ("d", "gone")):
        poller.add(job_id, listeners[name])

    # When
    await poller.poll()

    # Then
    assert [sorted(question) for question in logs.questions] == [["gone", "j", "k"]]
    head = Head("e", 7, 1)
    assert dict(told) == {"a": head, "b": head, "c": head, "d": None}
    assert len(told) == 4

    # When one leaves
    poller.remove("j", listeners["a"])
    told.clear()
    await poller.poll()

    # Then
    assert dict(told) == {"b": head, "c": head, "d": None}

    # When all have left, nobody is asked any more
    for name, job_id in (("b", "j"), ("c", "k"), ("d", "gone")):
        poller.remove(job_id, listeners[name])
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "chanx-heads" and not task.cancelling()]

    # And whoever comes later is told again
    assert await first_told(poller, "j") == {"j": head}


class Failing(Logs):
    """Raises what a store of somebody's own may raise, the first time."""

    async def heads(self, job_ids: object) -> list[Head | None]:
        heads = await super().heads(job_ids)
        if len(self.questions) == 1:
            raise LookupError("nobody thought of this")
        return heads


async def first_told(poller: HeadPoller, *job_ids: str) -> dict[str, Head | None]:
    """What the listeners of these jobs are told first."""
    heads: dict[str, Head | None] = {}
    everybody = asyncio.Event()

    def listener(job_id: str, head: Head | None) -> None:
        heads.setdefault(job_id, head)
        if len(heads) == len(job_ids):
            everybody.set()

    listeners = {job_id: partial(listener, job_id) for job_id in job_ids}
    for job_id, tell in listeners.items():
        poller.add(job_id, tell)
    async with asyncio.timeout(30):
        await everybody.wait()
    for job_id, tell in listeners.items():
        poller.remove(job_id, tell)
    return heads


async def test_the_poller_survives_whatever_a_store_raises(caplog: pytest.LogCaptureFixture) -> None:
    logs = Failing()

    with caplog.at_level(logging.WARNING, "chanx"):
        heads = await first_told(HeadPoller(logs.heads, interval=0.001), "j", "gone")

    assert heads == {"j": Head("e", 7, 1), "gone": None}
    assert "nobody thought of this" in caplog.text


async def test_a_listener_may_leave_when_it_is_told() -> None:
    poller = HeadPoller(Logs().heads, interval=0.001)
    left = asyncio.Event()

    def leave(_: Head | None) -> None:
        poller.remove("j", leave)
        left.set()

    poller.add("j", leave)
    await asyncio.wait_for(left.wait(), 30)

    # Then the poller has ended, and begins again with the next
    assert await first_told(poller, "k") == {"k": Head("e", 7, 1)}


async def test_many_heads_are_asked_for_in_several_questions() -> None:
    logs = Logs()
    poller = HeadPoller(logs.heads, interval=60)
    for n in range(2 * BATCH + 1):
        poller.add(f"j{n}", lambda _: None)

    await poller.poll()

    assert [len(question) for question in logs.questions] == [BATCH, BATCH, 1]
    assert len(set(chain(*logs.questions))) == 2 * BATCH + 1


class Ended(MemoryJobStore):
    """Has one job that is complete, and one that is not."""

    def heads(self, job_ids: Sequence[str]) -> list[Head | None]:
        return [Head("e", 1, 0, complete=job_id == "complete") for job_id in job_ids]


class NotingObserver:
    """Is told what to do; what it does fails the first time."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.has_looked_twice = threading.Event()

    def end_complete(self, job_id: str) -> None:
        self.calls.append(job_id)

    def look(self) -> None:
        self.calls.append("look")
        if self.calls.count("look") == 2:
            self.has_looked_twice.set()
        raise RuntimeError("nobody thought of this")


async def test_whoever_watches_has_the_observer_look_and_end_what_is_complete() -> None:
    # Given
    observer = NotingObserver()
    poller = AsyncJobStore(Ended(), observer=observer).head_poller

    # When
    with mock.patch.object(poller, "_interval", 0.001):
        await first_told(poller, "complete", "running")
        poller.add("complete", print)
        assert await asyncio.to_thread(observer.has_looked_twice.wait, 5)
        poller.remove("complete", print)

    # Then
    assert observer.calls[:4] == ["complete", "look"] * 2

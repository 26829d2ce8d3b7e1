"""The store as an event loop uses it, and the poller of heads."""

import asyncio
import os

import pytest

from chanx.bridge.entry import Head
from chanx.bridge.store.async_store import AsyncJobStore
from chanx.bridge.store.heads import HeadPoller
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
            asyncio.run(asyncio.wait_for(store.snapshot("j"), 5))
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
    told: list[tuple[str, int]] = []
    listeners = {name: (lambda head, name=name: told.append((name, head.seq))) for name in ("a", "b", "c", "d")}
    for name, job_id in (("a", "j"), ("b", "j"), ("c", "k"), ("d", "gone")):
        poller.add(job_id, listeners[name])

    # When
    await poller.poll()

    # Then
    assert [sorted(question) for question in logs.questions] == [["gone", "j", "k"]]
    assert sorted(told) == [("a", 7), ("b", 7), ("c", 7)]

    # When one leaves
    poller.remove("j", listeners["a"])
    told.clear()
    await poller.poll()

    # Then
    assert sorted(told) == [("b", 7), ("c", 7)]

    # When all have left, nobody is asked any more
    for name, job_id in (("b", "j"), ("c", "k"), ("d", "gone")):
        poller.remove(job_id, listeners[name])
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "chanx-heads" and not task.cancelling()]

    # And whoever comes later is told again
    is_told = asyncio.Event()

    def tell(_: Head) -> None:
        is_told.set()

    poller.add("j", tell)
    async with asyncio.timeout(5):
        await is_told.wait()
    poller.remove("j", tell)

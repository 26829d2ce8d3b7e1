"""The queue of a connection's frames: order, concurrency, bounds, and its end."""

import asyncio
import logging
from typing import Any

import pytest

from chanx.core.frame_queue import FrameQueue


class Work:
    """Handles frames by waiting until they are let go; knows how many run and the order in which they started."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.finished: list[str] = []
        self.cancelled: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.changed = asyncio.Event()

    async def __call__(self, frame: str) -> None:
        self.started.append(frame)
        self.changed.set()
        gate = self.gates.setdefault(frame, asyncio.Event())
        try:
            await gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(frame)
            raise
        self.finished.append(frame)
        self.changed.set()

    def let_go(self, frame: str) -> None:
        self.gates.setdefault(frame, asyncio.Event()).set()

    async def until_started(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.started) < count:
                self.changed.clear()
                await self.changed.wait()


class Frames(FrameQueue):
    """A queue whose frames are handled by a task per frame, as far as the queue lets them."""

    __slots__ = ("tasks",)

    def __init__(self, process: Any, concurrency: int, max_frames: int = 100, max_characters: int = 1000) -> None:
        super().__init__(process, concurrency=concurrency, max_frames=max_frames, max_characters=max_characters)
        self.tasks: list[asyncio.Task[None]] = []

    def put(self, frame: str) -> bool:
        taken = super().put(frame)
        if self.waiting:
            self.tasks.append(asyncio.create_task(self._work_in_task()))
        return taken

    async def _work_in_task(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        await self.work(task, lambda: None)


async def test_at_most_so_many_frames_run_at_a_time_and_they_start_in_order() -> None:
    work = Work()
    frames = Frames(work, concurrency=2)
    for frame in "abcd":
        assert frames.put(frame)
    await work.until_started(2)
    assert work.started == ["a", "b"]
    work.let_go("b")
    await work.until_started(3)
    assert work.started == ["a", "b", "c"]
    await frames.close()


async def test_with_one_at_a_time_frames_are_handled_in_order() -> None:
    work = Work()
    frames = Frames(work, concurrency=1)
    for frame in "abc":
        work.let_go(frame)
        frames.put(frame)
    await work.until_started(3)
    assert work.started == ["a", "b", "c"]
    assert work.finished[:2] == ["a", "b"]
    await frames.close()


async def test_a_frame_put_just_as_the_last_one_ends_is_handled() -> None:
    done = asyncio.Event()
    frames: Frames

    async def handle(frame: str) -> None:
        # The worker of the last frame still counts as one while this task, woken by it, already goes on.
        if len(frame) < 100:
            asyncio.get_running_loop().call_soon(frames.put, frame + "x")
        else:
            done.set()

    frames = Frames(handle, concurrency=1)
    frames.put("x")
    async with asyncio.timeout(30):
        await done.wait()
    await frames.close()


async def test_what_does_not_fit_is_refused() -> None:
    work = Work()
    by_count = Frames(work, concurrency=1, max_frames=2)
    by_count.put("a")
    await work.until_started(1)  # what is handled waits no more
    assert [by_count.put(frame) for frame in "bcd"] == [True, True, False]
    by_size = Frames(work, concurrency=1, max_characters=5)
    by_size.put("aaa")
    await work.until_started(2)
    assert [by_size.put(frame) for frame in ("bbb", "ccc")] == [True, False]
    await by_count.close()
    await by_size.close()


async def test_closing_cancels_what_runs_drops_what_waits_and_leaves_no_task() -> None:
    work = Work()
    before = asyncio.all_tasks()
    frames = Frames(work, concurrency=2)
    for frame in "abc":
        frames.put(frame)
    await work.until_started(2)

    await frames.close()
    frames.put("d")

    assert sorted(work.cancelled) == ["a", "b"]
    assert work.started == ["a", "b"]
    assert asyncio.all_tasks() == before


async def test_a_failure_is_logged_and_the_next_frame_is_handled(caplog: pytest.LogCaptureFixture) -> None:
    done = asyncio.Event()

    async def handle(frame: str) -> None:
        if frame == "bad":
            raise ValueError("broken")
        done.set()

    frames = Frames(handle, concurrency=1)
    with caplog.at_level(logging.ERROR, logger="chanx"):
        frames.put("bad")
        frames.put("good")
        async with asyncio.timeout(30):
            await done.wait()
    assert [record.message for record in caplog.records] == ["frame_failed "]
    await frames.close()

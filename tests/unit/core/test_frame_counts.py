"""Frames are told of once a turn of the event loop, and each of them once."""

import asyncio
from collections import Counter
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from chanx.core.frame_counts import FrameCount
from chanx.metrics import FRAMES_SENT, Metric
from chanx.telemetry import Attributes, Observer, observe


class One:
    """A consumer class."""


class Other:
    """Another one."""


class Told(Observer):
    def __init__(self) -> None:
        self.calls = 0
        self.frames: Counter[str] = Counter()

    def measured(self, metric: Metric, value: float, attributes: Attributes) -> None:
        self.calls += 1
        self.frames[str(attributes["chanx.consumer"])] += int(value)


COUNTED = st.tuples(st.sampled_from([0, 1]), st.sampled_from([One, Other]), st.integers(1, 3))


async def nothing() -> None:
    """A turn of the loop, or some."""
    await asyncio.sleep(0)


@given(st.lists(COUNTED, max_size=20))
def test_on_loops_that_take_turns_in_a_thread(counted: list[tuple[int, type[One] | type[Other], int]]) -> None:
    count, told, expected = FrameCount(FRAMES_SENT), Told(), Counter[str]()
    stop = observe(told)
    try:
        with closing(asyncio.new_event_loop()) as first, closing(asyncio.new_event_loop()) as second:
            for number, consumer, frames in counted:
                loop = (first, second)[number]
                loop.call_soon(loop.stop)
                loop.call_soon(count.add, consumer(), frames)
                loop.run_forever()  # a single turn, at whose end nothing of it was told yet
                expected[consumer.__name__] += frames
            for loop in (first, second):
                loop.run_until_complete(nothing())
    finally:
        stop()
    assert told.frames == expected


def test_a_loop_that_is_closed_before_it_could_tell_stops_nothing() -> None:
    count, told = FrameCount(FRAMES_SENT), Told()
    stop = observe(told)
    try:
        # Given a loop that ends in the turn in which something is counted
        with closing(asyncio.new_event_loop()) as loop:
            loop.call_soon(loop.stop)
            loop.call_soon(count.add, One())
            loop.run_forever()

        # When another one counts, Then that is told, once a turn
        async def work() -> None:
            for _ in range(100):
                count.add(One())
            await nothing()

        asyncio.run(work())
    finally:
        stop()
    assert (told.calls, told.frames) == (1, {"One": 100})

"""A job whose store is in memory and whose time and timer are moved by hand."""

import pytest

from chanx.bridge.worker.job import Job
from tests.unit.bridge.doubles import Bench, Clock
from tests.unit.bridge.manual_timer import ManualTimer


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timer(clock: Clock) -> ManualTimer:
    return ManualTimer(clock)


@pytest.fixture
def job(bench: Bench, clock: Clock, timer: ManualTimer) -> Job:
    return Job(bench.reporter, clock=clock, timer=timer)

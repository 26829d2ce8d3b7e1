"""The timer of a process: one thread, made when it is first needed, also after a fork."""

import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from chanx.bridge.worker.timer import PROCESS_TIMER, ProcessTimer
from tests.waiting import wait_until


@pytest.fixture
def timer() -> ProcessTimer:
    return ProcessTimer()


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "chanx-timer"]


def test_calls_come_in_the_order_of_their_times_and_not_before(timer: ProcessTimer) -> None:
    called: list[tuple[str, float]] = []
    started = time.monotonic()

    def note(name: str) -> Callable[[], None]:
        return lambda: called.append((name, time.monotonic() - started))

    # When
    timer.call_later(0.2, note("second"))
    timer.call_later(0.1, note("first"))
    timer.call_later(0.2, note("third"))
    wait_until(lambda: len(called) == 3)

    # Then
    assert [name for name, _ in called] == ["first", "second", "third"]
    assert all(after >= due for (_, after), due in zip(called, (0.1, 0.2, 0.2), strict=True))


def test_it_is_one_thread_and_none_before_it_is_needed(timer: ProcessTimer) -> None:
    before = len(threads())
    called = []
    assert len(threads()) == before

    for i in range(100):
        timer.call_later(0.01, lambda i=i: called.append(i))  # type: ignore[misc]  # binds i
    wait_until(lambda: len(called) == 100)

    assert len(threads()) == before + 1


def test_a_callback_that_raises_harms_no_other(timer: ProcessTimer, caplog: pytest.LogCaptureFixture) -> None:
    called = []

    timer.call_later(0, lambda: 1 / 0)  # type: ignore[arg-type, return-value]  # raises
    timer.call_later(0.01, lambda: called.append(1))
    wait_until(lambda: called)

    assert "timer_callback_failed error=\"ZeroDivisionError('division by zero')\"" in caplog.text


def test_a_callback_may_ask_for_the_next_call(timer: ProcessTimer) -> None:
    called = []

    def again() -> None:
        called.append(1)
        if len(called) < 3:
            timer.call_later(0, again)

    timer.call_later(0, again)

    wait_until(lambda: len(called) == 3)


def test_a_forked_child_has_its_own(timer: ProcessTimer) -> None:
    # Given a timer that runs, with a call that is still to come
    called = []
    timer.call_later(0, lambda: called.append("parent"))
    wait_until(lambda: called)
    timer.call_later(0.3, lambda: os.write(writing, b"parent's "))

    # When
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        signal.alarm(10)
        timer.call_later(0.01, lambda: os.write(writing, b"child's "))
        timer.call_later(0.5, lambda: os._exit(0))
        signal.pause()
    os.waitpid(child, 0)

    # Then the parent's call was made once, in the parent
    wait_until(lambda: not timer_has_calls(timer))
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert sorted(pipe.read().split()) == [b"child's", b"parent's"]


def timer_has_calls(timer: ProcessTimer) -> bool:
    return bool(timer._thread.get()._calls)


def test_all_runs_of_a_process_share_one() -> None:
    assert isinstance(PROCESS_TIMER, ProcessTimer)

from __future__ import annotations

import os
import signal
import threading

import pytest

from chanx.utils.process import PerProcess

# Python 3.12 and later warn of a fork beside threads, which is what this is about.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


def test_it_is_made_once_and_only_when_needed() -> None:
    made: list[object] = []

    def factory() -> object:
        made.append(object())
        return made[-1]

    resource = PerProcess(factory)
    assert made == []
    assert resource.get() is resource.get()
    assert len(made) == 1


def test_threads_that_ask_at_once_get_the_same() -> None:
    # Given a factory that takes until all threads have asked
    asked = threading.Barrier(8)
    resource = PerProcess(object)
    got: list[object] = []

    def ask() -> None:
        asked.wait(30)
        got.append(resource.get())

    # When they ask
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    # Then there is one
    assert len(got) == 8
    assert len(set(map(id, got))) == 1


def test_reset_hands_it_back_and_the_next_is_new() -> None:
    resource = PerProcess(object)
    assert resource.reset() is None
    first = resource.get()
    assert resource.reset() is first
    assert resource.get() is not first


def test_a_factory_that_fails_is_asked_again() -> None:
    answers = iter([OSError("not yet"), "ready"])

    def factory() -> str:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    resource = PerProcess(factory)
    with pytest.raises(OSError, match="not yet"):
        resource.get()
    assert resource.get() == "ready"


class Finalised:
    """Tells in the file descriptor ``fd`` that it was finalised."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __del__(self) -> None:
        os.write(self.fd, b"finalised")


def test_a_forked_child_makes_its_own_and_leaves_the_parents_alone() -> None:
    # Given a resource of this process, and a lock that another thread holds over the fork
    reader, writer = os.pipe()
    in_factory, go_on = threading.Event(), threading.Event()
    resource, other = PerProcess(lambda: Finalised(writer)), PerProcess(lambda: Finalised(writer))
    resource.get()
    number = id(other.get())

    def slow() -> str:
        in_factory.set()
        go_on.wait(30)
        return "slow"

    contended = PerProcess(slow)
    thread = threading.Thread(target=contended.get)
    thread.start()
    in_factory.wait(30)

    # When a child resets one and uses the others
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        go_on.set()
        fine = resource.reset() is None and id(other.get()) != number and contended.get() == "slow"
        os._exit(0 if fine else 1)  # which finalises nothing
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    go_on.set()
    thread.join(30)

    # Then it neither hung nor touched the parent's
    assert code == 0
    os.set_blocking(reader, False)
    with pytest.raises(BlockingIOError):
        os.read(reader, 100)
    assert id(other.get()) == number
    del resource, other
    os.close(reader)
    os.close(writer)

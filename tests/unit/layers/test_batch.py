from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

import greenlet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.errors import InvalidNameError, PublisherError
from chanx.layers import MemoryPublisher
from chanx.layers.batch import MAX_BYTES, MAX_MESSAGES


class Recording(MemoryPublisher):
    """Keeps what was handed over in one go."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[list[int]] = []

    def _deliver(self, parcels: Any) -> Any:
        self.parts.append([parcel.message["n"] for parcel in parcels])
        return super()._deliver(parcels)

    def note(self, n: int, text: str = "") -> None:
        self.group_send("room", {"type": "note", "n": n, "text": text})

    def note_and_fail(self, error: type[BaseException]) -> None:
        with self.batch():
            self.note(1)
            raise error


@pytest.fixture
def publisher() -> Recording:
    return Recording()


def test_a_batch_goes_out_at_its_end_in_one_part(publisher: Recording) -> None:
    with publisher.batch():
        publisher.note(1)
        publisher.note(2)
        assert publisher.parts == []
    publisher.note(3)
    assert publisher.parts == [[1, 2], [3]]


def test_an_empty_batch_asks_nothing_of_the_layer(publisher: Recording) -> None:
    with publisher.batch():
        pass
    assert publisher.parts == []


def test_a_batch_in_a_batch_adds_to_it(publisher: Recording) -> None:
    with publisher.batch():
        publisher.note(1)
        with publisher.batch():
            publisher.note(2)
        publisher.note(3)
        assert publisher.parts == []
    assert publisher.parts == [[1, 2, 3]]


def test_what_was_published_before_an_exception_goes_out(publisher: Recording) -> None:
    # As it would without a batch: a task that fails has still done what it told of
    with pytest.raises(KeyError):
        publisher.note_and_fail(KeyError)
    publisher.note(2)
    assert publisher.parts == [[1], [2]]


def test_a_time_limit_in_the_block_goes_through(publisher: Recording) -> None:
    class TimeLimitError(BaseException):
        pass

    with pytest.raises(TimeLimitError):
        publisher.note_and_fail(TimeLimitError)
    assert publisher.parts == [[1]]


def test_mistakes_raise_at_their_line(publisher: Recording) -> None:
    with publisher.batch():
        publisher.note(1)
        with pytest.raises(InvalidNameError):
            publisher.group_send("a b", {"type": "note"})
        with pytest.raises(PublisherError):
            publisher.group_send("room", {"type": "note", "value": object()})
        publisher.note(2)
    assert publisher.parts == [[1, 2]]


def test_two_publishers_have_batches_of_their_own() -> None:
    first, second = Recording(), Recording()
    with first.batch():
        first.note(1)
        second.note(2)
        assert (first.parts, second.parts) == ([], [[2]])
    assert first.parts == [[1]]


def test_a_large_batch_goes_out_in_parts(publisher: Recording) -> None:
    with publisher.batch():
        for n in range(2 * MAX_MESSAGES + 1):
            publisher.note(n)
    assert [len(part) for part in publisher.parts] == [MAX_MESSAGES, MAX_MESSAGES, 1]


def test_a_heavy_batch_goes_out_in_parts(publisher: Recording) -> None:
    with publisher.batch():
        for n in range(5):
            publisher.note(n, "x" * (MAX_BYTES // 2))
    assert publisher.parts == [[0, 1], [2, 3], [4]]


def test_another_thread_is_not_in_the_batch(publisher: Recording) -> None:
    with publisher.batch():
        publisher.note(1)
        thread = threading.Thread(target=publisher.note, args=(2,))
        thread.start()
        thread.join()
        assert publisher.parts == [[2]]
    assert publisher.parts == [[2], [1]]


async def test_another_task_is_not_in_the_batch(publisher: Recording) -> None:
    # Given a task that opens a batch and awaits in it, when tasks and threads that copy its context publish
    async def other() -> None:
        publisher.note(2)

    with publisher.batch():
        publisher.note(1)
        await asyncio.create_task(other())
        await asyncio.to_thread(publisher.note, 3)
        # Then what they publish goes out at once
        assert publisher.parts == [[2], [3]]
        publisher.note(4)
    assert publisher.parts == [[2], [3], [1, 4]]


def test_another_greenlet_is_not_in_the_batch(publisher: Recording) -> None:
    # Given greenlets of one thread, without monkey-patching
    def other() -> None:
        publisher.note(2)
        main.switch()
        publisher.note(4)

    main = greenlet.getcurrent()
    second = greenlet.greenlet(other)
    with publisher.batch():
        publisher.note(1)
        second.switch()
        publisher.note(3)
        assert publisher.parts == [[2]]
    second.switch()
    assert publisher.parts == [[2], [1, 3], [4]]


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_forked_in_the_block_sends_only_its_own(publisher: Recording) -> None:
    # Given a batch with a message in it
    reader, writer = os.pipe()
    child = False
    with publisher.batch():
        publisher.note(1)
        # When the process forks, the child publishes, and leaves the block too
        pid = os.fork()
        if child := pid == 0:
            publisher.note(2)
    if child:
        os.write(writer, repr(publisher.parts).encode())
        os._exit(0)
    os.waitpid(pid, 0)

    # Then each has sent its own
    assert os.read(reader, 100) == b"[[2]]"
    assert publisher.parts == [[1]]
    os.close(reader)
    os.close(writer)


actions = st.lists(st.sampled_from(["begin", "end", "fail", "send"]))


@given(actions)
def test_whatever_is_nested_everything_is_sent_once_and_in_order(script: list[str]) -> None:
    # Given any program of batches that are opened, left, or left by an exception
    publisher = Recording()
    sent = 0
    open_batches: list[Any] = []
    for action in script:
        if action == "begin":
            open_batches.append(publisher.batch())
            open_batches[-1].__enter__()
        elif action == "send":
            publisher.note(sent)
            sent += 1
        elif open_batches:
            failure = KeyError() if action == "fail" else None
            open_batches.pop().__exit__(*((KeyError, failure, None) if failure else (None, None, None)))
        # Then nothing waits outside a batch
        if not open_batches:
            assert len(publisher.sent) == sent
    while open_batches:
        open_batches.pop().__exit__(None, None, None)
    assert [message["n"] for _, _, message in publisher.sent] == list(range(sent))

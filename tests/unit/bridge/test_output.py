"""A task's output: small pieces, few events, and their order among all others."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.bridge.encoding import MAX_EVENT_BYTES
from chanx.bridge.events import JobCancelledEvent
from chanx.bridge.worker.job import Job
from tests.unit.bridge.doubles import Bench, Clock
from tests.unit.bridge.manual_timer import ManualTimer
from tests.waiting import wait_until


def chunks(bench: Bench) -> list[Any]:
    """(stream, text) of each event of output, the action of any other."""
    return [
        (event["payload"]["stream"], event["payload"]["text"]) if event["action"] == "job_output" else event["action"]
        for event in bench.events()
    ]


def test_pieces_are_gathered_for_20_ms(bench: Bench, job: Job, timer: ManualTimer) -> None:
    # When
    for piece in ("The ", "answer ", "is "):
        job.output(piece)
    assert chunks(bench) == []
    timer.advance(0.025)
    job.output("42.")
    timer.advance(0.025)

    # Then
    assert chunks(bench) == [("stdout", "The answer is "), ("stdout", "42.")]
    assert timer.waiting == []


def test_the_timer_alone_is_enough(bench: Bench) -> None:
    job = Job(bench.reporter)

    job.output("hello")

    wait_until(lambda: chunks(bench) == [("stdout", "hello")])


def test_without_a_timer_the_next_piece_sends_what_is_old(bench: Bench, job: Job, clock: Clock) -> None:
    """In a pool of green threads the timer does not run while a task computes."""
    job.output("a")
    clock.now += 0.03
    job.output("b")

    assert chunks(bench) == [("stdout", "ab")]


def test_output_keeps_its_place_among_the_other_events(
    bench: Bench, job: Job, clock: Clock, timer: ManualTimer
) -> None:
    job.output("before the log line")
    job.log("x")
    job.output("before progress")
    clock.now += 1
    job.progress(1)
    job.output("before the end")
    job.finish(JobCancelledEvent())
    timer.advance(1)

    order = bench.live()
    assert [event["action"] for event in order] == [
        "job_output",
        "job_log",
        "job_output",
        "job_progress",
        "job_output",
        "job_cancelled",
    ]


def test_streams_keep_their_order_too(bench: Bench, job: Job) -> None:
    for stream, text in (("stdout", "a"), ("stdout", "b"), ("stderr", "c"), ("stdout", "d")):
        job.output(text, stream=stream)
    job.finish(JobCancelledEvent())

    assert chunks(bench)[:-1] == [("stdout", "ab"), ("stderr", "c"), ("stdout", "d")]


@pytest.mark.parametrize("character", ["x", "ä", "\N{GRINNING FACE}", "\x00", '"', "\udcff"])
def test_a_chunk_is_never_over_the_size_of_an_event(bench: Bench, job: Job, character: str) -> None:
    # When
    job.output(character * 150_000)
    job.finish(JobCancelledEvent())

    # Then
    page = bench.store.read(bench.job_id, after=0, limit=1000)
    assert page is not None
    assert all(len(entry.event.encode()) <= MAX_EVENT_BYTES for entry in page.entries)
    shown = "\\udcff" if character == "\udcff" else character
    assert "".join(text for _, text in chunks(bench)[:-1]) == shown * 150_000


def test_a_full_buffer_does_not_wait_for_the_timer(bench: Bench, job: Job) -> None:
    for _ in range(100):
        job.output("x" * 1000)

    assert sum(len(text) for _, text in chunks(bench)) >= 60_000


def test_nothing_is_nothing(bench: Bench, job: Job, timer: ManualTimer) -> None:
    job.output("")
    timer.advance(1)

    assert chunks(bench) == []


def test_bytes_are_a_clear_mistake(job: Job) -> None:
    wrong: Any = b"x"
    with pytest.raises(TypeError, match=r"output\(\) takes text, not bytes: decode"):
        job.output(wrong)


def test_the_name_of_a_stream_is_short(job: Job) -> None:
    with pytest.raises(ValueError, match="at most 100 characters"):
        job.output("x", stream="s" * 101)


@given(
    steps=st.lists(
        st.tuples(st.just("output"), st.text(st.characters(exclude_categories=[]), max_size=5), st.sampled_from("ab"))
        | st.tuples(st.just("wait"), st.floats(min_value=0, max_value=0.05), st.none())
        | st.tuples(st.just("log"), st.text(max_size=3), st.none()),
        max_size=40,
    )
)
def test_what_arrives_is_what_was_put_out(steps: list[tuple[str, Any, Any]]) -> None:
    # Given
    bench, clock = Bench(), Clock()
    timer = ManualTimer(clock)
    job = Job(bench.reporter, clock=clock, timer=timer)
    expected: list[tuple[str, str]] = []

    # When
    for what, value, stream in steps:
        if what == "output":
            job.output(value, stream=stream)
            expected.append((stream, value.encode("utf-8", "backslashreplace").decode()))
        elif what == "log":
            job.log(value)
            expected.append(("log", value))
        else:
            timer.advance(value)
    job.finish(JobCancelledEvent())

    # Then, with neighbours joined on both sides
    arrived = [
        (event["payload"].get("stream", "log"), event["payload"].get("text", event["payload"].get("message")))
        for event in bench.events()[:-1]
    ]
    assert merged(arrived) == merged(expected)


def merged(pieces: list[tuple[str, str]]) -> list[tuple[str, str]]:
    result: list[tuple[str, str]] = []
    for stream, text in pieces:
        if not text and stream != "log":
            continue
        if result and result[-1][0] == stream != "log":
            result[-1] = (stream, result[-1][1] + text)
        else:
            result.append((stream, text))
    return result

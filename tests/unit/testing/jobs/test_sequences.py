"""What a sequence of events is compared to, and how a difference reads."""

from __future__ import annotations

import json
import re
from textwrap import dedent
from typing import Any, Literal
from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.bridge.events import (
    JobEvent,
    JobLogLine,
    JobProgress,
    JobQueued,
    JobStarted,
    JobSucceeded,
    LogPayload,
    SucceededPayload,
)
from chanx.testing.jobs import JobEvents, MemoryBridge, like
from chanx.testing.jobs.alignment import align
from chanx.testing.jobs.matching import Expected, ExpectedOrAny
from chanx.testing.jobs.recorded import Recorded, UndeclaredEvent
from tests.unit.testing.jobs.shop import Plain, RowPayload, RowRejected, Shop


def line(text: str, level: Literal["info", "error"] = "info") -> Recorded:
    message = JobLogLine(payload=LogPayload(message=text, level=level), job_id="j", attempt=1)
    return Recorded("j", "job_log", message.model_dump_json())


def logged(text: str) -> JobLogLine:
    return JobLogLine(payload=LogPayload(message=text))


def raised_by(events: JobEvents, expected: list[ExpectedOrAny]) -> str:
    with pytest.raises(AssertionError) as raised:
        events.assert_sequence(expected)
    return str(raised.value)


class TestMatching:
    @pytest.mark.parametrize(
        "expected",
        [
            JobLogLine,
            JobEvent,
            logged("a"),
            JobLogLine(payload=LogPayload(message="a"), attempt=1),
            like(JobLogLine),
            like(JobLogLine, message="a"),
            like(JobLogLine, message="a", level="info", attempt=1),
            like(JobLogLine, message=ANY),
        ],
    )
    def test_what_is_the_same(self, expected: Expected) -> None:
        JobEvents([line("a")]).assert_sequence([expected])

    @pytest.mark.parametrize(
        ("expected", "difference"),
        [
            (logged("b"), "payload.message is 'a', not 'b'"),
            (JobLogLine(payload=LogPayload(message="a"), attempt=2), "attempt is 1, not 2"),
            (like(JobLogLine, message="b", level="error"), "message is 'a', not 'b', level is 'info', not 'error'"),
            (like(JobLogLine, task_id="t"), "task_id is None, not 't'"),
        ],
    )
    def test_what_is_not(self, expected: Expected, difference: str) -> None:
        assert f"?   {difference}" in raised_by(JobEvents([line("a")]), [expected]).splitlines()

    @pytest.mark.parametrize("wanted", ["a" * 100 + "c", {"rows": ["a" * 100 + "c"]}])
    def test_long_values_that_begin_alike_are_shown_where_they_differ(self, wanted: object) -> None:
        found = json.loads(json.dumps(wanted).replace("ac", "ab"))
        event = Recorded("j", "plain", Plain(payload={"x": found}).model_dump_json())
        for expected in (like(Plain, x=wanted), Plain(payload={"x": wanted})):
            text = raised_by(JobEvents([event]), [expected]).splitlines()[-1]
            assert re.search(r"aab'[]}]*, not …a+ac'", text), text

    @pytest.mark.parametrize(
        ("wanted", "difference"),
        [
            ({"a": 1, "b": {"c": [2]}}, "payload.b.c is [3], not [2]"),
            ({"a": 1}, "there is payload.b, too"),
            ({"a": 1, "b": {"c": [3]}, "d": None}, "there is no payload.d"),
        ],
    )
    def test_the_whole_of_a_dict(self, wanted: dict[str, Any], difference: str) -> None:
        event = Recorded("j", "plain", Plain(payload={"a": 1, "b": {"c": [3]}}).model_dump_json())
        assert raised_by(JobEvents([event]), [Plain(payload=wanted)]).splitlines()[-1] == f"?   {difference}"

    def test_a_part_of_a_dict(self, shop: Shop, memory: MemoryBridge) -> None:
        events = memory.run(shop.emit, {"a": {"b": 1, "c": (2, 3)}, "d": 4}).events

        events.assert_sequence([..., like(Plain, a={"b": 1, "c": [2, 3]}), ...])
        events.assert_sequence([..., Plain(payload={"a": {"b": 1, "c": (2, 3)}, "d": 4}), ...])
        text = raised_by(events, [..., like(Plain, a={"b": 2}, e=5), ...])
        assert "?   a.b is 1, not 2, there is no e" in text

    def test_a_name_that_is_not_there(self) -> None:
        with pytest.raises(TypeError, match="it has no fration, only current, total"):
            like(JobProgress, fration=0.5)

    @pytest.mark.parametrize("item", ["job_started", None, dict, 1])
    def test_what_no_event_can_be(self, item: Any) -> None:
        with pytest.raises(TypeError, match="is not what an event can be"):
            JobEvents([]).assert_sequence([item])

    def test_two_classes_of_the_same_action(self) -> None:
        """Given a class that another test has declared, then the one that is asked for counts."""

        class Other(JobEvent):
            action: Literal["row_rejected"] = "row_rejected"
            payload: int

        events = JobEvents([Recorded("j", "row_rejected", RowRejected(payload=RowPayload(line=1)).model_dump_json())])
        assert isinstance(events[0], RowRejected)
        assert events.of_type(Other) == []
        events.assert_sequence([RowRejected])

    def test_an_event_that_nobody_has_declared(self) -> None:
        events = JobEvents([Recorded("j", "of_another_version", '{"action":"of_another_version","payload":1,"x":2}')])

        (event,) = events
        assert isinstance(event, UndeclaredEvent)
        assert (event.payload, event.sent["x"]) == (1, 2)


class TestReading:
    def test_a_difference_reads_like_a_diff(self, shop: Shop, memory: MemoryBridge) -> None:
        job = memory.run(shop.import_rows, 4)

        text = raised_by(
            job.events,
            [
                JobQueued,
                JobStarted,
                ...,
                RowRejected(payload=RowPayload(line=2, reason="too long")),
                ...,
                like(RowRejected, line=4),
                RowRejected,
                ...,
                JobSucceeded(payload=SucceededPayload(result={"rows": 4})),
            ],
        )
        assert re.sub(r"(rate|eta)=[^,)]+", r"\1=*", text) == dedent(
            """\
            The events are not those that were expected (- expected, + happened):

              JobQueued()
              JobStarted()
              JobProgress(current=0, total=4, unit='rows', fraction=0)
              JobProgress(current=1, total=4, unit='rows', fraction=0.25, rate=*, eta=*)
            - RowRejected(line=2, reason='too long')
            + RowRejected(line=2, reason='too short')
            ?   payload.reason is 'too short', not 'too long'
              JobProgress(current=2, total=4, unit='rows', fraction=0.5, rate=*, eta=*)
              JobProgress(current=3, total=4, unit='rows', fraction=0.75, rate=*, eta=*)
              RowRejected(line=4, reason='too short')
            - RowRejected
              JobProgress(current=4, total=4, unit='rows', fraction=1, rate=*, eta=*)
              JobSucceeded(result={'rows': 4})"""
        )

    def test_many_events_that_dots_stand_for(self) -> None:
        events = JobEvents([line(str(number)) for number in range(100)])

        assert raised_by(events, [..., logged("none"), ..., logged("99")]).splitlines()[2:] == [
            "- JobLogLine(level='info', message='none')",
            "+ JobLogLine(level='info', message='0')",
            "?   payload.message is '0', not 'none'",
            "  ...  (98 events)",
            "  JobLogLine(level='info', message='99')",
        ]

    def test_many_events_that_nobody_expects(self) -> None:
        events = JobEvents([line(str(number)) for number in range(1000)])

        shown = raised_by(events, [logged("none"), *[logged(str(number)) for number in range(500)]]).splitlines()

        assert len(shown) < 120
        assert shown[2] == "- JobLogLine(level='info', message='none')"
        assert "  …  (460 more lines that are right)" in shown
        assert "  …  (460 more lines)" in shown
        assert shown[-1] == "+ JobLogLine(level='info', message='999')"
        assert "  …  (900 more events)" in repr(events)

    def test_what_a_payload_has_inside_is_shown_whole(self, shop: Shop, memory: MemoryBridge) -> None:
        text = repr(memory.run(shop.fail).events)
        assert re.search(r"JobFailed\(error=ErrorPayload\(message='Something [^']+', code='error', ref", text), text

    def test_an_event_is_read_once_however_many_are_expected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Given a long expectation that fails at its first event, then it takes no time by the product of both."""
        events = [line(str(number)) for number in range(100)]
        reads: list[int] = []
        read = Recorded.as_a

        def noted(self: Recorded, model: Any) -> Any:
            reads.append(1)
            return read(self, model)

        monkeypatch.setattr(Recorded, "as_a", noted)
        raised_by(JobEvents(events), [logged("none"), *[logged(str(number)) for number in range(99)]])

        assert len(reads) < 1000

    def test_events_read_in_lines(self) -> None:
        assert repr(JobEvents([line("a"), line("b" * 200)])).splitlines() == [
            "JobEvents:",
            "  JobLogLine(level='info', message='a')",
            f"  JobLogLine(level='info', message='{'b' * 79}…)",
        ]


class TestSequence:
    def test_what_a_sequence_has(self) -> None:
        events = JobEvents([line("a"), line("b"), line("c")])

        assert len(events) == 3
        assert [event.payload.message for event in events] == ["a", "b", "c"]
        assert events[-1].payload.message == "c"
        assert [event.payload.message for event in events[1:]] == ["b", "c"]

    @given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from(["a", "b", "c", "..."])))
    def test_it_is_as_a_regular_expression_has_it(self, happened: list[str], expected: list[str]) -> None:
        """Given any events and any expectation, then it holds exactly where a regular expression of it matches."""
        pattern = "".join(".*" if item == "..." else item for item in expected)
        rows = align(
            [... if item == "..." else logged(item) for item in expected], [line(letter) for letter in happened]
        )

        assert all(row.is_right for row in rows) is bool(re.fullmatch(pattern, "".join(happened)))
        # And every event and every expectation is in the rows once, in order
        assert [row.happened.data["payload"]["message"] for row in rows if row.happened] == happened
        assert [row.expected.payload.message for row in rows if isinstance(row.expected, JobLogLine)] == [
            item for item in expected if item != "..."
        ]

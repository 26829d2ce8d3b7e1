"""The frames of a job's events: the same whether one was kept or is made anew."""

import json

from hypothesis import given
from hypothesis import strategies as st

from chanx.bridge.entry import LogEntry
from chanx.bridge.web.event_frames import EventFrames
from chanx.bridge.web.merge import LatestEntry

TEXT = '{"action":"x","payload":{"n":1}}'
# Equal ones too: an event is known again by its object, not by what it says.
ENTRIES: list[LogEntry | LatestEntry] = [
    LogEntry(1, TEXT),
    LogEntry(1, '{"action":"y"}'),
    LatestEntry(1, 1, "x", TEXT),
    LatestEntry(1, 2, "x", TEXT),
]
STARTS = ['{"version":1,"topic":"job:a",', '{"version":1,"topic":"job:b",']
ASKED = st.tuples(st.sampled_from(ENTRIES), st.sampled_from(STARTS), st.sampled_from(["action", "type"]))


@given(asked=st.lists(ASKED, max_size=20))
def test_a_frame_that_was_kept_is_the_one_that_is_asked_for(
    asked: list[tuple[LogEntry | LatestEntry, str, str]],
) -> None:
    frames = EventFrames()

    assert [frames.text(*each) for each in asked] == [EventFrames().text(*each) for each in asked]


def test_what_a_frame_looks_like() -> None:
    frames = EventFrames()

    numbered = json.loads(frames.text(LogEntry(7, TEXT), STARTS[0], "action"))
    latest = json.loads(frames.text(LatestEntry(7, 3, "x", TEXT), STARTS[1], "type"))

    assert numbered == {"version": 1, "topic": "job:a", "seq": 7, "action": "x", "payload": {"n": 1}}
    assert latest == {"version": 1, "topic": "job:b", "head": 7, "rev": 3, "type": "x", "payload": {"n": 1}}


def test_it_is_made_once_for_all_who_are_sent_it_one_after_the_other() -> None:
    frames, entry = EventFrames(), LogEntry(7, TEXT)

    first = frames.text(entry, STARTS[0], "action")

    assert all(frames.text(entry, STARTS[0], "action") is first for _ in range(3))

"""Topic patterns, group names and envelopes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.core.decorators import ws_handler
from chanx.core.envelope import enveloped, is_topic_frame, may_be_topic_frame, message_part
from chanx.core.topic import Topic
from chanx.core.topic_pattern import topic_pattern
from chanx.errors import ConfigurationError, InvalidNameError
from chanx.messages.outgoing import PongMessage
from chanx.messages.topic import SubscribeMessage


class Discussion(Topic):
    pattern = "discussion:{id}"


class Seat(Topic):
    pattern = "room:{room}:seat-{seat}"


@pytest.mark.parametrize(
    ("topic", "params"),
    [
        ("room:7:seat-a", {"room": "7", "seat": "a"}),
        ("room:a b:seat-é", {"room": "a b", "seat": "é"}),
        ("room:7:seat-", None),
        ("room:7:8:seat-a", None),
        ("xroom:7:seat-a", None),
        ("room:7:seat-a:", None),
        ("room:7:seat-" + "a" * 250, None),
        ("", None),
    ],
)
def test_parameters_are_found_in_a_topic(topic: str, params: dict[str, str] | None) -> None:
    assert Seat.parse(topic) == params


@pytest.mark.parametrize("pattern", ["", "room:{}", "room:{id", "room:id}", "{a}:{a}", "room:{1}"])
def test_a_wrong_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="no topic pattern"):
        topic_pattern(pattern)


def test_literals_of_a_pattern_are_no_regular_expression() -> None:
    assert topic_pattern("a.b+{id}").match("axb+1") is None
    assert topic_pattern("a.b+{id}").match("a.b+1") == {"id": "1"}


def test_a_group_name_is_safe_and_short() -> None:
    assert Discussion.group_name("discussion:5") == "Discussion.discussion-5"
    assert len(Discussion.group_name("discussion:" + "é" * 200)) < 100


def test_a_topic_cannot_handle_what_every_topic_understands() -> None:
    with pytest.raises(TypeError, match=r"Own.mine\(\) handles the action 'subscribe'"):

        class Own(Topic):
            pattern = "own"

            @ws_handler
            async def mine(self, message: SubscribeMessage) -> None: ...


async def test_broadcasting_to_a_name_of_another_pattern_is_refused() -> None:
    with pytest.raises(InvalidNameError, match=r"its names look like 'discussion:\{id\}'"):
        await Discussion.broadcast("room:5", PongMessage())
    with pytest.raises(InvalidNameError):
        Discussion.broadcast_sync("room:5", PongMessage())


def test_the_envelope_goes_before_the_message() -> None:
    text = PongMessage().model_dump_json()
    assert enveloped(text, "t:1", ref="r", seq=3) == (
        '{"version":1,"topic":"t:1","ref":"r","seq":3,"action":"pong","payload":null}'
    )
    assert enveloped(text, "t:1") == '{"version":1,"topic":"t:1","action":"pong","payload":null}'


@given(st.text(), st.none() | st.text() | st.integers(), st.none() | st.integers())
def test_any_topic_and_ref_survive_the_envelope(topic: str, ref: Any, seq: int | None) -> None:
    frame = json.loads(enveloped('{"action":"pong"}', topic, ref=ref, seq=seq))
    assert (frame["topic"], frame.get("ref"), frame.get("seq")) == (topic, ref, seq)
    assert message_part(frame) == {"action": "pong"}


@given(st.dictionaries(st.text() | st.just("topic"), st.text()), st.booleans())
def test_the_cheap_test_misses_no_topic_frame(content: dict[str, str], ascii_only: bool) -> None:
    text = json.dumps(content, ensure_ascii=ascii_only)
    assert may_be_topic_frame(text) or not is_topic_frame(content)


def test_an_escaped_key_is_seen_too() -> None:
    assert may_be_topic_frame('{"\\u0074opic":"t"}')
    assert not may_be_topic_frame('{"action":"ping"}')


@pytest.mark.parametrize("content", [{"topic": None}, {}, [], "topic", None])
def test_what_is_addressed_to_no_topic(content: Any) -> None:
    assert not is_topic_frame(content)

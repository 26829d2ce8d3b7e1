"""Topic patterns against random and hostile names."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.core.topic import Topic
from chanx.core.topic_pattern import MAX_TOPIC_LENGTH, TopicPattern, topic_pattern
from chanx.errors import ConfigurationError

NAMES = st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True), unique=True, min_size=1, max_size=4)
LITERALS = st.text("ab-.:+*()[]\\^$ é", min_size=1, max_size=5)
VALUES = st.text(st.characters(exclude_characters=":", exclude_categories=[]), min_size=1, max_size=12)
HOSTILE = st.text(st.characters(exclude_categories=[]), max_size=300) | st.text("ab-.:{}\n\x00", max_size=300)


@st.composite
def patterns(draw: st.DrawFn) -> TopicPattern:
    names = draw(NAMES)
    literals = [draw(LITERALS) for _ in names]
    end = draw(st.just("") | LITERALS)
    return topic_pattern("".join(f"{literal}{{{name}}}" for literal, name in zip(literals, names, strict=True)) + end)


def reading(pattern: TopicPattern, topic: str) -> re.Match[str] | None:
    """The plain regular expression of a pattern, which the real one must agree with."""
    parts = re.split(r"\{(\w+)\}", pattern.text)
    regex = "".join("([^:]+?)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return re.fullmatch(regex, topic)


@given(patterns(), st.data())
def test_a_filled_pattern_is_read_back_to_a_topic_of_the_same_name(pattern: TopicPattern, data: st.DataObject) -> None:
    params = {name: data.draw(VALUES) for name in pattern.parameters}
    topic = pattern.fill(params)
    found = pattern.match(topic)
    if len(topic) > MAX_TOPIC_LENGTH:
        assert found is None
    else:
        assert found is not None
        assert list(found) == list(params)
        assert pattern.fill(found) == topic


@given(NAMES, st.data())
def test_parameters_between_colons_are_read_back_exactly(names: list[str], data: st.DataObject) -> None:
    pattern = topic_pattern("t:" + ":".join(f"{{{name}}}" for name in names))
    params = {name: data.draw(VALUES) for name in names}
    assert pattern.match(pattern.fill(params)) == params


@given(patterns(), HOSTILE | VALUES, st.data())
def test_a_hostile_name_matches_only_what_fills_to_it(pattern: TopicPattern, topic: str, data: st.DataObject) -> None:
    filled = pattern.fill({name: data.draw(HOSTILE) for name in pattern.parameters})
    for name in (topic, filled):
        found = pattern.match(name)
        assert (found is not None) == (len(name) <= MAX_TOPIC_LENGTH and reading(pattern, name) is not None)
        if found is not None:
            assert pattern.fill(found) == name
            assert all(value and ":" not in value for value in found.values())


@given(HOSTILE)
def test_a_group_name_is_safe_for_any_topic(topic: str) -> None:
    class Any(Topic):
        pattern = "{any}"

    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,99}", Any.group_name(topic))


def test_reading_a_name_takes_no_time_whatever_it_is() -> None:
    pattern = topic_pattern("-".join(f"{{p{number}}}" for number in range(12)) + "!")
    started = time.process_time()
    assert pattern.match("-" * MAX_TOPIC_LENGTH) is None
    assert pattern.match("a-" * 127) is None
    assert time.process_time() - started < 1


@pytest.mark.parametrize("pattern", ["{a}{b}", "room:{a}{b}:x"])
def test_parameters_that_cannot_be_told_apart_are_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="text between two"):
        topic_pattern(pattern)


def test_filling_a_pattern() -> None:
    pattern = topic_pattern("room:{room}:seat-{seat}")
    assert pattern.fill({"room": 7, "seat": "a", "other": 1}) == "room:7:seat-a"
    with pytest.raises(KeyError, match="seat"):
        pattern.fill({"room": 7})

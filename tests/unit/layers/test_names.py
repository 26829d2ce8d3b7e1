from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.errors import InvalidNameError
from chanx.layers import is_channel_name, valid_channel_name, valid_group_name
from chanx.utils.groups import safe_group_name

PUBSUB_CHANNEL = "asgispecific." + "0123456789abcdef" * 2


@pytest.mark.parametrize("name", ["a", "user_42", "job.0-9", "x" * 99])
def test_a_valid_group_name_is_returned(name: str) -> None:
    assert valid_group_name(name) is name


@pytest.mark.parametrize("name", ["", "x" * 100, "a b", "a!b", "a\n", "\u0661", "caf\u00e9", None, 3, b"a"])
def test_an_invalid_group_name_is_refused(name: object) -> None:
    with pytest.raises(InvalidNameError, match=re.escape(repr(name))):
        valid_group_name(name)


@pytest.mark.parametrize("name", ["specific.abc!def", "specific..inmemory!AbC", PUBSUB_CHANNEL, "thumbnails"])
def test_a_valid_channel_name_is_returned(name: str) -> None:
    assert valid_channel_name(name) is name


@pytest.mark.parametrize("name", ["", "a!b!c", "x" * 100, "a b", None])
def test_an_invalid_channel_name_is_refused(name: object) -> None:
    with pytest.raises(InvalidNameError):
        valid_channel_name(name)


def test_a_layers_prefix_may_hold_anything() -> None:
    assert valid_channel_name("my app:specific.abc", prefix="my app:")
    with pytest.raises(InvalidNameError):
        valid_channel_name("my app:specific.abc", prefix="other")


@pytest.mark.parametrize(
    ("name", "prefix", "is_channel"),
    [
        ("specific.abc!def", None, True),
        (PUBSUB_CHANNEL, None, True),
        (PUBSUB_CHANNEL, "asgi", True),
        (PUBSUB_CHANNEL, "other", False),
        ("user_42", None, False),
        ("specific.talk", "", False),
        (PUBSUB_CHANNEL + "0", None, False),
        (PUBSUB_CHANNEL.upper(), None, False),
    ],
)
def test_telling_a_connections_channel_from_a_group(name: str, prefix: str | None, is_channel: bool) -> None:
    assert is_channel_name(name, prefix) is is_channel


@pytest.mark.parametrize(
    ("parts", "namespace", "name"),
    [
        (("user", 42), "notification", "notification.user.42"),
        (("user", "", 42), None, "user.42"),
        (("a  b/c",), None, "a-b-c"),
        (("caf\u00e9",), None, "caf-"),
        (("x",), "", "x"),
    ],
)
def test_safe_group_names(parts: tuple[object, ...], namespace: str | None, name: str) -> None:
    assert safe_group_name(*parts, namespace=namespace) == name


@pytest.mark.parametrize("parts", [(), ("",), ("", "")])
def test_a_safe_group_name_needs_a_part(parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="empty name"):
        safe_group_name(*parts, namespace="chat")


@given(st.lists(st.text(min_size=1), min_size=1), st.none() | st.text())
def test_a_safe_group_name_is_always_valid(parts: list[str], namespace: str | None) -> None:
    assert valid_group_name(safe_group_name(*parts, namespace=namespace))


def test_long_names_that_differ_at_their_end_stay_two() -> None:
    first, second = safe_group_name("x" * 200, "a"), safe_group_name("x" * 200, "b")
    assert first != second
    assert len(first) == len(second) == 99
    assert first == safe_group_name("x" * 200, "a")

"""Reading a connection's scope."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.utils.scope import header, path_param, path_params, query_params, scope_user


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"url_route": {"args": (), "kwargs": {"pk": 1}}, "path_params": {"x": 2}}, {"pk": 1}),
        ({"path_params": {"x": 2}}, {"x": 2}),
        ({}, {}),
    ],
)
def test_path_parameters_of_both_frameworks(scope: dict[str, Any], expected: dict[str, Any]) -> None:
    assert path_params(scope) == expected


def test_one_path_parameter() -> None:
    scope = {"path_params": {"x": 2}}
    assert path_param(scope, "x") == 2
    assert path_param(scope, "y", None) is None
    with pytest.raises(KeyError, match="No path parameter 'y'"):
        path_param(scope, "y")


def test_query_parameters_are_lists_and_blank_ones_are_kept() -> None:
    assert query_params({"query_string": b"a=1&a=2&b=&c=%C3%A9"}) == {"a": ["1", "2"], "b": [""], "c": ["é"]}
    assert query_params({}) == {}


@given(st.binary() | st.text("a=&%;+é").map(str.encode))
def test_any_query_string_is_read(query: bytes) -> None:
    found = query_params({"query_string": query})
    assert all(values for values in found.values())


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1),
    )
)
def test_an_encoded_query_is_read_back(given_params: dict[str, list[str]]) -> None:
    assert query_params({"query_string": urlencode(given_params, doseq=True).encode()}) == given_params


def test_a_header_is_found_in_any_case() -> None:
    scope = {"headers": [(b"X-Token", b"a"), (b"x-token", b"b")]}
    assert header(scope, "x-TOKEN") == "a"
    assert header(scope, "other") is None
    assert header({}, "other") is None


@pytest.mark.parametrize(
    ("user", "found"),
    [(SimpleNamespace(is_authenticated=True), True), (SimpleNamespace(is_authenticated=False), False), (None, False)],
)
def test_an_anonymous_user_is_none(user: Any, found: bool) -> None:
    assert (scope_user({"user": user}) is user and user is not None) is found


def test_a_user_of_any_kind_counts() -> None:
    assert scope_user({"user": "me"}) == "me"
    assert scope_user({}) is None

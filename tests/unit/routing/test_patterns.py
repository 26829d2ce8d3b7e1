"""Parameters of route patterns."""

import re
from typing import Any

import pytest
from django.urls import path as django_path
from django.urls import re_path as django_re_path
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import WebSocketRoute, compile_path

from chanx.routing.patterns import (
    DJANGO_PARAM_PATTERN,
    REGEX_PARAM_PATTERN,
    STARLETTE_PARAM_PATTERN,
    extract_path_parameters,
    get_pattern_string_and_params,
    plain_path,
)

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
LITERALS = st.text("abcxyz019-/.", max_size=8)
CONVERTERS = {
    "int": "17",
    "slug": "a-b_c",
    "str": "plain",
    "uuid": "075194d3-6885-417e-a8a8-6c931e272f00",
    "path": "a/b",
}
EXPRESSIONS = {r"\d+": "17", r"[^/]+": "a-b", r"(?:a|b)(c|(?:d))": "bd", r"[)(]": "(", r"\(\)": "()", "a{2}": "aa"}


@pytest.mark.parametrize(
    ("pattern", "params", "plain"),
    [
        ("ws/chat/", None, "ws/chat/"),
        ("ws/chat/<pk>/", {"pk": "str"}, "ws/chat/{pk}/"),
        ("ws/<int:pk>/<four-digits:year>", {"pk": "int", "year": "four-digits"}, "ws/{pk}/{year}"),
        (r"ws/(?P<pk>\d+)/x\.y", {"pk": r"\d+"}, "ws/{pk}/x.y"),
        (r"(?P<y>\d{4})-(?P<m>(?:0|1)\d)", {"y": r"\d{4}", "m": r"(?:0|1)\d"}, "{y}-{m}"),
        ("/ws/{room}/{pk:int}", {"room": "str", "pk": "int"}, "/ws/{room}/{pk}"),
        (r"a/<int:x>/(?P<y>\w+)/<z>", {"x": "int", "y": r"\w+", "z": "str"}, "a/{x}/{y}/{z}"),
        (r"a(?<=x)(?<!y)(?:z)", None, r"a(?<=x)(?<!y)(?:z)"),
        ("P<pk>", {"pk": "str"}, "P{pk}"),
        ("", None, ""),
    ],
)
def test_parameters_of_every_dialect(pattern: str, params: dict[str, str] | None, plain: str) -> None:
    assert extract_path_parameters(pattern) == params
    assert plain_path(pattern) == plain


def test_the_patterns_find_name_and_converter_of_their_own_dialect_only() -> None:
    text = r"<int:a>(?P<b>\d+){c:uuid}"
    assert DJANGO_PARAM_PATTERN.findall(text) == [("int", "a")]
    assert REGEX_PARAM_PATTERN.findall(text) == [("b", r"\d+")]
    assert STARLETTE_PARAM_PATTERN.findall(text) == [("c", "uuid")]


def view(*arguments: Any) -> None: ...


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        (django_path("room/<int:pk>/", view), ("room/<int:pk>/", {"pk": "int"})),
        (django_re_path(r"^room/(?P<pk>\d+)/$", view), (r"room/(?P<pk>\d+)/", {"pk": r"\d+"})),
        (django_re_path(r"\Aroom/(?P<pk>[^/$]+)\Z", view), (r"room/(?P<pk>[^/$]+)", {"pk": "[^/$]+"})),
        (django_re_path(r"price/\$", view), (r"price/\$", None)),
        (django_re_path(r"back\\$", view), (r"back\\", None)),
        (WebSocketRoute("/room/{pk:int}", view), ("/room/{pk:int}", {"pk": "int"})),
        ("^room/$", ("room/", None)),
    ],
)
def test_the_pattern_of_a_route(route: Any, expected: tuple[str, dict[str, str] | None]) -> None:
    assert get_pattern_string_and_params(route) == expected


@given(st.lists(st.tuples(LITERALS, NAMES, st.sampled_from(sorted(CONVERTERS))), unique_by=lambda part: part[1]))
def test_a_django_pattern_has_the_parameters_that_django_finds(parts: list[tuple[str, str, str]]) -> None:
    pattern = "".join(f"{literal}/<{converter}:{name}>" for literal, name, converter in parts)
    filled = "".join(f"{literal}/{CONVERTERS[converter]}" for literal, _, converter in parts)
    route = django_path(pattern, view)
    given_params = {name: converter for _, name, converter in parts}
    assert get_pattern_string_and_params(route) == (pattern, given_params or None)
    assert set(route.pattern.converters) == set(given_params)
    assert route.pattern.match(filled) is not None
    assert plain_path(pattern).format(**{name: CONVERTERS[given_params[name]] for name in given_params}) == filled


@given(st.lists(st.tuples(LITERALS, NAMES, st.sampled_from(sorted(EXPRESSIONS))), unique_by=lambda part: part[1]))
def test_a_regular_expression_has_the_groups_that_re_finds(parts: list[tuple[str, str, str]]) -> None:
    pattern = "".join(f"{re.escape(literal)}/(?P<{name}>{regex})" for literal, name, regex in parts)
    filled = "".join(f"{literal}/{EXPRESSIONS[regex]}" for literal, _, regex in parts)
    params = extract_path_parameters(pattern) or {}
    assert list(params) == list(re.compile(pattern).groupindex)
    found = re.fullmatch(pattern, filled)
    assert found is not None
    assert all(re.fullmatch(regex, found[name]) for name, regex in params.items())
    assert plain_path(pattern).format(**{name: EXPRESSIONS[params[name]] for name in params}) == filled


@given(
    st.lists(st.tuples(LITERALS, NAMES, st.sampled_from(["", ":int", ":str", ":path"])), unique_by=lambda part: part[1])
)
def test_a_starlette_pattern_has_the_parameters_that_starlette_finds(parts: list[tuple[str, str, str]]) -> None:
    pattern = "".join(f"/{literal}{{{name}{converter}}}" for literal, name, converter in parts)
    assert list(extract_path_parameters(pattern) or {}) == list(compile_path(pattern)[2])
    assert plain_path(pattern) == compile_path(pattern)[1]


@given(st.text("<>(){}?P:\\[]^$abc", max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert extract_path_parameters(get_pattern_string_and_params(text)[0]) != {}
    plain_path(text)

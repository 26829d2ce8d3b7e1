"""A request made of a handshake: what is in it, and what nobody can smuggle into it."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request

import chanx.channels.utils
from chanx.channels.utils.request import request_from_scope

Headers = list[tuple[bytes, bytes]]


def request(method: str = "GET", **scope: Any) -> HttpRequest:
    return request_from_scope({"type": "websocket", "path": "/ws/1/", **scope}, method)


def with_headers(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    """The part of ``META`` that comes from headers."""
    return {name: value for name, value in request(headers=list(headers)).META.items() if name.startswith("HTTP_")}


def test_it_is_handed_on_by_the_package() -> None:
    assert chanx.channels.utils.request_from_scope is request_from_scope


def test_headers_are_named_as_djangos() -> None:
    assert with_headers((b"authorization", b"Token 1"), (b"X-Api-Key", b"\xe9")) == {
        "HTTP_AUTHORIZATION": "Token 1",
        "HTTP_X_API_KEY": "é",
    }
    assert request(headers=[(b"x-api-key", b"1")]).headers["X-Api-Key"] == "1"


def test_a_name_with_the_prefix_gets_no_second_one() -> None:
    assert with_headers((b"http-x-token", b"1"), (b"HTTP_OTHER", b"2")) == {"HTTP_X_TOKEN": "1", "HTTP_OTHER": "2"}


@pytest.mark.parametrize("false_name", [b"http-x-user", b"HTTP_X_USER", b"x_user", b"X_USER"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_header_cannot_pass_for_another(false_name: bytes, is_first: bool) -> None:
    headers = [(false_name, b"admin"), (b"x-user", b"ada")]
    assert with_headers(*(headers if is_first else reversed(headers))) == {"HTTP_X_USER": "ada"}


def test_a_name_with_underscores_is_left_out() -> None:
    assert with_headers((b"x_forwarded_for", b"1"), (b"x-forwarded_for", b"2")) == {}


def test_no_header_becomes_a_variable_of_the_server() -> None:
    names = ("remote-user", "remote-addr", "server-name", "content-length", "path-info", "request-method", "wsgi.input")
    plain = request().META
    spoofed = request(headers=[(name.encode(), b"evil") for name in names]).META
    assert {name: value for name, value in spoofed.items() if not name.startswith("HTTP_")} == plain


def test_repeated_headers_are_joined() -> None:
    assert with_headers((b"x-a", b"1"), (b"x-a", b"2"), (b"cookie", b"a=1"), (b"cookie", b"b=2")) == {
        "HTTP_X_A": "1,2",
        "HTTP_COOKIE": "a=1; b=2",
    }


def test_cookies_are_the_scopes() -> None:
    assert request(cookies={"a": "1"}, headers=[(b"cookie", b"a=2")]).COOKIES == {"a": "1"}
    assert request(headers=[(b"cookie", b"a=2; b=3")]).COOKIES == {"a": "2", "b": "3"}
    assert request().COOKIES == {}


def test_the_user_and_the_session_are_the_scopes() -> None:
    assert request(user="me", session="kept").user == "me"
    assert request(user="me", session="kept").session == "kept"
    assert isinstance(request().user, AnonymousUser)
    assert isinstance(request(user=None).user, AnonymousUser)
    assert not hasattr(request(), "session")


def test_path_method_and_query() -> None:
    made = request("post", query_string=b"token=a%20b&token=c", root_path="/app", client=["10.0.0.1", 5])
    assert (made.method, made.path, made.META["SCRIPT_NAME"]) == ("POST", "/ws/1/", "/app")
    assert made.GET.getlist("token") == ["a b", "c"]
    assert made.META["REMOTE_ADDR"] == "10.0.0.1"
    assert request(query_string=b"a=\xff").GET["a"] == "\ufffd"
    assert request(query_string="a=1").GET["a"] == "1"


def test_the_least_scope_will_do() -> None:
    made = request_from_scope({}, "GET")
    assert (made.path, made.GET, made.headers) == ("", {}, {"Content-Length": "0"})


@pytest.mark.parametrize(
    ("scheme", "expected"), [(None, "http"), ("ws", "http"), ("wss", "https"), ("https", "https"), ("http", "http")]
)
def test_the_scheme_is_that_of_pages(scheme: str | None, expected: str) -> None:
    made = request(**({"scheme": scheme} if scheme else {}))
    assert (made.scheme, made.is_secure()) == (expected, expected == "https")


def test_the_host_is_the_headers_and_checked(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["example.com"]
    assert request(headers=[(b"host", b"example.com:8000")]).get_host() == "example.com:8000"
    with pytest.raises(Exception, match="Invalid HTTP_HOST header"):
        request(headers=[(b"host", b"evil.com")]).get_host()


@pytest.mark.parametrize(
    "content_type",
    [b"application/json", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x", b"text/nothing"],
)
def test_there_is_no_body_whatever_the_headers_say(content_type: bytes) -> None:
    made = request("POST", headers=[(b"content-length", b"1000"), (b"content-type", content_type)])
    assert dict(Request(made, parsers=[JSONParser(), FormParser(), MultiPartParser()]).data) == {}
    again = request("POST", headers=[(b"content-length", b"1000"), (b"content-type", content_type)])
    assert (again.body, dict(again.POST)) == (b"", {})

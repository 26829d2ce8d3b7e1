"""Where a document says that its channels are."""

import pytest

from chanx.asyncapi.servers import Server, server_at, with_pathname
from chanx.errors import ConfigurationError


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ws://localhost:8000", Server("localhost:8000", "ws")),
        ("wss://example.com", Server("example.com", "wss")),
        ("https://example.com/", Server("example.com", "wss")),
        ("HTTP://example.com:81", Server("example.com:81", "ws")),
        ("example.com", Server("example.com", "ws")),
        ("example.com:8443/live/", Server("example.com:8443", "ws", "/live")),
        ("wss://example.com/live?x=1", Server("example.com", "wss", "/live")),
        ("wss://[::1]:8000", Server("[::1]:8000", "wss")),
        ("wss://user:secret@example.com", Server("example.com", "wss")),
        ("", Server("", "ws")),
    ],
)
def test_a_server_by_its_address(url: str, expected: Server) -> None:
    assert server_at(url) == expected


def test_the_protocol_counts_where_the_address_has_no_scheme() -> None:
    assert server_at("example.com", protocol="wss").protocol == "wss"
    assert server_at("ws://example.com", protocol="wss").protocol == "ws"


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com", "javascript://example.com", "wss://", "wss:///live", "//example.com", "[::1", "ws://a]"],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"wss://example\.com"):
        server_at(url)


def test_what_addresses_begin_with_is_said_where_it_is_something() -> None:
    document = {"servers": {"production": {"host": "example.com", "protocol": "wss"}}}
    assert with_pathname(document, "")["servers"]["production"] == {"host": "example.com", "protocol": "wss"}
    assert with_pathname(document, "/live")["servers"]["production"]["pathname"] == "/live"

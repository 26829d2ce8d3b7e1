"""Where a client connects to."""

import pytest

from chanx.client_generator.base.address import filled, origin_of, websocket_url


@pytest.mark.parametrize(
    ("base_url", "protocol", "path", "expected"),
    [
        ("localhost:8000", "ws", "/ws/", "ws://localhost:8000/ws/"),
        ("example.com", "wss", "ws/chat/", "wss://example.com/ws/chat/"),
        ("http://example.com", "wss", "/ws/", "ws://example.com/ws/"),
        ("https://example.com/", "ws", "/ws/", "wss://example.com/ws/"),
        ("wss://example.com/api/", "ws", "/ws/", "wss://example.com/api/ws/"),
        ("ws://[::1]:80/api", "ws", "/ws", "ws://[::1]:80/api/ws"),
        ("ws://a?tenant=1", "ws", "/ws/{room}/", "ws://a/ws/a%20b%2Fc%3F/?tenant=1"),
    ],
)
def test_the_whole_url(base_url: str, protocol: str, path: str, expected: str) -> None:
    assert websocket_url(base_url, path, protocol=protocol, path_params={"room": "a b/c?"}) == expected


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("ws://localhost:8000/ws/", "http://localhost:8000"),
        ("wss://user:word@example.com/ws/", "https://example.com"),
    ],
)
def test_the_origin(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("base_url", "words"), [("ftp://a", "'host:port'"), ("", "names no host"), ("ws:///ws/", "names no host")]
)
def test_what_is_no_address(base_url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        websocket_url(base_url, "/ws/", protocol="ws", path_params={})


def test_parameters_that_are_missing_are_named() -> None:
    with pytest.raises(ValueError, match=r"'/ws/\{room\}/\{pk\}/' needs \['pk'\]: pass \{'room': 1, 'pk': '…'\}"):
        filled("/ws/{room}/{pk}/", {"room": 1})
    assert filled("room:{id}:{x}", {"id": "a b", "x": 2, "more": 3}) == "room:a b:2"

"""Where a document says that its channels are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from chanx.asyncapi.constants import DEFAULT_SERVER_PROTOCOL
from chanx.errors import ConfigurationError

_PROTOCOLS: Final[Mapping[str, str]] = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


@dataclass(frozen=True, slots=True)
class Server:
    """``host`` with its port, ``protocol`` (ws, wss), and what every address begins with: ``""`` or ``/prefix``."""

    host: str
    protocol: str = DEFAULT_SERVER_PROTOCOL
    pathname: str = ""


def server_at(url: str, *, protocol: str | None = None) -> Server:
    """The server of a URL (``wss://example.com``, also ``https://``) or of a host alone.

    The scheme gives the protocol; without one it is ``protocol``, else ``ws``. Raises ``ConfigurationError`` for a URL
    that is neither.
    """
    scheme, separator, rest = url.partition("://")
    own_protocol = _PROTOCOLS.get(scheme.lower()) if separator else protocol or DEFAULT_SERVER_PROTOCOL
    try:
        parts = urlsplit("//" + (rest if separator else url))
    except ValueError:  # half an IPv6 address
        parts = urlsplit("")
    if own_protocol is None or (url and not parts.netloc):
        raise ConfigurationError(f"{url!r} is no address of a WebSocket server: write it as wss://example.com.")
    return Server(parts.netloc.rpartition("@")[2], own_protocol, parts.path.rstrip("/"))


def with_pathname(document: dict[str, Any], pathname: str) -> dict[str, Any]:
    """The same document, whose servers say what their channels' addresses begin with, where that is something."""
    if pathname:
        for server in document["servers"].values():
            server["pathname"] = pathname
    return document

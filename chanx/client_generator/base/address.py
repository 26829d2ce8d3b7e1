"""Where a client connects to: a server, and the path of the channel with its parameters filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from websockets.typing import Origin

_PARAMETER = re.compile(r"\{(\w+)\}")
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def websocket_url(base_url: str, path: str, *, protocol: str, path_params: Mapping[str, object]) -> str:
    """The whole URL; ``base_url`` is ``host:port``, or a URL whose scheme counts more than ``protocol``.

    A path in the base URL comes before the channel's. Raises ``ValueError`` for a missing parameter or another scheme.
    """
    scheme, separator, rest = base_url.partition("://")
    if not separator:
        scheme, rest = protocol, base_url
    if scheme not in _SCHEMES:
        raise ValueError(
            f"{base_url!r}: a client connects to 'host:port', or to a ws://, wss://, http:// or https:// URL."
        )
    parts = urlsplit(f"//{rest}")
    if not parts.netloc:
        raise ValueError(f"{base_url!r} names no host: pass 'localhost:8000', or a whole URL.")
    whole = (
        f"{_SCHEMES[scheme]}://{parts.netloc}{parts.path.rstrip('/')}/{filled(path, path_params, safe='').lstrip('/')}"
    )
    return f"{whole}?{parts.query}" if parts.query else whole


def origin_of(url: str) -> Origin:
    """The origin of a WebSocket's own site: ``https://example.com`` of ``wss://example.com/ws/``."""
    parts = urlsplit(url)
    return Origin(f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc.rpartition('@')[2]}")


def filled(pattern: str, params: Mapping[str, object], *, safe: str | None = None) -> str:
    """A pattern with its ``{parameters}`` filled in; with ``safe``, percent-encoded but for those characters."""
    names = _PARAMETER.findall(pattern)
    missing = [name for name in names if name not in params]
    if missing:
        given = {name: params.get(name, "…") for name in names}
        raise ValueError(f"{pattern!r} needs {missing}: pass {given!r}.")

    def value(found: re.Match[str]) -> str:
        text = str(params[found[1]])
        return text if safe is None else quote(text, safe=safe)

    return _PARAMETER.sub(value, pattern)

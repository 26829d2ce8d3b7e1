"""What a consumer answers to what is no WebSocket connection."""

from collections.abc import Awaitable, Callable
from typing import Any

from chanx.errors import ConfigurationError

_BODY = b"This is a WebSocket endpoint.\n"


async def refuse(scope: dict[str, Any], send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Answer an HTTP request with 426 (Upgrade Required, RFC 9110 15.5.22); a mounted consumer gets these too.

    Raises ``ConfigurationError`` for any other scope, which tells a server that there is no lifespan here.
    """
    if scope["type"] != "http":
        raise ConfigurationError(
            f"A consumer serves WebSocket connections, not {scope['type']!r}: put it on a route of an application."
        )
    headers = [(b"content-type", b"text/plain")]
    if scope.get("http_version", "1.1") == "1.1":  # later ones have no such headers, and refuse them
        headers += [(b"upgrade", b"websocket"), (b"connection", b"upgrade")]
    await send({"type": "http.response.start", "status": 426, "headers": headers})
    await send({"type": "http.response.body", "body": _BODY})

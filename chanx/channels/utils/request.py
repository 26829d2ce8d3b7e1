"""A Django request made of a WebSocket's handshake, for everything that decides by a request."""

from collections import defaultdict
from collections.abc import Iterable
from io import BytesIO
from typing import Any, Final

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.utils.module_loading import import_string

HTTP_SCHEMES: Final = {"ws": "http", "wss": "https"}
PREFIX: Final = "HTTP_"


def request_from_scope(scope: dict[str, Any], method: str) -> HttpRequest:
    """A request without a body, with the connection's path, query, headers, cookies, session and user.

    Headers are in ``META`` as ``HTTP_<NAME>``. A name that has the prefix already gets no second one, but never
    replaces the header of the plain name; other names with an underscore are left out, as in Django, because they
    cannot be told from those with a dash. Cookies are ``scope["cookies"]``, else the header's; the user is
    ``scope["user"]``, else anonymous.
    """
    query, scheme = scope.get("query_string", b""), scope.get("scheme", "ws")
    request = ASGIRequest(
        {
            **scope,
            "method": method,
            "path": scope.get("path", ""),
            "scheme": HTTP_SCHEMES.get(scheme, scheme),
            "query_string": query.decode("utf-8", "replace") if isinstance(query, bytes) else query,
            "headers": [],
        },
        BytesIO(),
    )
    request.META.update(_meta_of(scope.get("headers") or ()), CONTENT_LENGTH="0")
    if "cookies" in scope:
        request.COOKIES = scope["cookies"]
    if "session" in scope:
        request.session = scope["session"]
    # By name: the model can be imported only once Django's apps are loaded, which this module must not wait for.
    request.user = scope.get("user") or import_string("django.contrib.auth.models.AnonymousUser")()
    return request


def _meta_of(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    plain: defaultdict[str, list[str]] = defaultdict(list)
    prefixed: defaultdict[str, list[str]] = defaultdict(list)
    for raw_name, value in headers:
        name = raw_name.decode("latin-1").upper()
        key = name.replace("-", "_")
        if key.startswith(PREFIX):
            prefixed[key].append(value.decode("latin-1"))
        elif "_" not in name:
            plain[PREFIX + key].append(value.decode("latin-1"))
    return {name: _joined(name, values) for name, values in {**prefixed, **plain}.items()}


def _joined(name: str, values: list[str]) -> str:
    return ("; " if name == "HTTP_COOKIE" else ",").join(values)

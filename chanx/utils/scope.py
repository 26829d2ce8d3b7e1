"""Reading an ASGI connection scope: path and query parameters, headers, the user."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

Scope = Mapping[str, Any]

_REQUIRED = object()


def path_params(scope: Scope) -> dict[str, Any]:
    """The parameters of the connection's path: Channels' ``url_route`` kwargs, else Starlette's ``path_params``."""
    route = scope.get("url_route")
    if isinstance(route, Mapping) and "kwargs" in route:
        return dict(route["kwargs"])  # pyright: ignore[reportUnknownArgumentType] -- the framework's own mapping
    return dict(scope.get("path_params") or {})


def path_param(scope: Scope, name: str, default: Any = _REQUIRED) -> Any:
    """One path parameter; without a default a missing one raises ``KeyError``."""
    parameters = path_params(scope)
    if name in parameters:
        return parameters[name]
    if default is _REQUIRED:
        raise KeyError(f"No path parameter {name!r}; there are {sorted(parameters)}")
    return default


def query_params(scope: Scope) -> dict[str, list[str]]:
    """Every query parameter with all its values, blank ones included."""
    raw = scope.get("query_string", b"")
    return parse_qs(raw.decode("utf-8", "replace"), keep_blank_values=True)


def header(scope: Scope, name: str) -> str | None:
    """The first header of that name (in any case), or None."""
    wanted = name.lower().encode("latin-1")
    for key, value in scope.get("headers") or ():
        if key.lower() == wanted:
            return str(value.decode("latin-1"))
    return None


def scope_user(scope: Scope) -> Any:
    """The signed-in user, or None for an anonymous one or none at all."""
    user = scope.get("user")
    return user if getattr(user, "is_authenticated", user is not None) else None

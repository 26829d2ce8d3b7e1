"""Looking through ASGI middleware at what it wraps."""

from collections.abc import Iterator
from typing import Any, Final

WRAPPED_ATTRIBUTES: Final = ("inner", "app", "application")
"""Where middlewares keep the application they wrap: those of Channels, of Starlette, and others."""


def traverse_middleware_stack(app: Any) -> Iterator[Any]:
    """The application itself, then what it wraps, what that wraps, and so on to the innermost; each once."""
    seen: set[int] = set()
    while app is not None and id(app) not in seen:
        seen.add(id(app))
        yield app
        app = _wrapped(app)


def _wrapped(app: Any) -> Any:
    return next((inner for name in WRAPPED_ATTRIBUTES if (inner := getattr(app, name, None)) is not None), None)

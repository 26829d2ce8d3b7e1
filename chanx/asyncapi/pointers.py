"""Writing ``$ref``, and following it inside of one document."""

from collections.abc import Mapping
from typing import Any, Final, TypeGuard
from urllib.parse import unquote

from chanx.errors import DocumentError

_MISSING: Final = object()


def resolved(document: Mapping[str, Any], value: Any) -> Any:
    """``value``, or what it leads to where it is ``{"$ref": "#/…"}``, over as many of them as there are.

    Raises ``DocumentError`` for one that leads nowhere, out of the document, or round in a circle.
    """
    followed: list[str] = []
    while _is_object(value) and "$ref" in value:
        reference = value["$ref"]
        if reference in followed:
            raise DocumentError(f"The $ref {reference!r} of the document leads back to itself.")
        followed.append(reference)
        value = at_pointer(document, reference)
    return value


def at_pointer(document: Mapping[str, Any], reference: Any) -> Any:
    """What stands at ``#/…`` in the document, whatever it is; ``DocumentError`` if nothing does."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        raise DocumentError(
            f"The $ref {reference!r} leads out of the document: bundle the document first, so that each begins with #/."
        )
    found: Any = document
    for part in reference.split("/")[1:]:
        found = _child(found, unescaped(part))
        if found is _MISSING:
            raise DocumentError(f"The $ref {reference!r} leads nowhere: the document has nothing there.")
    return found


def escaped(key: str) -> str:
    """A key as a part of a ``$ref``."""
    return key.replace("~", "~0").replace("/", "~1").replace("%", "%25")


def unescaped(part: str) -> str:
    """The key that a part of a ``$ref`` stands for."""
    return unquote(part).replace("~1", "/").replace("~0", "~")


def key_of(reference: str) -> str:
    """The last key of a ``$ref``: what it names."""
    return unescaped(reference.rpartition("/")[2])


def _child(parent: Any, key: str) -> Any:
    if _is_object(parent):
        return parent.get(key, _MISSING)
    if isinstance(parent, list) and key.isdecimal():
        items: list[Any] = parent  # pyright: ignore[reportUnknownVariableType] -- any JSON
        return items[int(key)] if int(key) < len(items) else _MISSING
    return _MISSING


def _is_object(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)

"""What a message on a channel layer may hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from chanx.errors import PublisherError

_SCALARS = (str, int, float, bytes, type(None))  # bool is an int


def checked_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """``message`` as a dict; raises ``PublisherError`` if it is no mapping with a ``type``, the handler's name."""
    plain = _as_dict(message)
    if not isinstance(plain.get("type"), str):
        raise PublisherError(
            "A channel-layer message needs the key 'type', the name of the consumer's method that receives it: "
            '{"type": "handle_channel_event", ...}.'
        )
    return plain


def event_name(message: Mapping[str, Any]) -> str:
    """What a message is called for its sender: the action of the event in it, else its own ``type``."""
    for inner in (message.get("event_data"), message.get("event"), message.get("message")):
        if isinstance(inner, dict):
            event = cast("dict[str, object]", inner)
            for key in ("action", "type"):
                if isinstance(name := event.get(key), str):
                    return name
    name = message.get("action", message["type"])
    return str(name)


def size_of(message: Mapping[str, Any]) -> int:
    """About how many bytes ``message`` is on a wire, for layers whose wire is not known."""
    return len(json.dumps(message, ensure_ascii=False, default=repr).encode("utf-8", "surrogatepass"))


def refuse_foreign_values(message: Mapping[str, Any]) -> None:
    """Raise ``PublisherError``, with the path, at the first value or key that a channel layer cannot carry.

    A layer that packs with msgpack fails on such a value only at the receiver, where it ends somebody else's consumer.
    """
    try:
        _refuse(message, "message")
    except RecursionError as error:
        raise PublisherError("The message is nested too deeply, or holds itself. Send flatter data.") from error


def _as_dict(message: object) -> dict[str, Any]:
    # First the usual case, which needs no copy.
    if isinstance(message, dict):
        return cast("dict[str, Any]", message)
    if isinstance(message, Mapping):
        return dict(cast("Mapping[str, Any]", message))
    raise PublisherError(f"A channel-layer message is a dict, not {type(message).__name__}: {_FIX}")


def _refuse(value: object, path: str) -> None:
    if isinstance(value, dict):
        for key, item in cast("dict[object, object]", value).items():
            if not isinstance(key, str):
                raise PublisherError(f"{path} has the key {key!r}, which is no string: {_FIX}")
            _refuse(item, f"{path}[{key!r}]")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(cast("list[object]", value)):
            _refuse(item, f"{path}[{index}]")
    elif not isinstance(value, _SCALARS):
        raise PublisherError(f"{path} is of type {type(value).__name__}, which no channel layer can carry: {_FIX}")


_FIX = 'pass the event through event.model_dump(mode="json") first.'

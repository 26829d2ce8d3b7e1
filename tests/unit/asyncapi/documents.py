"""AsyncAPI documents for tests, written down by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

REF = "#/components/schemas/"


def message(action: str, payload: Any = None, **more: Any) -> dict[str, Any]:
    """The schema of a message, as chanx writes it."""
    properties: dict[str, Any] = {"action": {"const": action, "default": action, "type": "string"}, **more}
    if payload is None:
        return {"type": "object", "properties": {**properties, "payload": {"type": "null", "default": None}}}
    return {"type": "object", "properties": {**properties, "payload": payload}, "required": ["payload"]}


def channel(address: str = "ws/chat/", **more: Any) -> dict[str, Any]:
    """A channel without its messages."""
    return {"address": address, "title": "chat", **more}


def document(
    messages: Mapping[str, Any] | None = None,
    operations: Iterable[tuple[str, str, str, Iterable[str]]] = (),
    *,
    channels: Mapping[str, Any] | None = None,
    schemas: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A document of the channel ``chat``, or those that are given.

    ``messages``: schemas by the message's key. ``operations``: key, ``receive`` or ``send``, the message, the replies;
    a key may be ``channel:key``.
    """
    found = {key: dict(value) for key, value in (channels or {"chat": channel()}).items()}
    written: dict[str, Any] = {}
    for key, action, name, replies in operations:
        where, _, operation_key = key.rpartition(":")
        where = where or "chat"
        base = f"#/channels/{where}/messages/"
        found[where].setdefault("messages", {}).update(
            {used: {"$ref": f"#/components/messages/{used}"} for used in (name, *replies)}
        )
        operation: dict[str, Any] = {
            "action": action,
            "channel": {"$ref": f"#/channels/{where}"},
            "messages": [{"$ref": base + name}],
        }
        if replies:
            operation["reply"] = {"messages": [{"$ref": base + reply} for reply in replies]}
        written[operation_key] = operation
    components = {
        "messages": {key: {"payload": {"$ref": f"{REF}{key}_schema"}} for key in messages or {}},
        "schemas": {**{f"{key}_schema": value for key, value in (messages or {}).items()}, **(schemas or {})},
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Test", "version": "1.0.0"},
        "servers": {"development": {"host": "localhost:8000", "protocol": "ws"}},
        "channels": found,
        "operations": written,
        "components": components,
    }


def with_payload(role: str, payload: Any, **schemas: Any) -> dict[str, Any]:
    """A document in which the server receives, or sends, the message ``note`` with that payload."""
    action = "receive" if role == "received" else "send"
    return document({"note": message("note", payload)}, [("handle_note", action, "note", ())], schemas=schemas)

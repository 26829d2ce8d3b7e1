"""Small AsyncAPI documents for tests."""

from __future__ import annotations

from typing import Any


def ref(*parts: str) -> dict[str, str]:
    return {"$ref": "/".join(("#", *parts))}


def message_schema(action: str, payload: Any = None) -> dict[str, Any]:
    properties = {
        "action": {"const": action, "default": action, "type": "string"},
        "payload": payload or {"type": "null"},
    }
    return {"type": "object", "properties": properties, "required": ["payload"]}


def channel(address: str, *messages: str, **more: Any) -> dict[str, Any]:
    refs = {key: ref("components", "messages", key) for key in messages}
    return {"address": address, **more, "messages": refs}


def operation(
    action: str, channel: str, messages: list[str] | None = None, replies: list[str] | None = None, **more: Any
) -> dict[str, Any]:
    content: dict[str, Any] = {"action": action, "channel": ref("channels", channel), **more}
    if messages is not None:
        content["messages"] = [ref("channels", channel, "messages", name) for name in messages]
    if replies is not None:
        content["reply"] = {
            "channel": ref("channels", channel),
            "messages": [ref("components", "messages", name) for name in replies],
        }
    return content


def document(channels: Any, operations: Any, schemas: Any = None, **more: Any) -> dict[str, Any]:
    """A document whose messages are the keys of ``schemas`` in snake_case."""
    schemas = schemas or {}
    messages = {name.lower(): {"payload": ref("components", "schemas", name)} for name in schemas}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Chat", "version": "1.0.0"},
        "servers": {"development": {"host": "localhost:8000", "protocol": "ws"}},
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
        **more,
    }

"""A document with everything that a client can have in it, and names and words that are hard on generated code."""

from __future__ import annotations

from typing import Any

from tests.unit.client_generator.documents import channel, document, message_schema, operation, ref

HOSTILE = (
    'Ends here: """\nimport os; os.abort()\n\\N{nothing} C:\\new """ {{ x }} \u202e *\u2044 <b>`|` ' + "word " * 40
)
"""A description that no code, comment or table may be broken by."""


def _message(action: str, payload: str | None = None, **more: Any) -> dict[str, Any]:
    return {**message_schema(action, ref("components", "schemas", payload) if payload else None), **more}


def _record(description: str | None = None, /, **properties: Any) -> dict[str, Any]:
    about = {"description": description} if description else {}
    return {"type": "object", "properties": properties, "required": list(properties), **about}


SCHEMAS: dict[str, Any] = {
    "Ping": message_schema("ping"),
    "Pong": message_schema("pong"),
    "Text": _record(HOSTILE, text={"type": "string", "minLength": 3}, at={"type": "string", "format": "date-time"}),
    "Say": _message("say", "Text", description=HOSTILE),
    "Said": _message("said", "Text"),
    "Refused": _message("refused", "Text"),
    "Later": _message("later", "Text"),
    "Where": _record(x={"type": "number"}, y={"type": "number", "minimum": 2.5}),
    "Move": _message("move", "Where"),
    "Moved": _message("moved", "Where"),
    "RoomSubscribe": _message("subscribe", "Text"),
    "RoomSubscribed": _message("subscribed", "Where"),
    "JobSubscribe": _message("subscribe", "Text"),
    "JobSubscribed": _message("subscribed", "Text"),
    "Cancel": message_schema("cancel"),
    "Cancelled": message_schema("cancel_accepted"),
    "JobSucceeded": message_schema("job_succeeded"),
    "RowRejected": _message("row_rejected", "Where"),
    "Restart": message_schema("restart"),
    "Restarted": message_schema("restarted"),
    "ListSubscribe": message_schema("subscribe"),
    "ListSubscribed": message_schema("subscribed"),
    "JobChanged": message_schema("job_changed"),
    "BaseClient": {"type": "object", "properties": {"kind": {"const": "any"}}, "required": ["kind"]},
    "Any": {"type": "object", "properties": {"kind": {"const": "answer"}}, "required": ["kind"]},
}


def _topic(name: str, pattern: str, *parameters: str, **more: str) -> dict[str, Any]:
    return {"x-topic": {"name": name, "pattern": pattern, "parameters": list(parameters), **more}}


def chat_document() -> dict[str, Any]:
    """Connections: ``chat`` with topics, ``base`` with another discriminator, a topic's own route."""
    room = ("room:{id}:{class}", "id", "class")
    address = "ws/chat/{pk}/"
    channels = {
        "chat": channel(address, "say", "said", "refused", "later", "ping", "pong", description=HOSTILE),
        "chat_room": channel(address, "move", "moved", "roomsubscribe", "roomsubscribed", **_topic("room", *room)),
        "chat_job": channel(
            address,
            *("jobsubscribe", "jobsubscribed", "cancel", "cancelled", "jobsucceeded", "rowrejected"),
            *("restart", "restarted"),
            **_topic("job", "job:{job_id}", "job_id", protocol="job-stream"),
        ),
        "chat_jobs": channel(
            address,
            *("listsubscribe", "listsubscribed", "jobchanged"),
            **_topic("jobs", "jobs:{owner}", "owner", protocol="job-list"),
        ),
        "base": channel("/ws/base", "baseclient", "any", **{"x-discriminator": "kind"}),
        "map": channel("ws/map/{id}/", "move", "moved", **_topic("map", "map:{id}", "id")),
        "2 weird, class": channel("ws/weird", "ping", "pong"),
    }
    return document(channels, {**_chat_operations(), **_other_operations()}, SCHEMAS, info=_INFO)


_INFO = {"title": HOSTILE, "version": '1.0"""', "description": HOSTILE}


def _chat_operations() -> dict[str, Any]:
    return {
        "say": operation("receive", "chat", ["say"], ["said", "refused"], summary=HOSTILE, description=HOSTILE),
        "close": operation("receive", "chat", ["ping"], ["pong"]),
        "class": operation("receive", "chat", ["say", "ping"], [], description="Any of two."),
        "later": operation("send", "chat", ["later"]),
        "subscribe": operation("receive", "chat_room", ["roomsubscribe"], ["roomsubscribed"]),
        "move": operation("receive", "chat_room", ["move"], ["moved"]),
        "drift": operation("receive", "chat_room", ["move"]),
        "chat_job_subscribe": operation("receive", "chat_job", ["jobsubscribe"], ["jobsubscribed"]),
        "cancel": operation("receive", "chat_job", ["cancel"], ["cancelled"]),
        "restart": operation("receive", "chat_job", ["restart"], ["restarted"]),
        "job_succeeded": operation("send", "chat_job", ["jobsucceeded"]),
        "row_rejected": operation("send", "chat_job", ["rowrejected"]),
        "chat_jobs_subscribe": operation("receive", "chat_jobs", ["listsubscribe"], ["listsubscribed"]),
        "job_changed": operation("send", "chat_jobs", ["jobchanged"]),
    }


def _other_operations() -> dict[str, Any]:
    return {
        "ask": operation("receive", "base", ["baseclient"], ["any"]),
        "map_move": operation("receive", "map", ["move"], ["moved"]),
        "ping!": operation("receive", "2 weird, class", ["ping"], ["pong"]),
    }

"""What changed from one AsyncAPI document to another, and what of it breaks clients written for the first.

documents ─> DocumentContract each ─> channels, then messages by tag, then their schemas ─> Change
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chanx.asyncapi.changes import Change, Role, Severity
from chanx.asyncapi.channel_changes import channel_changes
from chanx.asyncapi.contract import ChannelContract, DocumentContract, either
from chanx.asyncapi.schema_changes import SchemaComparison
from chanx.errors import DocumentError

_SUBSCRIBE = "subscribe"
_SUBSCRIBED = "subscribed"
_EMPTY = {"type": "object", "properties": {"payload": {"type": "null"}}}
"""What clients send to subscribe to a topic that says nothing about it."""


def changes_between(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """The changes from ``old`` to ``new``, channel by channel in the order of ``new``, those that are gone last.

    Wire forms count, names of schemas and orders do not. A change is ``breaking`` where a client that was written for
    ``old`` may fail, also where that cannot be excluded; the text says so then. Raises ``DocumentError`` if one of the
    two is no AsyncAPI 3 document, or refers to what it does not have.
    """
    try:
        return list(_Comparison(DocumentContract(old), DocumentContract(new)).changes())
    except RecursionError as error:
        raise DocumentError(
            "The schemas of the document refer to each other over too many levels: a few dozen can be compared."
        ) from error
    except (AttributeError, KeyError, TypeError, ArithmeticError) as error:
        raise DocumentError(
            f"The document has a JSON Schema in which something is of the wrong type ({error!r}): validate it first, "
            "with the AsyncAPI CLI for example."
        ) from error


class _Comparison:
    def __init__(self, old: DocumentContract, new: DocumentContract) -> None:
        self._old = old
        self._new = new
        self._schemas: dict[Role, SchemaComparison] = {
            "received": SchemaComparison(old.schemas, new.schemas, "received"),
            "sent": SchemaComparison(old.schemas, new.schemas, "sent"),
        }

    def changes(self) -> Iterator[Change]:
        old_keys = self._same_channels()
        for key, channel in self._new.channels.items():
            old_key = old_keys.get(key)
            if old_key is None:
                yield Change("compatible", key, "", "channel_added", f"is a new channel at {channel.channel.address}")
            else:
                yield from self._of_channel(self._old.channels[old_key], channel)
        for key, channel in self._old.channels.items():
            if key not in old_keys.values():
                yield Change("breaking", key, "", "channel_removed", f"is gone; it was at {channel.channel.address}")

    def _same_channels(self) -> dict[str, str]:
        """The key of each new channel that was there before, and which one it was: by its key, else by its address."""
        same = {key: key for key in self._new.channels if key in self._old.channels}
        left = {_place(channel): key for key, channel in self._old.channels.items() if key not in same}
        for key, channel in self._new.channels.items():
            if key not in same and (old_key := left.pop(_place(channel), None)) is not None:
                same[key] = old_key
        return same

    def _of_channel(self, old: ChannelContract, new: ChannelContract) -> Iterator[Change]:
        yield from channel_changes(old, new)
        yield from self._of_received(old, new)
        yield from self._of_sent(old, new)

    def _of_received(self, old: ChannelContract, new: ChannelContract) -> Iterator[Change]:
        for tag, request in old.received.items():
            where = f"{tag} (client to server)"
            if tag not in new.received:
                if not _is_subscribing(new, tag):
                    yield Change("breaking", new.key, where, "message_removed", "is no longer taken from clients")
                continue
            after = new.received[tag]
            if not set(request.operations) & set(after.operations):
                names = " and ".join(f"`{name}`" for name in after.operations)
                text = f"is sent by the operation {names} now: a generated client calls it so"
                yield Change("compatible", new.key, where, "operation_renamed", text)
            yield from self._of_message(new.key, where, "received", either(request.schemas), either(after.schemas))
            replies = (
                [name for name in found if not _is_subscribing(new, name)] for found in (request.replies, after.replies)
            )
            yield from _reply_changes(new, where, *replies)
        for tag, after in new.received.items():
            if tag not in old.received:
                where = f"{tag} (client to server)"
                if _is_subscribing(old, tag):
                    yield from self._of_message(new.key, where, "received", _EMPTY, either(after.schemas))
                else:
                    yield Change(
                        "compatible", new.key, where, "message_added", "is a new message that clients can send"
                    )

    def _of_sent(self, old: ChannelContract, new: ChannelContract) -> Iterator[Change]:
        for tag, schemas in old.sent.items():
            where = f"{tag} (server to client)"
            if tag not in new.sent and _is_subscribing(new, tag):
                yield Change("breaking", new.key, where, "type", "no longer says what its payload is")
            elif tag not in new.sent:
                yield Change("breaking", new.key, where, "message_removed", "is no longer sent to clients")
            else:
                yield from self._of_message(new.key, where, "sent", either(schemas), either(new.sent[tag]))
        for tag in new.sent:
            if tag not in old.sent:
                where = f"{tag} (server to client)"
                is_known = _is_subscribing(old, tag)
                text = "says what its payload is now" if is_known else "is a new message that clients may get"
                yield Change("compatible", new.key, where, "type" if is_known else "message_added", text)

    def _of_message(self, channel: str, where: str, role: Role, old: Any, new: Any) -> Iterator[Change]:
        for change in self._schemas[role].changes(old, new):
            place = f"{where}, {_shown(change.path)}" if change.path else where
            yield Change(change.severity, channel, place, change.what, change.text)


def _reply_changes(channel: ChannelContract, where: str, old: list[str], new: list[str]) -> Iterator[Change]:
    added = [tag for tag in new if tag not in old]
    if added:
        severity: Severity = "breaking" if old else "compatible"
        text = f"may be answered with {_quoted(added)} now" + (f", and was with {_quoted(old)}" if old else "")
        yield Change(severity, channel.key, where, "reply_added", text)
    if old and not new:
        text = f"is no longer answered, and was with {_quoted(old)}"
        yield Change("breaking", channel.key, where, "reply_removed", text)
        return
    # Of a message that is not sent at all any more its own change tells.
    gone = [tag for tag in old if tag not in new and tag in channel.sent]
    if gone:
        text = f"is never answered with {_quoted(gone)} any more"
        yield Change("compatible", channel.key, where, "reply_removed", text)


def _is_subscribing(channel: ChannelContract, tag: str) -> bool:
    """Whether that is the message which every topic takes, or its answer, documented or not."""
    return channel.channel.topic is not None and tag in (_SUBSCRIBE, _SUBSCRIBED)


def _place(channel: ChannelContract) -> tuple[str, str | None]:
    """What a channel is known by on the wire: its address, and the pattern of its topic."""
    topic = channel.channel.topic
    return re.sub(r"\{[^}]*\}", "{}", channel.channel.address), None if topic is None else topic.pattern


def _quoted(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _shown(path: tuple[str, ...]) -> str:
    return "".join(step if step.startswith("[") else f".{step}" for step in path).removeprefix(".")

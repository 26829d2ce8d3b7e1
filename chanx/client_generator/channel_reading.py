"""One channel of a document: its operations as its client sees them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chanx.asyncapi.pointers import at_pointer, escaped, resolved
from chanx.client_generator.json_schema import mapping, sequence, text
from chanx.client_generator.message_types import MessageTypes, final_pointer
from chanx.client_generator.protocol import Channel, Request
from chanx.errors import DocumentError
from chanx.utils.naming import camel_case

_ACTIONS: Final = ("receive", "send")
_NUMBER: Final = re.compile(r"_?[0-9]+$")


@dataclass(frozen=True, slots=True)
class _Operation:
    """``messages`` and ``replies`` are pointers; None where the document does not say which."""

    key: str
    content: Mapping[str, Any]
    messages: Sequence[str] | None
    replies: Sequence[str] | None


class ChannelReader:
    """Reads the channels of a document. ``channels``: their keys, with pointers to where they are written."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self.messages = MessageTypes(document)
        self.channels = {
            key: final_pointer(document, f"#/channels/{escaped(key)}") for key in mapping(document.get("channels"))
        }
        self._operations: dict[str, list[_Operation]] = {pointer: [] for pointer in self.channels.values()}
        self._owners: dict[str, str] = {}
        self._keys: dict[str, list[str]] = {pointer: [] for pointer in self.channels.values()}
        for key, pointer in self.channels.items():
            self._keys[pointer].append(key)
        for key, value in mapping(document.get("operations")).items():
            self._add_operation(key, mapping(resolved(document, value)))

    def content(self, pointer: str) -> Mapping[str, Any]:
        """The channel at a pointer."""
        return mapping(at_pointer(self._document, pointer))

    def channel(self, key: str) -> Channel:
        """The channel of that key. Raises ``DocumentError``."""
        pointer = self.channels[key]
        content, operations = self.content(pointer), self._operations[pointer]
        unnamed = self._unnamed(pointer, content, operations)
        requests: list[Request] = []
        sent: list[str] = []
        received: list[str] = []
        for operation in operations:
            messages = self._types(unnamed if operation.messages is None else operation.messages)
            if operation.content["action"] == "send":
                received += messages
                continue
            replies = self._types(unnamed if operation.replies is None else operation.replies)
            requests.append(self._request(operation, pointer, messages, replies))
            sent += messages
            received += replies
        told_apart_by = text(content.get("x-discriminator"))
        return Channel(
            key=key,
            title=text(content.get("title")) or key,
            description=text(content.get("description")),
            discriminator=told_apart_by or self.messages.discriminator(list(dict.fromkeys((*sent, *received)))),
            requests=tuple(requests),
            sent=tuple(dict.fromkeys(sent)),
            received=tuple(dict.fromkeys(received)),
        )

    def _add_operation(self, key: str, content: Mapping[str, Any]) -> None:
        if content.get("action") not in _ACTIONS:
            raise DocumentError(
                f"The operation {key!r} has the action {content.get('action')!r}: it is send or receive."
            )
        reference = mapping(content.get("channel")).get("$ref")
        pointer = None if reference is None else final_pointer(self._document, reference)
        if pointer is None or pointer not in self._operations:
            raise DocumentError(
                f"The operation {key!r} names no channel of the document: channel has to be a $ref to one."
            )
        reply = content.get("reply")
        replies = self._pointers(resolved(self._document, reply), key) if reply is not None else ()
        self._operations[pointer].append(_Operation(key, content, self._pointers(content, key), replies))
        self._owners[key] = pointer

    def _pointers(self, content: Any, operation: str) -> list[str] | None:
        messages = sequence(mapping(content).get("messages"))
        if messages is None:
            return None
        references = [mapping(message).get("$ref") for message in messages]
        if None in references:
            raise DocumentError(f"The operation {operation!r} has a message that is no $ref to one of its channel's.")
        return [final_pointer(self._document, str(reference)) for reference in references]

    def _unnamed(self, pointer: str, content: Mapping[str, Any], operations: Sequence[_Operation]) -> list[str]:
        """The messages of a channel that no operation names: an operation that names none has these."""
        named = {message for one in operations for message in (*(one.messages or ()), *(one.replies or ()))}
        keys = mapping(content.get("messages"))
        pointers = [final_pointer(self._document, f"{pointer}/messages/{escaped(key)}") for key in keys]
        return [message for message in pointers if message not in named]

    def _types(self, pointers: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for pointer in pointers for name in self.messages.of(pointer)))

    def _request(
        self, operation: _Operation, channel: str, messages: tuple[str, ...], replies: tuple[str, ...]
    ) -> Request:
        return Request(
            name=self._short_name(operation.key, channel),
            messages=messages,
            replies=replies,
            summary=text(operation.content.get("summary")),
            description=text(operation.content.get("description")),
        )

    def _short_name(self, key: str, channel: str) -> str:
        """The key without a prefix that only tells it from the same operation of another channel."""
        content = self.content(channel)
        topic = mapping(content.get("x-topic")).get("name")
        prefixes = {text(prefix) for prefix in (*self._keys[channel], content.get("title"), topic)} - {None}
        keys = {key}
        if self._owners.get(without_number := _NUMBER.sub("", key), channel) != channel:
            keys.add(without_number)  # which another channel has, prefix and all
        for other, owner in self._owners.items():
            names = {f"{prefix}_{other}" for prefix in prefixes}
            names |= {f"{camel_case(str(prefix))}{other[:1].upper()}{other[1:]}" for prefix in prefixes}
            if owner != channel and not keys.isdisjoint(names):
                return other
        return key

"""What a document says about the frames of one channel, ready to check them by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chanx.asyncapi.contract import ChannelContract, DocumentContract, either
from chanx.asyncapi.schema_atoms import Schema
from chanx.core.schema_walk import JsonSchema, mapped
from chanx.utils.extras import need

_LONGEST = 300


class DocumentFrames:
    """The channels of one document. Raises ``DocumentError`` if it is none, ``MissingExtraError`` for jsonschema."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.jsonschema: Any = need("jsonschema", extra="testing")
        self.contract = DocumentContract(document)
        schemas = self.contract.document.components.schemas
        self.components = {"schemas": {name: as_sent(schema) for name, schema in schemas.items()}}
        self._channels = {key: ChannelFrames(channel, self) for key, channel in self.contract.channels.items()}

    def channel(self, key: str) -> ChannelFrames | None:
        """The channel of that key, if there is one."""
        return self._channels.get(key)

    def items(self) -> list[tuple[str, ChannelFrames]]:
        """All channels."""
        return list(self._channels.items())


class ChannelFrames:
    """The messages that a server sends on one channel."""

    def __init__(self, channel: ChannelContract, document: DocumentFrames) -> None:
        self.channel = channel
        self._document = document
        self._validators: dict[str, Any] = {}

    @property
    def title(self) -> str:
        """What the channel is called, whatever the case of its key."""
        return self.channel.channel.title or self.channel.key

    def declares(self, tag: str) -> bool:
        """Whether a message of that tag is sent to clients."""
        return tag in self.channel.sent

    def takes_only(self, tag: str) -> bool:
        """Whether a message of that tag is sent by clients, and not to them."""
        return tag in self.channel.received and tag not in self.channel.sent

    def problem(self, tag: str, message: Mapping[str, Any]) -> str | None:
        """What is wrong with a message of a declared tag: the place in it and what stands there; None if nothing."""
        if tag not in self._validators:
            self._validators[tag] = self._validator(either(self.channel.sent[tag]))
        discriminator = self.channel.discriminator
        content = {key: value for key, value in message.items() if key != discriminator}
        error = self._document.jsonschema.exceptions.best_match(self._validators[tag].iter_errors(content))
        if error is None:
            return None
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
        return f"{place.removeprefix('.') or 'the message'}: {_short(error.message)}"

    def _validator(self, schema: Schema) -> Any:
        content = {"allOf": [as_sent(schema)], "components": self._document.components}
        return self._document.jsonschema.Draft202012Validator(content)


def as_sent(schema: Any) -> Any:
    """A schema as it holds for what a server sends: a property that has a default is always there."""
    return schema if isinstance(schema, bool) else mapped(dict(schema), _with_defaults)


def _with_defaults(schema: JsonSchema) -> JsonSchema:
    properties: Mapping[str, Any] = schema.get("properties", {})
    defaults = [name for name, value in properties.items() if isinstance(value, dict) and "default" in value]
    return {**schema, "required": [*dict.fromkeys((*schema.get("required", ()), *defaults))]} if defaults else schema


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}"

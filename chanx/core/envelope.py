"""The keys of a topic frame beside ``action`` and ``payload``: reading them, and adding them to an encoded message."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json

from chanx.constants import ENVELOPE_FIELDS, ENVELOPE_VERSION

Ref = str | int | None
"""What a client puts into a frame to know the reply by; echoed as it came."""

_START: Final = f'{{"version":{ENVELOPE_VERSION},"topic":'


class Envelope(BaseModel):
    """How a frame is addressed: version 1, flat beside the message's own keys."""

    model_config = ConfigDict(frozen=True)

    version: int = ENVELOPE_VERSION
    topic: str
    ref: Ref = None
    seq: int | None = None


def is_topic_frame(content: object) -> bool:
    """Whether decoded JSON is addressed to a topic. One with ``"topic": null`` is not."""
    return isinstance(content, dict) and content.get("topic") is not None  # pyright: ignore[reportUnknownMemberType] -- any JSON


def may_be_topic_frame(text: str) -> bool:
    """A cheap test before decoding: without the key, plain or escaped, a frame is addressed to no topic."""
    return '"topic"' in text or "\\u" in text


def message_part(content: dict[str, Any]) -> dict[str, Any]:
    """A topic frame without the keys of its envelope."""
    return {key: value for key, value in content.items() if key not in ENVELOPE_FIELDS}


def enveloped(text: str, topic: str, *, ref: Ref = None, seq: int | None = None) -> str:
    """An encoded message with the keys of the envelope before its own; ``ref`` and ``seq`` only where given."""
    keys = _START + _json(topic)
    if ref is not None:
        keys += ',"ref":' + _json(ref)
    if seq is not None:
        keys += f',"seq":{seq}'
    return f"{keys},{text[1:]}"


def _json(value: str | int) -> str:
    return to_json(value).decode()

"""The channel objects of a document."""

import re
from collections.abc import Iterable
from typing import Any, Final

from chanx.asyncapi.descriptions import channel_description, channel_tags
from chanx.asyncapi.sources import ChannelSource
from chanx.core.registry import MESSAGES
from chanx.messages.base import ACTION
from chanx.routing.discovery import RouteInfo

_CONVERTER: Final = re.compile(r"[A-Za-z_]\w*")


def channel_object(source: ChannelSource, message_keys: Iterable[str]) -> dict[str, Any]:
    """One channel with its messages; what there is nothing to say about is left out."""
    description = channel_description(source.cls)
    parts: dict[str, Any] = {
        "address": source.route.channel_path,
        "title": source.title,
        "description": description,
        "parameters": _parameters(source.route),
        "x-topic": _topic(source),
        "x-discriminator": None if source.discriminator == ACTION else source.discriminator,
        "messages": {key: {"$ref": MESSAGES + key} for key in sorted(message_keys)},
        "tags": [{"name": tag} for tag in channel_tags(source.cls)],
    }
    return {key: value for key, value in parts.items() if value or key == "address"}


def _parameters(route: RouteInfo) -> dict[str, Any]:
    return {
        name: {"description": f"Path parameter for {name} ({_converter(route, name, converter)})"}
        for name, converter in (route.path_params or {}).items()
        if f"{{{name}}}" in route.channel_path
    }


def _converter(route: RouteInfo, name: str, converter: str) -> str:
    is_regex = f"(?P<{name}>" in route.path or not _CONVERTER.fullmatch(converter)
    return f"regex: {converter}" if is_regex else converter


def _topic(source: ChannelSource) -> dict[str, Any] | None:
    topic = source.topic
    if topic is None:
        return None
    content = {"name": source.topic_name, "pattern": topic.pattern, "parameters": [*topic.parameters()]}
    return content if topic.protocol is None else {**content, "protocol": topic.protocol}

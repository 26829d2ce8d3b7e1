"""What changed of a channel itself: where it is, its parameters, and what its frames are like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from chanx.asyncapi.changes import Change
from chanx.asyncapi.contract import ChannelContract

_PARAMETER: Final = re.compile(r"\{([^}]*)\}")

_WIDER: Final[Mapping[str, frozenset[str]]] = {
    "int": frozenset(("slug", "str", "path")),
    "uuid": frozenset(("slug", "str", "path")),
    "slug": frozenset(("str", "path")),
    "str": frozenset(("path",)),
}
"""Converters of URLs, and which others take all that they take."""


def channel_changes(old: ChannelContract, new: ChannelContract) -> Iterator[Change]:
    """Changes of the channel that are none of its messages'."""
    if old.key != new.key:
        text = f"was called `{old.key}`: generated clients name it otherwise"
        yield Change("compatible", new.key, "", "channel_renamed", text)
    before, after = old.channel, new.channel
    renamed = _renamed_parameters(before.address, after.address)
    for name, other in renamed.items():
        text = f"is the parameter `{other}` of the address now, for generated clients; the address itself is the same"
        yield Change("breaking", new.key, name, "parameter_renamed", text)
    if before.address != after.address and not renamed:
        text = f"is at {after.address} now, and was at {before.address}"
        yield Change("breaking", new.key, "", "address", text)
    yield from _parameter_changes(old, new, renamed)
    if old.discriminator != new.discriminator:
        text = f"tells messages apart by `{new.discriminator}` now, and did by `{old.discriminator}`"
        yield Change("breaking", new.key, "", "discriminator", text)
    yield from _topic_changes(old, new)


def _renamed_parameters(before: str, after: str) -> dict[str, str]:
    """The old and the new names of parameters, where nothing else of the two addresses differs."""
    if _PARAMETER.sub("{}", before) != _PARAMETER.sub("{}", after):
        return {}
    pairs = zip(_PARAMETER.findall(before), _PARAMETER.findall(after), strict=True)
    return {name: other for name, other in pairs if name != other}


def _parameter_changes(old: ChannelContract, new: ChannelContract, renamed: Mapping[str, str]) -> Iterator[Change]:
    before = {renamed.get(name, name): kind for name, kind in _parameters(old).items()}
    after = _parameters(new)
    for name in before:
        if name not in after:
            yield Change("breaking", new.key, name, "parameter_removed", "is no parameter of the address any more")
    for name, kind in after.items():
        if name not in before:
            yield Change("breaking", new.key, name, "parameter_added", "is a new parameter of the address")
        elif (was := before[name]) and kind and was != kind:
            is_wider = kind in _WIDER.get(was, ())
            text = f"is a parameter of the kind {kind} now, and was {was}"
            text += "" if is_wider else ": it may refuse what it took before"
            yield Change("compatible" if is_wider else "breaking", new.key, name, "parameter_kind", text)


def _parameters(channel: ChannelContract) -> dict[str, str | None]:
    """The parameters of the address, and the converter or expression in the description of each, if it has one."""
    names: list[str] = _PARAMETER.findall(channel.channel.address)
    described: dict[str, str | None] = dict.fromkeys(names)
    for name, parameter in channel.channel.parameters.items():
        found = re.search(r"\((.*)\)\s*$", parameter.description or "", re.DOTALL)
        described[name] = found[1] if found else None
    return described


def _topic_changes(old: ChannelContract, new: ChannelContract) -> Iterator[Change]:
    before, after = old.channel.topic, new.channel.topic
    if before is None or after is None:
        if before is not after:
            became = "is a topic now: its frames name it" if after else "is no topic any more: its frames name none"
            yield Change("breaking", new.key, "", "topic", became)
        return
    facts: tuple[tuple[str, Any, Any], ...] = (
        ("pattern", before.pattern, after.pattern),
        ("protocol", before.protocol, after.protocol),
    )
    for what, was, now in facts:
        if was != now:
            text = f"has the topic {what} {_or_none(now)} now, and had {_or_none(was)}"
            yield Change("breaking", new.key, "", f"topic_{what}", text)


def _or_none(value: str | None) -> str:
    return "none" if value is None else f"`{value}`"

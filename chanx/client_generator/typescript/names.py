"""Names of methods, classes and directories of a TypeScript client."""

from __future__ import annotations

import re
from typing import Final
from unicodedata import normalize

from chanx.client_generator.names import pascal_case, unique_name
from chanx.utils.naming import snake_case

RUNTIME_MEMBERS: Final[frozenset[str]] = frozenset(
    [
        "ask",
        "close",
        "connect",
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "job",
        "jobs",
        "name",
        "on",
        "ready",
        "refused",
        "request",
        "retryNow",
        "send",
        "status",
        "tell",
        "then",
        "toJSON",
        "toLocaleString",
        "toString",
        "topic",
        "valueOf",
        "waitFor",
    ]
)
"""What a class of the runtime has already, or JavaScript looks for."""

OBJECT_MEMBERS: Final[frozenset[str]] = frozenset(
    [
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
    ]
)
"""What every object has, so that an object without such a property is not taken for one that may have it."""

RUNTIME_NAMES: Final = (
    "ChannelClient",
    "ConnectOptions",
    "OnTopic",
    "OwnEvent",
    "RequestOptions",
    "Topic",
    "TopicOptions",
    "channelUrl",
    "topicName",
)
"""What the modules of a client import of it."""

OWN_DIRECTORIES: Final[frozenset[str]] = frozenset(
    ("index", "readme", "runtime", "shared", "aux", "con", "nul", "prn")  # the last four are devices of Windows
)

_NO_ASCII: Final = re.compile(r"[^A-Za-z0-9_$]+")


def method_name(text: str, taken: set[str], *, suffix: str) -> str:
    """The text in camelCase, with ``suffix`` where a method has that name; it is taken from then on."""
    words = pascal_case(_NO_ASCII.sub("_", normalize("NFKC", text)))
    name = words[:1].lower() + words[1:]
    if not name or name[0].isdigit():
        name = f"{suffix.lower()}{name}"
    if name in taken:
        name += suffix
    name = unique_name(name, taken)
    taken.add(name)
    return name


def class_name(text: str, taken: set[str]) -> str:
    """The text in PascalCase, with a number where there is one of that name; it is taken from then on."""
    name = pascal_case(_NO_ASCII.sub("_", normalize("NFKC", text)))
    if not name or name[0].isdigit():
        name = f"Channel{name}"
    name = unique_name(name, taken)
    taken.add(name)
    return name


def directory_name(text: str, taken: set[str]) -> str:
    """The text in snake_case, as a directory that every file system takes; it is taken from then on."""
    name = re.sub(r"__+", "_", snake_case(_NO_ASCII.sub("_", normalize("NFKC", text)))).strip("_").lower()
    name = unique_name(name or "channel", taken)
    taken.add(name)
    return name

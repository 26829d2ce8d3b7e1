"""What properties are called in Python, where their own names cannot be names of a Pydantic model's fields."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Mapping
from typing import Final

from chanx.client_generator.base import ProtocolMessage
from chanx.client_generator.declarations import ObjectDeclaration
from chanx.client_generator.names import is_identifier, unique_name

# A field of such a name would hide the type from the annotations below it.
_TYPES: Final = {"str", "int", "float", "bool", "list", "dict", "tuple"}
_RESERVED: Final = frozenset({*keyword.kwlist, *_TYPES, *dir(ProtocolMessage)})


def field_names(declaration: ObjectDeclaration, types: Collection[str]) -> Mapping[str, str]:
    """The name of each property, by its key on the wire: the key wherever that can be.

    Else it is the key with an underscore after it (``class_``), or without what no name can have. ``types`` are the
    names of the module's types.
    """
    keys = [one.wire_name for one in declaration.properties]
    names = {key: key for key in keys if _can_stay(key, types)}
    for key in keys:
        if key not in names:
            names[key] = unique_name(_made(key, types), names.values())
    return names


def _can_stay(key: str, types: Collection[str]) -> bool:
    return is_identifier(key) and not key.startswith("_") and key not in _RESERVED and key not in types


def _made(key: str, types: Collection[str]) -> str:
    name = re.sub(r"\W+", "_", key).strip("_")
    if not is_identifier(name):
        name = f"field_{name}" if is_identifier(f"field_{name}") and name else "field"
    return name if _can_stay(name, types) else f"{name}_"

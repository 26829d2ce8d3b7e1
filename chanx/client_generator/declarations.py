"""The types of a document as a tree of values: what both languages are written from.

JSON Schemas (``components/schemas``) ─> declarations_of() ─> Declarations ─> Pydantic models, TypeScript interfaces
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

ScalarKind: TypeAlias = Literal["string", "integer", "number", "boolean", "null", "any", "never"]


class Missing:
    """Where a field has no default."""


MISSING: Final = Missing()


@dataclass(frozen=True, slots=True)
class Scalar:
    """``format`` is JSON Schema's (``date-time``, ``uuid``, …); ``constraints`` its keywords (``maxLength``, …)."""

    kind: ScalarKind
    format: str | None = None
    constraints: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Literals:
    """One of these values: strings, numbers, booleans, None."""

    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ArrayOf:
    items: Type
    constraints: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class TupleOf:
    """``rest`` is the type of further items, None where there are none."""

    items: tuple[Type, ...]
    rest: Type | None = None


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object with keys of the user's."""

    values: Type
    constraints: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class UnionOf:
    """``discriminator`` is the wire name of the key that tells the options apart, if the schema names one."""

    options: tuple[Type, ...]
    discriminator: str | None = None


@dataclass(frozen=True, slots=True)
class ReferenceTo:
    """A declaration, by its name."""

    name: str


Type: TypeAlias = Scalar | Literals | ArrayOf | TupleOf | MapOf | UnionOf | ReferenceTo


@dataclass(frozen=True, slots=True)
class Property:
    """``wire_name`` is the key in JSON; ``default`` is JSON too."""

    wire_name: str
    type: Type
    is_required: bool
    default: Any = MISSING
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectDeclaration:
    """``extra``: the type of keys that are not among the properties; None where the schema says nothing about them."""

    name: str
    properties: tuple[Property, ...]
    description: str | None = None
    extra: Type | None = None


@dataclass(frozen=True, slots=True)
class EnumDeclaration:
    name: str
    values: tuple[Any, ...]
    description: str | None = None


@dataclass(frozen=True, slots=True)
class AliasDeclaration:
    """A schema that is neither an object nor an enumeration."""

    name: str
    type: Type
    description: str | None = None


Declaration: TypeAlias = ObjectDeclaration | EnumDeclaration | AliasDeclaration

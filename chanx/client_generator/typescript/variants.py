"""The forms of a declaration: what the server sends has every default, what a client sends need not.

names that are received ─┐
names that are sent ─────┴> Variants: a declaration that is both, and not the same, gets a second type, ``…Input``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from chanx.client_generator.declarations import Declaration, ObjectDeclaration
from chanx.client_generator.names import unique_name
from chanx.client_generator.references import needed_by, references_in, types_in
from chanx.client_generator.typescript.type_text import declaration_text, is_optional

Direction: TypeAlias = Literal["received", "sent"]

_SUFFIX: Final = "Input"


@dataclass(frozen=True, slots=True)
class Variant:
    """One form of a declaration, and its name."""

    declaration: Declaration
    direction: Direction
    name: str


class Variants:
    """The types that a client needs of a document.

    ``received`` and ``sent`` are the names of declarations that go each way; ``names`` are those of all types.
    """

    def __init__(
        self,
        declarations: Mapping[str, Declaration],
        received: Iterable[str],
        sent: Iterable[str],
    ) -> None:
        self._declarations = declarations
        self._received = needed_by(received, declarations)
        self._sent = needed_by(sent, declarations)
        self._differing = self._find_differing()
        self._second: dict[str, str] = {}
        self.names = set(declarations)
        for name in declarations:
            if name in self._differing:
                self._second[name] = unique_name(name + _SUFFIX, self.names)
                self.names.add(self._second[name])

    def name_of(self, name: str, direction: Direction) -> str:
        """The name of the type that the declaration is in this direction."""
        return self._second.get(name, name) if direction == "sent" else name

    def needed(self, received: Iterable[str], sent: Iterable[str]) -> list[Variant]:
        """The types behind these names, in the order of the document."""
        there = {"received": needed_by(received, self._declarations), "sent": needed_by(sent, self._declarations)}
        found: dict[str, Variant] = {}
        for name, declaration in self._declarations.items():
            for direction in ("received", "sent"):
                if name in there[direction]:
                    variant = self._variant(declaration, direction)
                    found.setdefault(variant.name, variant)
        return list(found.values())

    def text(self, variant: Variant) -> str:
        """The source of a type."""

        def name_of(name: str) -> str:
            return self.name_of(name, variant.direction)

        is_read = variant.direction == "received"
        return declaration_text(variant.declaration, variant.name, name_of, is_read=is_read)

    def referred(self, variant: Variant) -> set[str]:
        """The names of the types that a type refers to."""
        found = (name for type_ in types_in(variant.declaration) for name in references_in(type_))
        return {self.name_of(name, variant.direction) for name in found}

    def _variant(self, declaration: Declaration, direction: Direction) -> Variant:
        name = declaration.name
        if name in self._differing:
            return Variant(declaration, direction, self.name_of(name, direction))
        return Variant(declaration, "received" if name in self._received else "sent", name)

    def _find_differing(self) -> set[str]:
        """Which of those that go both ways are not the same in both, by themselves or by what they refer to."""
        both = self._received & self._sent
        found = {name for name in both if _differs(self._declarations[name])}
        while more := {name for name in both - found if self._refers(name) & found}:
            found |= more
        return found

    def _refers(self, name: str) -> set[str]:
        return {other for type_ in types_in(self._declarations[name]) for other in references_in(type_)}


def _differs(declaration: Declaration) -> bool:
    if not isinstance(declaration, ObjectDeclaration):
        return False
    return any(is_optional(one, is_read=False) != is_optional(one, is_read=True) for one in declaration.properties)

"""Whether every value of one JSON Schema is a value of another, and where not.

It is sound, not complete: what it cannot decide is told as a difference. Recursive schemas are compared by assuming
what is being compared already, and taking back whatever was built on an assumption that turned out wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chanx.asyncapi.schema_atoms import (
    INTEGER,
    KEYWORDS,
    Atom,
    Choice,
    Part,
    Schema,
    SchemaReader,
    canonical,
    checked,
)
from chanx.asyncapi.schema_bounds import broken_bounds, of_value
from chanx.asyncapi.schema_difference import Difference, merged
from chanx.asyncapi.schema_equality import Equality
from chanx.asyncapi.schema_objects import object_differences


class Inclusion:
    """Compares schemas of the document ``inner`` with schemas of the document ``outer``.

    ``is_sent``: they are of what a server sends. Then properties that have a default are always there, and keys
    that the reader does not know are ignored even where its schema forbids them. What objects of ``inner`` may have
    beyond the properties they declare only counts where ``additionalProperties`` says that they may.

    ``names_matter``: a property that the outer schema does not declare is a difference, though it would be ignored.
    """

    def __init__(self, inner: SchemaReader, outer: SchemaReader, *, is_sent: bool, names_matter: bool = False) -> None:
        self.inner = inner
        self.outer = outer
        self.is_sent = is_sent
        self.names_matter = names_matter
        self._equality = Equality(inner, outer)
        self._assumed: dict[tuple[int, int], None] = {}
        self._failed: dict[tuple[int, int], tuple[Difference, ...]] = {}
        self._asked: set[tuple[int, int]] = set()
        self._kept: list[object] = []

    def differences(self, inner: Schema, outer: Schema) -> tuple[Difference, ...]:
        """Why not every value of the first is one of the second; empty if each is."""
        inner, outer = self.inner.followed(inner)[0], self.outer.followed(outer)[0]
        pair = (id(inner), id(outer))
        if pair in self._failed:
            return self._failed[pair]
        if pair in self._assumed or self._equality.are_equal(inner, outer):
            return ()
        self._kept += (inner, outer)  # an id is only its own while the object lives
        before = len(self._assumed)
        self._assumed[pair] = None
        found = tuple(merged(self._of_atoms(self.inner.atoms(inner), outer)))
        if found:
            while len(self._assumed) > before:
                self._assumed.popitem()
            self._failed[pair] = found
        return found

    def _of_atoms(self, atoms: Sequence[Atom], outer: Schema) -> Iterator[Difference]:
        has_variants = sum(atom.type == "object" for atom in atoms) > 1
        for atom in atoms:
            found = self._of_atom(atom, outer)
            if found and has_variants and self._is_variant(atom, outer):
                found = [Difference((), "variant", (type_name(atom),))]
            yield from found

    def _of_atom(self, atom: Atom, outer: Schema) -> list[Difference]:
        question = (id(atom), id(outer))
        if question in self._asked:  # a choice of itself takes nothing by that
            return [Difference((), "type", (type_name(atom),))]
        self._asked.add(question)
        try:
            return [difference for part in self.outer.parts(outer) for difference in self._of_part(atom, part)]
        finally:
            self._asked.discard(question)

    def _of_part(self, atom: Atom, part: Part) -> Sequence[Difference]:
        if isinstance(part, Choice):
            return self._of_choice(atom, part)
        of_type = [other for other in part if other.type == atom.type]
        if not of_type:
            if atom.is_value and atom.type not in ("null", "boolean"):
                return [Difference((), "values", (atom.value,))]
            return [Difference((), "type", (type_name(atom),))]
        values = {canonical(other.value) for other in of_type if other.is_value}
        if atom.is_value and canonical(atom.value) in values:
            return []
        typed = [other for other in of_type if not other.is_value]
        if not typed:
            if atom.is_value:
                return [Difference((), "values", (atom.value,))]
            return [Difference((), "listed", (type_name(atom), *(other.value for other in of_type)))]
        return list(self._of_typed(atom, typed[0]))

    def _of_choice(self, atom: Atom, choice: Choice) -> Sequence[Difference]:
        attempts: list[list[Difference]] = []
        for place, option in enumerate(choice.options):
            attempt = self._of_atom(atom, checked(option))
            if not attempt:
                return [] if self._is_only_in(place, atom, choice) else [Difference((), "undecided", ("oneOf",))]
            attempts.append(attempt)
        # What is told is the difference to the option that was probably meant.
        of_type = [place for place, option in enumerate(choice.options) if self._has_type(option, atom.type)]
        if len(of_type) == 1:
            return attempts[of_type[0]]
        meant = [attempts[place] for place in of_type if not self._is_variant(atom, choice.options[place])]
        near = [attempt for attempt in meant if not any(difference.is_mismatch for difference in attempt)]
        if near:
            return min(near, key=len)
        if atom.is_value and any(difference.kind == "values" for attempt in attempts for difference in attempt):
            return [Difference((), "values", (atom.value,))]
        return [Difference((), "variant" if of_type else "type", (type_name(atom),))]

    def _has_type(self, option: Any, kind: str) -> bool:
        return any(other.type == kind for other in self.outer.atoms(checked(option)))

    def _is_variant(self, atom: Atom, option: Any) -> bool:
        """Whether the option is of objects that are told apart from those of the atom by a property's value."""
        others = [other for other in self.outer.atoms(checked(option)) if other.type == atom.type]
        return bool(others) and all(any(self._told_apart_by(atom, other)) for other in others)

    def _is_only_in(self, taken: int, atom: Atom, choice: Choice) -> bool:
        """Whether no value of the atom is one of another option of an exclusive choice."""
        return not choice.is_exclusive or all(
            other.type != atom.type
            or (other.is_value and atom.is_value and canonical(other.value) != canonical(atom.value))
            or any(_requires(name, atom) or _requires(name, other) for name in self._told_apart_by(atom, other))
            for place, option in enumerate(choice.options)
            if place != taken
            for other in self.outer.atoms(checked(option))
        )

    def _of_typed(self, atom: Atom, outer: Atom) -> Iterator[Difference]:
        if atom.is_value and atom.type in ("array", "object"):
            if outer.keywords:
                yield Difference((), "undecided", ("const",))
            return
        if atom.is_value and atom.type in ("null", "boolean"):
            keywords: Mapping[str, Any] = {}
        else:
            keywords = of_value(atom, outer.keywords) if atom.is_value else atom.keywords
        for keyword in outer.keywords:
            if (
                keyword not in KEYWORDS[atom.type]
                and keyword != INTEGER
                and not self._is_same(keyword, keywords, outer)
            ):
                yield Difference((), "undecided", (keyword,))
        for bound in broken_bounds(keywords, outer.keywords):
            yield self._of_bound(atom, bound)
        if atom.type == "array":
            yield from self._of_items(keywords, outer.keywords)
        elif atom.type == "object":
            yield from object_differences(self, keywords, outer.keywords)

    def _of_bound(self, atom: Atom, bound: tuple[str, Any, Any]) -> Difference:
        if atom.is_value:
            return Difference((), "values", (atom.value,))
        if bound[0] == "type":
            return Difference((), "type", ("a number with a fraction",))
        return Difference((), "bound", bound)

    def _of_items(self, inner: Mapping[str, Any], outer: Mapping[str, Any]) -> Iterator[Difference]:
        (places, rest), (outer_places, outer_rest) = _items(inner), _items(outer)
        listed, longest = max(len(places), len(outer_places)), inner.get("maxItems")
        for place in range(listed if longest is None else min(listed, longest)):
            item = places[place] if place < len(places) else rest
            other = outer_places[place] if place < len(outer_places) else outer_rest
            yield from self.at(f"[{place}]", item, other)
        if longest is None or longest > listed:
            yield from self.at("[]", rest, outer_rest)

    def at(self, step: str, inner: Any, outer: Any) -> Iterator[Difference]:
        """The differences of two schemas that stand under one step of a path."""
        return (found.under(step) for found in self.differences(checked(inner), checked(outer)))

    def _is_same(self, keyword: str, inner: Mapping[str, Any], outer: Atom) -> bool:
        return keyword in inner and self._equality.are_equal(inner[keyword], outer.keywords[keyword])

    def _told_apart_by(self, atom: Atom, outer: Atom) -> Iterator[str]:
        """The properties that have other values in each of two objects."""
        if atom.is_value or outer.is_value or not atom.type == outer.type == "object":
            return
        mine: Mapping[str, Any] = atom.keywords.get("properties", {})
        theirs: Mapping[str, Any] = outer.keywords.get("properties", {})
        for name in mine:
            if name in theirs:
                first, second = self.inner.atoms(checked(mine[name])), self.outer.atoms(checked(theirs[name]))
                if _are_disjoint(first, second):
                    yield name


_NAMES: Final = {
    "array": "a list",
    "object": "an object",
    "string": "text",
    "number": "a number",
    "boolean": "true or false",
}


def type_name(atom: Atom) -> str:
    """What an atom's values are, in a reader's words."""
    if atom.type == "null":
        return "null"
    if atom.type == "number" and atom.keywords.get(INTEGER):
        return "a whole number"
    if atom.type == "object" and atom.name:
        return f"`{atom.name}`"
    return _NAMES[atom.type]


def _items(keywords: Mapping[str, Any]) -> tuple[Sequence[Any], Any]:
    """The schemas of the first items, one by one, and that of all others."""
    items = keywords.get("items", True)
    if isinstance(items, list):  # as JSON Schema had it until draft 7
        return items, keywords.get("additionalItems", True)  # pyright: ignore[reportUnknownVariableType] -- any JSON
    return keywords.get("prefixItems", ()), items


def _requires(name: str, atom: Atom) -> bool:
    return name in atom.keywords.get("required", ())


def _are_disjoint(first: Sequence[Atom], second: Sequence[Atom]) -> bool:
    if not first or not second or not all(atom.is_value for atom in (*first, *second)):
        return False
    return {canonical(atom.value) for atom in first}.isdisjoint(canonical(atom.value) for atom in second)

"""One reason why a value of one JSON Schema may be none of another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from chanx.asyncapi.schema_atoms import canonical

DifferenceKind: TypeAlias = Literal[
    "type", "variant", "values", "listed", "bound", "required", "unexpected", "keys", "undecided"
]

Path: TypeAlias = tuple[str, ...]
"""Names of properties, ``[]`` for the items of a list, ``[0]`` for one of them, ``{}`` for the values of a map."""


@dataclass(frozen=True, slots=True)
class Difference:
    """At ``path`` the first schema has values that the second does not take.

    ``type`` and ``variant``: ``details`` are what the types, or the objects, are called. ``values``: single values.
    ``listed``: what the type is called, then the only values of it that the second takes.
    ``bound``: the keyword, then its value in the first schema and in the second. ``required``: the second requires the
    property that ``path`` ends with; the one detail is whether the first declares it. ``unexpected``: the second takes
    no such property. ``keys``: it takes none beside those that it declares. ``undecided``: the keyword that cannot be
    compared.
    """

    path: Path
    kind: DifferenceKind
    details: tuple[Any, ...] = ()

    def under(self, step: str) -> Difference:
        """The same difference, of what stands under ``step``."""
        return replace(self, path=(step, *self.path))

    @property
    def is_mismatch(self) -> bool:
        """Whether the two are different things altogether, rather than one thing that changed."""
        return not self.path and self.kind in ("type", "variant", "values", "listed")


def merged(differences: Iterable[Difference]) -> Iterator[Difference]:
    """Each difference once; those that list types, objects or values at one place together."""
    lists: dict[tuple[Path, DifferenceKind], dict[str, Any]] = {}
    others: dict[tuple[Path, DifferenceKind, str], Difference] = {}
    for difference in differences:
        if difference.kind in ("type", "variant", "values"):
            found = lists.setdefault((difference.path, difference.kind), {})
            found.update((canonical(detail), detail) for detail in difference.details)
        else:
            others.setdefault((difference.path, difference.kind, canonical(difference.details)), difference)
    for (path, kind), details in lists.items():
        yield Difference(path, kind, tuple(details.values()))
    yield from others.values()

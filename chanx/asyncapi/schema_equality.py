"""Whether two parts of documents say the same, whatever their components are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from chanx.asyncapi.schema_atoms import ANNOTATIONS, SchemaReader, canonical

_BY_NAME: Final = frozenset(("properties", "patternProperties", "dependentSchemas", "dependentRequired"))


def are_equal(first_reader: SchemaReader, first: Any, second_reader: SchemaReader, second: Any) -> bool:
    """Whether two schemas, or lists or objects of schemas, are written alike, annotations and names aside."""
    return _Comparison(first_reader, second_reader).equal(first, second)


class _Comparison:
    def __init__(self, first: SchemaReader, second: SchemaReader) -> None:
        self._first = first
        self._second = second
        self._assumed: set[tuple[int, int]] = set()

    def equal(self, first: Any, second: Any) -> bool:
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            return self._schemas_equal(cast("Mapping[str, Any]", first), cast("Mapping[str, Any]", second))
        if isinstance(first, list) and isinstance(second, list):
            mine, theirs = cast("Sequence[Any]", first), cast("Sequence[Any]", second)
            return len(mine) == len(theirs) and all(map(self.equal, mine, theirs))
        return canonical(first) == canonical(second)

    def _schemas_equal(self, first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
        mine, theirs = self._first.followed(first)[0], self._second.followed(second)[0]
        if isinstance(mine, bool) or isinstance(theirs, bool):
            return mine is theirs
        pair = (id(mine), id(theirs))
        if pair in self._assumed:
            return True
        self._assumed.add(pair)
        keys = mine.keys() - ANNOTATIONS
        return keys == theirs.keys() - ANNOTATIONS and all(
            (self._named_equal if key in _BY_NAME else self.equal)(mine[key], theirs[key]) for key in keys
        )

    def _named_equal(self, first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
        return first.keys() == second.keys() and all(self.equal(first[name], second[name]) for name in first)

"""Whether two parts of documents say the same, whatever their components are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from chanx.asyncapi.schema_atoms import ANNOTATIONS, SchemaReader, canonical
from chanx.core.schema_walk import REFERENCE

_BY_NAME: Final = frozenset(("properties", "patternProperties", "dependentSchemas", "dependentRequired"))
_DEFAULT: Final = "default"


class Equality:
    """Whether schemas of one document are written as those of another are; it remembers which are."""

    def __init__(self, first: SchemaReader, second: SchemaReader) -> None:
        self._first = first
        self._second = second
        # The objects too: an id is only its own while the object lives.
        self._equal: dict[tuple[int, int], tuple[object, object]] = {}
        self._unequal: dict[tuple[int, int], tuple[object, object]] = {}

    def are_equal(self, first: Any, second: Any) -> bool:
        """Whether two schemas, or lists or objects of schemas, are written alike.

        Names of components do not count, nor do annotations, but that there is a default.
        """
        before = len(self._equal)
        if self._is_equal(first, second):
            return True
        while len(self._equal) > before:  # they were equal if those around them were
            self._equal.popitem()
        return False

    def _is_equal(self, first: Any, second: Any) -> bool:
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            return self._schemas_equal(cast("Mapping[str, Any]", first), cast("Mapping[str, Any]", second))
        if isinstance(first, list) and isinstance(second, list):
            mine, theirs = cast("Sequence[Any]", first), cast("Sequence[Any]", second)
            return len(mine) == len(theirs) and all(map(self._is_equal, mine, theirs))
        return canonical(first) == canonical(second)

    def _schemas_equal(self, first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
        mine, theirs = self._first.followed(first)[0], self._second.followed(second)[0]
        if isinstance(mine, bool) or isinstance(theirs, bool):
            return mine is theirs
        pair = (id(mine), id(theirs))
        if pair in self._equal or pair in self._unequal:
            return pair in self._equal
        self._equal[pair] = (mine, theirs)
        if self._keywords_equal(mine, theirs):
            return True
        self._unequal[pair] = (mine, theirs)
        return False

    def _keywords_equal(self, first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
        keys = first.keys() - ANNOTATIONS
        return (
            keys == second.keys() - ANNOTATIONS
            and (_DEFAULT in first) == (_DEFAULT in second)
            and all(self._values_equal(key, first[key], second[key]) for key in keys)
        )

    def _values_equal(self, key: str, first: Any, second: Any) -> bool:
        if key == REFERENCE:  # with other keywords beside it
            return self._is_equal({key: first}, {key: second})
        return (self._named_equal if key in _BY_NAME else self._is_equal)(first, second)

    def _named_equal(self, first: Any, second: Any) -> bool:
        if not isinstance(first, Mapping) or not isinstance(second, Mapping):
            return canonical(first) == canonical(second)
        mine, theirs = cast("Mapping[str, Any]", first), cast("Mapping[str, Any]", second)
        return mine.keys() == theirs.keys() and all(self._is_equal(mine[name], theirs[name]) for name in mine)

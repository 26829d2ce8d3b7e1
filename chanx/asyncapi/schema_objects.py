"""Whether the objects of one JSON Schema are objects of another: their properties, and the keys beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, cast

from chanx.asyncapi.schema_difference import Difference


class Comparing(Protocol):
    """What compares the schemas inside of objects; its options are those of ``Inclusion``."""

    is_sent: bool
    names_matter: bool

    def at(self, step: str, inner: Any, outer: Any) -> Iterable[Difference]:
        """The differences of two schemas that stand under one step of a path."""
        ...


def object_differences(
    comparing: Comparing, inner: Mapping[str, Any], outer: Mapping[str, Any]
) -> Iterator[Difference]:
    """Why not every object that the keywords ``inner`` let through is one that ``outer`` do."""
    objects = _Objects(comparing, inner, outer)
    yield from objects.required()
    yield from objects.declared()
    yield from objects.undeclared()
    yield from objects.names()


class _Objects:
    def __init__(self, comparing: Comparing, inner: Mapping[str, Any], outer: Mapping[str, Any]) -> None:
        self._comparing = comparing
        self._inner = inner
        self._outer = outer
        self._properties: Mapping[str, Any] = inner.get("properties", {})
        self._outer_properties: Mapping[str, Any] = outer.get("properties", {})
        self._outer_patterns: Mapping[str, Any] = outer.get("patternProperties", {})
        # None: an object has the keys that it declares. Where nothing is said of properties at all, it has any.
        bare = "properties" not in inner and "patternProperties" not in inner
        self._additional: Any = inner.get("additionalProperties", True if bare else None)
        self._outer_additional: Any = outer.get("additionalProperties", True)
        if comparing.names_matter and "properties" in outer:
            self._outer_additional = outer.get("additionalProperties", False)
        elif comparing.is_sent and self._outer_additional is False:
            self._outer_additional = True

    def required(self) -> Iterator[Difference]:
        always = self._always(self._inner)
        for name in self._always(self._outer):
            if name not in always:
                yield Difference((name,), "required", (name in self._properties,))

    def declared(self) -> Iterator[Difference]:
        """The properties that the inner schema declares."""
        for name, schema in self._properties.items():
            found = [other for pattern, other in self._outer_patterns.items() if _matches(pattern, name)]
            if name in self._outer_properties:
                found.append(self._outer_properties[name])
            if found:
                for other in found:
                    yield from self._comparing.at(name, schema, other)
            elif self._outer_additional is False:
                if schema is not False:
                    yield Difference((name,), "unexpected")
            else:
                yield from self._comparing.at(name, schema, self._outer_additional)

    def undeclared(self) -> Iterator[Difference]:
        """The keys that it lets its user choose."""
        patterns: Mapping[str, Any] = self._inner.get("patternProperties", {})
        if self._additional in (None, False) and not patterns:
            return
        values = list(patterns.values()) + ([] if self._additional in (None, False) else [self._additional])
        for name, other in self._outer_properties.items():
            if name not in self._properties:
                for value in values:
                    yield from self._comparing.at(name, value, other)
        if patterns.keys() != self._outer_patterns.keys() and self._outer_patterns:
            yield Difference((), "undecided", ("patternProperties",))
        for pattern, value in patterns.items():
            yield from self._other_keys(value, self._outer_patterns.get(pattern, self._outer_additional))
        if self._additional not in (None, False):
            yield from self._other_keys(self._additional, self._outer_additional)

    def names(self) -> Iterator[Difference]:
        """What a key may be."""
        names = self._outer.get("propertyNames")
        if names is None:
            return
        for name in self._properties:
            if any(True for _ in self._comparing.at(name, {"const": name}, names)):
                yield Difference((name,), "unexpected")
        if self._additional not in (None, False) or "patternProperties" in self._inner:
            yield from self._comparing.at("{key}", self._inner.get("propertyNames", _ANY_NAME), names)

    def _other_keys(self, value: Any, other: Any) -> Iterable[Difference]:
        if other is False and value is not False:
            return [Difference((), "keys")]
        return self._comparing.at("{}", value, other)

    def _always(self, keywords: Mapping[str, Any]) -> Iterable[str]:
        required: Iterable[str] = keywords.get("required", ())
        if not self._comparing.is_sent:
            return required
        properties: Mapping[str, Any] = keywords.get("properties", {})
        defaults = (name for name, schema in properties.items() if _has_default(schema))
        return dict.fromkeys((*required, *defaults))


_ANY_NAME = {"type": "string"}


def _has_default(schema: Any) -> bool:
    return isinstance(schema, Mapping) and "default" in cast("Mapping[str, Any]", schema)


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:  # of another dialect
        return False

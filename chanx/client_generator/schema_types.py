"""From JSON Schemas to the tree of types: what a schema says that no type can say is left out, so that it takes more.

components/schemas ─┐
inline payloads    ─┴> SchemaTypes ─> Declarations, each with a name of its own
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final, cast

from chanx.asyncapi.pointers import at_pointer, escaped, key_of, unescaped
from chanx.client_generator.declarations import (
    MISSING,
    AliasDeclaration,
    ArrayOf,
    Declaration,
    EnumDeclaration,
    Literals,
    MapOf,
    ObjectDeclaration,
    Property,
    ReferenceTo,
    Scalar,
    ScalarKind,
    TupleOf,
    Type,
    UnionOf,
)
from chanx.client_generator.json_schema import (
    ANNOTATIONS,
    Schema,
    constraints,
    discriminator,
    is_record,
    kinds,
    mapping,
    plain_schema,
    says_something,
    sequence,
    strings,
    text,
)
from chanx.client_generator.names import pascal_case, type_name, unique_name
from chanx.client_generator.schema_merging import merged, without_all_of
from chanx.client_generator.unions import ANY, NEVER, literals, union_of
from chanx.errors import DocumentError

_COMPONENTS: Final = "#/components/schemas/"
_MAX_TUPLES: Final = 8
_SCALARS: Final[Mapping[str, ScalarKind]] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def declarations_of(schemas: Mapping[str, Any], document: Mapping[str, Any] | None = None) -> tuple[Declaration, ...]:
    """The types of ``components/schemas``: those of the schemas in their order, each with what is nested in it.

    ``document`` is what references are looked up in, by default one with these schemas alone; a schema's own ``$defs``
    are found too. Raises ``DocumentError`` for a reference that leads nowhere or out of the document, and for a type
    that is nothing but itself.
    """
    return SchemaTypes(document or {"components": {"schemas": schemas}}, schemas).declarations()


@dataclass(frozen=True, slots=True)
class _Place:
    """``root``: the pointer to the schema that local ``$defs`` are looked up in; ``name`` for what is lifted here."""

    root: str
    name: str

    def inside(self, part: str) -> _Place:
        return replace(self, name=self.name + (pascal_case(part) or "Value"))


class SchemaTypes:
    """The types of one document. Inline schemas of messages are added with ``declared``."""

    def __init__(self, document: Mapping[str, Any], schemas: Mapping[str, Any]) -> None:
        self._document = document
        self._declared: dict[str, Declaration | None] = {}  # None while it is being made
        self._names: dict[str, str] = {}
        for key in sorted(schemas, key=lambda key: type_name(key) != key):  # a name that can stay is not taken away
            self._take_name(_COMPONENTS + escaped(key), key)
        for key in schemas:
            pointer = _COMPONENTS + escaped(key)
            self._declare(self._names[pointer], schemas[key], _Place(pointer, self._names[pointer]))

    def declarations(self) -> tuple[Declaration, ...]:
        """All so far. Raises ``DocumentError`` if one of them is nothing but itself."""
        found = tuple(declaration for declaration in self._declared.values() if declaration is not None)
        aliases = {one.name: _direct_references(one.type) for one in found if isinstance(one, AliasDeclaration)}
        try:
            TopologicalSorter(aliases).prepare()
        except CycleError as error:
            names = " -> ".join(error.args[1])
            raise DocumentError(f"The schemas {names} lead back to themselves: put something between.") from None
        return found

    def declaration(self, name: str) -> Declaration:
        """The declaration of that name, which has to exist."""
        declaration = self._declared[name]
        if declaration is None:
            raise KeyError(name)
        return declaration

    def declared(self, schema: Any, pointer: str, name: str) -> str:
        """The name of the declaration of a schema that stands at ``pointer``: one that exists, or a new one."""
        content = self._reduced(schema)
        if not isinstance(content, bool) and "$ref" in content:
            return self._reference(content["$ref"], _Place(pointer, name)).name
        if pointer not in self._names:
            own = self._take_name(pointer, name)
            self._declare(own, schema, _Place(pointer, own))
        return self._names[pointer]

    def _take_name(self, pointer: str, text: str) -> str:
        self._names[pointer] = self._free_name(text)
        return self._names[pointer]

    def _free_name(self, text: str) -> str:
        return unique_name(type_name(text), {*self._names.values(), *self._declared})

    def _declare(self, name: str, schema: Any, place: _Place) -> None:
        self._declared[name] = None
        content = self._reduced(schema)
        description = text(mapping(content).get("description"))
        if not isinstance(content, bool) and is_record(content):
            self._declared[name] = self._record(name, content, place, description)
            return
        found = self._type(content, place)
        if isinstance(found, Literals) and "enum" in mapping(content):
            self._declared[name] = EnumDeclaration(name, found.values, description)
        else:
            self._declared[name] = AliasDeclaration(name, found, description)

    def _reduced(self, schema: Any) -> Schema | bool:
        """The schema without the keywords that others can say, and without options that only require properties."""
        if not isinstance(schema, Mapping | bool):
            raise DocumentError(f"The document has {schema!r} where a JSON Schema should be: an object, true or false.")
        schema = plain_schema(schema)
        content = schema if isinstance(schema, bool) else without_all_of(cast("Schema", schema), self._document)
        if isinstance(content, bool):
            return content
        options = {key: found for key in ("anyOf", "oneOf") if (found := sequence(content.get(key))) is not None}
        for key, found in options.items():
            if not any(_has_structure(option) for option in found):
                content = {name: value for name, value in content.items() if name != key}
        if content.get("nullable") is True:
            return {"anyOf": [{key: value for key, value in content.items() if key != "nullable"}, {"type": "null"}]}
        return content

    def _record(self, name: str, schema: Schema, place: _Place, description: str | None) -> ObjectDeclaration:
        required = strings(schema.get("required"))
        schemas = mapping(schema.get("properties"))
        properties = [
            self._property(key, schemas.get(key, True), key in required, place.inside(key))
            for key in dict.fromkeys((*schemas, *required))
            if schemas.get(key) is not False
        ]
        return ObjectDeclaration(name, tuple(properties), description, self._extra(schema, place))

    def _property(self, key: str, schema: Any, is_required: bool, place: _Place) -> Property:
        content = mapping(self._reduced(schema))
        return Property(
            wire_name=key,
            type=self._type(schema, place),
            is_required=is_required,
            default=mapping(schema).get("default", content.get("default", MISSING)),
            description=text(content.get("description")),
        )

    def _extra(self, schema: Schema, place: _Place) -> Type | None:
        """What keys beyond the named ones may have: those of a pattern, and others where the schema says so."""
        patterns = mapping(schema.get("patternProperties")).values()
        types = [self._type(value, place.inside("value")) for value in patterns]
        others = schema.get("additionalProperties")
        if others is False:
            return union_of(types) if types else None
        if others is None:
            return ANY if types else None
        return union_of([*types, self._type(others, place.inside("value"))])

    def _type(self, schema: Any, place: _Place) -> Type:
        content = self._reduced(schema)
        if isinstance(content, bool):
            return ANY if content else NEVER
        if "$ref" in content:
            return self._reference(content["$ref"], place)
        if "const" in content:
            return literals([content["const"]])
        if (values := sequence(content.get("enum"))) is not None:
            return literals(values)
        for key in ("anyOf", "oneOf"):
            if (options := sequence(content.get(key))) is not None:
                return self._union(content, key, options, place)
        types = [self._of_kind(kind, content, place) for kind in kinds(content)]
        return union_of(types) if types else ANY

    def _of_kind(self, kind: str, schema: Schema, place: _Place) -> Type:
        if kind == "object":
            return self._object({**schema, "type": kind}, place)
        if kind == "array":
            return self._array(schema, place)
        if kind not in _SCALARS:
            raise DocumentError(f"The JSON Schema of {place.name} has the type {kind!r}, which JSON Schema has not.")
        return Scalar(_SCALARS[kind], text(schema.get("format")), constraints(schema, kind))

    def _object(self, schema: Schema, place: _Place) -> Type:
        if not is_record(schema):
            values = self._extra(schema, place)
            return MapOf(ANY if values is None else values, constraints(schema, "object"))
        name = self._free_name(place.name)
        self._declare(name, schema, replace(place, name=name))
        return ReferenceTo(name)

    def _array(self, schema: Schema, place: _Place) -> Type:
        first, rest = sequence(schema.get("prefixItems")), schema.get("items", True)
        if first is None and (first := sequence(rest)) is not None:  # as older drafts of JSON Schema have it
            rest = schema.get("additionalItems", True)
        if first is None:
            return ArrayOf(self._type(rest, place.inside("item")), constraints(schema, "array"))
        return self._tuple(schema, first, rest, place)

    def _tuple(self, schema: Schema, first: Sequence[Any], rest: Any, place: _Place) -> Type:
        items = [self._type(item, place.inside(f"item{number}")) for number, item in enumerate(first, 1)]
        bounds = constraints(schema, "array")
        least = int(bounds.get("minItems", 0))
        ends = bounds.get("maxItems", len(items) + 1) <= len(items)
        further = NEVER if ends else self._type(rest, place.inside("item"))
        if items and least < max(len(items) - _MAX_TUPLES, 1):
            return ArrayOf(union_of([*items, further]), bounds)
        shorter = [TupleOf(tuple(items[:length])) for length in range(least, len(items))]
        return union_of([*shorter, TupleOf(tuple(items), None if further == NEVER else further)])

    def _union(self, schema: Schema, key: str, options: Sequence[Any], place: _Place) -> Type:
        shared = {
            name: value
            for name, value in schema.items()
            if name not in ANNOTATIONS and name not in (key, "discriminator")
        }
        if is_record(shared):
            options = [self._with_shared(option, shared) for option in options]
        records = [option for option in options if is_record(mapping(option))]
        types = [
            self._type(option, place if len(records) < 2 else place.inside(_option_name(option, number)))
            for number, option in enumerate(options, 1)
        ]
        return union_of(types, discriminator(schema))

    def _with_shared(self, option: Any, shared: Schema) -> Schema | bool:
        """The option, an object, with the properties that stand beside all options."""
        followed = without_all_of({"allOf": [option, {"type": "object"}]}, self._document)
        return merged(followed, shared)

    def _reference(self, reference: Any, place: _Place) -> ReferenceTo:
        pointer = self._absolute(reference, place)
        if pointer not in self._names:
            target = at_pointer(self._document, pointer)
            name = self._take_name(pointer, key_of(pointer))
            self._declare(name, target, _Place(place.root if pointer.startswith(f"{place.root}/") else pointer, name))
        return ReferenceTo(self._names[pointer])

    def _absolute(self, reference: Any, place: _Place) -> str:
        """The reference as a pointer into the document: ``#/$defs/…`` may be those of the schema it stands in."""
        local = str(reference).startswith(("#/$defs/", "#/definitions/"))
        if local and str(reference).split("/")[1] not in self._document:
            return place.root + str(reference).removeprefix("#")
        return "/".join(escaped(unescaped(part)) for part in str(reference).split("/"))


def _has_structure(option: Any) -> bool:
    """Whether an option says more than which properties there have to be."""
    if not isinstance(option, Mapping):
        return True
    keys: set[str] = set(cast("Schema", option))
    return not keys or says_something(dict.fromkeys(keys - {"required", "not"}))


def _option_name(option: Any, number: int) -> str:
    return text(mapping(option).get("title")) or f"Option{number}"


def _direct_references(found: Type) -> list[str]:
    """The declarations that a type is, with nothing between."""
    options = found.options if isinstance(found, UnionOf) else (found,)
    return [option.name for option in options if isinstance(option, ReferenceTo)]

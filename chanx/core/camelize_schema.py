"""From a model's Pydantic schema to its rename plans, one for what is sent and one for what is received."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, cast

from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_jsonable_python

from chanx.core.camelize_plan import Choice, Fields, Items, Plan, Reference, TaggedChoice, Values
from chanx.core.field_names import Direction, Schema, camel_names, computed_fields, field_keys, named_fields
from chanx.utils.naming import camel_case

_SEQUENCES: Final = ("list", "set", "frozenset", "generator")
_WRAPPERS: Final = {"lax-or-strict": "lax_schema", "json-or-python": "json_schema"}


def plan_of(model: type[BaseModel], direction: Direction) -> Plan | None:
    """The plan that renames a model's fields to camelCase (``out``), or back to what the model takes (``in``).

    Keys that aliases name stay as they are, and so do two fields that would get the same name.
    """
    schema: Any = TypeAdapter(model).core_schema
    builder = _Builder(direction)
    plan = builder.plan(schema)
    builder.plan_definitions()
    return plan


class _Builder:
    def __init__(self, direction: Direction) -> None:
        self._direction: Direction = direction
        self._out = direction == "out"
        self._schemas: dict[str, Schema] = {}
        self._plans: dict[str, Plan | None] = {}
        self._config: Schema = {}

    def plan(self, schema: Schema) -> Plan | None:
        kind = schema["type"]
        if self._out and schema.get("serialization", {}).get("type") == "function-plain":
            return None  # what a serializer of the user's makes is user data
        if kind == "definitions":
            self._schemas.update((definition["ref"], definition) for definition in schema["definitions"])
            return self.plan(schema["schema"])
        if kind == "definition-ref":
            return Reference(partial(self._plans.get, schema["schema_ref"]))
        if kind in ("model", "dataclass"):
            return self._configured(schema)
        if kind in ("model-fields", "typed-dict", "dataclass-args"):
            return self._fields(named_fields(schema), schema)
        if kind == "dict":
            values = self._inner(schema.get("values_schema"))
            return Values(values) if values else None
        if kind in _SEQUENCES or kind == "tuple":
            return self._items(schema)
        if kind == "named-tuple":
            return self._named_tuple(schema["fields"])
        if kind == "call":  # a NamedTuple, before Pydantic had a schema for it
            return self._named_tuple(schema["arguments_schema"].get("arguments_schema", ()))
        if kind in ("union", "tagged-union"):
            return self._union(schema)
        if kind == "chain":
            return self.plan(schema["steps"][0 if not self._out else -1])
        return self._inner(schema.get(_WRAPPERS.get(kind, "schema")))

    def plan_definitions(self) -> None:
        """Make the plans that references look up."""
        while unplanned := self._schemas.keys() - self._plans.keys():
            for reference in unplanned:
                self._plans[reference] = self.plan(self._schemas[reference])

    def _inner(self, schema: Schema | None) -> Plan | None:
        return None if schema is None else self.plan(schema)

    def _configured(self, schema: Schema) -> Plan | None:
        outer, self._config = self._config, schema.get("config", {})
        try:
            return self._inner(schema.get("schema"))
        finally:
            self._config = outer

    def _fields(self, fields: Mapping[str, Schema], schema: Schema) -> Plan:
        keys = {name: field_keys(name, field, self._config, self._direction) for name, field in fields.items()}
        inner = {name: field["schema"] for name, field in fields.items()}
        if self._out:
            for name, field in computed_fields(schema).items():
                keys[name] = field_keys(name, field, self._config, self._direction)
                inner[name] = field["return_schema"]
        camels = camel_names(keys)
        names: dict[str, str] = {}
        children: dict[str, Plan] = {}
        literals: dict[str, Sequence[Any]] = {}
        ways: dict[str, tuple[str, ...]] = {}
        for name, own in keys.items():
            if not own:
                continue
            camel = own[0] if self._out and own[0] != name else camels.get(name, own[0])
            ways[name] = tuple(dict.fromkeys((*own, camel)))
            if camel not in own:
                names.update({own[0]: camel} if self._out else {camel: own[0]})
            if (child := self.plan(inner[name])) is not None:
                children.update(dict.fromkeys(ways[name], child))
            if values := _literal_values(inner[name]):
                literals.update(dict.fromkeys(ways[name], values))
        required = [ways[name] for name, field in fields.items() if name in ways and self._is_required(field)]
        known = frozenset(key for way in ways.values() for key in way)
        return Fields(names, children, required, known, literals)

    def _is_required(self, field: Schema) -> bool:
        if self._out and (field.get("serialization_exclude") or "serialization_exclude_if" in field):
            return False
        if "required" in field:
            return bool(field["required"])
        return bool(field["schema"]["type"] != "default")

    def _items(self, schema: Schema) -> Plan | None:
        if schema["type"] != "tuple":
            return _planned_items([self._inner(schema.get("items_schema"))], repeats=True)
        plans = [self.plan(item) for item in schema["items_schema"]]
        return _planned_items(plans, repeats=schema.get("variadic_item_index") is not None)

    def _named_tuple(self, fields: Sequence[Schema]) -> Plan:
        """It is written as an array, and read as an object too."""
        items = Items([self.plan(field["schema"]) for field in fields], repeats=False)
        return Choice([items, self._fields({field["name"]: field for field in fields}, {})])

    def _union(self, schema: Schema) -> Plan | None:
        if schema["type"] == "union":
            choices: list[Any] = schema["choices"]  # each a schema, or a schema with its label
            return self._choice(cast(Any, choice)[0] if isinstance(choice, tuple) else choice for choice in choices)
        discriminator = schema["discriminator"]
        if not isinstance(discriminator, str):
            return self._choice(schema["choices"].values())
        plans = {tag: self.plan(choice) for tag, choice in schema["choices"].items()}
        keys = (discriminator, camel_case(discriminator))
        return TaggedChoice(keys, {getattr(tag, "value", tag): plan for tag, plan in plans.items()})

    def _choice(self, schemas: Iterable[Schema]) -> Plan | None:
        plans = [self.plan(schema) or (Values(None) if _is_object(schema) else None) for schema in schemas]
        given = [plan for plan in plans if plan is not None]
        return Choice(given) if given else None


def _planned_items(plans: Sequence[Plan | None], *, repeats: bool) -> Plan | None:
    return Items(plans, repeats) if any(plan is not None for plan in plans) else None


def _unwrapped(schema: Schema) -> Schema:
    while isinstance(inner := schema.get(_WRAPPERS.get(schema["type"], "schema")), dict):
        schema = cast(Schema, inner)
    return schema


def _is_object(schema: Schema) -> bool:
    """Whether a schema without a plan takes objects: whatever keys they have, they are the user's."""
    return _unwrapped(schema)["type"] in ("dict", "any")


def _literal_values(schema: Schema) -> Sequence[Any]:
    """The values of a ``Literal`` as they are in JSON; none for another type."""
    inner = _unwrapped(schema)
    if inner["type"] != "literal":
        return ()
    values: list[Any] = to_jsonable_python(inner["expected"])
    return values

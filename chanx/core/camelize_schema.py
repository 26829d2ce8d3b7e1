"""From a model's Pydantic schema to its rename plans, one for what is sent and one for what is received."""

from collections.abc import Iterable
from typing import Any, Final, Literal, TypeAlias, cast

from pydantic import BaseModel, TypeAdapter

from chanx.core.camelize_plan import Choice, Fields, Items, Plan, Reference, TaggedChoice, Values
from chanx.utils.naming import camel_case

Direction: TypeAlias = Literal["out", "in"]
Schema: TypeAlias = dict[str, Any]

_SEQUENCES: Final = ("list", "set", "frozenset", "generator")
_WRAPPERS: Final = {"lax-or-strict": "lax_schema", "json-or-python": "json_schema"}


def plan_of(model: type[BaseModel], direction: Direction) -> Plan | None:
    """The plan that renames a model's fields to camelCase (``out``), or back to what the model takes (``in``).

    Keys that aliases name stay as they are, and so do two fields that would get the same name.
    """
    schema: Any = TypeAdapter(model).core_schema
    return _Builder(direction).plan(schema)


class _Builder:
    def __init__(self, direction: Direction) -> None:
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
            reference = schema["schema_ref"]
            return Reference(lambda: self._referred(reference))
        if kind == "model":
            return self._model(schema)
        if kind in ("model-fields", "typed-dict"):
            return self._fields(schema["fields"], schema)
        if kind == "dataclass-args":
            return self._fields({field["name"]: field for field in schema["fields"]}, schema)
        if kind == "dict":
            values = self._inner(schema.get("values_schema"))
            return Values(values) if values else None
        if kind in _SEQUENCES or kind == "tuple":
            return self._items(schema)
        if kind in ("union", "tagged-union"):
            return self._union(schema)
        if kind == "chain":
            return self.plan(schema["steps"][0 if not self._out else -1])
        return self._inner(schema.get(_WRAPPERS.get(kind, "schema")))

    def _inner(self, schema: Schema | None) -> Plan | None:
        return None if schema is None else self.plan(schema)

    def _referred(self, reference: str) -> Plan | None:
        if reference not in self._plans:
            self._plans[reference] = self.plan(self._schemas[reference])
        return self._plans[reference]

    def _model(self, schema: Schema) -> Plan | None:
        outer, self._config = self._config, schema.get("config", {})
        try:
            return self._inner(schema.get("schema"))
        finally:
            self._config = outer

    def _fields(self, fields: dict[str, Schema], schema: Schema) -> Plan | None:
        keys = {name: self._key(name, field) for name, field in fields.items()}
        inner = {name: field["schema"] for name, field in fields.items()}
        if self._out:
            computed = {field["property_name"]: field["return_schema"] for field in schema.get("computed_fields", ())}
            keys.update((name, name) for name in computed)
            inner.update(computed)
        camels = _camel_names(keys)
        names: dict[str, str] = {}
        children: dict[str, Plan] = {}
        ways: dict[str, tuple[str, ...]] = {}
        for name, key in keys.items():
            if key is None:
                continue
            camel = key if self._out and key != name else camels.get(name, key)
            ways[name] = tuple({key, camel})
            if camel != key:
                names.update({key: camel} if self._out else {camel: key})
            if (child := self.plan(inner[name])) is not None:
                children.update(dict.fromkeys(ways[name], child))
        required = [ways[name] for name, field in fields.items() if name in ways and _is_required(field)]
        known = frozenset(key for way in ways.values() for key in way)
        return Fields(names, children, required, known) if names or children else None

    def _key(self, name: str, field: Schema) -> str | None:
        """The key a model writes or takes a field by; None where it takes it from a path or from several keys."""
        if self._out:
            alias = field.get("serialization_alias") if self._config.get("serialize_by_alias") else None
        else:
            by_name = self._config.get("validate_by_name") or self._config.get("populate_by_name")
            alias = None if by_name else field.get("validation_alias")
        if alias is None:
            return name
        return alias if isinstance(alias, str) else None

    def _items(self, schema: Schema) -> Plan | None:
        if schema["type"] != "tuple":
            plan = self._inner(schema.get("items_schema"))
            return Items([plan], repeats=True) if plan else None
        plans = [self.plan(item) for item in schema["items_schema"]]
        return Items(plans, repeats=schema.get("variadic_item_index") is not None) if any(plans) else None

    def _union(self, schema: Schema) -> Plan | None:
        if schema["type"] == "union":
            choices: list[Any] = schema["choices"]  # each a schema, or a schema with its label
            return _choice(
                self.plan(cast(Any, choice)[0] if isinstance(choice, tuple) else choice) for choice in choices
            )
        plans = {tag: self.plan(choice) for tag, choice in schema["choices"].items()}
        discriminator = schema["discriminator"]
        if not isinstance(discriminator, str):
            return _choice(plans.values())
        keys = (discriminator, camel_case(discriminator))
        return TaggedChoice(keys, {getattr(tag, "value", tag): plan for tag, plan in plans.items()})


def _choice(plans: Iterable[Plan | None]) -> Plan | None:
    given = [plan for plan in plans if plan is not None]
    return Choice(given) if given else None


def _camel_names(keys: dict[str, str | None]) -> dict[str, str]:
    """The camelCase name of each field, without those that would clash with another field or with each other."""
    camels = {name: camel_case(name) for name in keys}
    all_camels = list(camels.values())
    others = [(name, taken) for name, key in keys.items() for taken in (name, key)]
    return {
        name: camel
        for name, camel in camels.items()
        if all_camels.count(camel) == 1 and all(taken != camel for other, taken in others if other != name)
    }


def _is_required(field: Schema) -> bool:
    if "required" in field:
        return bool(field["required"])
    return bool(field["schema"]["type"] != "default")

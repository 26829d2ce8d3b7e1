"""The keys of a model's fields in JSON: which ones it takes and writes, and what they are called in camelCase."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

from chanx.utils.naming import camel_case

Direction: TypeAlias = Literal["out", "in"]
Schema: TypeAlias = dict[str, Any]
"""A core schema of Pydantic's, or its configuration."""


def named_fields(schema: Schema) -> Mapping[str, Schema]:
    """The fields of a model's, dataclass's or TypedDict's core schema."""
    fields: Any = schema["fields"]
    if isinstance(fields, list):
        return {field["name"]: field for field in cast("list[Schema]", fields)}
    return cast("dict[str, Schema]", fields)


def computed_fields(schema: Schema) -> Mapping[str, Schema]:
    """Its computed fields, which are only written."""
    return {field["property_name"]: field for field in schema.get("computed_fields", ())}


def field_keys(name: str, field: Schema, config: Schema, direction: Direction) -> tuple[str, ...]:
    """The keys a model writes or takes a field by, its main one first; none if it takes it from paths only."""
    if direction == "out":
        alias = field.get("serialization_alias", field.get("alias")) if config.get("serialize_by_alias") else None
    else:
        alias = field.get("validation_alias") if config.get("validate_by_alias", True) else None
    if alias is None:
        return (name,)
    keys = [path[0] for path in alias_paths(alias) if len(path) == 1]
    by_name = config.get("validate_by_name") or config.get("populate_by_name")
    return (name, *keys) if by_name and direction == "in" else tuple(keys)


def alias_paths(alias: Any) -> Sequence[Sequence[Any]]:
    """The paths that a ``validation_alias`` names."""
    if isinstance(alias, str):
        return [[alias]]
    return alias if isinstance(alias[0], list) else [alias]


def camel_names(keys: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """The camelCase name of each field, without those that would clash with another field or with each other."""
    camels = {name: camel_case(name) for name in keys}
    all_camels = list(camels.values())
    others = [(name, taken) for name, own in keys.items() for taken in (name, *own)]
    return {
        name: camel
        for name, camel in camels.items()
        if all_camels.count(camel) == 1 and all(taken != camel for other, taken in others if other != name)
    }


def documented_names(schema: Schema, config: Schema, direction: Direction, *, camelize: bool) -> dict[str, str | None]:
    """The one key a document tells for each field; None for what is taken from paths only.

    Of several keys a field is taken by it is the one that the field is also written by, if that is among them.
    """
    written = _written_names(schema, config, camelize=camelize)
    if direction == "out":
        return dict(written)
    keys = {name: field_keys(name, field, config, "in") for name, field in named_fields(schema).items()}
    camels = camel_names(keys) if camelize else {}
    names: dict[str, str | None] = {}
    for name, own in keys.items():
        ways = (*own, camels[name]) if own and name in camels else own
        names[name] = written[name] if written[name] in ways else next(iter(own), None)
    return names


def _written_names(schema: Schema, config: Schema, *, camelize: bool) -> dict[str, str]:
    fields = {**named_fields(schema), **computed_fields(schema)}
    keys = {name: field_keys(name, field, config, "out") for name, field in fields.items()}
    camels = camel_names(keys) if camelize else {}
    return {name: own[0] if own[0] != name else camels.get(name, own[0]) for name, own in keys.items()}

"""The schemas of forms as they stand in a document: with references to each other's names."""

from collections.abc import Mapping
from typing import Any, Final, cast

from chanx.core.schema_forms import Form, plain_class_name
from chanx.core.schema_walk import REFERENCE, JsonSchema, mapped, rereferenced
from chanx.core.wire_schema import LOCAL
from chanx.utils.naming import camel_case

SCHEMAS: Final = "#/components/schemas/"


def component_schemas(named: Mapping[str, Form]) -> dict[str, JsonSchema]:
    """The schema of each form by its name, sorted by name."""
    names = {id(form): name for name, form in named.items()}
    return {name: _component(named[name], name, names) for name in sorted(named)}


def _component(form: Form, name: str, names: Mapping[int, str]) -> JsonSchema:
    def target(reference: str) -> str:
        part = form.parts.get(reference.removeprefix(LOCAL))
        return reference if part is None else SCHEMAS + names[id(part)]

    schema = mapped(form.schema, lambda inner: _with_wire_discriminator(_with_bare_objects(inner, form), form))
    schema = rereferenced(mapped(schema, _without_siblings), target)
    if name != form.class_name and plain_class_name(str(schema.get("title"))) == form.class_name:
        schema["title"] = name
    return schema


def _with_bare_objects(schema: JsonSchema, form: Form) -> JsonSchema:
    """A property that is an object of a class is the reference to it, and nothing else."""
    properties: dict[str, JsonSchema] | None = schema.get("properties")
    if properties is None:
        return schema
    bare = {key: _bare(value) if _is_object(value, form) else value for key, value in properties.items()}
    return {**schema, "properties": bare}


def _without_siblings(schema: JsonSchema) -> JsonSchema:
    """What stands beside a reference is ignored, by AsyncAPI as by JSON Schema's draft 7: here it keeps its meaning."""
    if REFERENCE not in schema or len(schema) == 1:
        return schema
    return {"allOf": [_bare(schema)], **{key: value for key, value in schema.items() if key != REFERENCE}}


def _with_wire_discriminator(schema: JsonSchema, form: Form) -> JsonSchema:
    """The discriminator of a union by the name that its key has in the union's members."""
    if not ("oneOf" in schema and isinstance(schema.get("discriminator"), dict)):
        return schema
    discriminator: dict[str, Any] = schema["discriminator"]
    members = [_part(option, form) for option in cast("list[JsonSchema]", schema["oneOf"])]
    name = discriminator["propertyName"]
    for candidate in (name, camel_case(name)):
        if all(candidate in member.get("properties", ()) for member in members):
            return {**schema, "discriminator": {**discriminator, "propertyName": candidate}}
    return schema


def _bare(schema: JsonSchema) -> JsonSchema:
    return {REFERENCE: schema[REFERENCE]}


def _is_object(schema: JsonSchema, form: Form) -> bool:
    return REFERENCE in schema and "properties" in _part(schema, form)


def _part(schema: JsonSchema, form: Form) -> JsonSchema:
    part = form.parts.get(str(schema.get(REFERENCE)).removeprefix(LOCAL))
    return schema if part is None else part.schema

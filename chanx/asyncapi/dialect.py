"""From JSON Schema as Pydantic writes it to the Schema Object of AsyncAPI 3.0."""

from typing import Any, cast

from chanx.core.schema_walk import JsonSchema, mapped


def asyncapi_schema(schema: JsonSchema) -> JsonSchema:
    """The same schema; the discriminator of a union is the name of its key and no more, as AsyncAPI has it.

    Which value stands for which member is said in the members, each of which has it as a constant.
    """
    return mapped(schema, _with_plain_discriminator)


def _with_plain_discriminator(schema: JsonSchema) -> JsonSchema:
    discriminator = schema.get("discriminator")
    if not isinstance(discriminator, dict):
        return schema
    return {**schema, "discriminator": cast("dict[str, Any]", discriminator)["propertyName"]}

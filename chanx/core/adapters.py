"""One Pydantic adapter for many message types, told apart by their ``action``."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, ErrorDetails, core_schema

from chanx.messages.base import BaseMessage, message_actions

DISCRIMINATOR = "action"


def tagged_union(types: Iterable[type[BaseMessage]]) -> TypeAdapter[BaseMessage]:
    """An adapter for exactly these message types.

    It is a tagged union even for a single type, so that an unknown action is always a ``union_tag_invalid`` and a
    missing one a ``union_tag_not_found``. Types with an action in common are tried one after the other.
    """
    by_action: dict[str, list[type[BaseMessage]]] = {}
    for model in types:
        for action in message_actions(model):
            by_action.setdefault(action, []).append(model)
    return TypeAdapter(Annotated[Any, _TaggedUnion(by_action)])


class _TaggedUnion:
    def __init__(self, by_action: dict[str, list[type[BaseMessage]]]) -> None:
        self._by_action = by_action

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices: dict[str, CoreSchema] = {}
        for action, models in self._by_action.items():
            schemas = [handler.generate_schema(model) for model in models]
            choices[action] = schemas[0] if len(schemas) == 1 else core_schema.union_schema([*schemas])
        return core_schema.tagged_union_schema(choices, discriminator=DISCRIMINATOR)


def error_list(error: ValidationError) -> list[dict[str, Any]]:
    """A validation error as it is sent to a client: what, where and why, but never the input."""
    return [{"type": part["type"], "loc": list(part["loc"]), "msg": part["msg"]} for part in _parts(error)]


def is_message_error(error: ValidationError) -> bool:
    """Whether the frame was at least an object, so that it counts as a message that was dealt with."""
    return any(part["loc"] or part["type"].startswith("union_tag_") for part in _parts(error))


def _parts(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False, include_input=False)

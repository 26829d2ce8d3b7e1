"""Between a client's frame and the message types of a handler table: names of fields, and what is wrong with them."""

from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from chanx.core.adapters import error_list
from chanx.core.camelize import camelized_loc, decamelized
from chanx.core.handlers import HandlerTable


def decamelized_json(table: HandlerTable, data: str | bytes) -> str | bytes:
    """A frame with Python's names; as it is where it is no message of the table, which validation then says."""
    try:
        content = from_json(data)
    except ValueError:
        return data
    if not isinstance(content, dict):
        return data
    frame = cast("dict[str, Any]", content)
    tag = frame.get(table.discriminator)
    model = table.inputs.get(tag) if isinstance(tag, str) else None
    return data if model is None else to_json(decamelized(model, frame, table.discriminator))


def problems(table: HandlerTable, error: ValidationError, *, camelize: bool) -> list[dict[str, Any]]:
    """What is wrong with a frame, as the client is told: the places in the names the client uses."""
    found = error_list(error)
    if camelize:
        for problem in found:
            tag, *path = problem["loc"] or [""]
            model = table.inputs.get(tag)
            if model is not None:
                problem["loc"] = [tag, *camelized_loc(model, path)]
    return found

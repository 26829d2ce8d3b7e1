"""camelCase on the wire: messages and events between Python's names and JavaScript's.

Frames that are not made from a message here, which are those of a job stream (``chanx.bridge.web``), are never renamed:
they come from the job's log as text, of types that this process need not know, and read the same for every client.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from chanx.core.camelize_packed import packed, unpacked
from chanx.core.camelize_plan import Plan, renamed
from chanx.core.camelize_schema import plan_of
from chanx.core.field_names import Direction


def camelized(model: type[BaseModel], content: dict[str, Any], discriminator: str) -> dict[str, Any]:
    """A dumped message with the names of its fields in camelCase.

    The names of models, dataclasses and TypedDicts are renamed; keys of ``dict`` and ``Any`` are user data and stay,
    and so do the discriminator, its value and every alias. In a union the type counts that the data fit best, by its
    literals and keys.
    """
    return _renamed(_plan(model, "out"), content, discriminator)


def decamelized(model: type[BaseModel], content: dict[str, Any], discriminator: str) -> dict[str, Any]:
    """The way back, for what a client sends; names that are Python's already are taken too."""
    return _renamed(_plan(model, "in"), content, discriminator)


@lru_cache(maxsize=4096)
def packed_names(model: type[BaseModel]) -> str | None:
    """What ``camelized_by`` needs to know of a type to do the same in another process; None if no name changes."""
    plan = _plan(model, "out")
    return None if plan is None else packed(plan)


def camelized_by(names: str, content: dict[str, Any], discriminator: str) -> dict[str, Any]:
    """``camelized`` for a message of a type that is not known here, only its ``packed_names``."""
    return _renamed(unpacked(names), content, discriminator)


def camelized_loc(model: type[BaseModel], loc: Sequence[int | str]) -> list[int | str]:
    """The place of a problem in a message, as the client named it."""
    plan = _plan(model, "out")
    path: list[int | str] = []
    for part in loc:
        name: int | str = part
        if plan is not None:
            name, plan = plan.step(part)
        path.append(name)
    return path


@lru_cache(maxsize=4096)
def _plan(model: type[BaseModel], direction: Direction) -> Plan | None:
    return plan_of(model, direction)


def _renamed(plan: Plan | None, content: dict[str, Any], discriminator: str) -> dict[str, Any]:
    if plan is None or discriminator not in content:
        return content
    rest: dict[str, Any] = renamed(plan, {key: value for key, value in content.items() if key != discriminator})
    return {discriminator: content[discriminator], **rest}

"""What of a message or an event can be changed: nothing, where its types are frozen and hold what is."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Final, cast
from uuid import UUID

from pydantic import BaseModel

_UNCHANGEABLE: Final = frozenset(
    (str, int, float, bool, complex, bytes, type(None), Decimal, UUID, datetime, date, time, timedelta)
)


def mutable_parts(value: Any) -> list[Any]:
    """Every object in ``value``, itself included, that may be changed in place; empty if it stays what it is."""
    found: list[Any] = []
    _find(value, found)
    return found


def is_frozen(message: BaseModel) -> bool:
    """Whether a message stays what it is, and so does its JSON; quick for the usual ones, which are not frozen."""
    return _is_frozen_type(type(message)) and not mutable_parts(message)


def _find(value: Any, found: list[Any]) -> None:
    kind = cast("type[Any]", type(value))
    if kind in _UNCHANGEABLE or isinstance(value, Enum):
        return
    if isinstance(value, BaseModel):
        extra, private = value.model_extra, value.__pydantic_private__
        if extra or private or not _is_frozen_type(type(value)):
            found.append(value)
        _find_in(vars(value).values(), found)
        _find_in((extra or {}).values(), found)
    elif kind in (tuple, frozenset):
        _find_in(cast("Iterable[Any]", value), found)
    else:
        found.append(value)
        if kind is dict:
            _find_in(cast("dict[Any, Any]", value).values(), found)
        elif kind in (list, set):
            _find_in(cast("Iterable[Any]", value), found)


def _find_in(values: Iterable[Any], found: list[Any]) -> None:
    for value in values:
        _find(value, found)


@lru_cache(maxsize=4096)
def _is_frozen_type(model: type[BaseModel]) -> bool:
    """Also, that its JSON is made of nothing but its fields."""
    own = model.__pydantic_decorators__
    computes = own.computed_fields or own.field_serializers or own.model_serializers
    return bool(model.model_config.get("frozen")) and not computes

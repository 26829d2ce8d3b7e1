"""What a test expects of an event: its class, some of its values, or all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import EllipsisType
from typing import Final, TypeAlias, cast

from pydantic import BaseModel
from pydantic_core import to_json, to_jsonable_python

from chanx.messages.base import BaseMessage, message_actions
from chanx.testing.jobs.recorded import STAMPED, Recorded

_ABSENT: Final = object()


class Like:
    """What :func:`like` returns."""

    def __init__(self, model: type[BaseMessage], values: Mapping[str, object]) -> None:
        self.model = model
        self.values = values

    def __repr__(self) -> str:
        return f"like({', '.join([self.model.__name__, *_named(self.values)])})"


Expected: TypeAlias = type[BaseMessage] | BaseMessage | Like
"""One event: any of a class; one with the values that a message has; or one like it."""

ExpectedOrAny: TypeAlias = Expected | EllipsisType
"""One event, or any number of them (``...``)."""


def like(model: type[BaseMessage], /, **values: object) -> Like:
    """An event of this class whose payload has these values, whatever else is in it::

        like(JobProgress, fraction=0.5)
        like(JobProgress, fraction=pytest.approx(1 / 3), step=("load",))
        like(JobFailed, error={"code": "empty_file"})

    A dict means a part of the value, too. Beside those of the payload there are the fields of the event itself
    (``like(JobStarted, attempt=2)``). Raises ``TypeError`` for a name that neither of them has.
    """
    payload = model.model_fields["payload"].annotation
    if isinstance(payload, type) and issubclass(payload, BaseModel) and payload.model_config.get("extra") != "allow":
        names = [*payload.model_fields, *(name for name in model.model_fields if name != "payload")]
        for name in values:
            if name not in names:
                raise TypeError(f"like({model.__name__}, {name}=...): it has no {name}, only {', '.join(names)}")
    return Like(model, values)


def check_expected(item: object) -> None:
    """Raises ``TypeError`` for what no event can be."""
    is_class = isinstance(item, type) and issubclass(item, BaseMessage)
    if not (is_class or item is ... or isinstance(item, BaseMessage | Like)):
        raise TypeError(
            f"{item!r} is not what an event can be: give a class (JobStarted), a message (RowRejected(payload=...)), "
            "like(JobProgress, fraction=0.5), or ... for any number of events"
        )


def model_of(expected: Expected) -> type[BaseMessage]:
    """The class that is expected."""
    if isinstance(expected, type):
        return expected
    return expected.model if isinstance(expected, Like) else type(expected)


def may_match(expected: Expected, event: Recorded) -> bool:
    """Whether the event has the action that is expected."""
    actions = message_actions(model_of(expected))
    return not actions or event.action in actions


def matches(expected: Expected, event: Recorded) -> bool:
    """Whether the event is the one that is expected."""
    return not differences(expected, event)


def differences(expected: Expected, event: Recorded) -> list[str]:
    """Why the event is not the one that is expected; empty where it is."""
    model = model_of(expected)
    message = event.as_a(model)
    if message is None:
        return [f"it is no {model.__name__}"]
    if isinstance(expected, type):
        return []
    return list(_like(expected.values, message) if isinstance(expected, Like) else _equal(expected, message))


def described(expected: Expected) -> str:
    """What is expected, as a test writes it."""
    if isinstance(expected, type):
        return expected.__name__
    return repr(expected) if isinstance(expected, Like) else shown(expected)


def shown(message: BaseMessage) -> str:
    """A message in one line: its class and what its payload has, but for what is empty by default."""
    payload: object = message.payload
    if isinstance(payload, BaseModel):
        defaults = {name: field.default for name, field in type(payload).model_fields.items()}
        values: Mapping[str, object] = {
            name: value for name, value in payload if value or value != defaults.get(name, _ABSENT)
        }
    else:
        mapping = _mapping(payload)
        values = mapping if mapping is not None else {} if payload is None else {"payload": payload}
    return f"{type(message).__name__}({', '.join(_named(values))})"


def _named(values: Mapping[str, object]) -> list[str]:
    return [
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={_short(value)}" for name, value in values.items()
    ]


def _short(value: object, length: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= length else f"{text[:length]}…"


def _like(values: Mapping[str, object], message: BaseMessage) -> Iterator[str]:
    for name, wanted in values.items():
        found = _value(message.payload, name)
        if found is _ABSENT:
            found = _value(message, name)
        yield from _partly(name, wanted, found)


def _partly(place: str, wanted: object, found: object) -> Iterator[str]:
    parts = _mapping(wanted)
    if parts is not None and (isinstance(found, BaseModel) or _mapping(found) is not None):
        for name, value in parts.items():
            yield from _partly(f"{place}.{name}", value, _value(found, name))
    elif found is _ABSENT:
        yield f"there is no {place}"
    elif not (wanted == found or wanted == to_jsonable_python(found)):
        yield f"{place} is {_short(found)}, not {_short(wanted)}"


def _equal(expected: BaseMessage, message: BaseMessage) -> Iterator[str]:
    # As it comes out at the other end: a tuple in a dict is a list there.
    sent = type(expected).model_validate_json(to_json(expected))
    for name in type(expected).model_fields:
        if name not in STAMPED or name in expected.model_fields_set:
            yield from _wholly(name, _value(sent, name), _value(message, name))


def _wholly(place: str, wanted: object, found: object) -> Iterator[str]:
    if isinstance(wanted, BaseModel) and type(wanted) is type(found):
        for name in type(wanted).model_fields:
            yield from _wholly(f"{place}.{name}", _value(wanted, name), _value(found, name))
    elif wanted != found:
        yield f"{place} is {_short(found)}, not {_short(wanted)}"


def _value(source: object, name: str) -> object:
    mapping = _mapping(source)
    if mapping is not None:
        return mapping.get(name, _ABSENT)
    if not isinstance(source, BaseModel):
        return _ABSENT
    is_field = name in type(source).model_fields or name in (source.model_extra or {})
    return getattr(source, name) if is_field else _ABSENT


def _mapping(value: object) -> Mapping[str, object] | None:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else None

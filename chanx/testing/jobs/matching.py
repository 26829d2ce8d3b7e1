"""What a test expects of an event: its class, some of its values, or all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import EllipsisType
from typing import Final, TypeAlias, cast

from pydantic import BaseModel
from pydantic_core import to_json, to_jsonable_python

from chanx.messages.base import BaseMessage, message_actions
from chanx.testing.jobs.recorded import STAMPED, Recorded

_ABSENT: Final = object()
_LENGTH: Final = 80
"""Characters of a value that are shown."""


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
    __tracebackhide__ = True
    payload = model.model_fields["payload"].annotation
    if isinstance(payload, type) and issubclass(payload, BaseModel) and payload.model_config.get("extra") != "allow":
        names = [*payload.model_fields, *(name for name in model.model_fields if name != "payload")]
        for name in values:
            if name not in names:
                raise TypeError(f"like({model.__name__}, {name}=...): it has no {name}, only {', '.join(names)}")
    return Like(model, values)


def check_expected(item: object) -> None:
    """Raises ``TypeError`` for what no event can be."""
    __tracebackhide__ = True
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


def actions_of(expected: Expected) -> tuple[str, ...]:
    """The actions that an expected event may have; empty for any."""
    return message_actions(model_of(expected))


def matches(expected: Expected, event: Recorded) -> bool:
    """Whether the event is the one that is expected."""
    return not differences(expected, event)


def differences(expected: Expected, event: Recorded) -> list[str]:
    """Why the event is not the one that is expected; empty where it is."""
    return compared(expected, event.as_a(model_of(expected)))


def compared(expected: Expected, message: BaseMessage | None) -> list[str]:
    """The same, of the event as a message of the class that is expected; None where it is none."""
    if message is None:
        return [f"it is no {model_of(expected).__name__}"]
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
        values = _filled(payload)
    else:
        mapping = _mapping(payload)
        values = mapping if mapping is not None else {} if payload is None else {"payload": payload}
    return f"{type(message).__name__}({', '.join(_named(values))})"


def abridged(lines: Sequence[str], what: str, *, ends: int) -> list[str]:
    """The lines; of more than twice as many as ``ends`` the first and the last, and how many are between."""
    if len(lines) <= 2 * ends + 1:
        return list(lines)
    return [*lines[:ends], f"  …  ({len(lines) - 2 * ends} more {what})", *lines[-ends:]]


def _filled(model: BaseModel) -> Mapping[str, object]:
    """What it has, but for what is empty by default."""
    defaults = {name: field.default for name, field in type(model).model_fields.items()}
    return {name: value for name, value in model if value or value != defaults.get(name, _ABSENT)}


def _named(values: Mapping[str, object]) -> list[str]:
    return [f"{name}={_in_short(value)}" for name, value in values.items()]


def _in_short(value: object) -> str:
    if isinstance(value, BaseModel):
        return f"{type(value).__name__}({', '.join(_named(_filled(value)))})"
    return f"{value:g}" if isinstance(value, float) else _short(repr(value))


def _short(text: str, start: int = 0) -> str:
    before, after = "…" if start else "", "…" if len(text) > start + _LENGTH else ""
    return f"{before}{text[start : start + _LENGTH]}{after}"


def _other(place: str, found: object, wanted: object) -> str:
    """How they differ: of long ones that begin alike, from where they do not."""
    texts = repr(found), repr(wanted)
    alike = next((at for at, pair in enumerate(zip(*texts, strict=False)) if len(set(pair)) > 1), min(map(len, texts)))
    start = max(alike - _LENGTH // 4, 0) if max(map(len, texts)) > _LENGTH else 0
    return f"{place} is {_short(texts[0], start)}, not {_short(texts[1], start)}"


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
        yield _other(place, found, wanted)


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
        parts, others = _mapping(wanted), _mapping(found)
        if parts is None or others is None:
            yield _other(place, found, wanted)
            return
        for name in dict.fromkeys([*parts, *others]):
            if name not in others:
                yield f"there is no {place}.{name}"
            elif name not in parts:
                yield f"there is {place}.{name}, too"
            else:
                yield from _wholly(f"{place}.{name}", parts[name], others[name])


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

"""One change between two documents, and how it is told to whoever writes clients."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from chanx.asyncapi.schema_difference import Difference, DifferenceKind

Severity: TypeAlias = Literal["breaking", "compatible"]
"""``breaking``: a client written for the old document may fail on the new one. ``compatible``: it may not."""


@dataclass(frozen=True, slots=True)
class Change:
    """What changed: ``what`` in a word for programs, ``text`` in a sentence for people.

    ``channel`` is the channel's key (in the new document, or the old one where it is gone), ``where`` the place in it:
    the message, who sends it, and the field; empty where it is the channel itself.
    """

    severity: Severity
    channel: str
    where: str
    what: str
    text: str


Role: TypeAlias = Literal["received", "sent"]
"""What the server does with a message."""


def told(difference: Difference, role: Role, severity: Severity) -> str:
    """A difference of two schemas in words.

    A breaking one is of the old schema from the new one where the server receives, and the other way round where it
    sends; a compatible one is of the two swapped.
    """
    return _TELLERS[role, severity][difference.kind](difference.details)


def word_for(difference: Difference, role: Role, severity: Severity) -> str:
    """The word that programs know such a change by."""
    if difference.kind == "listed":
        return "values"
    if difference.kind == "unexpected":
        return "field_added" if (role, severity) == ("received", "compatible") else "field_removed"
    if difference.kind != "required":
        return "type" if difference.kind == "variant" else difference.kind
    is_stricter = (role == "received") == (severity == "breaking")
    if difference.details[0]:
        return "field_required" if is_stricter else "field_optional"
    return "field_added" if is_stricter else "field_removed"


def _listed(details: Sequence[Any]) -> str:
    words = [str(detail) for detail in details]
    return " or ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else "".join(words)


def _values(details: Sequence[Any]) -> str:
    told = [json.dumps(detail, ensure_ascii=False) for detail in details[:_MOST_VALUES]]
    more = len(details) - _MOST_VALUES
    return _listed([*told, f"one of {more} more"] if more > 0 else told)


_MOST_VALUES: Final = 12

_BOUNDS: Final[Mapping[str, str]] = {
    "minLength": "at least {} character{s} long",
    "maxLength": "at most {} character{s} long",
    "minItems": "at least {} item{s} long",
    "maxItems": "at most {} item{s} long",
    "minProperties": "at least {} key{s} large",
    "maxProperties": "at most {} key{s} large",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "pattern": "of the pattern {}",
    "format": "of the format {}",
    "uniqueItems": "without an item twice",
}


def _bound(keyword: str, value: Any) -> str:
    return _BOUNDS[keyword].format(value, s="" if value == 1 else "s")


def _is(template: str, names: Callable[[Sequence[Any]], str] = _listed) -> Callable[[Sequence[Any]], str]:
    return lambda details: template.format(names(details))


def _required(declared: str, undeclared: str) -> Callable[[Sequence[Any]], str]:
    return lambda details: declared if details[0] else undeclared


def _bounds(changed: str, only_outer: str) -> Callable[[Sequence[Any]], str]:
    """``{outer}`` and ``{inner}`` are what the bound is in the one schema and in the other, if that has it at all."""

    def told(details: Sequence[Any]) -> str:
        keyword, inner, outer = details
        if inner is None or inner is False:
            return only_outer.format(outer=_bound(keyword, outer))
        return changed.format(inner=_bound(keyword, inner), outer=_bound(keyword, outer))

    return told


def _enumerated(template: str) -> Callable[[Sequence[Any]], str]:
    """``{type}`` is what the one schema takes, ``{values}`` all that the other does."""
    return lambda details: template.format(type=details[0], values=_values(details[1:]))


def _always(text: str) -> Callable[[Sequence[Any]], str]:
    return lambda _: text


_TELLERS: Final[Mapping[tuple[Role, Severity], Mapping[DifferenceKind, Callable[[Sequence[Any]], str]]]] = {
    ("received", "breaking"): {
        "type": _is("can no longer be {}"),
        "variant": _is("can no longer be {}"),
        "values": _is("can no longer be {}", _values),
        "listed": _enumerated("can only be {values} now, and could be {type}"),
        "bound": _bounds("has to be {outer} now, and was {inner}", "has to be {outer} now"),
        "required": _required("is required now", "is a new field that is required"),
        "unexpected": _is("is refused now: the field is gone"),
        "keys": _always("can no longer have other keys than those that are declared"),
        "undecided": _is("may refuse what it took before: `{}` has changed, and that cannot be compared"),
    },
    ("received", "compatible"): {
        "type": _is("can also be {} now"),
        "variant": _is("can also be {} now"),
        "values": _is("can also be {} now", _values),
        "listed": _enumerated("can be {type} now, and had to be {values}"),
        "bound": _bounds("can be {inner} now, and had to be {outer}", "no longer has to be {outer}"),
        "required": _required("is no longer required", "is ignored now: the field is gone"),
        "unexpected": _is("is a new field that may be left out"),
        "keys": _always("can have other keys now than those that are declared"),
        "undecided": _is("takes more than before: `{}` has changed"),
    },
    ("sent", "breaking"): {
        "type": _is("may be {} now"),
        "variant": _is("may be {} now, which clients do not know"),
        "values": _is("may be {} now, which clients do not know", _values),
        "listed": _enumerated("may be {type} now, and was always {values}"),
        "bound": _bounds("may be {inner} now, and was always {outer}", "is not always {outer} any more"),
        "required": _required("is not always there any more", "is gone"),
        "unexpected": _is("is a new field, which clients refuse"),
        "keys": _always("may have other keys now, which clients refuse"),
        "undecided": _is("may have what clients do not know: `{}` has changed, and that cannot be compared"),
    },
    ("sent", "compatible"): {
        "type": _is("is never {} any more"),
        "variant": _is("is never {} any more"),
        "values": _is("is never {} any more", _values),
        "listed": _enumerated("is always {values} now, and was {type}"),
        "bound": _bounds("is always {outer} now, and was {inner}", "is always {outer} now"),
        "required": _required("is always there now", "is a new field"),
        "unexpected": _is("is gone, and was not always there"),
        "keys": _always("has no other keys any more than those that are declared"),
        "undecided": _is("is bounded more closely: `{}` has changed"),
    },
}

"""How a change is told: what a front-end developer reads of it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from chanx.asyncapi.comparing import changes_between
from tests.unit.asyncapi.documents import REF, with_payload

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
NUMBER = {"type": "number"}
NULL = {"type": "null"}
FEW = {"enum": ["r", "g"], "type": "string"}


def fields(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def variants(**options: Any) -> dict[str, Any]:
    """A union of objects that are told apart by ``kind``, and the components that it is made of."""
    schemas = {name: fields(kind={"const": name.lower()}, **properties) for name, properties in options.items()}
    union = {"oneOf": [{"$ref": REF + name} for name in options], "discriminator": "kind"}
    return {"payload": union if len(options) > 1 else union["oneOf"][0], **schemas}


def told(role: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    changes = changes_between(with_payload(role, **old), with_payload(role, **new))
    return [
        f"{change.severity} {change.where.partition(', ')[2].removeprefix('payload')}: {change.text}"
        for change in changes
    ]


# Of the payload: the old one, the new one, and what is told of received messages, and of sent ones.
CASES: dict[str, tuple[Any, Any, list[str], list[str]]] = {
    "another type": (
        TEXT,
        WHOLE,
        ["breaking : can no longer be text; can also be a whole number now"],
        ["breaking : may be a whole number now; is never text any more"],
    ),
    "a fraction": (
        NUMBER,
        WHOLE,
        ["breaking : can no longer be a number with a fraction"],
        ["compatible : is never a number with a fraction any more"],
    ),
    "text that is one of a list now": (
        TEXT,
        FEW,
        ['breaking : can only be "r" or "g" now, and could be text'],
        ['compatible : is always "r" or "g" now, and was text'],
    ),
    "a list that is any text now, or null": (
        FEW,
        {"anyOf": [NULL, TEXT]},
        ["compatible : can also be null now", 'compatible : can be text now, and had to be "r" or "g"'],
        ["breaking : may be null now", 'breaking : may be text now, and was always "r" or "g"'],
    ),
    "several bounds go": (
        {**TEXT, "minLength": 1, "maxLength": 9},
        TEXT,
        [f"compatible : no longer has to be at {end} long" for end in ("least 1 character", "most 9 characters")],
        [f"breaking : is not always at {end} long any more" for end in ("least 1 character", "most 9 characters")],
    ),
    "other keys": (
        fields(a=TEXT),
        {**fields(a=TEXT), "additionalProperties": True},
        ["compatible : can have other keys now than those that are declared"],
        ["compatible : may have other keys now than those that are declared"],
    ),
    "a long enumeration": (
        {"enum": ["a"]},
        {"enum": ["a", *range(20)]},
        ["compatible : can also be 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 or one of 8 more now"],
        ["breaking : may be 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 or one of 8 more now, which clients do not know"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("role", ["received", "sent"])
@pytest.mark.parametrize("case", CASES)
def test_a_sentence(case: str, role: str) -> None:
    """Given a change, When it is told, Then the sentence says all of what it was, and what it is."""
    old, new, *texts = CASES[case]

    assert sorted(told(role, {"payload": old}, {"payload": new})) == texts[0 if role == "received" else 1]


def test_a_field_of_one_variant() -> None:
    """Given a union, When a field of one variant has changed, Then that is told, and nothing of its discriminator."""
    old = variants(Cat={"name": TEXT}, Dog={"name": TEXT}, Bird={"name": TEXT})
    new = variants(Cat={"name": TEXT}, Dog={"name": TEXT}, Bird={"name": WHOLE})

    assert [line.partition(":")[0] for line in told("received", old, new)] == ["breaking .name"]
    assert [line.partition(":")[0] for line in told("sent", old, new)] == ["breaking .name"]


def test_an_object_that_is_one_of_two_now() -> None:
    """Given an object, When there is another kind of it beside, Then no field of the first is said to be gone."""
    old, new = variants(Cat={"lives": WHOLE}), variants(Cat={"lives": WHOLE}, Dog={"bark": TEXT})

    assert told("received", old, new) == ["compatible : can also be `Dog` now"]
    assert told("sent", old, new) == ["breaking : may be `Dog` now, which clients do not know"]


@pytest.mark.parametrize("role", ["received", "sent"])
def test_options_that_overlap_have_not_changed(role: str) -> None:
    """Given a choice of exactly one, of which nobody can say which one, When it is the same, Then that is no change."""
    choice = {"payload": {"oneOf": [TEXT, {"type": ["string", "null"]}]}}

    assert told(role, choice, choice) == []


def test_a_component_with_other_keywords_beside_its_reference_is_followed() -> None:
    """Given a reference with a bound beside it, When what it refers to has changed, Then that is found."""
    payload = {"$ref": f"{REF}One", "maxProperties": 5}

    found = told("received", {"payload": payload, "One": fields(a=TEXT)}, {"payload": payload, "One": fields(a=WHOLE)})

    assert [line.partition(":")[0] for line in found] == ["breaking .a"]


def test_large_unions_that_refer_to_themselves_are_compared_in_time() -> None:
    """Given forty objects that refer to unions of each other, When nothing changed, Then it does not take minutes."""
    schemas = {
        f"P{place}": fields(name=TEXT, next={"anyOf": [{"$ref": f"{REF}P{max(0, place - back)}"} for back in range(6)]})
        for place in range(40)
    }
    document = with_payload("sent", {"$ref": f"{REF}P39"}, **schemas)
    started = time.process_time()

    assert changes_between(document, with_payload("sent", {"$ref": f"{REF}P39"}, **schemas)) == []
    assert time.process_time() - started < 2

"""What can be done with messages, as their declarations have them."""

import pytest

from chanx.client_generator.declarations import (
    AliasDeclaration,
    ArrayOf,
    Declaration,
    EnumDeclaration,
    Literals,
    MapOf,
    ObjectDeclaration,
    Property,
    ReferenceTo,
    Scalar,
    TupleOf,
    UnionOf,
)
from chanx.client_generator.message_shapes import MessageShapes
from chanx.client_generator.references import needed_by

STRING, NULL = Scalar("string"), Scalar("null")


def message(name: str, *properties: Property, key: str = "action") -> ObjectDeclaration:
    return ObjectDeclaration(name, (Property(key, Literals((name.lower(),)), is_required=True), *properties))


def payload(type_: object, *, is_required: bool = True) -> Property:
    return Property("payload", type_, is_required=is_required)  # type: ignore[arg-type]  # of any kind


DECLARATIONS: dict[str, Declaration] = {
    one.name: one
    for one in (
        message("Ping", payload(NULL)),
        message("Say", payload(STRING)),
        message("Maybe", payload(UnionOf((ReferenceTo("Where"), NULL)), is_required=False)),
        message("Either", payload(UnionOf((STRING, ReferenceTo("Where"), NULL)))),
        message("Typed", key="type"),
        ObjectDeclaration("Where", (Property("x", Scalar("number"), is_required=True),)),
        AliasDeclaration("Any", UnionOf((ReferenceTo("Ping"), ReferenceTo("Other")))),
        AliasDeclaration("Other", ReferenceTo("Say")),
        AliasDeclaration("Endless", UnionOf((ReferenceTo("Endless"), ReferenceTo("Ping")))),
        AliasDeclaration("Text", STRING),
        EnumDeclaration("Mood", ("good", "bad")),
        AliasDeclaration("Deep", TupleOf((ArrayOf(ReferenceTo("Mood")),), MapOf(ReferenceTo("Maybe")))),
    )
}
SHAPES = MessageShapes(DECLARATIONS)


@pytest.mark.parametrize(
    ("names", "objects"),
    [
        (["Say", "Ping", "Say"], ("Say", "Ping")),
        (["Any"], ("Ping", "Say")),
        (["Endless"], ("Ping",)),
        (["Text", "Mood"], ()),
    ],
)
def test_a_union_is_its_options(names: list[str], objects: tuple[str, ...]) -> None:
    assert SHAPES.objects(names) == objects


def test_messages_are_told_apart_by_the_discriminator_or_by_action() -> None:
    names = ["Ping", "Typed", "Where"]
    assert SHAPES.tagged(names, "action") == ("Ping",)
    assert SHAPES.tagged(names, "type") == ("Ping", "Typed")


@pytest.mark.parametrize(("name", "is_empty"), [("Ping", True), ("Maybe", True), ("Say", False), ("Mood", False)])
def test_a_message_may_need_no_words(name: str, is_empty: bool) -> None:
    assert SHAPES.is_empty(name) is is_empty


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Say", STRING),
        ("Maybe", ReferenceTo("Where")),
        ("Either", UnionOf((STRING, ReferenceTo("Where")))),
        ("Typed", None),
        ("Text", None),
    ],
)
def test_a_payload_without_its_none(name: str, expected: object) -> None:
    assert SHAPES.payload(name) == expected


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("Deep", {"Deep", "Mood", "Maybe", "Where"}),
        ("Endless", {"Endless", "Ping"}),
        ("Any", {"Any", "Ping", "Other", "Say"}),
    ],
)
def test_what_a_declaration_needs(name: str, needed: set[str]) -> None:
    assert needed_by([name], DECLARATIONS) == needed

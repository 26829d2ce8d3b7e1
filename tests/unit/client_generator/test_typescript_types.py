"""Types, names and comments of TypeScript clients, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from chanx.bridge.events import JOB_EVENTS
from chanx.bridge.web.messages import JobAck, JobCancel, JobCancelAccepted
from chanx.client_generator.declarations import (
    AliasDeclaration,
    ArrayOf,
    EnumDeclaration,
    Literals,
    MapOf,
    ObjectDeclaration,
    Property,
    ReferenceTo,
    Scalar,
    TupleOf,
    Type,
    UnionOf,
)
from chanx.client_generator.typescript.messages import JOB_ACTIONS
from chanx.client_generator.typescript.names import class_name, directory_name, method_name
from chanx.client_generator.typescript.runtime import runtime_files
from chanx.client_generator.typescript.samples import NoSample, Samples
from chanx.client_generator.typescript.text import comment, in_line, key, literal
from chanx.client_generator.typescript.type_text import declaration_text, type_text
from chanx.client_generator.typescript.variants import Variants
from chanx.messages.base import EventType, message_actions

TEXT, NUMBER = Scalar("string"), Scalar("integer")


def own(name: str) -> str:
    return name


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Scalar("string", "date-time"), "string"),
        (NUMBER, "number"),
        (Scalar("any"), "unknown"),
        (Scalar("null"), "null"),
        (Scalar("never"), "never"),
        (
            Literals(("a", 'b"\n', 1, True, None, -0.5, "\u2028é")),
            r'"a" | "b\"\n" | 1 | true | null | -0.5 | "\u2028\u00e9"',
        ),
        (ArrayOf(TEXT), "string[]"),
        (ArrayOf(ArrayOf(UnionOf((TEXT, NUMBER)))), "(string | number)[][]"),
        (ArrayOf(Literals(("a", "b"))), '("a" | "b")[]'),
        (ArrayOf(Literals(("a",))), '"a"[]'),
        (ArrayOf(Literals(("a | b",))), '("a | b")[]'),
        (ArrayOf(UnionOf((TupleOf((TEXT,)), MapOf(TEXT)))), "([string] | { [key: string]: string })[]"),
        (TupleOf(()), "[]"),
        (TupleOf((TEXT, ReferenceTo("A")), rest=UnionOf((TEXT, NUMBER))), "[string, A, ...(string | number)[]]"),
        (MapOf(ReferenceTo("A")), "{ [key: string]: A }"),
        (UnionOf((TEXT, Scalar("string", "uuid"), Scalar("null"))), "string | null"),
    ],
)
def test_a_type_is_written(found: Type, expected: str) -> None:
    """Given a type, when it is written, then it is TypeScript that means the same."""
    assert type_text(found, own) == expected


def test_a_property_with_a_default_is_there_for_a_reader_only() -> None:
    """Given an object with a default, when it is written for reading and for writing, then it may be missing where a
    client writes it; what is not required has no default and may always be missing."""
    found = ObjectDeclaration(
        "Person",
        (
            Property("name", TEXT, is_required=True, description="The name.\nIn full."),
            Property("nick-name", TEXT, is_required=False, default=""),
            Property("age", NUMBER, is_required=False),
        ),
        description="Somebody",
    )
    start = "/** Somebody */\nexport interface Person {\n  /**\n   * The name.\n   * In full.\n   */\n  name: string;\n"

    assert (
        declaration_text(found, "Person", own, is_read=True) == start + '  "nick-name": string;\n  age?: number;\n}\n'
    )
    assert (
        declaration_text(found, "Person", own, is_read=False) == start + '  "nick-name"?: string;\n  age?: number;\n}\n'
    )


def test_other_declarations_are_written() -> None:
    """Given declarations that are no plain objects, when they are written, then keys, values and names are."""
    opened = ObjectDeclaration("Open", (Property("a", TEXT, is_required=True),), extra=NUMBER)

    assert declaration_text(opened, "Open", own, is_read=True) == (
        "export interface Open {\n  a: string;\n  [key: string]: unknown;\n}\n"
    )
    assert "{\n  [key: string]: unknown;\n}" in declaration_text(
        ObjectDeclaration("None", ()), "None", own, is_read=True
    )
    assert declaration_text(EnumDeclaration("Color", ("red", 1), "A color."), "Color", own, is_read=True) == (
        '/** A color. */\nexport type Color = "red" | 1;\n'
    )
    assert declaration_text(AliasDeclaration("Id", TEXT), "Id", own, is_read=True) == "export type Id = string;\n"


def test_a_type_that_goes_both_ways_has_two_forms_where_they_differ() -> None:
    """Given types that are sent and received, when one of them has a default, then it and those that refer to it have a
    second form for sending, of a free name; the others have one form."""
    declarations: dict[str, Any] = {
        one.name: one
        for one in (
            ObjectDeclaration("Item", (Property("size", NUMBER, is_required=False, default=1),)),
            ObjectDeclaration("Box", (Property("items", ArrayOf(ReferenceTo("Item")), is_required=True),)),
            ObjectDeclaration("Same", (Property("a", TEXT, is_required=True),)),
            ObjectDeclaration("ItemInput", (Property("a", TEXT, is_required=True),)),
            ObjectDeclaration("Unused", ()),
        )
    }

    variants = Variants(declarations, ["Box", "Same"], ["Box", "Same", "ItemInput"])
    needed = variants.needed(["Box", "Same"], ["Box", "Same", "ItemInput"])

    assert [one.name for one in needed] == ["Item", "ItemInput2", "Box", "BoxInput", "Same", "ItemInput"]
    texts = {one.name: variants.text(one) for one in needed}
    assert "size: number;" in texts["Item"]
    assert "size?: number;" in texts["ItemInput2"]
    assert "items: ItemInput2[];" in texts["BoxInput"]
    assert variants.referred(needed[2]) == {"Item"}


def test_comments_end_where_they_should() -> None:
    """Given texts that would end a comment or hide in it, when they are written, then they do neither."""
    assert comment("one */ two") == "/** one *\\/ two */\n"
    assert (
        comment("a\r\nb\u2028c", None, "", "d", indent="  ") == "  /**\n   * a\n   * b\n   * c\n   *\n   * d\n   */\n"
    )
    assert comment("a\u202eb\x00c") == "/** abc */\n"
    assert comment(None, "", " \n ") == ""
    assert in_line("# <b>\n*/ [x](y) `code` | c_d") == r"\# \<b\> \*/ \[x\](y) \`code\` \| c\_d"
    assert (key("a_1$"), key("1a"), key("with-dash"), literal("é")) == ("a_1$", '"1a"', '"with-dash"', '"\\u00e9"')


def test_names_are_free_and_fit() -> None:
    """Given texts of any kind, when names are made of them, then each is an identifier, and one that nobody has."""
    taken = {"send", "constructor"}

    names = [
        method_name(text, taken, suffix="Message")
        for text in ["start_command", "send", "Send", "1st", "日本", "constructor"]
    ]

    assert names == ["startCommand", "sendMessage", "sendMessage2", "message1st", "message", "constructorMessage"]
    classes: set[str] = set()
    assert [class_name(text, classes) for text in ["chat", "Chat", "2 fast", "*"]] == [
        "Chat",
        "Chat2",
        "Channel2Fast",
        "Channel",
    ]
    directories = {"shared"}
    assert [directory_name(text, directories) for text in ["shared", "ChatRoom", "../evil", "日本", "CON fig"]] == [
        "shared2",
        "chat_room",
        "evil",
        "channel",
        "con_fig",
    ]


def test_what_the_runtime_knows_of_jobs_is_what_the_bridge_sends() -> None:
    """Given the messages of the job topic, when the names that the runtime knows are read, then they are the same."""
    types: list[EventType] = [*JOB_EVENTS, JobAck, JobCancel, JobCancelAccepted]

    assert {action for one in types for action in message_actions(one)} == JOB_ACTIONS


def test_the_runtime_has_all_that_it_imports_and_no_element() -> None:
    """Given the files of the runtime, when they are read, then each import is there, and no element of a page."""
    files = runtime_files()

    assert {"chanx.js", "chanx.d.ts", "channel_client.js", "channel_client.d.ts"} <= files.keys()
    assert not [name for name in files if "element" in name or name.startswith("chanx-job")]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Scalar("string", "date-time"), '"2026-01-31T12:00:00Z"'),
        (Scalar("string", constraints={"minLength": 6}), '"textxx"'),
        (Scalar("integer", constraints={"minimum": 7}), "7"),
        (Scalar("number", constraints={"exclusiveMinimum": 4}), "5"),
        (Scalar("integer", constraints={"maximum": -2}), "-2"),
        (ArrayOf(NUMBER, {"minItems": 1}), "[1]"),
        (UnionOf((ReferenceTo("Endless"), Scalar("null"))), "null"),
        (TupleOf((Scalar("boolean"), MapOf(TEXT))), "[true, {}]"),
        (ReferenceTo("Tree"), '{ name: "text" }'),
    ],
)
def test_a_sample_fits_its_type(found: Type, expected: str) -> None:
    """Given a type, when a sample is made, then it is short and fits."""
    endless = ObjectDeclaration("Endless", (Property("next", ReferenceTo("Endless"), is_required=True),))
    tree = ObjectDeclaration(
        "Tree",
        (
            Property("name", TEXT, is_required=True),
            Property("left", ReferenceTo("Tree"), is_required=False, default=None),
        ),
    )
    samples = Samples({"Endless": endless, "Tree": tree})

    assert samples.value(found) == expected
    with pytest.raises(NoSample):
        samples.value(ReferenceTo("Endless"))

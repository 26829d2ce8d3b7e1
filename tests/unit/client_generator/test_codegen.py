"""Generated modules of models: what they look like, and that type checkers and linters have nothing against them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from chanx.client_generator.base.messages import MessageTypes, frame_of
from chanx.client_generator.codegen import generate_pydantic_code
from chanx.client_generator.declarations import AliasDeclaration, ReferenceTo, UnionOf
from chanx.client_generator.schema_types import declarations_of
from tests.unit.client_generator.documents import ref
from tests.unit.client_generator.executed import executed


def schema(name: str) -> dict[str, str]:
    return ref("components", "schemas", name)


def code_of(schemas: dict[str, Any], **more: Any) -> str:
    return generate_pydantic_code(declarations_of(schemas), **more)


CHAT = {
    "Chat": {
        "description": "Says something.",
        "type": "object",
        "properties": {
            "action": {"const": "chat", "default": "chat", "type": "string"},
            "payload": schema("ChatPayload"),
        },
        "required": ["payload"],
    },
    "ChatPayload": {
        "type": "object",
        "properties": {
            "text": {"type": "string", "maxLength": 500, "description": "What is said."},
            "class": {"type": "string", "default": "plain"},
            "color": {"enum": ["red", "dark blue"], "default": "red"},
            "tags": {"type": "array", "items": {"type": "string"}, "default": []},
            "at": {"type": "string", "format": "date-time"},
            "reply_to": {"anyOf": [schema("ChatPayload"), {"type": "null"}], "default": None},
        },
        "required": ["text"],
    },
}


def test_a_module() -> None:
    assert code_of(CHAT, introduction=["Messages.", None], base="..base", messages=["Chat"]) == (
        '"""Messages."""\n'
        "\n"
        "from __future__ import annotations\n"
        "\n"
        "from datetime import datetime\n"
        "from typing import Annotated, Literal\n"
        "\n"
        "from pydantic import Field\n"
        "\n"
        "from ..base import ProtocolMessage, ProtocolModel\n"
        "\n"
        "\n"
        "class ChatPayload(ProtocolModel):\n"
        "    text: Annotated[str, Field(max_length=500)]\n"
        '    """What is said."""\n'
        "\n"
        "    class_: Annotated[\n"
        "        str,\n"
        '        Field(validation_alias="class", serialization_alias="class"),\n'
        '    ] = "plain"\n'
        '    color: Literal["red", "dark blue"] = "red"\n'
        "    tags: list[str] = Field(default=[])\n"
        "    at: datetime | None = None\n"
        "    reply_to: ChatPayload | None = None\n"
        "\n"
        "\n"
        "class Chat(ProtocolMessage):\n"
        '    """Says something."""\n'
        "\n"
        '    action: Literal["chat"] = "chat"\n'
        "    payload: ChatPayload\n"
    )


def test_no_declarations() -> None:
    assert generate_pydantic_code([]) == "from __future__ import annotations\n"


def test_what_is_elsewhere_is_imported() -> None:
    (chat,) = [one for one in declarations_of(CHAT) if one.name == "Chat"]
    code = generate_pydantic_code(
        [chat], imported={"ChatPayload": "..shared.messages"}, known=declarations_of(CHAT), base="..base"
    )
    assert "from ..shared.messages import ChatPayload\n" in code
    assert "class ChatPayload" not in code


def test_what_is_sent() -> None:
    with executed(code_of(CHAT)) as module:
        # When
        plain = module.Chat(payload=module.ChatPayload(text="Hi"))
        other = module.Chat(payload={"text": "Hi", "class": "loud", "at": "2026-01-31T12:00:00Z", "new": "key"})

        # Then what has no default in the document is not there
        assert frame_of(plain) == {
            "action": "chat",
            "payload": {"text": "Hi", "class": "plain", "color": "red", "tags": []},
        }
        assert other.payload.class_ == "loud"
        assert frame_of(other)["payload"]["at"] == "2026-01-31T12:00:00Z"
        with pytest.raises(ValidationError):
            module.ChatPayload(text="x" * 501)


@pytest.mark.parametrize(
    ("content", "default"),
    [
        ({"type": "integer", "default": -1, "minimum": 0}, None),  # the server has it, and takes it from nobody
        ({"type": "integer", "default": "one"}, None),
        ({"type": "integer", "default": True}, None),
        ({"type": "number", "default": 1}, 1),
        ({"type": "string", "pattern": "^a", "default": "b"}, None),
        ({"type": "string", "pattern": "^(?=a)", "default": "b"}, "b"),  # Pydantic's engine has no look-ahead
        ({"type": "string", "format": "uuid", "default": "no"}, None),
        ({"type": "string", "default": None}, None),
        ({"type": "array", "items": {"type": "integer"}, "default": [1, "a"]}, None),
        ({"type": "array", "items": {"type": "integer"}, "default": [1, 2]}, [1, 2]),
        ({"type": "array", "maxItems": 1, "default": [1, 2]}, None),
        ({"type": "object", "default": {"a": [1, {"b": None}]}}, {"a": [1, {"b": None}]}),
        ({"type": "object", "additionalProperties": {"type": "integer"}, "default": {"a": "b"}}, None),
        ({"default": {}}, {}),
        ({"default": [0.5, "x"]}, [0.5, "x"]),
        ({"prefixItems": [{"type": "integer"}], "minItems": 1, "maxItems": 1, "default": [1]}, (1,)),
        ({"prefixItems": [{"type": "integer"}], "minItems": 1, "maxItems": 1, "default": [1, 2]}, None),
        ({"anyOf": [{"type": "integer"}, {"type": "array"}], "default": []}, []),
        ({"enum": ["a", 1], "default": True}, None),
    ],
)
def test_a_default_is_one_that_the_type_takes(content: Any, default: Any) -> None:
    with executed(code_of({"It": {"properties": {"it": content}}})) as module:
        one, other = module.It(), module.It()
        assert (one.it, type(one.it)) == (default, type(default))
        assert frame_of(one) == ({} if default is None else {"it": list(default) if default == (1,) else default})
        if isinstance(default, list | dict):
            assert one.it is not other.it


@pytest.mark.parametrize(
    ("format_", "text"),
    [
        ("date-time", "2026-01-31T12:30:00.5Z"),
        ("date-time", "2026-01-31T12:30:00"),
        ("date", "2026-01-31"),
        ("time", "12:30:00"),
        ("duration", "P3DT4.5S"),
        ("duration", "PT0S"),
        ("uuid", "2c7e4b9e-5c0f-4a5e-9a3a-6f4f3e5b8d11"),
        ("binary", "x"),
        ("email", "a@b.test"),
    ],
)
def test_formats_come_back_as_they_were(format_: str, text: str) -> None:
    content = {"type": "string", "format": format_}
    required = {"properties": {"it": content}, "required": ["it"]}
    with executed(code_of({"It": required, "Default": {"properties": {"it": {**content, "default": text}}}})) as module:
        assert frame_of(module.It(it=text)) == frame_of(module.Default())
        assert module.It(it=module.It(it=text).it) == module.It(it=text)
        assert module.It.model_validate(frame_of(module.Default())) == module.It(it=text)


def test_options_are_told_apart_by_the_key_that_the_schema_names() -> None:
    # Given
    options = {
        name: {"properties": {"class": {"const": name}, "x": {"type": "integer"}}, "required": ["class"]}
        for name in ("A", "B")
    }
    union = {"oneOf": [schema("A"), schema("B")], "discriminator": {"propertyName": "class"}}

    with executed(code_of({**options, "It": {"properties": {"it": union}}})) as module:
        # When
        found = module.It.model_validate({"it": {"class": "B", "x": 1}})

        # Then
        assert type(found.it) is module.B
        assert frame_of(found) == {"it": {"class": "B", "x": 1}}
        with pytest.raises(ValidationError) as raised:
            module.It.model_validate({"it": {"class": "C"}})
        assert [error["type"] for error in raised.value.errors()] == ["union_tag_invalid"]


def test_a_discriminator_that_pydantic_cannot_use_is_none() -> None:
    options = {name: {"properties": {"x": {"const": "same"}, name: {}}, "required": [name]} for name in ("A", "B")}
    union = AliasDeclaration("It", UnionOf((ReferenceTo("A"), ReferenceTo("B")), "x"))
    code = generate_pydantic_code([*declarations_of(options), union])
    assert "discriminator" not in code
    with executed(code) as module:
        assert frame_of(module.B.model_validate({"B": 1})) == {"x": "same", "B": 1}


def test_a_null_that_is_required_is_sent() -> None:
    with executed(code_of({"It": {"properties": {"it": {"type": "null"}}, "required": ["it"]}})) as module:
        assert frame_of(module.It()) == {"it": None}


def test_messages_are_told_apart_by_a_key_that_is_no_name_of_a_field() -> None:
    message = {"properties": {"event-type": {"const": "a"}, "class": {"type": "integer"}}}
    with executed(code_of({"It": message}, messages=["It"])) as module:
        found = MessageTypes[Any]([module.It], "event-type").read({"event-type": "a", "class": 1})
        assert found == module.It(class_=1)
        assert frame_of(found) == {"event-type": "a", "class": 1}


def test_other_keys_are_kept_where_the_schema_has_them() -> None:
    it = {"properties": {"a": {"type": "integer"}}}
    with executed(code_of({"It": it, "Open": {**it, "additionalProperties": {"type": "integer"}}})) as module:
        assert frame_of(module.It.model_validate({"a": 1, "b": 2})) == {"a": 1}
        assert frame_of(module.Open.model_validate({"a": 1, "b": 2})) == {"a": 1, "b": 2}

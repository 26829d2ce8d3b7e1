"""Whatever a document calls its channels, topics and operations, and says of them: the package is sound Python."""

import ast
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from chanx.client_generator.base import RESERVED_NAMES
from chanx.client_generator.python.client import write_client
from chanx.client_generator.reading import protocol_of
from chanx.client_generator.writing import OutputDirectory
from tests.unit.client_generator.chat_document import HOSTILE
from tests.unit.client_generator.documents import channel, document, message_schema, operation

HARD = [
    "class",
    "None",
    "self",
    "close",
    "subscribe",
    "base",
    "shared",
    "Base",
    "a_b",
    "aB",
    "A B",
    "1",
    "_",
    "Ping",
    "é",
]
NAMES = st.one_of(st.sampled_from(HARD), st.text(st.characters(exclude_characters="/~"), min_size=1, max_size=8))
WORDS = st.one_of(
    st.just(HOSTILE), st.text(st.characters(), max_size=60), st.sampled_from(['"""', "\\", '"', "x" * 200])
)
SCHEMAS = {"Ping": message_schema("ping"), "Pong": message_schema("pong"), "Any": message_schema("any")}
MESSAGES = ["ping", "pong", "any"]


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for name in draw(st.lists(NAMES, min_size=1, max_size=4, unique=True)):
        topic = draw(
            st.none() | st.fixed_dictionaries({"name": NAMES, "parameters": st.lists(NAMES, max_size=3, unique=True)})
        )
        more = {} if topic is None else {"x-topic": {**topic, "pattern": draw(WORDS) or "x"}}
        address = draw(st.sampled_from(["ws/a", "ws/{b}", "ws/c\"'"]))
        channels[name] = channel(address, *MESSAGES, description=draw(WORDS), **more)
        for key in draw(st.lists(NAMES, max_size=4, unique=True)):
            messages, replies = (draw(st.lists(st.sampled_from(MESSAGES), max_size=2, unique=True)) for _ in range(2))
            action = draw(st.sampled_from(["send", "receive"]))
            operations[key] = operation(action, name, messages, replies, summary=draw(WORDS), description=draw(WORDS))
    return document(channels, operations, SCHEMAS, info={"title": draw(WORDS), "version": draw(WORDS)})


@given(documents())
@example(document({}, {}, SCHEMAS, info={"title": "\ud800", "version": "\ud800"}))
@settings(max_examples=80, deadline=None)
def test_the_package_is_sound(content: dict[str, Any]) -> None:
    """Given any names and words, then every file compiles, and no name in it hides another."""
    out = OutputDirectory(Path("client"), language="python")
    write_client(protocol_of(content), out)
    for path, text in out.files.items():
        text.encode()
        if path.endswith(".py") and not path.startswith("base/"):
            compile(text, path, "exec")
            for class_ in (node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)):
                check_class(class_)
    modules = [path.split("/")[0] for path in out.files if path.endswith("/client.py")]
    assert len({module.lower() for module in modules}) == len(modules)


def check_class(class_: ast.ClassDef) -> None:
    methods = [node.name for node in class_.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert len(set(methods)) == len(methods)
    assert not set(methods) & RESERVED_NAMES


@given(documents())
@settings(max_examples=20, deadline=None)
def test_the_same_document_gives_the_same_package(content: dict[str, Any]) -> None:
    """Given a document, when it is read again, then the files are the same, byte for byte."""
    first, second = (OutputDirectory(Path("client"), language="python") for _ in range(2))
    write_client(protocol_of(content), first)
    write_client(protocol_of(content), second)
    assert first.files == second.files

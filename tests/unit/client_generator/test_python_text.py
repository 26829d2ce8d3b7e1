"""Words of a document inside generated code: they stay words, whatever they are."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.client_generator.python.imports import Imports
from chanx.client_generator.python.names import free_identifier, identifier
from chanx.client_generator.python.text import docstring, laid_out, literal, one_line, plain

HOSTILE = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            ['"""', "'''", "\\", "\n", "\\N{x}", "\r", "\u202e", "\x00", '"', "#", "{{ x }}", "\ud800", "\f"]
        ),
    ),
    max_size=8,
).map("".join)


@given(st.lists(HOSTILE, max_size=3), st.integers(0, 2))
def test_a_docstring_is_one_string(paragraphs: list[str], indent: int) -> None:
    """Given any texts, when they are made a docstring, then that is one literal, and has their words and no others; it
    is none where there are no words."""
    code = docstring(*paragraphs, indent=indent)
    code.encode()
    (statement,) = ast.parse(f"x = {code or repr('')}").body
    assert isinstance(statement, ast.Assign)
    value = ast.literal_eval(statement.value)
    assert value.split() == [word for text in paragraphs for word in plain(text).split()]
    assert not any(line.endswith((" ", "\t")) for line in code.split("\n"))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("A room.", '"""A room."""'),
        ('Says "hello"', '"""Says "hello" """'),
        ('"Hello"', '""" "Hello" """'),
        ("C:\\new", '"""C:\\\\new"""'),
        ("A\n\n\tlist:\n  - one  ", '"""A\n\n    list:\n  - one\n"""'),
        (" \u200b\n", ""),
    ],
)
def test_a_docstring_reads_as_written(text: str, code: str) -> None:
    assert docstring(text) == code


def test_long_lines_are_wrapped() -> None:
    lines = docstring("A list:", f"- {'word ' * 40}\n{'x' * 200}", indent=1).split("\n")
    assert max(len(line) for line in lines[:-2]) <= 88
    assert lines[3].startswith("      word")
    assert lines[-2].strip() == "x" * 200


def test_a_paragraph_with_a_long_line_is_filled_anew() -> None:
    text = f"{'word ' * 20}\nand more"
    assert [len(line) for line in docstring(text).split("\n")] == [87, 23, 3]


@pytest.mark.parametrize("length", range(74, 84))
def test_ruff_leaves_a_docstring_as_it_is(length: int, tmp_path: Path) -> None:
    """Given a sentence that fills a line with its quotes, or almost."""
    code = f"class A:\n    {docstring('x' * 40 + ' ' + 'y' * (length - 41), indent=1)}\n"
    assert ruff("format", code, tmp_path) == ""


@given(HOSTILE)
def test_a_literal_is_its_text(text: str) -> None:
    literal(text).encode()
    assert ast.literal_eval(literal(text)) == text
    assert "\n" not in one_line(text)


@given(HOSTILE, st.sets(st.sampled_from(["a", "class_", "room", "room_"])))
def test_a_name_is_an_identifier(text: str, taken: set[str]) -> None:
    name = free_identifier(text, taken, otherwise="channel")
    ast.parse(f"def {name}({name}=None): ...")
    assert name not in taken
    assert not name.startswith("__")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("startCommand", "start_command"),
        ("start-command", "start_command"),
        ("chat/room.v2", "chat_room_v2"),
        ("2fa", "channel_2fa"),
        ("class", "class_"),
        ("match", "match_"),
        ("", "channel"),
        ("???", "channel"),
        ("HTTPRoom", "http_room"),
        ("_private", "private"),
        ("räume", "räume"),
    ],
)
def test_names_read_as_written(text: str, name: str) -> None:
    assert identifier(text, otherwise="channel") == name


def test_names_that_are_taken() -> None:
    assert free_identifier("close", {"close"}, otherwise="x") == "close_"
    assert free_identifier("close", {"close", "close_"}, otherwise="x") == "close_2"


@given(
    st.lists(st.tuples(st.sampled_from(["typing", "..base", "..a.b", ".c", "."]), st.from_regex(r"\A[A-Za-z]{1,30}\Z")))
)
def test_imports_are_sorted_and_formatted(wanted: list[tuple[str, str]]) -> None:
    """Given any imports, then each has a name of its own, and ruff has nothing to change."""
    imports = Imports({"Taken"})
    names = {pair: imports.add(*pair) for pair in wanted}
    assert len(set(names.values())) == len(names)
    assert "Taken" not in names.values()
    assert {key: imports.add(*key) for key in names} == names


def test_ruff_has_nothing_to_change(tmp_path: Path) -> None:
    imports = Imports({"Any"})
    for name in [
        "alpha",
        "Beta",
        "GAMMA",
        "_delta",
        "Any",
        "URL",
        "aB",
        *(f"AVeryLongName{number}" for number in range(9)),
    ]:
        imports.add("typing", name)
        imports.add("..base", name)
    imports.add(".", "own")
    imports.add("...far", "away")
    imports.add("asyncio", "run")
    calls = [laid_out("f(", ["abc"] * count, ")") for count in (1, 17, 40)]
    code = "\n".join([f"{imports}{calls[0]}", *calls[1:], ""])
    assert ruff("format", code, tmp_path) == ""
    assert ruff("check", code, tmp_path, "--select=I") == ""


def ruff(command: str, code: str, directory: Path, *options: str) -> str:
    """What ruff would change in the code."""
    (directory / "x.py").write_text(code)
    arguments = [command, "--diff", "--quiet", "--isolated", "--no-cache", *options, str(directory / "x.py")]
    done = subprocess.run([sys.executable, "-m", "ruff", *arguments], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr

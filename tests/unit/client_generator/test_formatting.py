"""Running a formatter over generated files: whatever becomes of it is told, and nothing is raised."""

import os
import shlex
import sys
from pathlib import Path

import pytest

from chanx.client_generator.formatting import default_formatter, run_formatter

UPPERCASES = "import pathlib, sys; [f.write_text(f.read_text().upper()) for f in map(pathlib.Path, sys.argv[1:])]"


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """A directory with files of several kinds."""
    for name in ("a.py", "b.ts", "README.md", "of_the_user.py"):
        (tmp_path / name).write_text("x = 1\n")
    return tmp_path


def python(program: str) -> str:
    return shlex.join([sys.executable, "-c", program])


def told(command: str, client: Path, *, language: str = "python", seconds: float = 30) -> list[str]:
    files = ["a.py", "b.ts", "README.md"]
    return list(run_formatter(command, client, files, language=language, seconds=seconds))


@pytest.mark.parametrize(("language", "formatted"), [("python", "a.py"), ("typescript", "b.ts")])
def test_the_generated_files_of_the_language_are_formatted(client: Path, language: str, formatted: str) -> None:
    command = python(UPPERCASES)
    assert told(command, client, language=language) == [f"Running formatter: {command}"]
    assert {file.name for file in client.iterdir() if file.read_text() == "X = 1\n"} == {formatted}


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("no-such-formatter --fast", "Formatter command not found: no-such-formatter --fast"),
        (python("import time; time.sleep(60)"), "Formatter timed out after 0.1 seconds"),
        (python("import sys; sys.exit('cannot parse a.py')"), "Formatter warning: cannot parse a.py"),
        (python("import sys; print('on stdout'); sys.exit(3)"), "Formatter warning: on stdout"),
        (python("import sys; sys.exit(3)"), "Formatter warning: exit code 3"),
        (os.path.dirname(__file__), "Formatter error: "),
        ("black '", "Formatter error: No closing quotation"),
        ("", "Formatter error: "),
    ],
)
def test_problems_are_told(client: Path, command: str, says: str) -> None:
    lines = told(command, client, seconds=0.1 if "sleep" in command else 30)
    assert lines[0] == f"Running formatter: {command}"
    assert len(lines) == 2
    assert lines[1].startswith(says)


def test_a_formatter_is_never_run_without_files(client: Path) -> None:
    """Because many then take the whole working directory."""
    assert list(run_formatter(python(UPPERCASES), client, ["README.md"], language="python")) == []


def test_ruff_is_the_default_for_python(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given an environment with ruff that is not activated."""
    monkeypatch.setenv("PATH", os.fspath(client))
    assert default_formatter("typescript") is None
    (client / "a.py").write_text("x = ( 1 )\n")

    command = default_formatter("python")

    assert command == "ruff format"
    assert told(command, client) == ["Running formatter: ruff format"]
    assert (client / "a.py").read_text() == "x = 1\n"


def test_without_ruff_there_is_no_default(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.fspath(client))
    monkeypatch.setattr(sys, "executable", os.fspath(client / "python"))
    assert default_formatter("python") is None

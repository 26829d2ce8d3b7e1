"""``chanx generate-client``: what it writes, what it says, and how it fails."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chanx.cli.main import cli
from tests.unit.client_generator.documents import channel, document, message_schema, operation


def chat(*names: str) -> dict[str, Any]:
    """A document with one request on each channel."""
    schemas = {"Ping": message_schema("ping")}
    operations = {f"ping_{name}": operation("receive", name, ["ping"]) for name in names}
    return document({name: channel(f"ws/{name}", "ping") for name in names}, operations, schemas)


class Command:
    """Runs the command in a directory, on the document there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.client = directory / "chat_client"
        self.schema = directory / "asyncapi.json"
        self.schema.write_text(json.dumps(chat("chat")))

    def __call__(self, *options: str) -> Result:
        arguments = ["generate-client", "-s", str(self.schema), "-o", str(self.client), *options]
        return CliRunner().invoke(cli, arguments)

    def succeeds(self, *options: str) -> str:
        result = self(*options)
        assert result.exit_code == 0, result.output
        return result.output

    def fails(self, *options: str) -> str:
        """One line, and no traceback."""
        result = self(*options)
        assert result.exit_code == 1, result.output
        (line,) = result.output.splitlines()
        assert line.startswith("Error: ")
        return line


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run outside of this repository, whose settings ruff would take."""
    monkeypatch.chdir(tmp_path)
    return Command(tmp_path)


def test_a_client_is_written_and_formatted(command: Command) -> None:
    assert command.succeeds().splitlines() == [
        "Running formatter: ruff format",
        f"Client generated successfully! It is in {command.client}.",
        "Chat",
        "Version: 1.0.0",
        "Channels: 1",
        "Operations: 1",
        "Schemas: 1",
    ]
    ruff = [sys.executable, "-m", "ruff", "format", "--check", "--isolated", "--no-cache", str(command.client)]
    assert subprocess.run(ruff, capture_output=True, check=False).returncode == 0
    names = {path.name for path in command.client.iterdir()}
    assert names == {"README.md", "__init__.py", "base", "chat", "py.typed", ".chanx-client.json"}


def test_generated_again_it_is_the_same(command: Command) -> None:
    command.succeeds()
    before = {path: path.read_bytes() for path in command.client.rglob("*") if path.is_file()}
    output = command.succeeds()
    assert {path: path.read_bytes() for path in command.client.rglob("*") if path.is_file()} == before
    assert "edited" not in output


def test_yaml_is_read(command: Command) -> None:
    command.schema = command.directory / "asyncapi.yaml"
    command.schema.write_text(json.dumps(chat("chat")))  # JSON is YAML
    command.succeeds("--no-format")


def test_typescript(command: Command) -> None:
    assert "formatter" not in command.succeeds("--lang", "typescript")
    assert (command.client / "index.ts").exists()


class TestOptions:
    def test_no_format(self, command: Command) -> None:
        assert "formatter" not in command.succeeds("--no-format")

    def test_a_formatter_of_ones_own(self, command: Command) -> None:
        assert "Running formatter: touch -c" in command.succeeds("-f", "touch -c")

    def test_a_formatter_that_is_missing_fails_nothing(self, command: Command) -> None:
        output = command.succeeds("--formatter", "no-such-formatter")
        assert "Formatter command not found: no-such-formatter" in output
        assert "Client generated successfully!" in output

    def test_no_readme(self, command: Command) -> None:
        command.succeeds("--no-readme", "--no-format")
        assert not (command.client / "README.md").exists()

    def test_channels_that_are_gone(self, command: Command) -> None:
        command.schema.write_text(json.dumps(chat("chat", "news")))
        command.succeeds("--no-format")
        command.schema.write_text(json.dumps(chat("chat")))
        command.succeeds("--no-format", "--no-clear-channels")
        assert (command.client / "news" / "client.py").exists()
        assert f"Removed: {command.client / 'news' / 'client.py'}" in command.succeeds("--no-format")
        assert not (command.client / "news").exists()

    def test_an_edited_base(self, command: Command) -> None:
        command.succeeds("--no-format")
        edited = command.client / "base" / "client.py"
        edited.write_text("mine = 1\n")
        assert f"Kept as you edited it: {edited}" in command.succeeds()
        assert edited.read_text() == "mine = 1\n"
        assert "Kept" not in command.succeeds("--override-base")
        assert "class BaseClient" in edited.read_text()

    def test_an_edited_channel(self, command: Command) -> None:
        command.succeeds("--no-format")
        edited = command.client / "chat" / "client.py"
        edited.write_text("mine = 1\n")
        assert f"You had edited {edited}: your version is now {edited}.orig" in command.succeeds()
        assert Path(f"{edited}.orig").read_text() == "mine = 1\n"

    def test_clear_output(self, command: Command) -> None:
        command.client.mkdir()
        (command.client / "notes.txt").write_text("mine")
        command.succeeds("--clear-output", "--no-format")
        assert not (command.client / "notes.txt").exists()


class TestErrors:
    def test_a_missing_file(self, command: Command) -> None:
        command.schema.unlink()
        assert command.fails() == f"Error: File not found: {command.schema}"

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            ("{", "Invalid JSON format"),
            ("[]", "Schema must be a JSON object"),
            ("{}", "no AsyncAPI document"),
            ('{"openapi": "3.1.0"}', "openapi"),
            ('{"asyncapi": "2.6.0", "info": {"title": "x"}}', "AsyncAPI 2.6.0 is not supported"),
            ('{"asyncapi": "3.0.0"}', "info.title"),
            ('{"asyncapi": "3.0.0", "info": {"title": "x"}, "channels": {"a": {}}}', "has no address"),
        ],
    )
    def test_a_broken_document(self, command: Command, content: str, says: str) -> None:
        command.schema.write_text(content)
        assert says in command.fails()
        assert not command.client.exists()

    def test_an_address_that_nothing_answers_at(self, command: Command) -> None:
        assert "Request error loading schema" in command.fails("-s", "http://127.0.0.1:1/asyncapi.json")

    def test_a_directory_with_something_else(self, command: Command) -> None:
        command.client.mkdir()
        (command.client / "notes.txt").write_text("mine")
        assert "is not empty" in command.fails()
        assert [path.name for path in command.client.iterdir()] == ["notes.txt"]

    def test_a_directory_that_cannot_be_written_to(self, command: Command) -> None:
        (command.directory / "file").write_text("")
        command.client = command.directory / "file" / "client"
        assert "The client was not written" in command.fails()

    def test_what_is_not_given_is_asked_for(self) -> None:
        result = CliRunner().invoke(cli, ["generate-client", "-o", "client"])
        assert result.exit_code == 2
        assert "--schema" in result.output

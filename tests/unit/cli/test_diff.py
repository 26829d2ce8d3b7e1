"""``chanx diff``: what it prints, and the exit code that scripts go by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from chanx.cli.main import cli
from tests.unit.asyncapi.documents import document, message

TEXT = {"type": "string"}
OLD = document({"chat": message("chat", TEXT)}, [("handle_chat", "receive", "chat", ())])
WIDER = document(
    {"chat": message("chat", {"anyOf": [TEXT, {"type": "null"}]})}, [("handle_chat", "receive", "chat", ())]
)


def written(directory: Path, name: str, content: Any) -> str:
    path = directory / name
    path.write_text(json.dumps(content) if name.endswith(".json") else yaml.safe_dump(content))
    return str(path)


def run(*arguments: str, color: bool = False) -> Result:
    return CliRunner().invoke(cli, ["diff", *arguments], color=color)


def test_no_change(tmp_path: Path) -> None:
    """Given the same document twice, in JSON and YAML, When compared, Then the exit code is 0."""
    result = run(written(tmp_path, "old.json", OLD), written(tmp_path, "new.yaml", OLD))

    assert (result.exit_code, result.output) == (0, "No changes.\n")


def test_a_compatible_change(tmp_path: Path) -> None:
    result = run(written(tmp_path, "old.json", OLD), written(tmp_path, "new.json", WIDER))

    assert result.exit_code == 0
    assert result.output == (
        "chat\n  compatible  chat (client to server), payload: can also be null now\n\n"
        "0 breaking changes, 1 compatible change.\n"
    )


def test_a_breaking_change(tmp_path: Path) -> None:
    result = run(written(tmp_path, "old.json", WIDER), written(tmp_path, "new.json", OLD))

    assert result.exit_code == 1
    assert result.output == (
        "chat\n  breaking    chat (client to server), payload: can no longer be null\n\n"
        "1 breaking change, 0 compatible changes.\n"
    )


def test_a_change_in_very_many_places(tmp_path: Path) -> None:
    """Given a type that many fields have, When one of its own has changed, Then the first places stand for all."""

    def shared(name: Any) -> str:
        user = {"type": "object", "properties": {"name": name}, "required": ["name"]}
        fields = {f"user_{place}": user for place in range(8)}
        payload = {"type": "object", "properties": fields, "required": list(fields)}
        content = document({"chat": message("chat", payload)}, [("handle_chat", "receive", "chat", ())])
        return written(tmp_path, f"{name['type']}.json", content)

    files = shared(TEXT), shared({"type": "boolean"})
    output = run(*files).output

    assert output.count("breaking    chat (client to server), payload.user_") == 5
    assert "and the same in 3 more places: --format json has them" in output
    assert "8 breaking changes" in output
    assert json.loads(run(*files, "--format", "json").output)["breaking"] == 8


def test_colours_on_a_terminal_only(tmp_path: Path) -> None:
    files = written(tmp_path, "old.json", WIDER), written(tmp_path, "new.json", OLD)

    assert "\x1b[31mbreaking" in run(*files, color=True).output
    assert "\x1b" not in run(*files).output


def test_json(tmp_path: Path) -> None:
    files = written(tmp_path, "old.json", WIDER), written(tmp_path, "new.json", OLD)

    result = run(*files, "--format", "json")

    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "breaking": 1,
        "compatible": 0,
        "changes": [
            {
                "severity": "breaking",
                "channel": "chat",
                "where": "chat (client to server), payload",
                "what": "type",
                "text": "can no longer be null",
            }
        ],
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"asyncapi": "2.6.0"}, "asyncapi 2.6.0"),
        ([], "Schema must be a JSON object"),
        (document({}, [("x", "receive", "missing", ())]), "leads nowhere"),
    ],
)
def test_a_document_that_cannot_be_compared(tmp_path: Path, content: Any, words: str) -> None:
    """Given a broken document, When compared, Then the text says what is wrong, and where, and the exit code is 2."""
    broken = written(tmp_path, "broken.json", content)

    result = run(written(tmp_path, "old.json", OLD), broken)

    assert result.exit_code == 2
    assert words in result.output
    assert "broken.json" in result.output
    assert "Traceback" not in result.output


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = run(str(tmp_path / "missing.json"), written(tmp_path, "new.json", OLD))

    assert result.exit_code == 2
    assert "Schema file not found" in result.output

"""Type checkers and linters have nothing against generated models, whatever they are generated from."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chanx.client_generator.codegen import generate_pydantic_code
from chanx.client_generator.schema_types import declarations_of
from tests.unit.client_generator.documents import ref
from tests.unit.client_generator.executed import executed
from tests.unit.client_generator.strategies import messages

_HOSTILE = 'End: """ \\""" \'\'\' \\ \n\n# not a comment\r\u202e\x00 “quotes” \u2013 {{x}} %s {x} \\N{BULLET} """'
_LONG = "a" * 40
_NAME = f"Name{'X' * 120}"


def _schema(name: str) -> dict[str, str]:
    return ref("components", "schemas", name)


AWKWARD: dict[str, Any] = {
    "Literal": {"description": _HOSTILE, "properties": {"Any": {"type": "string", "description": _HOSTILE}}},
    "Field": {"properties": {"Field": _schema("Field"), "Literal": _schema("Literal"), "any": {}}},
    "ProtocolModel": {"properties": {"datetime": {"type": "string", "format": "date-time"}}},
    "date": {"properties": {"date": {"type": "string", "format": "date"}, "Date": _schema("date")}},
    "Long": {
        "properties": {
            _LONG: {"enum": [f"{_LONG}{number}" for number in range(3)], "default": f"{_LONG}1"},
            "union": {"anyOf": [{"type": "array", "items": _schema(_NAME)}, _schema("Field"), _schema("date")]},
            "pattern": {"type": "string", "pattern": "(?:a|b|\"|'|\\\\){1,3}" * 6, "minLength": 1, "maxLength": 200},
            "defaults": {"type": "array", "items": {"type": "string"}, "default": [_LONG, _LONG, 'x"']},
            "mapping": {
                "type": "object",
                "additionalProperties": {"type": "integer"},
                "default": {_LONG: 1, _HOSTILE: 2},
            },
            "model": {**_schema("Literal"), "default": {"Any": _HOSTILE}},
            "times": {"items": {"type": "string", "format": "duration"}, "default": ["P1DT3S", "PT0S"]},
            "tuple": {"prefixItems": [{"type": "string"}], "minItems": 1, "items": {"type": "integer"}},
        },
        "additionalProperties": {"type": "string"},
    },
    _NAME: {"type": "integer", "minimum": 1, "exclusiveMaximum": 9, "description": "A number."},
    "JSON": {
        "anyOf": [
            {"items": _schema("JSON")},
            {"type": "object", "additionalProperties": _schema("JSON")},
            {"type": "string"},
        ]
    },
    "Ping": {"anyOf": [{"properties": {"pong": _schema("Pong")}}, {"type": "null"}]},
    "Pong": {"properties": {"ping": _schema("Ping"), "pings": {"items": _schema("Ping"), "default": []}}},
    "Empty": {"type": "object", "properties": {}},
    "Documented": {"type": "object", "properties": {}, "description": "Nothing."},
    "Blank": {"properties": {"blank": {"type": "string", "description": "\x1f"}}, "description": " \x1f\n"},
    "BlankText": {"type": "string", "description": " "},
    "BlankAlias": {"type": "string", "description": " \u200b "},
    "names": {
        "properties": {name: {} for name in ("", "1", "a-b", "a b", "_a", "__b__", "class", "self", "cls", "match")}
    },
}


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory of generated modules: the awkward one, and random ones."""
    directory = tmp_path_factory.mktemp("generated")
    codes = [generate_pydantic_code(declarations_of(AWKWARD), introduction=[_HOSTILE], messages=["Long"])]

    @settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def collect(data: st.DataObject) -> None:
        model = data.draw(messages()).type
        codes.append(generate_pydantic_code(declarations_of({"It": model.model_json_schema()}), messages=["It"]))

    collect()
    for number, code in enumerate(codes):
        (directory / f"models_{number}.py").write_text(code)
    return directory


def run(directory: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=directory, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_mypy(modules: Path) -> None:
    run(modules, "mypy", "--strict", "--cache-dir", "cache", "--follow-imports", "silent", ".")


def test_basedpyright(modules: Path) -> None:
    options = {"typeCheckingMode": "strict", "pythonVersion": "3.11"}
    (modules / "pyrightconfig.json").write_text(json.dumps(options))
    run(modules, "basedpyright", "--pythonpath", sys.executable, ".")


@pytest.mark.parametrize("config", ["default", "project"])
def test_ruff(modules: Path, config: str) -> None:
    project = Path(__file__).parents[3] / "pyproject.toml"
    options = ["--isolated"] if config == "default" else ["--config", str(project)]
    run(modules, "ruff", "check", "--no-cache", *options, ".")


def test_the_awkward_ones_work() -> None:
    with executed(generate_pydantic_code(declarations_of(AWKWARD))) as module:
        pong = module.Pong.model_validate({"ping": {"pong": {}}})
        assert pong.model_dump(mode="json") == {"ping": {"pong": {"pings": []}}, "pings": []}
        assert module.Names.model_validate({"": 1, "1": 2, "_a": 3, "class": 4}).model_dump(by_alias=True) == {
            "": 1, "1": 2, "_a": 3, "class": 4,
        }  # fmt: skip
        long = module.Long()
        assert long.model.Any == _HOSTILE
        assert [time.total_seconds() for time in long.times] == [86403, 0]


def test_the_same_declarations_are_the_same_text() -> None:
    # Given another process, with another order of sets
    program = (
        "from tests.unit.client_generator.test_codegen_checkers import *\n"
        "print(generate_pydantic_code(declarations_of(AWKWARD)), end='')"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-X", "utf8", "-c", program],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert texts == {generate_pydantic_code(declarations_of(AWKWARD))}

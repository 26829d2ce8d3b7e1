"""Loading a document: JSON or YAML, from a file or from a URL, and what is said where that fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from chanx.client_generator.loader import SchemaLoader
from chanx.errors import ChanxError

DOCUMENT = {"asyncapi": "3.0.0", "info": {"title": "Chat", "version": "1.0.0"}}
YAML = "asyncapi: 3.0.0\ninfo:\n  title: Chat\n  version: 1.0.0\n"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(name: str, text: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``answer(response or exception)``: what ``httpx.get`` comes to; returns the calls."""

    def answer(result: httpx.Response | Exception) -> list[Any]:
        calls: list[Any] = []

        def get(url: str, **options: Any) -> httpx.Response:
            calls.append((url, options))
            if isinstance(result, Exception):
                raise result
            result.request = httpx.Request("GET", url)
            return result

        monkeypatch.setattr(httpx, "get", get)
        return calls

    return answer


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", json.dumps(DOCUMENT)),
        ("a.JSON", "\ufeff" + json.dumps(DOCUMENT)),
        ("a.yaml", YAML),
        ("a.yml", YAML),
        ("a", YAML),
        ("a.txt", json.dumps(DOCUMENT)),
        ("a.txt", '{\n\t"asyncapi": "3.0.0", "info": {"title": "Chat", "version": "1.0.0"}}'),
    ],
)
def test_a_file(write: Any, name: str, text: str) -> None:
    path = write(name, text)
    assert SchemaLoader.load(path) == DOCUMENT
    assert SchemaLoader.load(str(path)) == DOCUMENT


def test_what_yaml_would_make_something_else_of_stays_what_it_says(write: Any) -> None:
    # Given words and a date that YAML 1.1 takes for booleans and a date
    text = "since: 2026-01-31\nenum: [on, off, yes, no, true, False, 1, 1.5, null]\n200: ok\nno: {1.5: x}"

    # When
    document = SchemaLoader.load(write("a.yaml", text))

    # Then
    assert document == {
        "since": "2026-01-31",
        "enum": ["on", "off", "yes", "no", True, False, 1, 1.5, None],
        "200": "ok",
        "no": {"1.5": "x"},
    }


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("a.json", "{", "Invalid JSON format"),
        ("a.json", "[" * 100_000, "Invalid JSON format"),
        ("a.yaml", "a: [", "Invalid YAML format"),
        ("a.yaml", "a: !!python/object:os.system {}", "Invalid YAML format"),
        ("a.json", "[]", "Schema must be a JSON object"),
        ("a.json", "null", "Schema must be a JSON object"),
        ("a.yaml", "- a", "Schema must be a YAML object"),
        ("a.yaml", "", "Schema must be a YAML object, and it is empty"),
        ("a.txt", "hello", "Could not parse schema file"),
        ("a.txt", "{: [", "Could not parse schema file"),
        ("a.json", b"\xff\xfe{}", "Could not parse schema file"),
    ],
)
def test_a_file_that_is_none_of_a_document(write: Any, name: str, text: str | bytes, error: str) -> None:
    with pytest.raises(ValueError, match=error) as raised:
        SchemaLoader.load(write(name, text))
    assert isinstance(raised.value, ChanxError)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="Schema file not found") as raised:
        SchemaLoader.load(tmp_path / "a.json")
    assert isinstance(raised.value, ChanxError)
    with pytest.raises(ValueError, match="Could not parse schema file"):
        SchemaLoader.load(tmp_path)


@pytest.mark.parametrize(
    ("url", "content_type", "text"),
    [
        ("https://x.test/schema/", "application/json; charset=utf-8", json.dumps(DOCUMENT)),
        ("https://x.test/schema.json", "application/yaml", YAML),
        ("http://x.test/schema.yaml?a=b.json", "text/plain", YAML),
        ("HTTP://x.test/schema", "application/octet-stream", YAML),
        ("http://x.test/schema", "", json.dumps(DOCUMENT)),
    ],
)
def test_a_url(answer: Any, url: str, content_type: str, text: str) -> None:
    calls = answer(httpx.Response(200, headers={"content-type": content_type}, text=text))
    assert SchemaLoader.load(url) == DOCUMENT
    assert calls == [(url, {"follow_redirects": True, "timeout": 30.0})]


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (httpx.Response(404), "HTTP error loading schema: http://x.test/schema answered 404"),
        (httpx.ConnectError("refused"), "Request error loading schema: http://x.test/schema: refused"),
        (httpx.ReadTimeout(""), "Request error loading schema: http://x.test/schema: ReadTimeout"),
        (httpx.InvalidURL("odd"), "Request error loading schema"),
        (httpx.Response(200, headers={"content-type": "text/html"}, text="<html>a: b: c"), "Could not parse schema"),
    ],
)
def test_a_url_that_gives_no_document(answer: Any, result: httpx.Response | Exception, error: str) -> None:
    answer(result)
    with pytest.raises(ValueError, match=error):
        SchemaLoader.load("http://x.test/schema")


@pytest.mark.parametrize(
    ("module", "source", "error"),
    [
        ("httpx", "http://x.test/a.json", r'httpx is required to load schemas from URLs: pip install "chanx\[cli\]"'),
        ("yaml", "a.yaml", r'PyYAML is required .* pip install "chanx\[cli\]"'),
    ],
)
def test_a_missing_package(monkeypatch: pytest.MonkeyPatch, write: Any, module: str, source: str, error: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match=error):
        SchemaLoader.load(source if "://" in source else write(source, YAML))

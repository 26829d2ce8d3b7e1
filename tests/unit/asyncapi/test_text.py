"""A document as text."""

import json
import sys
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from chanx.asyncapi.text import document_text, format_named, format_of_file
from chanx.errors import ConfigurationError, MissingExtraError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)
TEXTS = st.sampled_from(
    ["on", "no", "~", "1.0.0", "1e3", "0x10", "12:30", "2024-01-01", "a\nb", "a \n\tb\n", "#", "", "\x85", "\u2028\n"]
)


@given(st.dictionaries(st.text() | TEXTS, VALUES | TEXTS))
def test_both_formats_read_back_as_the_document(document: dict[str, Any]) -> None:
    """
    Given: any JSON object, with strings that YAML would take for something else
    When: it is written and read
    Then: it is the same, in the same order
    """
    for read, written in (
        (json.loads, document_text(document, "json")),
        (yaml.safe_load, document_text(document, "yaml")),
    ):
        again = read(written)
        assert again == document
        assert list(again) == list(document)
        assert written.endswith("\n")


def test_yaml_is_for_people() -> None:
    """
    Given: one part in two places, text beyond ASCII, and text of several lines
    When: it is written as YAML
    Then: there is no anchor, no escape, the order stays, and lines are lines
    """
    part = {"type": "string"}
    text = document_text({"b": part, "a": part, "title": "Grüße 👋", "more": "one\ntwo\n"}, "yaml")
    assert text == "b:\n  type: string\na:\n  type: string\ntitle: Grüße 👋\nmore: |\n  one\n  two\n"


def test_json_is_for_people() -> None:
    assert document_text({"b": "ü", "a": 1}, "json") == '{\n  "b": "ü",\n  "a": 1\n}\n'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
@pytest.mark.parametrize("text_format", ["json", "yaml"])
def test_what_is_not_json_is_refused(value: object, text_format: Any) -> None:
    with pytest.raises(ConfigurationError, match="not JSON"):
        document_text({"default": value}, text_format)


def test_yaml_without_pyyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Given: PyYAML is not installed
    When: a document is asked for as YAML, and as JSON
    Then: the error has the line to type; JSON needs nothing
    """
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtraError, match=r'PyYAML is not installed: pip install "chanx\[cli\]"'):
        document_text({}, "yaml")
    assert document_text({}, "json") == "{}\n"


def test_formats_by_name() -> None:
    assert format_named("yaml", default="json") == "yaml"
    assert format_named(None, default="json") == "json"
    with pytest.raises(ConfigurationError, match="json or yaml"):
        format_named("<script>", default="json")


@pytest.mark.parametrize(
    ("file", "expected"), [("a.json", "json"), ("A.JSON", "json"), ("a.yaml", "yaml"), ("a", "yaml"), (None, "yaml")]
)
def test_the_format_of_a_file(file: str | None, expected: str) -> None:
    assert format_of_file(file) == expected

"""The table of findings."""

import re
from pathlib import Path

import pytest
from django.core.checks import ERROR, INFO, WARNING, CheckMessage

from chanx.doctor.check_messages import findings_of, messages_of
from chanx.doctor.finding import TITLES, Finding
from chanx.errors import ConfigurationError

_TESTS = Path(__file__).parents[2]
_PAGE = _TESTS.parent / "docs" / "operations" / "doctor.md"


@pytest.mark.parametrize(
    ("number", "level"), [("chanx.E301", "error"), ("chanx.W003", "warning"), ("chanx.I207", "info")]
)
def test_the_letter_is_the_level(number: str, level: str) -> None:
    assert Finding(number, "text", "fix").level == level


def test_one_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="TITLES"):
        Finding("chanx.E999", "text", "fix")


def test_each_is_provoked_in_a_test() -> None:
    tests = "".join(file.read_text() for file in _TESTS.rglob("test_*.py"))
    assert [number for number in TITLES if number not in tests] == []


def test_each_is_on_the_page_for_operators() -> None:
    rows = dict(re.findall(r"^\| `(chanx\.[A-Z]\d+)` \| ([^|]+) \|", _PAGE.read_text(), re.MULTILINE))
    assert rows == TITLES


def test_they_are_messages_of_system_checks_and_back() -> None:
    findings = [Finding(f"chanx.{number}", "text", "fix") for number in ("E301", "W003", "I207")]

    messages = messages_of(findings)

    assert [message.level for message in messages] == [ERROR, WARNING, INFO]
    assert findings_of([*messages, CheckMessage(ERROR, "another's", id="urls.E001")]) == findings

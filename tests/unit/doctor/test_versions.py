"""Versions against chanx's own metadata."""

from collections.abc import Collection
from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest

from chanx.doctor import versions
from chanx.doctor.versions import installed, other_chanx, server_hints, supported, unsupported


def test_the_bounds_are_those_of_the_extras() -> None:
    bounds = supported()
    assert bounds["celery"] == ">=5.4"
    assert bounds["redis"] == "<9,>=6.4"
    assert bounds["channels-redis"] == ">=4.3"
    assert "fast-channels" in bounds


def test_what_the_tests_run_with_is_supported() -> None:
    bounds = supported()
    assert "celery" in installed(bounds)
    assert list(unsupported(installed(bounds), bounds)) == []


def test_without_metadata_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> list[str]:
        raise PackageNotFoundError

    monkeypatch.setattr(versions, "requires", fail)
    assert supported() == {}


@pytest.mark.parametrize(
    ("package", "number", "said"),
    [
        ("celery", "5.3.6", "chanx.W401"),
        ("redis", "9.0.0", "chanx.W401"),
        ("redis", "6.4.0", None),
        ("celery", "5.6.0rc1", None),
        ("channels-redis", "5.0.0", "chanx.W402"),
        ("fast-channels", "2.0", "chanx.W402"),
        ("unknown", "1", None),
    ],
)
def test_what_is_said_of_a_version(package: str, number: str, said: str | None) -> None:
    found = list(unsupported({package: number}, supported(), where=" on the worker w"))

    assert [finding.id for finding in found] == ([said] if said else [])
    assert all(f"{package} {number} on the worker w" in finding.text for finding in found)
    assert all("pip install" in finding.fix for finding in found)


def test_another_chanx() -> None:
    (finding,) = other_chanx("0.1.0", "0.2.0", worker="w")
    assert finding.id == "chanx.W403"
    assert "0.1.0" in finding.text
    assert list(other_chanx("0.2.0", "0.2.0", worker="w")) == []
    assert list(other_chanx(None, "0.2.0", worker="w")) == []


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (["uvicorn"], ["chanx.W501"]),
        (["uvicorn", "websockets"], []),
        (["uvicorn", "wsproto"], []),
        (["uvicorn", "daphne"], []),
        ([], []),
    ],
)
def test_uvicorn_needs_a_library(there: Collection[str], said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> Any:
        return name if name in there else None

    monkeypatch.setattr(versions, "find_spec", find)
    assert [finding.id for finding in server_hints()] == said

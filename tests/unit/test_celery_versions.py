"""How the oldest Celery is got, and what a test does that cannot have it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.celery_nodes import versions
from tests.celery_nodes.versions import NEWEST, OLDEST


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """A machine without a network, and without what an earlier run may have left."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("CHANX_TEST_REQUIRE", raising=False)
    versions.oldest_packages.cache_clear()
    yield monkeypatch
    versions.oldest_packages.cache_clear()


def test_the_newest_is_the_installed_one() -> None:
    assert NEWEST.paths() == []


def test_the_oldest_is_the_lower_bound_of_what_chanx_asks_for() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'"celery>={OLDEST.number.rsplit(".", 1)[0]}"' in project


def test_without_a_network_the_test_is_skipped_and_says_why(offline: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match=r"needs Celery 5\.4\.0: let it be installed from PyPI \("):
        OLDEST.paths()
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == []


def test_without_a_network_the_test_fails_where_everything_is_promised(offline: pytest.MonkeyPatch) -> None:
    offline.setenv("CHANX_TEST_REQUIRE", "all")
    with pytest.raises(pytest.fail.Exception, match=r"needs Celery 5\.4\.0"):
        OLDEST.paths()


def test_what_is_there_already_is_taken(offline: pytest.MonkeyPatch, tmp_path: Path) -> None:
    there = tmp_path / versions.directory_name()
    there.mkdir()

    assert OLDEST.paths() == [str(there)]

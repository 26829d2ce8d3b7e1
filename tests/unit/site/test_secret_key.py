"""The site's secret key."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from example_site.secret_key import load_or_create


def test_is_made_once_and_kept_private(tmp_path: Path) -> None:
    """Given an empty directory, when many ask at once, then all get one long key, in a file of its owner's alone."""
    path = tmp_path / "secret_key"

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: load_or_create(path), range(32)))

    assert len(keys) == 1
    assert len(keys.pop()) >= 50
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]


def test_an_existing_key_is_used(tmp_path: Path) -> None:
    """Given a key that was written before, when it is asked for, then it is that one."""
    path = tmp_path / "secret_key"
    path.write_text("written before", encoding="ascii")

    assert load_or_create(path) == "written before"

"""Where a client is written to, and what of the user's stays there."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.client_generator import file_changes
from chanx.client_generator.manifest import MANIFEST, fingerprint
from chanx.client_generator.writing import OutputDirectory, Written
from chanx.errors import ClientOutputError

FILES = {
    "__init__.py": ("package", "from .rooms import client\n"),
    "base/client.py": ("base", "class BaseClient: ...\n"),
    "rooms/client.py": ("channel", "class RoomsClient: ...\n"),
}


def write(
    directory: Path, files: dict[str, Any] | None = None, *, language: str = "python", **options: bool
) -> Written:
    out = OutputDirectory(directory, language=language)
    for path, (kind, text) in (FILES if files is None else files).items():
        out.add(path, text, kind=kind)
    return out.write(**options)


def content(directory: Path) -> dict[str, str]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_text() for path in files}


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """A directory with a client that was generated."""
    write(tmp_path / "client")
    return tmp_path / "client"


class TestANewDirectory:
    def test_has_what_was_added(self, tmp_path: Path) -> None:
        written = write(tmp_path / "deep" / "client")
        files = content(tmp_path / "deep" / "client")
        assert files.pop(MANIFEST).startswith('{\n  "generator": "chanx",\n  "language": "python",')
        assert files == {path: text for path, (_, text) in FILES.items()}
        assert written.files == tuple(sorted(FILES))

    def test_may_have_what_says_nothing(self, tmp_path: Path) -> None:
        (tmp_path / ".gitkeep").touch()
        write(tmp_path)
        assert content(tmp_path).keys() == {*FILES, MANIFEST, ".gitkeep"}

    @pytest.mark.parametrize("path", ["../other.py", "/etc/passwd", "a/../../b.py", "a\\b.py", "C:x.py", ""])
    def test_nothing_is_written_outside_of_it(self, tmp_path: Path, path: str) -> None:
        with pytest.raises(ValueError, match="not inside"):
            OutputDirectory(tmp_path, language="python").add(path, "")

    def test_two_files_that_differ_by_case_are_refused(self, tmp_path: Path) -> None:
        out = OutputDirectory(tmp_path, language="python")
        out.add("rooms/client.py", "")
        with pytest.raises(ValueError, match="added already"):
            out.add("Rooms/client.py", "")


class TestAForeignDirectory:
    def test_is_refused_and_stays(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("mine")
        with pytest.raises(ClientOutputError, match=r"is not empty.*--clear-output"):
            write(tmp_path)
        assert content(tmp_path) == {"notes.txt": "mine"}

    def test_is_emptied_where_that_is_asked_for(self, tmp_path: Path) -> None:
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep" / "notes.txt").write_text("mine")
        (tmp_path / "link").symlink_to(Path(__file__).parent)
        written = write(tmp_path, clear_output=True)
        assert content(tmp_path).keys() == {*FILES, MANIFEST}
        assert written.removed == ("deep/notes.txt", "link")
        assert not (tmp_path / "deep").exists()
        assert Path(__file__).exists()

    def test_one_that_people_work_in_is_never_emptied(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "notes.txt").write_text("mine")
        (tmp_path / "project").mkdir()
        monkeypatch.chdir(tmp_path / "project")
        for directory in (tmp_path, Path("."), Path("..")):
            with pytest.raises(ClientOutputError, match="would delete everything"):
                write(directory, clear_output=True)
        (tmp_path / "repository" / ".git").mkdir(parents=True)
        with pytest.raises(ClientOutputError, match="would delete everything"):
            write(tmp_path / "repository", clear_output=True)
        assert content(tmp_path) == {"notes.txt": "mine"}

    @pytest.mark.parametrize("clear_output", [True, False])
    def test_a_file_is_no_directory(self, tmp_path: Path, clear_output: bool) -> None:
        (tmp_path / "client").write_text("mine")
        with pytest.raises(ClientOutputError, match="is a file"):
            write(tmp_path / "client", clear_output=clear_output)
        assert content(tmp_path) == {"client": "mine"}

    def test_a_client_in_another_language_is_refused(self, client: Path) -> None:
        before = content(client)
        with pytest.raises(ClientOutputError, match=r"a client in python.*for typescript"):
            write(client, {"index.ts": ("package", "")}, language="typescript")
        assert content(client) == before

    @pytest.mark.parametrize(
        "manifest",
        ["{", "[]", '{"language": "python"}', '{"language": "python", "files": {"../x": "1"}}', "\xff"],
    )
    def test_a_broken_manifest_is_refused(self, client: Path, manifest: str) -> None:
        (client / MANIFEST).write_bytes(manifest.encode("latin-1"))
        before = (client / MANIFEST).read_bytes()
        with pytest.raises(ClientOutputError, match="is broken"):
            write(client)
        assert (client / MANIFEST).read_bytes() == before


class TestRegenerating:
    def test_the_same_is_the_same(self, client: Path) -> None:
        before = content(client)
        write(client, dict(reversed(FILES.items())))
        assert content(client) == before

    def test_files_of_the_user_stay(self, client: Path) -> None:
        (client / "rooms" / "helpers.py").write_text("mine")
        (client / "mine.py").write_text("mine")
        write(client, {"__init__.py": ("package", "")})
        assert content(client).keys() == {"__init__.py", MANIFEST, "mine.py", "rooms/helpers.py"}

    def test_what_is_gone_goes_with_its_directory(self, client: Path) -> None:
        (client / "rooms" / "__pycache__").mkdir()
        (client / "rooms" / "__pycache__" / "client.pyc").touch()
        written = write(client, {"__init__.py": ("package", "")})
        assert written.removed == ("base/client.py", "rooms/client.py")
        assert sorted(path.name for path in client.iterdir()) == [MANIFEST, "__init__.py"]

    def test_what_is_gone_stays_where_channels_are_not_cleared(self, client: Path) -> None:
        new = {"__init__.py": ("package", "")}
        written = write(client, new, clear_channels=False)
        assert written.removed == ()
        assert (client / "rooms" / "client.py").exists()
        assert write(client, new).removed == ("base/client.py", "rooms/client.py")

    def test_a_file_of_the_users_in_the_way(self, client: Path) -> None:
        (client / "new.py").write_text("mine = 1")
        before = content(client)
        with pytest.raises(ClientOutputError, match=r"new\.py is in the way"):
            write(client, {**FILES, "new.py": ("package", "generated = 1")})
        assert content(client) == before

    def test_an_edited_file_is_saved(self, client: Path) -> None:
        """Given a generated file that the user edited, and two that are gone, one of them edited too."""
        (client / "__init__.py").write_text("edited = 1")
        (client / "rooms" / "client.py").write_text("edited = 2")
        # When a client without those is generated
        written = write(client, {"__init__.py": ("package", "new = 1")})
        # Then nothing that the user wrote is lost
        assert written.saved == {"__init__.py": "__init__.py.orig", "rooms/client.py": "rooms/client.py.orig"}
        files = content(client)
        assert (files["__init__.py"], files["__init__.py.orig"]) == ("new = 1", "edited = 1")
        assert files["rooms/client.py.orig"] == "edited = 2"
        assert "rooms/client.py" not in files

    def test_an_older_saved_file_stays(self, client: Path) -> None:
        for text in ("first", "second", "third"):
            (client / "__init__.py").write_text(text)
            write(client)
        names = ["__init__.py.orig", "__init__.py.orig2", "__init__.py.orig3"]
        assert [(client / name).read_text() for name in names] == ["first", "second", "third"]

    def test_an_edited_file_that_is_no_text_is_saved_as_it_is(self, client: Path) -> None:
        (client / "__init__.py").write_bytes(b"caf\xe9")
        write(client)
        assert (client / "__init__.py.orig").read_bytes() == b"caf\xe9"

    def test_formatting_is_no_edit(self, client: Path) -> None:
        (client / "rooms" / "client.py").write_text("class RoomsClient:\n    ...\n")
        assert not write(client).saved
        assert content(client)["rooms/client.py"] == FILES["rooms/client.py"][1]


class TestTheBase:
    def test_an_edited_one_survives(self, client: Path) -> None:
        (client / "base" / "client.py").write_text("mine = 1")
        for _ in range(2):
            assert write(client).kept == ("base/client.py",)
            assert content(client)["base/client.py"] == "mine = 1"

    @pytest.mark.parametrize("option", ["override_base", "clear_output"])
    def test_an_edited_one_is_replaced_where_that_is_asked_for(self, client: Path, option: str) -> None:
        (client / "base" / "client.py").write_text("mine = 1")
        written = write(client, **{option: True})
        assert (written.kept, written.saved) == ((), {})
        assert content(client)["base/client.py"] == FILES["base/client.py"][1]

    def test_one_that_nobody_edited_is_renewed(self, client: Path) -> None:
        write(client, {**FILES, "base/client.py": ("base", "new = 1")})
        assert content(client)["base/client.py"] == "new = 1"


class TestAFailure:
    @pytest.mark.parametrize("fails_at", range(1, 6))
    def test_half_way_leaves_the_old_client(self, client: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int) -> None:
        """Given a client, and a disk on which the n-th move fails."""
        before, moves, replace = content(client), [0], os.replace

        def failing(source: Any, target: Any) -> None:
            moves[0] += 1
            if moves[0] == fails_at:
                raise OSError("no space left")
            replace(source, target)

        monkeypatch.setattr(file_changes.os, "replace", failing)
        # When another one is generated, which has a new file and lacks an old one
        new = {"__init__.py": ("package", "x"), "new/client.py": ("channel", "y"), "base/client.py": ("base", "z")}
        with pytest.raises(OSError, match="no space left"):
            write(client, new)
        # Then the old one is as it was
        assert content(client) == before
        assert sorted(path.name for path in client.iterdir()) == [MANIFEST, "__init__.py", "base", "rooms"]

    def test_of_a_new_client_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(file_changes.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
        with pytest.raises(OSError, match="full"):
            write(tmp_path / "client")
        assert list(tmp_path.iterdir()) == []

    def test_what_a_killed_run_left_is_no_hindrance(self, tmp_path: Path) -> None:
        (tmp_path / f"{file_changes.STAGING_PREFIX}x").mkdir()
        write(tmp_path)
        assert content(tmp_path).keys() == {*FILES, MANIFEST}


@given(st.text())
def test_a_fingerprint_is_of_words(text: str) -> None:
    assert fingerprint(text) == fingerprint(f"  {text}\n\n") == fingerprint(text.replace("(", "( "))
    assert fingerprint(text) != fingerprint(f"{text} other")

"""Where a client is written to: a directory that may have an older one, and files of its user's.

write_client(protocol, out) ─> out.add(…) for each file ─> out.write() ─> replaced, kept, saved, removed
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

from chanx.client_generator.file_changes import STAGING_PREFIX, change_files
from chanx.client_generator.manifest import MANIFEST, Manifest, fingerprint, inside, read_manifest
from chanx.errors import ClientOutputError

FileKind: TypeAlias = Literal["package", "channel", "base"]

_NOTHING: Final = {".gitkeep", ".gitignore", "__pycache__", ".DS_Store"}


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the files. Paths are relative, with slashes, and sorted.

    ``kept``: files of ``base`` that the user had edited, and that therefore are not the new ones.
    ``saved``: other files that the user had edited -> where the user's version is now.
    """

    files: tuple[str, ...]
    kept: tuple[str, ...] = ()
    saved: Mapping[str, str] = field(default_factory=dict[str, str])
    removed: tuple[str, ...] = ()


@dataclass(slots=True)
class _Plan:
    write: dict[str, str] = field(default_factory=dict[str, str])
    kept: list[str] = field(default_factory=list[str])
    saved: dict[str, str] = field(default_factory=dict[str, str])
    removed: list[str] = field(default_factory=list[str])


class OutputDirectory:
    """Collects the files of a client, then writes them all, or none.

    What the user has put into the directory stays: only files that an earlier run wrote are replaced or removed, as
    the manifest in the directory has them. One that was edited since is first saved beside itself, with ``.orig`` at
    its end; one of ``base`` is left as it is.
    """

    def __init__(self, path: Path, *, language: str) -> None:
        self.path = path
        self.language = language
        self._files: dict[str, str] = {}
        self._kinds: dict[str, FileKind] = {}

    @property
    def files(self) -> Mapping[str, str]:
        """What was added: path -> text."""
        return self._files

    def add(self, path: str, text: str, *, kind: FileKind = "package") -> None:
        """``path`` is relative, with slashes.

        ``kind``: ``base`` for the runtime, which users may edit; ``channel`` for what belongs to one connection;
        ``package`` for all else. Raises ``ValueError`` for a path outside of the directory, or one that was added.
        """
        if inside(path).lower() in {taken.lower() for taken in self._files}:  # many file systems ignore case
            raise ValueError(f"{path!r} was added already.")
        self._files[path] = text
        self._kinds[path] = kind

    def check(self, *, clear_output: bool = False) -> None:
        """Raises ``ClientOutputError`` where a client may not be written to the directory. Touches nothing."""
        if clear_output:
            self._check_clearing()
        else:
            self._check_directory()

    def write(self, *, clear_output: bool = False, override_base: bool = False, clear_channels: bool = True) -> Written:
        """Writes what was added, and removes what an earlier run wrote and this one did not.

        ``clear_output`` empties the directory of everything. ``override_base`` replaces files of ``base`` that were
        edited. Without ``clear_channels`` nothing is removed: files of connections that are gone stay.
        Raises ``ClientOutputError`` where the directory is none of a client's, or a file of the user's is in the way;
        and ``OSError`` as writing does. Then the directory is as it was.
        """
        self.check(clear_output=clear_output)
        old = None if clear_output else read_manifest(self.path)
        plan = self._plan(old, override_base=override_base, clear_channels=clear_channels, replaces_all=clear_output)
        if clear_output:
            plan.removed = _files_in(self.path, without=self._files.keys() | {MANIFEST})
        self._change(plan, old)
        if clear_output:
            _remove_empty_directories(self.path)
        saved = dict(sorted(plan.saved.items()))
        return Written(tuple(sorted(self._files)), tuple(sorted(plan.kept)), saved, tuple(sorted(plan.removed)))

    def _change(self, plan: _Plan, old: Manifest | None) -> None:
        gone = set(plan.removed)
        stays = {path: hash_ for path, hash_ in (old.files if old else {}).items() if path not in gone}
        hashes = {path: fingerprint(text) for path, text in self._files.items()}
        manifest = Manifest(language=self.language, files={**stays, **hashes})
        # The manifest is the last: where a run is killed before, the next one finds what was written by its content.
        change_files(self.path, write={**plan.write, MANIFEST: manifest.as_json()}, remove=plan.removed)

    def _check_directory(self) -> None:
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise ClientOutputError(f"{self.path} is a file: give the directory that the client is to be in.")
        manifest = read_manifest(self.path)
        if manifest is None and any(not _is_nothing(entry) for entry in self.path.iterdir()):
            raise ClientOutputError(
                f"{self.path} is not empty, and has no client that chanx generated: give another directory, "
                "or delete everything in it with --clear-output."
            )
        if manifest is not None and manifest.language != self.language:
            raise ClientOutputError(
                f"{self.path} has a client in {manifest.language}: give another directory for {self.language}, "
                "or replace it with --clear-output."
            )

    def _check_clearing(self) -> None:
        path = self.path.resolve()
        if self.path.exists() and not path.is_dir():
            raise ClientOutputError(f"{self.path} is a file: give the directory that the client is to be in.")
        if path in {Path.home().resolve(), *(Path.cwd() / "x").parents} or (path / ".git").exists():
            raise ClientOutputError(
                f"--clear-output would delete everything in {path}: give a directory of the client's own."
            )

    def _plan(self, old: Manifest | None, *, override_base: bool, clear_channels: bool, replaces_all: bool) -> _Plan:
        written = dict(old.files) if old else {}
        plan = _Plan()
        for path, text in self._files.items():
            current = None if replaces_all else _read(self.path / path)
            if current is None or fingerprint(current) in {written.get(path), fingerprint(text)}:
                plan.write[path] = text
            elif path not in written:
                raise ClientOutputError(
                    f"{self.path / path} is in the way of a generated file of that name: move or delete it."
                )
            elif self._kinds[path] == "base" and not override_base:
                plan.kept.append(path)
            else:
                plan.write[path] = text
                if self._kinds[path] != "base":
                    self._save(plan, path, current)
        self._plan_removals(plan, written, clear_channels=clear_channels)
        return plan

    def _plan_removals(self, plan: _Plan, written: Mapping[str, str], *, clear_channels: bool) -> None:
        for path in written.keys() - self._files.keys() if clear_channels else ():
            current = _read(self.path / path)
            if current is None:
                continue
            plan.removed.append(path)
            if fingerprint(current) != written[path]:
                self._save(plan, path, current)

    def _save(self, plan: _Plan, path: str, current: str) -> None:
        number = 1
        while (self.path / (beside := f"{path}.orig{number if number > 1 else ''}")).exists():
            number += 1
        plan.saved[path] = beside
        plan.write[beside] = current


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None


def _is_nothing(entry: Path) -> bool:
    return entry.name in _NOTHING or entry.name.startswith(STAGING_PREFIX)


def _files_in(directory: Path, *, without: Collection[str]) -> list[str]:
    """The files and links below a directory; links are not followed."""
    found = (entry for entry in directory.rglob("*") if entry.is_symlink() or not entry.is_dir())
    paths = (entry.relative_to(directory).as_posix() for entry in found)
    return sorted(path for path in paths if path not in without)


def _remove_empty_directories(directory: Path) -> None:
    for entry in sorted(directory.rglob("*"), reverse=True):
        if entry.is_dir() and not entry.is_symlink():
            with suppress(OSError):
                entry.rmdir()

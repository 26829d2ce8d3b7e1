"""Several files changed together: all of them, or none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

STAGING_PREFIX: Final = ".chanx-new-"


def change_files(directory: Path, *, write: Mapping[str, str], remove: Collection[str] = ()) -> None:
    """Writes ``write`` (path -> text) and removes ``remove``, inside ``directory``, which need not be there.

    Everything is written beside the old files first, and then moved; where that fails half way, what was moved is
    taken back, and the error is raised. Directories that this leaves empty go.
    """
    is_new = not directory.exists()
    directory.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(directory)
    with ExitStack() as undo:
        if is_new:
            undo.callback(_remove_if_empty, directory)
        staging = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=directory))
        undo.callback(shutil.rmtree, staging, ignore_errors=True)
        for path, text in write.items():
            # Bytes that are no UTF-8 come from files that are saved aside, and stay as they were.
            _place(staging / "new" / path).write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")
        for path in write:
            _move_in(undo, directory, staging, path)
        for path in remove:
            saved = _place(staging / "old" / path)
            os.replace(directory / path, saved)
            undo.callback(os.replace, saved, directory / path)
        undo.pop_all()
    shutil.rmtree(staging, ignore_errors=True)
    for path in remove:
        _remove_empty_parents(directory, path)


def _move_in(undo: ExitStack, directory: Path, staging: Path, path: str) -> None:
    target = directory / path
    if os.path.lexists(target):
        saved = _place(staging / "old" / path)
        shutil.copy2(target, saved, follow_symlinks=False)
        undo.callback(os.replace, saved, target)
    else:
        undo.callback(_remove_empty_parents, directory, path)
        undo.callback(target.unlink, missing_ok=True)
    os.replace(staging / "new" / path, _place(target))


def _place(path: Path) -> Path:
    """The path, in a directory that is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _remove_leftovers(directory: Path) -> None:
    """Of a run that was killed."""
    for leftover in directory.glob(f"{STAGING_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _remove_empty_parents(directory: Path, path: str) -> None:
    parent = (directory / path).parent
    while parent != directory and parent.is_dir():
        if [entry.name for entry in parent.iterdir()] == ["__pycache__"]:
            shutil.rmtree(parent / "__pycache__", ignore_errors=True)
        _remove_if_empty(parent)
        parent = parent.parent


def _remove_if_empty(directory: Path) -> None:
    with suppress(OSError):
        directory.rmdir()

"""Running a formatter over generated files, for those who have one."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

SECONDS: Final = 60.0

_SUFFIXES: Final = {"python": ".py", "typescript": ".ts"}


def default_formatter(language: str) -> str | None:
    """``ruff format`` for Python, where there is a ruff on the path or in this environment; else None."""
    if language != "python":
        return None
    return "ruff format" if shutil.which("ruff", path=_search_path()) else None


def run_formatter(
    command: str, directory: Path, files: Iterable[str], *, language: str, seconds: float = SECONDS
) -> Iterator[str]:
    """Runs ``command`` with those of the files that are of the language; yields what to tell the user of it.

    Only generated files are formatted, never the user's own beside them. Whatever goes wrong is told, and not raised:
    the client is complete without.
    """
    paths = [str(directory / file) for file in files if file.endswith(_SUFFIXES[language])]
    if not paths:
        return  # many formatters would take that for the whole working directory
    yield f"Running formatter: {command}"
    try:
        words = shlex.split(command)
        if not words:
            raise ValueError("the command is empty")
        done = _run([*words, *paths], seconds)
    except FileNotFoundError:
        yield f"Formatter command not found: {command}"
    except subprocess.TimeoutExpired:
        yield f"Formatter timed out after {seconds:g} seconds: {command}"
    except (OSError, ValueError) as error:
        yield f"Formatter error: {error}"
    else:
        if done.returncode != 0:
            yield f"Formatter warning: {(done.stderr or done.stdout).strip() or f'exit code {done.returncode}'}"


def _run(command: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": _search_path()}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, errors="replace", timeout=seconds, check=False
    )


def _search_path() -> str:
    """Programs are looked for beside this Python, too: its environment need not be activated."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])

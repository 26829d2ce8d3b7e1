"""The Celery versions that workers are tested on: the one that is installed, and the oldest that is supported.

The oldest lies in a directory of its own inside the virtual environment, made when a test first asks for it, and comes
first on the worker's import path.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from tests.requirements import missing

_OLDEST = Path(__file__).with_name("oldest.txt")


@dataclass(frozen=True, slots=True)
class CeleryVersion:
    name: str
    number: str

    def paths(self) -> list[str]:
        """What to put before everything else on the import path."""
        return [str(oldest_packages())] if self is OLDEST else []


def _pinned(package: str) -> str:
    return next(
        line.removeprefix(f"{package}==").split()[0]
        for line in _OLDEST.read_text().splitlines()
        if line.startswith(f"{package}==")
    )


NEWEST = CeleryVersion("newest", version("celery"))
OLDEST = CeleryVersion("oldest", _pinned("celery"))


def directory_name() -> str:
    """Another list of packages is another directory."""
    return f"celery-oldest-{sha256(_OLDEST.read_bytes()).hexdigest()[:12]}"


@cache
def oldest_packages() -> Path:
    """The directory with the packages of ``oldest.txt``; without a way to get them the calling test ends here."""
    packages = Path(sys.prefix) / directory_name()
    if packages.is_dir():
        return packages
    unfinished = Path(tempfile.mkdtemp(prefix=packages.name, dir=sys.prefix))
    install = ["uv", "pip", "install", "--quiet", "--python", sys.executable, "--target", str(unfinished), "--no-deps"]
    done = subprocess.run(
        [sys.executable, "-m", *install, "--require-hashes", "--requirement", str(_OLDEST)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(unfinished)
        missing(f"Celery {OLDEST.number}", f"let it be installed from PyPI ({done.stderr.strip()[-300:]})")
    with suppress(OSError):  # another test process was faster
        os.rename(unfinished, packages)
    shutil.rmtree(unfinished, ignore_errors=True)
    return packages

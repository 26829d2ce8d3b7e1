"""What the tests of docs/deploy run: the programs that the files are for."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.docs.pages import DOCS
from tests.requirements import missing

DEPLOY = DOCS / "deploy"


def program(name: str, package: str) -> str:
    """Where it is; the test is skipped without it (tests/requirements.py)."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    return found or missing(name, f"apt install {package}")


def run(*command: str | Path, **environment: str) -> str:
    """What it says; it has to succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout

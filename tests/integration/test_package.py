"""What is in the wheel beside Python."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = Path("chanx/channels/static/chanx")
DOCS_TEMPLATE = Path("chanx/channels/templates/channels/asyncapi_docs.html")
DOCS_STYLE = Path("chanx/asyncapi/page/assets/page.css")


@pytest.mark.timeout(240)
def test_the_wheel_has_every_file(tmp_path: Path) -> None:
    """Given a wheel built from this tree, when it is opened, then it has chanx.js, templates, and all else of chanx."""
    command = [sys.executable, "-m", "build", "--installer", "uv", "--wheel", "--outdir", str(tmp_path), str(ROOT)]
    # uv is found beside Python; the backend comes from the index.
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    built = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=200)
    assert built.returncode == 0, built.stdout + built.stderr

    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        packed = {Path(name) for name in wheel.namelist()}

    files = {file.relative_to(ROOT) for file in (ROOT / "chanx").rglob("*") if file.is_file()}
    files = {file for file in files if "__pycache__" not in file.parts}
    assert {STATIC / "chanx.js", STATIC / "chanx.d.ts", STATIC / "chanx-job.js", DOCS_TEMPLATE, DOCS_STYLE} <= files
    assert files - packed == set()

"""Every code block of the documentation runs, or is at least what its language allows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chanx.testing.redis_server import redis_server
from tests.docs.checkers import CHECKERS
from tests.docs.pages import DOCS, ROOT, Block, blocks_of, pages, run_by
from tests.node_tools import run_node

README = ROOT / "README.md"
STAGE = Path(__file__).with_name("stage.mjs")
SECONDS = 150


def complaints(page: Path) -> list[str]:
    """What the parsers say of the blocks, each with its line."""
    found: list[str] = []
    for block in blocks_of(page.read_text()):
        checker = CHECKERS.get(block.language)
        wrong = f"no checker for {block.language!r}" if checker is None else checker(block.code)
        if wrong:
            found.append(f"{page}:{block.line}: {wrong}")
    return found


def _is_run_here(block: Block) -> bool:
    return block.language == "python" and block.file is None


@pytest.mark.parametrize("page", [*pages(), "../README.md"])
def test_the_blocks_are_well_formed(page: str) -> None:
    assert complaints((DOCS / page).resolve()) == []


@pytest.mark.timeout(2 * SECONDS)
@pytest.mark.parametrize("page", pages())
def test_the_samples_run(page: str, tmp_path: Path) -> None:
    text = (DOCS / page).read_text()
    if test := run_by(text):
        assert page in (ROOT / test).read_text(), f"{test} does not name {page}"
        return
    if not any(_is_run_here(block) for block in blocks_of(text)):
        return
    with redis_server(private=True) as server:
        done = subprocess.run(
            [sys.executable, "-W", "error::RuntimeWarning", "-m", "tests.docs.run_page", page, str(server.port)],
            cwd=tmp_path,
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", pages())
def test_the_javascript_runs(page: str, tmp_path: Path) -> None:
    blocks = [block for block in blocks_of((DOCS / page).read_text()) if block.language == "js" and block.file is None]
    if not blocks:
        return
    program = tmp_path / "page.mjs"
    code = "\n".join(block.code for block in blocks)
    program.write_text(f"import {str(STAGE)!r};\n{code}\nprocess.exit(0);\n")

    done = run_node(program, cwd=tmp_path, seconds=SECONDS)

    assert done.returncode == 0, done.stdout + done.stderr


def environment(directory: Path) -> dict[str, str]:
    """That of a reader who has installed chanx, and nothing else of ours."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "CHANX_", "PYTEST_"))}
    return {**ours, "PYTHONPATH": f"{directory}:{ROOT}", "PYTHONUNBUFFERED": "1"}

"""The TypeScript compiler, for tests of what chanx gives to it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from tests.node_tools import node_packages, run_node

STRICT = [
    "--strict",
    "--exactOptionalPropertyTypes",
    "--noUncheckedIndexedAccess",
    "--isolatedModules",
    "--noUnusedLocals",
    "--noImplicitOverride",
    "--noPropertyAccessFromIndexSignature",
    "--target",
    "es2022",
    "--lib",
    "es2022,dom",
    "--types",
]

Modules: TypeAlias = Literal["bundler", "nodenext"]

MODULES: dict[Modules, list[str]] = {
    "bundler": ["--module", "esnext", "--moduleResolution", "bundler"],
    "nodenext": ["--module", "nodenext", "--moduleResolution", "nodenext"],
}


def compiler_errors(directory: Path, *files: str, modules: Modules = "bundler", emit: bool = False) -> str:
    """What ``tsc`` says of these files in a directory, in its strictest mode: empty if nothing is wrong.

    ``emit``: JavaScript is written beside them.
    """
    tsc = node_packages() / "node_modules" / "typescript" / "bin" / "tsc"
    options = [*STRICT, "", *MODULES[modules], *([] if emit else ["--noEmit"])]
    done = run_node(tsc, *options, *files, cwd=directory)
    assert done.returncode in {0, 1, 2}, done.stderr
    return done.stdout + done.stderr

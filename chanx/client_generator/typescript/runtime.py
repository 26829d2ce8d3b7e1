"""The files of ``chanx.js`` that a client brings along: what it imports, and the types."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final

_START: Final = ("chanx.js", "chanx.d.ts")
_IMPORT: Final = re.compile(r'from "\./([\w.-]+)\.js"')


@cache
def runtime_files() -> dict[str, str]:
    """Name -> text, sorted: everything that ``chanx.js`` needs, and its types."""
    directory = files("chanx") / "channels" / "static" / "chanx"
    found: dict[str, str] = {}
    waiting = list(_START)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = (directory / name).read_text(encoding="utf-8")
        ending = ".d.ts" if name.endswith(".d.ts") else ".js"
        waiting += [imported + ending for imported in _IMPORT.findall(found[name])]
    return dict(sorted(found.items()))

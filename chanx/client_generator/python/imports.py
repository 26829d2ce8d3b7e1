"""The imports of a generated module: two things of one name get along."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from typing import Final

from chanx.client_generator.names import unique_name
from chanx.client_generator.python.text import LINE_LENGTH, laid_out

_STANDARD: Final = 0
_THIRD_PARTY: Final = 1
_RELATIVE: Final = 2


class Imports:
    """Collects what a module imports. ``taken`` are the names that the module defines itself."""

    def __init__(self, taken: Collection[str] = ()) -> None:
        self._taken = set(taken)
        self._names: dict[tuple[str, str], str] = {}

    def add(self, module: str, name: str) -> str:
        """What it is called in the module: its own name, or one with a number where that is taken."""
        key = (module, name)
        if key not in self._names:
            self._names[key] = unique_name(name, self._taken)
            self._taken.add(self._names[key])
        return self._names[key]

    def __str__(self) -> str:
        """The statements, sorted as ruff and isort have them; empty, or with a blank line after each group."""
        groups: dict[int, list[str]] = {}
        for module in sorted({module for module, _ in self._names}, key=_place):
            groups.setdefault(_place(module)[0], []).extend(self._statements(module))
        return "".join("\n".join(statements) + "\n\n" for statements in groups.values())

    def _statements(self, module: str) -> list[str]:
        """One for all names that stay what they are, one for each other."""
        found = {name: called for (of, name), called in self._names.items() if of == module}
        kept = sorted((name for name, called in found.items() if name == called), key=_member)
        statements = {
            name: f"from {module} import {name} as {called}" for name, called in found.items() if name != called
        }
        if kept:
            statements[kept[0]] = _statement(module, kept)
        return [statements[first] for first in sorted(statements, key=_member)]


def _statement(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    return line if len(line) <= LINE_LENGTH else laid_out(f"from {module} import (", names, ")", as_import=True)


def _place(module: str) -> tuple[int, int, str]:
    """Standard library first, then packages; of relative ones those from further up first."""
    dots = len(module) - len(module.lstrip("."))
    if dots:
        return (_RELATIVE, -dots, module)
    return (_STANDARD if module.split(".")[0] in sys.stdlib_module_names else _THIRD_PARTY, 0, module)


def export_order(name: str) -> tuple[int, list[tuple[int, str]]]:
    """Constants, classes, functions, and numbers by their size: as ruff orders ``__all__``."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return (kind, _parts(name))


def _member(name: str) -> tuple[int, list[tuple[int, str]], str]:
    """The same regardless of case, as ruff orders what is imported."""
    return (export_order(name)[0], _parts(name.lower()), name)


def _parts(name: str) -> list[tuple[int, str]]:
    return [(int(number or 0), word) for number, word in re.findall(r"(\d+)|(\D+)", name)]

"""The programs of docs/protocol, which are no modules of a package."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

from tests.docs.pages import DOCS


def _program(name: str) -> ModuleType:
    spec = spec_from_file_location(name, DOCS / "protocol" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


client: Any = _program("minimal_client")
lists: Any = _program("minimal_list")

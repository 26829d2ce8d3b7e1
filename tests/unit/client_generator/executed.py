"""Generated code, run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def executed(code: str) -> Iterator[ModuleType]:
    """The code as a module that exists meanwhile."""
    module = ModuleType("generated_models")
    sys.modules[module.__name__] = module
    try:
        exec(compile(code, module.__name__, "exec"), module.__dict__)
        yield module
    finally:
        del sys.modules[module.__name__]

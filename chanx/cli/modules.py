"""A project's modules as they are named on the command line, from the current directory too."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from chanx.errors import ConfigurationError


def look_in_current_directory() -> None:
    """Modules of the current directory can be imported from now on, before those of the same name elsewhere."""
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())


def require_module(module: str, *, option: str) -> None:
    """Raises ``ConfigurationError`` if there is none of that name; errors inside it are the project's own to show."""
    try:
        is_there = find_spec(module) is not None
    except ModuleNotFoundError as error:
        if f"{module}.".startswith(f"{error.name}."):
            is_there = False
        else:
            raise
    except ValueError:  # an empty name
        is_there = False
    if not is_there:
        raise ConfigurationError(
            f"{option}: there is no module {module!r} in {os.getcwd()}, nor installed. Run chanx where it can be "
            "imported from, with dots between packages."
        )

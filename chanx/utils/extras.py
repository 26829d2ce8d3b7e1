"""Importing what belongs to an optional extra."""

from __future__ import annotations

import importlib
from typing import Any

from chanx.errors import MissingExtraError


def need(module: str, *, extra: str) -> Any:
    """The imported ``module``. The ``extra`` is given as pip has it, with hyphens: older ones know no other way.

    Raises ``MissingExtraError`` with the pip line of ``extra`` if it, or what it imports, is not installed or of a
    version that does not fit.
    """
    try:
        return importlib.import_module(module)
    except MissingExtraError:
        raise
    except ModuleNotFoundError as error:
        raise MissingExtraError(f'{error.name or module} is not installed: pip install "chanx[{extra}]"') from error
    except ImportError as error:
        raise MissingExtraError(
            f'{module} cannot be imported ({error}): pip install --upgrade "chanx[{extra}]"'
        ) from error

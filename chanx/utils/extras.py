"""Importing what belongs to an optional extra."""

from __future__ import annotations

import importlib
from typing import Any

from chanx.errors import MissingExtraError


def need(module: str, *, extra: str) -> Any:
    """The imported ``module``; raises ``MissingExtraError`` with the pip line of ``extra`` if it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(f'{module} is not installed: pip install "chanx[{extra}]"') from error

"""Names of modules, methods and parameters, made from whatever a document calls its channels and operations."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection
from typing import Final
from unicodedata import normalize

from chanx.client_generator.names import pascal_case, unique_name
from chanx.utils.naming import snake_case

_NO_WORD: Final = re.compile(r"\W+")
_KEYWORDS: Final = {*keyword.kwlist, *keyword.softkwlist}


def identifier(text: str, *, otherwise: str) -> str:
    """The text in snake_case, as a name of Python: ``start-command`` and ``startCommand`` as ``start_command``.

    ``otherwise`` is the name of a text without a letter, and comes before one that begins with a digit.
    """
    words = _NO_WORD.sub("_", normalize("NFKC", text))
    name = re.sub(r"__+", "_", snake_case(words)).strip("_")
    if not name.isidentifier():
        name = f"{otherwise}_{name}" if f"{otherwise}_{name}".isidentifier() and name else otherwise
    return f"{name}_" if name in _KEYWORDS else name


def free_identifier(text: str, taken: Collection[str], *, otherwise: str) -> str:
    """One that is not taken: with an underscore after it, or else a number."""
    name = identifier(text, otherwise=otherwise)
    if name in taken and not name.endswith("_"):
        name += "_"
    return unique_name(name, taken)


def class_prefix(module: str) -> str:
    """``jobs_job`` as ``JobsJob``: what the names of a module's classes begin with."""
    return pascal_case(module)

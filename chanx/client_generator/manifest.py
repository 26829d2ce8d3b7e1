"""What a generated client knows of itself: its language, and its files as they were written."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ValidationError

from chanx.errors import ClientOutputError

MANIFEST: Final = ".chanx-client.json"

_WORD: Final = re.compile(r"\w+")


def inside(path: str) -> str:
    """The path; raises ``ValueError`` unless it is relative, with slashes, and stays inside of its directory."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or ":" in path:
        raise ValueError(f"{path!r} is not inside of the client's directory.")
    return path


class Manifest(BaseModel):
    """``files``: path -> fingerprint of what was written there."""

    generator: Literal["chanx"] = "chanx"
    language: str
    files: dict[Annotated[str, AfterValidator(inside)], str]

    def as_json(self) -> str:
        """The same for the same files, in whatever order they are."""
        in_order = self.model_copy(update={"files": dict(sorted(self.files.items()))})
        return in_order.model_dump_json(indent=2) + "\n"


def fingerprint(text: str) -> str:
    """The same for a text and what a formatter makes of it: a hash of its words, in no order.

    People run formatters over their whole repository, which is no edit of a generated file. A change of nothing but
    punctuation is taken for formatting, too.
    """
    words = "\n".join(sorted(_WORD.findall(text)))
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def read_manifest(directory: Path) -> Manifest | None:
    """That of the client in ``directory``; None where there is none.

    Raises ``ClientOutputError`` for one that is broken, or names a file outside of the directory.
    """
    path = directory / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        text = f"{path} is broken: restore it, or replace the whole directory with --clear-output."
        raise ClientOutputError(text) from error

"""A secret key that is made once, on the first start, and kept in the data directory."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path


def load_or_create(path: Path) -> str:
    """The key in the file `path`; the file is made, readable by its owner only, if there is none."""
    if not path.exists():
        # Several processes may start at once: each writes a file of its own, and only the first one gets the name.
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        os.unlink(draft)
    return path.read_text(encoding="ascii")

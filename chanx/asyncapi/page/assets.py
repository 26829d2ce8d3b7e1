"""The style sheet and the JavaScript modules of the page, served from its own URL: ``<docs URL>?asset=<name>``."""

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Final
from urllib.parse import quote

_CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_IMPORT: Final = re.compile(r'(?<=from ")\./([\w.-]+)(?=")')


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page as it is sent; ``etag`` is quoted, and another one whenever the body is."""

    content_type: str
    body: bytes
    etag: str


def asset(name: str, *, docs_url: str) -> Asset | None:
    """The file that ``<docs_url>?asset=<name>`` shows, or None if there is none of that name.

    ``docs_url``: the path that the request came to. Modules import each other relative to its last part, so that they
    are found behind a proxy that puts anything before it.
    """
    return _served(name, docs_url.rpartition("/")[2]) if name in _names() else None


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    folder = files("chanx.asyncapi.page") / "assets"
    return frozenset(file.name for file in folder.iterdir() if "." + file.name.rpartition(".")[2] in _CONTENT_TYPES)


@lru_cache(maxsize=64)
def _served(name: str, last_part: str) -> Asset:
    text = (files("chanx.asyncapi.page") / "assets" / name).read_text("utf-8")
    suffix = "." + name.rpartition(".")[2]
    if suffix == ".js":
        text = _IMPORT.sub(lambda found: f"./{quote(last_part)}?asset={found[1]}", text)
    body = text.encode()
    return Asset(_CONTENT_TYPES[suffix], body, f'"{sha256(body).hexdigest()[:32]}"')

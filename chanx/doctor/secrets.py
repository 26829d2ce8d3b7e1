"""Keeps passwords out of what is printed, whatever a library puts into the text of an error."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast
from urllib.parse import parse_qs, unquote, urlsplit

_SHORTEST: Final = 4
"""Characters. To hide shorter ones would hide half of each text, and none of them is a secret."""

_SECRET_NAME: Final = re.compile("passw|secret|token|encryption_key", re.IGNORECASE)

_DELIMITER: Final = re.compile("[/?#]")
"""What ends a URL's authority, and so is quoted in a password."""


def secrets_of(*values: object) -> frozenset[str]:
    """The passwords in URLs, and what options of such a name have, at any depth of lists and mappings."""
    return frozenset(found for value in values for found in _walk(value) if len(found) >= _SHORTEST)


def without(secrets: frozenset[str], text: str) -> str:
    """The text, with ``***`` in place of each."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _walk(value: object, *, is_secret: bool = False) -> Iterator[str]:
    if isinstance(value, bytes):
        yield from _walk(value.decode(errors="replace"), is_secret=is_secret)
    elif isinstance(value, str):
        if is_secret:
            yield value
        yield from _in_urls(value)
    elif isinstance(value, Mapping):
        for name, inner in cast("Mapping[object, object]", value).items():
            yield from _walk(inner, is_secret=is_secret or bool(_SECRET_NAME.search(str(name))))
    elif isinstance(value, (Sequence, set, frozenset)):
        for inner in cast("Sequence[object]", value):
            yield from _walk(inner, is_secret=is_secret)


def _passwords_in(url: str) -> Iterator[str]:
    # Not by urlsplit alone: a URL that it refuses has a password too.
    rest = url.partition("://")[2]
    password = rest.rpartition("@")[0].partition(":")[2]
    first, *others = _DELIMITER.split(password)
    if others and not first.isdecimal():  # not a port, so somebody has not quoted it: errors quote the pieces
        yield from (password, first, *others)
    quoted = rest.partition("/")[0].rpartition("@")[0].partition(":")[2]
    yield from (quoted, unquote(quoted))


def _in_urls(text: str) -> Iterator[str]:
    for url in text.split(";"):  # as Celery has several brokers
        if "://" not in url:
            continue
        yield from _passwords_in(url)
        try:
            query = parse_qs(urlsplit(url).query)
        except ValueError:
            continue
        for name, values in query.items():
            if _SECRET_NAME.search(name):
                yield from values

"""Names for channel-layer groups, built from parts that may hold anything."""

from __future__ import annotations

import hashlib
import re

from chanx.constants import MAX_GROUP_NAME_LENGTH
from chanx.errors import InvalidNameError

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_DIGEST_LENGTH = 16


def safe_group_name(*parts: object, namespace: str | None = None) -> str:
    """A group name that every channel layer takes: of ``("user", 42, namespace="chat")`` it makes ``"chat.user.42"``.

    Parts are joined with ``.``; a run of other characters than ASCII letters, digits, ``_``, ``.`` and ``-`` becomes
    one ``-``; empty parts are dropped. A name over 99 characters is cut and ends in a digest of the whole, so that two
    long names stay two. Short names that differ only in unsafe characters become one. Raises ``InvalidNameError`` (a
    ``ValueError``) if all parts are empty.
    """
    given = [text for text in map(str, parts) if text]
    if not given:
        raise InvalidNameError("A group cannot have an empty name: pass at least one part that is not empty.")
    whole = ".".join([namespace, *given] if namespace else given)
    name = _UNSAFE.sub("-", whole)
    if len(name) <= MAX_GROUP_NAME_LENGTH:
        return name
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
    return f"{name[: MAX_GROUP_NAME_LENGTH - _DIGEST_LENGTH - 1]}-{digest}"

"""Telling the connections of a session that its user has signed out.

Django's logout, or a project's own ─> group of the session ─> its connections ─> their topics ask ``authorize`` again
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

SIGN_OUT_MESSAGE: Final[Mapping[str, Any]] = {"type": "handle_sign_out"}
"""The channel-layer message; its type is the consumer's method that takes it."""


def sign_out_group(sign_in_key: str) -> str:
    """The channel-layer group of a session's connections. It is a digest, as the key is a secret of the browser's."""
    return f"chanx.session.{hashlib.sha256(sign_in_key.encode()).hexdigest()[:32]}"

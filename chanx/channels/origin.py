"""Whether a handshake comes from a page of the site itself."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlparse

from channels.security.websocket import OriginValidator
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

_validator: Any = OriginValidator  # by itself, with no application to guard


def is_own_origin(request: HttpRequest) -> bool:
    """Whether the ``Origin`` header names the request's own host, or one of ``CSRF_TRUSTED_ORIGINS``.

    Browsers send it with every handshake and no page can change it, which makes it a WebSocket's protection against
    requests forged by other sites; a token, as forms have, cannot be sent along. Without the header: False.
    """
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None:
        return False
    own = [name.replace("://*.", "://.") for name in settings.CSRF_TRUSTED_ORIGINS]
    with suppress(DisallowedHost):
        own.append(f"{request.scheme}://{request.get_host()}")
    try:
        return bool(_validator(None, own).valid_origin(urlparse(origin)))
    except ValueError:  # not a URL
        return False

"""The project's ASGI application, as its ``ASGI_APPLICATION`` setting names it."""

from typing import Any

from channels.routing import get_default_application
from django.conf import settings

from chanx.routing.traversal import traverse_middleware_stack


def get_websocket_application() -> Any:
    """What the project's application serves WebSockets with: the ``"websocket"`` entry of its ``ProtocolTypeRouter``.

    None if there is no such entry, no mapping, or no ``ASGI_APPLICATION``; Django's ``ImproperlyConfigured`` if that
    setting names nothing.
    """
    if not getattr(settings, "ASGI_APPLICATION", None):
        return None
    for layer in traverse_middleware_stack(get_default_application()):
        mapping = getattr(layer, "application_mapping", None)
        if mapping is not None:
            return mapping.get("websocket")
    return None

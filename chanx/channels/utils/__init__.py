"""Helpers around a connection's scope, the ASGI application and the settings of a project."""

import importlib
from typing import TYPE_CHECKING, Any

from chanx.channels.utils.asgi import get_websocket_application as get_websocket_application
from chanx.channels.utils.request import request_from_scope as request_from_scope

if TYPE_CHECKING:
    from chanx.channels.utils.settings import override_chanx_settings as override_chanx_settings


def __getattr__(name: str) -> Any:
    if name == "override_chanx_settings":  # it brings django.test, for which serving has no use
        return importlib.import_module("chanx.channels.utils.settings").override_chanx_settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Helpers around a connection's scope, the ASGI application and the settings of a project."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chanx.channels.utils.settings import override_chanx_settings as override_chanx_settings


def __getattr__(name: str) -> Any:
    if name == "override_chanx_settings":  # it brings django.test, for which serving has no use
        return importlib.import_module("chanx.channels.utils.settings").override_chanx_settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

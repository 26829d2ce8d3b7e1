"""Reaching the web framework this process uses, without depending on one."""

import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final, Literal, TypeAlias

from chanx.errors import MissingExtraError
from chanx.utils.extras import need

Framework: TypeAlias = Literal["channels", "fast_channels"]

_OTHER: Final[Mapping[Framework, Framework]] = {"channels": "fast_channels", "fast_channels": "channels"}


def detect_framework() -> Framework:
    """Which flavour of consumers this process runs, by the name of its extra.

    Where both are installed it is ``channels`` if Django has settings, else ``fast_channels``. Raises
    ``MissingExtraError`` if neither is installed.
    """
    installed: list[Framework] = [name for name in _OTHER if find_spec(name) is not None]
    if not installed:
        raise MissingExtraError(
            'No WebSocket framework is installed: pip install "chanx[channels]" for Django, or '
            '"chanx[fast-channels]" for FastAPI.'
        )
    if "channels" in installed and django_has_settings():
        return "channels"
    return installed[-1]


def consumer_base(framework: Framework | None = None) -> type[Any]:
    """The ``AsyncJsonWebsocketConsumer`` of a flavour, by default of this process's."""
    name = framework or detect_framework()
    base: type[Any] = need(f"chanx.{name}.websocket", extra=name).AsyncJsonWebsocketConsumer
    return base


def channel_layer(alias: str = "default") -> Any:
    """The framework's channel layer of that alias, or None if it is not configured.

    Where both flavours run in one process, a layer that is not this process's own is looked for in the other's.
    """
    framework = detect_framework()
    layer = _layer_of(framework, alias)
    other = f"{_OTHER[framework]}.layers"
    return _layer_of(_OTHER[framework], alias) if layer is None and other in sys.modules else layer


def _layer_of(framework: Framework, alias: str) -> Any:
    return need(f"{framework}.layers", extra=framework).get_channel_layer(alias)


def django_has_settings() -> bool:
    """Whether this process uses Django."""
    conf = sys.modules.get("django.conf")
    return "DJANGO_SETTINGS_MODULE" in os.environ or (conf is not None and bool(conf.settings.configured))

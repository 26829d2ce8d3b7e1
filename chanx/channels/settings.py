"""Django's ``CHANX`` setting with its defaults, read at each use so that overriding it works everywhere."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from django.conf import settings

DEFAULTS: Final[Mapping[str, Any]] = {
    "SEND_COMPLETION": False,
    "SEND_MESSAGE_IMMEDIATELY": True,
    "LOG_WEBSOCKET_MESSAGE": True,
    "LOG_IGNORED_ACTIONS": (),
}


class ChanxSettings:
    """``chanx_settings.SEND_COMPLETION``: the project's value, else the default; unknown keys have no effect."""

    def __getattr__(self, name: str) -> Any:
        if name not in DEFAULTS:
            raise AttributeError(f"There is no setting CHANX[{name!r}]; there are {', '.join(DEFAULTS)}")
        return getattr(settings, "CHANX", {}).get(name, DEFAULTS[name])


chanx_settings = ChanxSettings()


class SettingsConfig:
    """Consumer options out of the ``CHANX`` setting."""

    @property
    def send_completion(self) -> bool:
        return bool(chanx_settings.SEND_COMPLETION)

    @property
    def send_message_immediately(self) -> bool:
        return bool(chanx_settings.SEND_MESSAGE_IMMEDIATELY)

    @property
    def log_websocket_message(self) -> bool:
        return bool(chanx_settings.LOG_WEBSOCKET_MESSAGE)

    @property
    def log_ignored_actions(self) -> Collection[str]:
        return frozenset(chanx_settings.LOG_IGNORED_ACTIONS)

"""Django's ``CHANX`` setting with its defaults, read at each use so that overriding it works everywhere."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from django.conf import settings
from django.utils.functional import empty

DEFAULTS: Final[Mapping[str, Any]] = {
    "MESSAGE_ACTION_KEY": "action",
    "SEND_COMPLETION": False,
    "SEND_MESSAGE_IMMEDIATELY": True,
    "SEND_AUTHENTICATION_MESSAGE": True,
    "CAMELIZE": False,
    "LOG_WEBSOCKET_MESSAGE": True,
    "LOG_IGNORED_ACTIONS": [],
    "WEBSOCKET_BASE_URL": None,
    "ASYNCAPI_TITLE": "AsyncAPI Documentation",
    "ASYNCAPI_DESCRIPTION": "",
    "ASYNCAPI_VERSION": "1.0.0",
    "ASYNCAPI_SERVER_URL": None,
    "ASYNCAPI_SERVER_PROTOCOL": None,
    "ASYNCAPI_REACT_COMPONENT_URL": None,
}


class ChanxSettings:
    """``chanx_settings.SEND_COMPLETION``: the project's value, else the default; unknown keys have no effect."""

    def __getattr__(self, name: str) -> Any:
        if name not in DEFAULTS:
            raise AttributeError(f"There is no setting CHANX[{name!r}]; there are {', '.join(DEFAULTS)}")
        return _project().get(name, DEFAULTS[name])


# Django keeps a setting that was read in the object's own dict and empties it when settings are overridden. Looking
# there first saves its lookup in Python, which three times a frame costs a tenth of the frame, and where there is no
# such setting the AttributeError that it would raise each time.
_KEPT: Final[Mapping[str, Any]] = object.__getattribute__(settings, "__dict__")


def _project() -> Mapping[str, Any]:
    kept: Mapping[str, Any] | None = _KEPT.get("CHANX")
    if kept is not None:
        return kept
    if _KEPT.get("_wrapped", empty) is empty:  # nobody has read a setting yet
        return getattr(settings, "CHANX", {})
    return {} if getattr(_KEPT["_wrapped"], "CHANX", None) is None else settings.CHANX


chanx_settings = ChanxSettings()


class SettingsConfig:
    """Consumer options out of the ``CHANX`` setting."""

    @property
    def discriminator_field(self) -> str:
        return str(chanx_settings.MESSAGE_ACTION_KEY)

    @property
    def camelize(self) -> bool:
        return bool(_project().get("CAMELIZE"))

    @property
    def send_completion(self) -> bool:
        return bool(_project().get("SEND_COMPLETION"))

    @property
    def send_message_immediately(self) -> bool:
        return bool(chanx_settings.SEND_MESSAGE_IMMEDIATELY)

    @property
    def log_websocket_message(self) -> bool:
        return bool(chanx_settings.LOG_WEBSOCKET_MESSAGE)

    @property
    def log_ignored_actions(self) -> Collection[str]:
        return frozenset(chanx_settings.LOG_IGNORED_ACTIONS)

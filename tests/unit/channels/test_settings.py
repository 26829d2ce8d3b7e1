"""The CHANX setting: read when used, with defaults."""

from typing import Any

import pytest

from chanx.channels.settings import DEFAULTS, SettingsConfig, chanx_settings
from chanx.core.config import Config


def test_without_a_setting_the_defaults_count(settings: Any) -> None:
    del settings.CHANX
    assert {name: getattr(chanx_settings, name) for name in DEFAULTS} == DEFAULTS


def test_the_setting_is_read_at_each_use(settings: Any) -> None:
    config = SettingsConfig()
    settings.CHANX = {"SEND_COMPLETION": True, "LOG_IGNORED_ACTIONS": ["ping"], "NO_SUCH": 1}
    assert (config.send_completion, config.log_ignored_actions) == (True, {"ping"})
    assert (config.send_message_immediately, config.log_websocket_message) == (True, True)
    settings.CHANX = {"SEND_MESSAGE_IMMEDIATELY": False, "LOG_WEBSOCKET_MESSAGE": False}
    assert (config.send_completion, config.send_message_immediately, config.log_websocket_message) == (False,) * 3


def test_an_unknown_setting_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(AttributeError, match=r"no setting CHANX\['SENT'\].*SEND_COMPLETION"):
        _ = chanx_settings.SENT


def test_outside_django() -> None:
    config = Config()
    assert (config.send_message_immediately, config.log_websocket_message, config.log_ignored_actions) == (
        True,
        False,
        {},
    )
    assert config.send_completion is False

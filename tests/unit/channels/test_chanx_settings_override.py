"""Overriding the ``CHANX`` setting in tests."""

from typing import Any

import pytest
from django.conf import settings
from django.test import SimpleTestCase, override_settings

from chanx.channels.settings import chanx_settings
from chanx.channels.utils.settings import override_chanx_settings, settings_context


@pytest.fixture(autouse=True)
def chanx(request: pytest.FixtureRequest, settings: Any) -> dict[str, Any]:
    """What the project's settings have, but for the test classes, whose override comes before this."""
    if request.cls is not None:
        return {}
    settings.CHANX = {"SEND_COMPLETION": False, "LOG_IGNORED_ACTIONS": ["ping"]}
    return settings.CHANX  # type: ignore[no-any-return]


@override_chanx_settings(SEND_COMPLETION=True)
def in_a_function() -> tuple[Any, Any]:
    return chanx_settings.SEND_COMPLETION, list(chanx_settings.LOG_IGNORED_ACTIONS)


@override_chanx_settings(SEND_COMPLETION=True)
async def in_a_coroutine_function() -> tuple[Any, Any]:
    return in_a_function()


def test_a_function() -> None:
    assert in_a_function() == (True, ["ping"])
    assert chanx_settings.SEND_COMPLETION is False


async def test_a_coroutine_function() -> None:
    assert await in_a_coroutine_function() == (True, ["ping"])
    assert chanx_settings.SEND_COMPLETION is False


@pytest.mark.parametrize("override", [override_chanx_settings, settings_context])
def test_a_block(override: Any, chanx: dict[str, Any]) -> None:
    with override(SEND_COMPLETION=True):
        assert chanx_settings.SEND_COMPLETION is True
        with override(LOG_IGNORED_ACTIONS=[]):
            assert (chanx_settings.SEND_COMPLETION, chanx_settings.LOG_IGNORED_ACTIONS) == (True, [])
        assert chanx_settings.LOG_IGNORED_ACTIONS == ["ping"]
    assert settings.CHANX is chanx
    assert chanx == {"SEND_COMPLETION": False, "LOG_IGNORED_ACTIONS": ["ping"]}


@pytest.mark.parametrize("override", [override_chanx_settings, settings_context])
def test_what_was_there_is_back_after_an_exception(override: Any) -> None:
    with pytest.raises(ValueError, match="in the block"), override(SEND_COMPLETION=True):
        raise ValueError("in the block")
    assert chanx_settings.SEND_COMPLETION is False


def test_unknown_keys_are_harmless() -> None:
    with override_chanx_settings(NOT_A_SETTING=1):
        assert chanx_settings.SEND_COMPLETION is False


def test_a_project_without_the_setting(settings: Any) -> None:
    del settings.CHANX
    with override_chanx_settings(SEND_COMPLETION=True):
        assert chanx_settings.SEND_COMPLETION is True
    assert chanx_settings.SEND_COMPLETION is False


def test_djangos_own_override_works_at_run_time_too() -> None:
    with override_settings(CHANX={"SEND_COMPLETION": True}):
        assert chanx_settings.SEND_COMPLETION is True
    assert chanx_settings.SEND_COMPLETION is False


def test_the_package_hands_it_on() -> None:
    from chanx.channels import utils

    assert utils.override_chanx_settings is override_chanx_settings


@override_chanx_settings(SEND_COMPLETION=True)
class TestAClass(SimpleTestCase):
    def test_it(self) -> None:
        assert chanx_settings.SEND_COMPLETION is True


@override_chanx_settings(LOG_IGNORED_ACTIONS=["pong"])
class TestASubclass(TestAClass):
    def test_its_own(self) -> None:
        assert chanx_settings.LOG_IGNORED_ACTIONS == ["pong"]

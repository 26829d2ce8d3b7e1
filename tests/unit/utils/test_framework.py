"""Which framework a process uses."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer, get_channel_layer
from fast_channels.layers import register_channel_layer, unregister_channel_layer

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.errors import MissingExtraError
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer as FastConsumer
from chanx.utils import framework
from chanx.utils.framework import channel_layer, consumer_base, detect_framework


def given_process(
    monkeypatch: pytest.MonkeyPatch, installed: set[str], configured: bool, variable: bool = False
) -> None:
    monkeypatch.setattr(framework, "find_spec", lambda name: name if name in installed else None)
    monkeypatch.setitem(sys.modules, "django.conf", SimpleNamespace(settings=SimpleNamespace(configured=configured)))
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    if variable:
        monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.settings")


@pytest.mark.parametrize(
    ("installed", "configured", "variable", "expected"),
    [
        ({"channels", "fast_channels"}, True, False, "channels"),
        ({"channels", "fast_channels"}, False, True, "channels"),
        ({"channels", "fast_channels"}, False, False, "fast_channels"),
        ({"channels"}, False, False, "channels"),
        ({"fast_channels"}, True, False, "fast_channels"),
    ],
)
def test_the_framework_of_a_process(
    monkeypatch: pytest.MonkeyPatch, installed: set[str], configured: bool, variable: bool, expected: str
) -> None:
    given_process(monkeypatch, installed, configured, variable)
    assert detect_framework() == expected


def test_without_a_framework_the_lines_to_type_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    given_process(monkeypatch, set(), False)
    with pytest.raises(MissingExtraError, match=r'"chanx\[channels\]".*"chanx\[fast-channels\]"'):
        detect_framework()


def test_without_django_nothing_of_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    given_process(monkeypatch, {"channels", "fast_channels"}, True)
    monkeypatch.delitem(sys.modules, "django.conf")
    assert detect_framework() == "fast_channels"


def test_the_consumer_class_of_a_framework(monkeypatch: pytest.MonkeyPatch) -> None:
    assert consumer_base() is consumer_base("channels") is AsyncJsonWebsocketConsumer
    assert consumer_base("fast_channels") is FastConsumer
    given_process(monkeypatch, {"fast_channels"}, False)
    assert consumer_base() is FastConsumer


def test_a_layer_is_found_in_whichever_framework_has_it(settings: Any) -> None:
    settings.CHANNEL_LAYERS = {"mine": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    registered: Any = InMemoryChannelLayer()
    register_channel_layer("other", registered)
    try:
        assert channel_layer("mine") is get_channel_layer("mine")
        assert channel_layer("other") is registered
        assert channel_layer("nowhere") is None
    finally:
        unregister_channel_layer("other")

"""A channel layer in memory."""

from typing import Any

import pytest
from channels.layers import get_channel_layer


@pytest.fixture(autouse=True)
def channel_layers(settings: Any) -> None:
    """A fresh channel layer for each test."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@pytest.fixture
def layer(channel_layers: None) -> Any:
    """The default channel layer."""
    return get_channel_layer()

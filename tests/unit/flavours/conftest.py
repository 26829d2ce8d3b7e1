"""The two flavours, Django Channels and fast-channels: what is tested here holds for both."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer
from fast_channels.layers import InMemoryChannelLayer as FastInMemoryLayer

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer as FastConsumer


@dataclass(frozen=True)
class Flavour:
    """A flavour's consumer class, and how to make a channel layer in memory."""

    base: Any
    new_layer: Callable[[], Any]


FLAVOURS = {
    "channels": Flavour(AsyncJsonWebsocketConsumer, InMemoryChannelLayer),
    "fast_channels": Flavour(FastConsumer, FastInMemoryLayer),
}


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> Flavour:
    return FLAVOURS[request.param]


@pytest.fixture
def layer(flavour: Flavour) -> Any:
    return flavour.new_layer()


@pytest.fixture
def base(flavour: Flavour, layer: Any) -> Any:
    """The consumer class to derive from; its channel layer is ``layer``."""
    return type("Base", (flavour.base,), {"get_channel_layer": staticmethod(lambda alias: layer)})

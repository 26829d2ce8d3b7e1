"""Reaching the web framework this process uses, without depending on one."""

from typing import Any

from chanx.utils.extras import need


def channel_layer(alias: str = "default") -> Any:
    """The framework's channel layer of that alias, or None if it is not configured."""
    return need("channels.layers", extra="channels").get_channel_layer(alias)

"""Does on the site's side what workers on the event bus tell: see :mod:`chanx.bridge.transports.event_bus`."""

from chanx.bridge.relay.relay import Relay as Relay

__all__ = ["Relay"]

"""The site of ``publishing_app``: whoever connects is in the group "room" and is sent every event as it is."""

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from tests.integration.publishing_app import LAYERS, Counted


class RoomConsumer(AsyncJsonWebsocketConsumer):
    groups = ["room"]
    passthrough_events = [Counted]
    log_websocket_message = False
    channel_layer_alias = "pubsub"
    get_channel_layer = staticmethod(LAYERS.__getitem__)


application = RoomConsumer.as_asgi()

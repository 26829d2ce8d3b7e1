"""Publishing onto a channel layer from synchronous code."""

from chanx.layers.choice import attach_loop, publisher_for
from chanx.layers.failures import PublishFailure
from chanx.layers.loop_publisher import LoopPublisher
from chanx.layers.memory import MemoryPublisher
from chanx.layers.names import is_channel_name, valid_channel_name, valid_group_name
from chanx.layers.publisher import Publisher
from chanx.layers.redis_core import RedisCorePublisher
from chanx.layers.redis_pubsub import RedisPubSubPublisher
from chanx.layers.spec import LayerSpec

__all__ = [
    "LayerSpec",
    "LoopPublisher",
    "MemoryPublisher",
    "PublishFailure",
    "Publisher",
    "RedisCorePublisher",
    "RedisPubSubPublisher",
    "attach_loop",
    "is_channel_name",
    "publisher_for",
    "valid_channel_name",
    "valid_group_name",
]

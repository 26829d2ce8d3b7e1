"""The options of a consumer that are not set on its class."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol


class ConsumerConfig(Protocol):
    """Where a consumer finds an option its class leaves at None. Read when used, so that overriding works."""

    @property
    def discriminator_field(self) -> str: ...
    @property
    def camelize(self) -> bool: ...
    @property
    def send_completion(self) -> bool: ...
    @property
    def send_message_immediately(self) -> bool: ...
    @property
    def log_websocket_message(self) -> bool: ...
    @property
    def log_ignored_actions(self) -> Collection[str]: ...


@dataclass(slots=True)
class Config:
    """The options outside Django: plain values."""

    discriminator_field: str = "action"
    camelize: bool = False
    send_completion: bool = False
    send_message_immediately: bool = True
    log_websocket_message: bool = False
    log_ignored_actions: Collection[str] = field(default_factory=dict[str, object])


config = Config()
"""What consumers outside Django use; a consumer class can have a ``config`` of its own."""

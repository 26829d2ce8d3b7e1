"""What a consumer has from its web framework, and the end of its connection."""

from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Any, ClassVar, Final

from chanx.core.channel_layer import ChannelLayer
from chanx.core.config import ConsumerConfig, config
from chanx.utils.framework import channel_layer as framework_channel_layer

PRIVATE_CODE_OFFSET: Final = 3000


class Connection:
    """The ground of a consumer: scope, channel and socket, as the framework's consumer class sets them.

    Attributes: ``scope`` (the ASGI scope), ``channel_layer`` (None if none is configured) and ``channel_name`` (this
    connection's own channel), ``base_send`` (takes ASGI messages), ``user`` (who is connected: the authenticator's
    user, else the scope's).
    """

    scope: dict[str, Any]
    channel_layer: Any  # a ChannelLayer or None: Any, so that a consumer that has one need not ask
    channel_name: str
    base_send: Callable[[dict[str, Any]], Awaitable[None]]
    user: Any

    channel_layer_alias: str = "default"
    config: ClassVar[ConsumerConfig] = config
    """Where options come from that the class leaves at None."""

    discriminator_field: str | None = None
    camelize: bool | None = None
    send_completion: bool | None = None
    send_message_immediately: bool | None = None
    log_websocket_message: bool | None = None
    log_ignored_actions: Collection[str] | None = None

    if TYPE_CHECKING:  # the framework's consumer class has these

        async def accept(self, subprotocol: str | None = None, headers: Any = None) -> None: ...
        async def connect(self) -> None: ...
        async def disconnect(self, code: int) -> None: ...

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.user = None
        self.is_closed = False
        self.is_signed_out = False
        super().__init__(*args, **kwargs)

    @staticmethod
    def get_channel_layer(alias: str) -> Any:
        """The channel layer of an alias, or None; a project may put another callable here."""
        return framework_channel_layer(alias)

    @classmethod
    def find_channel_layer(cls) -> ChannelLayer | None:
        """The channel layer of this class, or None if it is not configured."""
        layer: ChannelLayer | None = cls.get_channel_layer(cls.channel_layer_alias)
        return layer

    @classmethod
    def wire_discriminator(cls) -> str:
        """The key that messages are told apart by on the wire; it stays the same while a connection lasts."""
        return cls.discriminator_field or cls.config.discriminator_field

    @property
    def should_camelize(self) -> bool:
        """Whether names of fields are camelCase on the wire. Asked for every message, as the next.

        Both ways, in topics and broadcasts too; keys of ``dict`` and ``Any`` are user data and stay. The frames of a
        job stream are a fixed protocol and stay as they are.
        """
        own = self.camelize
        return self.config.camelize if own is None else own

    @property
    def should_send_completion(self) -> bool:
        """Whether completion frames are sent. Asked for every message, so that overriding at run time works."""
        own = self.send_completion
        return self.config.send_completion if own is None else own

    @property
    def sign_in_key(self) -> str | None:
        """What the client is signed in by: the key of the session in its scope, None where there is none. Overridable.

        Whoever ends that sign-in tells its connections by ``announce_sign_out``.
        """
        key = getattr(self.scope.get("session"), "session_key", None)
        return key if isinstance(key, str) else None

    async def refreshed_user(self) -> Any:
        """Who the client is by now; asked at intervals while topics last that want it. Overridable."""
        return self.user

    def signed_out_user(self) -> Any:
        """What ``user`` is once the client has signed out."""
        return None

    def set_user(self, user: Any) -> None:
        """From now on that is ``user``, and the scope's."""
        if user is not self.user:
            self.user = self.scope["user"] = user

    async def close(self, code: int | bool | None = None, reason: str | None = None) -> None:
        """Close the socket from the server's end; once closed, nothing is sent and no frame is handled any more.

        A server that refuses a protocol code (Daphne sends only 1000 and 3000 to 4999) is given the private code 3000
        above it: 4009 for 1009.
        """
        if self.is_closed:
            return
        self.is_closed = True
        message: dict[str, Any] = {"type": "websocket.close"}
        if code is not None and code is not True:
            message["code"] = code
        if reason:
            message["reason"] = reason
        try:
            await self.base_send(message)
        except OSError:
            return  # the client has gone already
        except Exception:
            sent: int = message.get("code", 1000)
            if not 1000 < sent < 2000:
                raise
            await self.base_send({**message, "code": sent + PRIVATE_CODE_OFFSET})

"""DjangoAuthenticator as a project tests it: signed in over HTTP, connected through the project's middleware."""

from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import OriginValidator
from django.contrib.auth.models import User
from django.test import override_settings
from rest_framework.permissions import IsAuthenticated

from chanx.channels.authenticator import DjangoAuthenticator
from chanx.channels.routing import include, path
from chanx.channels.testing import WebsocketTestCase
from chanx.channels.utils import override_chanx_settings
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import AuthenticationPayload, PongMessage
from tests.unit.channels.authentication import NOT_PERMITTED, Guarded, IsMember
from tests.unit.channels.rooms.models import Room

SITE = "http://localhost:8000"


class RoomAuthenticator(DjangoAuthenticator):
    permission_classes = [IsAuthenticated, IsMember]
    queryset = Room.objects.all()
    lookup_url_kwarg = "room_id"
    obj: Room


class RoomConsumer(Guarded):
    send_completion = True
    authenticator_class = RoomAuthenticator
    authenticator: RoomAuthenticator


rooms = URLRouter([path("<int:room_id>/", RoomConsumer.as_asgi())])


@override_settings(
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
)
class TestRooms(WebsocketTestCase):
    consumer = RoomConsumer
    router: ClassVar[Any] = OriginValidator(AuthMiddlewareStack(URLRouter([path("ws/rooms/", include(rooms))])), [SITE])

    def setUp(self) -> None:
        self.user = User.objects.create_user("ada", password="secret")
        self.room = Room.objects.create(name="hall")
        self.room.members.add(self.user)
        self.ws_path = f"/ws/rooms/{self.room.pk}/"
        super().setUp()

    def get_ws_headers(self) -> list[tuple[bytes, bytes]]:
        assert self.client.login(username="ada", password="secret")
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self.client.cookies.items())
        return [(b"cookie", cookies.encode()), (b"origin", SITE.encode())]

    async def test_who_is_signed_in_may_talk(self) -> None:
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok()
        await self.auth_communicator.send_message(PingMessage())
        assert await self.auth_communicator.receive_all_messages() == [PongMessage()]

    async def test_who_is_not_signed_in_is_refused_and_disconnected(self) -> None:
        communicator = self.create_communicator(headers=[(b"origin", SITE.encode())])
        await communicator.connect()
        message = await communicator.wait_for_auth()
        assert message is not None
        detail = {"detail": "Authentication credentials were not provided."}
        assert message.payload == AuthenticationPayload(status_code=403, status_text="Forbidden", data=detail)
        await communicator.assert_closed()

    async def test_who_is_no_member_is_refused(self) -> None:
        await sync_to_async(self.room.members.clear)()
        await self.auth_communicator.connect()
        message = await self.auth_communicator.wait_for_auth()
        assert message is not None
        assert message.payload.data == {"detail": NOT_PERMITTED}
        await self.auth_communicator.assert_closed()

    async def test_a_room_that_is_not_there(self) -> None:
        communicator = self.create_communicator(ws_path="/ws/rooms/0/")
        await communicator.connect()
        message = await communicator.wait_for_auth()
        assert message is not None
        assert (message.payload.status_code, message.payload.status_text) == (404, "Not Found")
        assert await communicator.receive_output() == {"type": "websocket.close"}

    @override_chanx_settings(SEND_AUTHENTICATION_MESSAGE=False)
    async def test_without_the_message(self) -> None:
        await self.auth_communicator.connect()
        assert await self.auth_communicator.wait_for_auth(max_auth_time=0.01) is None
        await self.auth_communicator.send_message(PingMessage())
        assert await self.auth_communicator.receive_all_messages() == [PongMessage()]

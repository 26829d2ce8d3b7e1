"""The specification on Django: its claims about consumers, its Django samples, and its complete example."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from celery import Celery, shared_task
from channels.routing import URLRouter
from django.contrib.auth.models import AnonymousUser, User
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.http import JsonResponse
from django.test import RequestFactory
from django.urls import path as django_path
from rest_framework.permissions import IsAuthenticated

from chanx.channels.authenticator import DjangoAuthenticator
from chanx.channels.routing import path as chanx_path
from chanx.channels.testing import DjangoWebsocketCommunicator
from chanx.channels.utils import override_chanx_settings
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import CompleteMessage, PongMessage
from tests.acceptance import specification_claims as claims
from tests.acceptance import specification_documents as documents
from tests.acceptance import specification_sending as sending
from tests.acceptance.specification_messages import (
    ChatMessage,
    ChatNotificationPayload,
    ChatPayload,
    NewPostEvent,
    Notification,
    PaymentCompleteEvent,
    RoomChatNotificationMessage,
    SystemAnnouncementEvent,
    UserJoinedChannelEvent,
    UserJoinedPayload,
    UserJoinedRoomMessage,
    UserMessage,
    UserPayload,
)
from tests.acceptance.specification_samples import event_samples
from tests.unit.channels.rooms.models import Room as ChatRoom

MEMORY = {"BACKEND": "channels.layers.InMemoryChannelLayer"}


def routed(path: str, consumer: Any) -> Any:
    """A router that serves a consumer under a path."""
    return URLRouter([django_path(path.replace("{", "<").replace("}", ">"), consumer.as_asgi())])


def with_user(application: Any, user: Any) -> Any:
    """What the authentication middleware does."""

    async def signed_in(scope: Any, receive: Any, send: Any) -> None:
        await application({**scope, "user": user}, receive, send)

    return signed_in


@pytest_asyncio.fixture
async def framework(settings: Any) -> AsyncIterator[claims.Framework]:
    settings.CHANNEL_LAYERS = {"default": MEMORY, "other": MEMORY}
    framework = claims.Framework(AsyncJsonWebsocketConsumer, DjangoWebsocketCommunicator, routed, with_user)
    yield framework
    for client in framework.clients:
        await client.disconnect()


class TestConsumers(claims.ConsumerClaims):
    pass


class TestDocuments(documents.DocumentClaims):
    pass


class TestRouting(claims.RoutingClaims):
    pass


class TestOutput(sending.OutputClaims):
    pass


class TestEvents(sending.EventSendingClaims):
    pass


class TestConfiguration(sending.ConfigurationClaims):
    async def test_the_channel_layer_alias(self, framework: claims.Framework) -> None:
        class Consumer(event_samples(AsyncJsonWebsocketConsumer).notification):  # type: ignore[misc]
            pass

        class OtherConsumer(Consumer):
            channel_layer_alias = "other"

        one, other = await framework.client(Consumer), await framework.client(OtherConsumer)
        assert await one.receive_nothing(claims.QUIET)
        await OtherConsumer.broadcast_event(NewPostEvent(payload={}))
        assert await claims.next_message(other) == NewPostEvent(payload={})
        assert await one.receive_nothing(claims.QUIET)

    @override_chanx_settings(SEND_COMPLETION=True)
    async def test_the_projects_settings_where_the_class_says_nothing(self, framework: claims.Framework) -> None:
        class Consumer(AsyncJsonWebsocketConsumer):
            @ws_handler
            async def ping(self, message: PingMessage) -> PongMessage:
                return PongMessage()

        client = await framework.client(Consumer)
        await client.send_message(PingMessage())
        assert await claims.next_message(client) == PongMessage()
        assert await claims.next_message(client) == CompleteMessage()


# "Event Broadcasting from Anywhere"

samples = event_samples(AsyncJsonWebsocketConsumer)
NotificationConsumer = samples.notification
PaymentConsumer = samples.payment
AnnouncementConsumer = samples.announcement


def create_post(request: Any) -> JsonResponse:
    post = User(id=1, username="Hello")

    # Send event to WebSocket consumers
    NotificationConsumer.broadcast_event_sync(
        NewPostEvent(payload={"post_id": post.id, "title": post.username}), groups=["news_feed"]
    )

    return JsonResponse({"status": "created"})


@shared_task(name="process_payment")
def process_payment(payment_id: int) -> None:
    # Notify specific user
    PaymentConsumer.send_event_sync(
        PaymentCompleteEvent(payload={"status": f"paid {payment_id}"}), channel_name=f"user_{7}"
    )


class Command(BaseCommand):
    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("message", type=str)

    def handle(self, *args: Any, **options: Any) -> None:
        AnnouncementConsumer.broadcast_event_sync(
            SystemAnnouncementEvent(payload=options["message"]), groups=["all_users"]
        )


async def test_from_a_django_view(framework: claims.Framework) -> None:
    client = await framework.client(NotificationConsumer)
    assert await client.receive_nothing(claims.QUIET)
    response = await sync_to_async(create_post)(RequestFactory().post("/posts/"))
    assert response.content == b'{"status": "created"}'
    assert await claims.next_message(client) == NewPostEvent(payload={"post_id": 1, "title": "Hello"})


async def test_from_a_celery_task(framework: claims.Framework) -> None:
    app = Celery("specification", set_as_current=False)
    payer, other = await framework.client(PaymentConsumer, "/?7"), await framework.client(PaymentConsumer, "/?8")
    assert await payer.receive_nothing(claims.QUIET)
    await sync_to_async(lambda: app.tasks["process_payment"].apply((5,)).get())()
    assert await claims.next_message(payer) == PaymentCompleteEvent(payload={"status": "paid 5"})
    assert await other.receive_nothing(claims.QUIET)


async def test_from_a_management_command(framework: claims.Framework) -> None:
    client = await framework.client(AnnouncementConsumer)
    assert await client.receive_nothing(claims.QUIET)
    await sync_to_async(call_command)(Command(), "Back at noon")
    assert await claims.next_message(client) == Notification(payload="Back at noon")


# "Authentication Integration"


class ChatAuthenticator(DjangoAuthenticator):
    permission_classes = [IsAuthenticated]
    # Optional: object-level permissions
    queryset = ChatRoom.objects.all()
    obj: ChatRoom


@channel(name="chat")
class ChatConsumer(AsyncJsonWebsocketConsumer):
    authenticator_class = ChatAuthenticator
    authenticator: ChatAuthenticator  # Type hint

    async def post_authentication(self) -> None:
        """Called after successful authentication."""
        # Access authenticated user and object
        user = self.authenticator.user
        room = self.authenticator.obj  # If using object-level auth

        # Join room-specific group
        await self.channel_layer.group_add(f"room_{room.id}", self.channel_name)
        await self.broadcast_message(Notification(payload=f"{user.username} in {room.name}"), f"room_{room.id}")

    @ws_handler
    async def echo(self, message: UserMessage) -> Notification:
        return Notification(payload=f"{self.user.username}: {message.payload}")


@pytest.fixture
def ada() -> User:
    return User.objects.create(username="ada")


@pytest.fixture
def room() -> ChatRoom:
    return ChatRoom.objects.create(name="hall")


def chat(consumer: Any, user: Any) -> Any:
    return with_user(URLRouter([chanx_path("ws/chat/<pk>/", consumer.as_asgi())]), user)


@pytest.mark.django_db(transaction=True)
class TestAuthentication:
    async def test_user_and_object_are_there_after_it(
        self, framework: claims.Framework, ada: User, room: ChatRoom
    ) -> None:
        client = await framework.client(ChatConsumer, f"/ws/chat/{room.pk}/", chat(ChatConsumer, ada))
        await client.assert_authenticated_status_ok(max_auth_time=5)
        assert await claims.next_message(client) == Notification(payload="ada in hall")
        await client.send_message(UserMessage(payload="hi"))
        assert await claims.next_message(client) == Notification(payload="ada: hi")

    async def test_who_is_not_signed_in_is_refused(self, framework: claims.Framework, room: ChatRoom) -> None:
        application = chat(ChatConsumer, AnonymousUser())
        client = await framework.client(ChatConsumer, f"/ws/chat/{room.pk}/", application)
        message = await client.wait_for_auth(max_auth_time=5, after_auth_time=0)
        assert (message.payload.status_code, message.payload.status_text) == (403, "Forbidden")
        await client.assert_closed()

    async def test_an_object_that_is_not_there(self, framework: claims.Framework, ada: User) -> None:
        client = await framework.client(ChatConsumer, "/ws/chat/99/", chat(ChatConsumer, ada))
        message = await client.wait_for_auth(max_auth_time=5, after_auth_time=0)
        assert (message.payload.status_code, message.payload.status_text) == (404, "Not Found")
        await client.assert_closed()


# "Complete Example: Chat Consumer"


class RoomAuthenticator(DjangoAuthenticator):
    permission_classes = [IsAuthenticated]
    queryset = ChatRoom.objects.all()
    obj: ChatRoom


@channel(name="room_chat", description="Real-time chat for specific rooms", tags=["chat", "rooms"])
class RoomChatConsumer(AsyncJsonWebsocketConsumer[UserJoinedChannelEvent]):  # Optional generic for type hints
    authenticator_class = RoomAuthenticator
    authenticator: RoomAuthenticator

    # Configuration
    log_ignored_actions = ["ping", "pong"]

    async def post_authentication(self) -> None:
        """Join room group after authentication."""
        room_group = f"room_{self.authenticator.obj.id}"
        await self.channel_layer.group_add(room_group, self.channel_name)
        self.groups.append(room_group)

    @ws_handler(summary="Handle chat messages", output_type=RoomChatNotificationMessage)
    async def handle_chat(self, message: ChatMessage) -> None:
        """Process and broadcast chat messages."""
        await self.broadcast_message(
            RoomChatNotificationMessage(
                payload=ChatNotificationPayload(
                    message=message.payload.message,
                    username=self.authenticator.user.username,
                    room_id=self.authenticator.obj.id,
                )
            )
        )

    @event_handler(output_type=UserJoinedRoomMessage)
    async def user_joined(self, event: UserJoinedChannelEvent) -> UserJoinedRoomMessage:
        """Handle user join events from other parts of the app."""
        return UserJoinedRoomMessage(
            payload=UserJoinedPayload(
                username=event.payload.username, message=f"{event.payload.username} joined the room"
            )
        )


@pytest.mark.django_db(transaction=True)
class TestTheCompleteExample:
    async def enter(self, framework: claims.Framework, user: User, room: ChatRoom) -> Any:
        client = await framework.client(RoomChatConsumer, f"/ws/chat/{room.pk}/", chat(RoomChatConsumer, user))
        await client.assert_authenticated_status_ok(max_auth_time=5)
        return client

    async def test_a_chat_message_reaches_the_room(
        self, framework: claims.Framework, ada: User, room: ChatRoom
    ) -> None:
        # Given two in one room and one in another
        grace = await User.objects.acreate(username="grace")
        attic = await ChatRoom.objects.acreate(name="attic")
        clients = [await self.enter(framework, user, room) for user in (ada, grace)]
        elsewhere = await self.enter(framework, grace, attic)
        # When one says something
        await clients[0].send_message(ChatMessage(payload=ChatPayload(message="Hello")))
        # Then both have it, and the other room has not
        said = ChatNotificationPayload(message="Hello", username="ada", room_id=room.pk)
        for client in clients:
            assert await claims.next_message(client) == RoomChatNotificationMessage(payload=said)
        assert await elsewhere.receive_nothing(claims.QUIET)

    async def test_an_event_of_another_part_of_the_application(
        self, framework: claims.Framework, ada: User, room: ChatRoom
    ) -> None:
        client = await self.enter(framework, ada, room)
        event = UserJoinedChannelEvent(payload=UserPayload(username="grace"))
        await RoomChatConsumer.broadcast_event(event, groups=[f"room_{room.pk}"])
        joined = UserJoinedPayload(username="grace", message="grace joined the room")
        assert await claims.next_message(client) == UserJoinedRoomMessage(payload=joined)

    async def test_who_is_not_signed_in_stays_out(self, framework: claims.Framework, room: ChatRoom) -> None:
        application = chat(RoomChatConsumer, AnonymousUser())
        client = await framework.client(RoomChatConsumer, f"/ws/chat/{room.pk}/", application)
        assert (await client.wait_for_auth(max_auth_time=5, after_auth_time=0)).payload.status_code == 403
        await client.assert_closed()

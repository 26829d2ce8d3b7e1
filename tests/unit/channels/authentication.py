"""What the tests of ``DjangoAuthenticator`` share: a consumer to guard, and REST framework classes."""

from typing import Any

from channels.routing import URLRouter
from django.contrib.auth.models import User
from django.urls import path
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission

from chanx.channels.authenticator import DjangoAuthenticator
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import ws_handler
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage

ACCEPTED = {
    "action": "authentication",
    "payload": {"status_code": 200, "status_text": "OK", "data": {"detail": "OK"}},
}
NO_CREDENTIALS = "Authentication credentials were not provided."
NOT_PERMITTED = "You do not have permission to perform this action."


def refused(code: int, text: str, detail: str) -> dict[str, Any]:
    """The frame of a refusal."""
    payload = {"status_code": code, "status_text": text, "data": {"detail": detail}}
    return {"action": "authentication", "payload": payload}


FORBIDDEN = refused(403, "Forbidden", NO_CREDENTIALS)


class Guarded(AsyncJsonWebsocketConsumer):
    """Answers pings, and notes whether it was opened."""

    groups = ["guarded"]

    def __init__(self) -> None:
        super().__init__()
        self.is_open = False

    async def post_authentication(self) -> None:
        self.is_open = True

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()


def guarded_by(authenticator: type[DjangoAuthenticator]) -> type[Guarded]:
    """A consumer class with that authenticator."""
    return type("Own", (Guarded,), {"authenticator_class": authenticator})


def routed(consumer: Any, route: str = "ws/<pk>/") -> Any:
    """The consumer behind a route, for ``connect``."""
    return lambda: URLRouter([path(route, consumer.as_asgi())])


def url(**kwargs: Any) -> dict[str, Any]:
    """What a route with these parameters leaves in the scope."""
    return {"args": (), "kwargs": kwargs}


class Bearer(BaseAuthentication):
    """As with JWT: the header carries who it is; here by name."""

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        kind, _, name = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer":
            return None
        user = User.objects.filter(username=name).first()
        if user is None:
            raise AuthenticationFailed("Invalid token.")
        return user, name

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"


class IsMember(BasePermission):
    """Rooms are for their members."""

    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        return bool(obj.members.filter(pk=request.user.pk).exists())

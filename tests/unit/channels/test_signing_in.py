"""Subscriptions of a Django user end with the sign-in: by logout at once, by everything else at the next interval."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import login, logout
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.cache import SessionStore
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from chanx.channels.signing_in import user_by_now
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.sign_out import sign_out_group
from chanx.core.topic import Topic
from tests.unit.channels.client import Client
from tests.unit.conftest import Connect

pytestmark = pytest.mark.django_db(transaction=True)


class Private(Topic):
    pattern = "private:{name}"
    reauthorize_seconds = 3600.0

    async def authorize(self, name: str) -> bool:
        return bool(self.user.is_authenticated)


class Consumer(AsyncJsonWebsocketConsumer):
    topics = [Private]


@pytest.fixture(autouse=True)
def sessions(settings: Any) -> Any:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return settings


@pytest.fixture
async def user() -> User:
    return await sync_to_async(User.objects.create_user)("ada", password="correct horse")


async def signed_in(user: User) -> HttpRequest:
    """A request of a browser in which the user has signed in."""
    request = HttpRequest()
    request.session, request.user = SessionStore(), AnonymousUser()
    await sync_to_async(login)(request, user, "django.contrib.auth.backends.ModelBackend")
    await sync_to_async(request.session.save)()
    return request


def scope_of(request: HttpRequest) -> dict[str, Any]:
    """As the middleware of Channels makes it: the session is read once."""
    return {"session": SessionStore(request.session.session_key), "user": SimpleLazyObject(lambda: request.user)}


async def subscribed(connect: Connect, request: HttpRequest) -> Client:
    scope = scope_of(request)
    client = await connect(Consumer, user=scope["user"], session=scope["session"])
    await client.send({"topic": "private:a", "action": "subscribe"})
    assert (await client.frame())["action"] == "subscribed"
    return client


async def test_signing_out_ends_the_subscriptions_of_that_browser(connect: Connect, user: User, layer: Any) -> None:
    # Given a user in two browsers
    here, there = await signed_in(user), await signed_in(user)
    client, other = await subscribed(connect, here), await subscribed(connect, there)
    groups = {sign_out_group(request.session.session_key or "") for request in (here, there)}
    async with asyncio.timeout(30):
        while not groups <= layer.groups.keys():  # noqa: ASYNC110  # the layer tells nobody
            await asyncio.sleep(0.001)

    # When signing out in one
    await sync_to_async(logout)(here)

    # Then its subscription ends at once
    assert (await client.frame())["payload"]["reason"] == "unauthorized"
    assert isinstance(client.consumer.user, AnonymousUser)

    # And the other one goes on
    await other.send({"topic": "private:b", "action": "subscribe"})
    assert (await other.frame())["action"] == "subscribed"


async def test_nobody_is_kept_from_signing_out(user: User, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "tests.no_such_layer"}}
    request = await signed_in(user)
    await sync_to_async(logout)(request)
    assert "sign_out_not_told" in caplog.text
    assert isinstance(request.user, AnonymousUser)


async def test_an_interval_finds_what_nobody_tells(
    connect: Connect, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Private, "reauthorize_seconds", 0.02)
    client = await subscribed(connect, await signed_in(user))
    await User.objects.filter(pk=user.pk).aupdate(is_active=False)
    assert (await client.frame())["payload"]["reason"] == "unauthorized"


async def flush(request: HttpRequest, user: User) -> None:
    await sync_to_async(request.session.flush)()


async def deactivate(request: HttpRequest, user: User) -> None:
    await User.objects.filter(pk=user.pk).aupdate(is_active=False)


async def delete(request: HttpRequest, user: User) -> None:
    await User.objects.filter(pk=user.pk).adelete()


async def change_password(request: HttpRequest, user: User) -> None:
    user.set_password("another")
    await user.asave()


async def sign_in_as_another(request: HttpRequest, user: User) -> None:
    session = SessionStore(request.session.session_key)
    session["_auth_user_id"] = "12345"
    await sync_to_async(session.save)()


@pytest.mark.parametrize("end", [flush, deactivate, delete, change_password, sign_in_as_another])
async def test_what_ends_a_sign_in(user: User, end: Any) -> None:
    # Given a connection of a session
    request = await signed_in(user)
    scope = scope_of(request)
    assert await user_by_now(scope, scope["user"]) == user

    # When that ends
    await end(request, user)

    # Then the user is anonymous
    assert isinstance(await user_by_now(scope, scope["user"]), AnonymousUser)


async def test_a_new_secret_key_ends_no_sign_in_and_changes_no_session(user: User, settings: Any) -> None:
    # Given a session of the old key, which is a fallback now
    request = await signed_in(user)
    scope = scope_of(request)
    before = dict(SessionStore(request.session.session_key).items())
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "a new one"
    await sync_to_async(scope["user"].get_username)()

    # Then it is good, and as it was
    assert await user_by_now(scope, scope["user"]) == user
    assert dict(SessionStore(request.session.session_key).items()) == before

    # Until the old key is dropped
    settings.SECRET_KEY_FALLBACKS = []
    assert isinstance(await user_by_now(scope, scope["user"]), AnonymousUser)
    assert dict(SessionStore(request.session.session_key).items()) == before


async def test_who_signed_in_otherwise_is_looked_for_among_the_users(user: User) -> None:
    # Given a user by token, who has no session
    assert await user_by_now({}, user) == user
    await deactivate(HttpRequest(), user)
    assert isinstance(await user_by_now({}, user), AnonymousUser)
    assert isinstance(await user_by_now({}, AnonymousUser()), AnonymousUser)
    assert await user_by_now({}, None) is None

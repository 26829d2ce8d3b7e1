"""DjangoAuthenticator: who is let in, and the frames of each outcome."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser, User
from django.db import connections
from django.test.utils import CaptureQueriesContext
from rest_framework.exceptions import Throttled
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request

from chanx.channels.authenticator import DjangoAuthenticator
from chanx.errors import ConfigurationError
from tests.unit.channels.authentication import (
    ACCEPTED,
    FORBIDDEN,
    NOT_PERMITTED,
    Bearer,
    Guarded,
    IsMember,
    guarded_by,
    refused,
    routed,
    url,
)
from tests.unit.channels.rooms.models import Room
from tests.unit.conftest import Connect

pytestmark = pytest.mark.django_db(transaction=True)

CLOSE = {"type": "websocket.close"}


class SignedIn(DjangoAuthenticator):
    permission_classes = [IsAuthenticated]


class OfRoom(DjangoAuthenticator):
    permission_classes = [IsAuthenticated, IsMember]
    queryset = Room.objects.all()
    obj: Room


class ByToken(DjangoAuthenticator):
    permission_classes = [IsAuthenticated]
    authentication_classes = [Bearer]


@pytest.fixture
async def user() -> User:
    return await User.objects.acreate(username="ada")


@pytest.fixture
async def room(user: User) -> Room:
    room = await Room.objects.acreate(name="hall")
    await room.members.aadd(user)
    return room


async def assert_refused(client: Any, layer: Any, *frames: dict[str, Any]) -> None:
    """Expect the frames, then a close without a code, and that nothing of the consumer ran."""
    assert await client.frames(len(frames)) == list(frames)
    assert await client.output() == CLOSE
    await client.send({"action": "ping"})
    await client.disconnect()
    assert client.consumer.is_open is False
    assert layer.groups == {}


async def test_the_user_of_the_scope_is_let_in(connect: Connect, user: User) -> None:
    client = await connect(guarded_by(SignedIn), user=user)
    assert await client.frame() == ACCEPTED
    await client.quiet()
    assert client.consumer.is_open
    assert client.consumer.user == client.consumer.authenticator.user == user
    assert client.consumer.authenticator.obj is None
    assert isinstance(client.consumer.authenticator.request, Request)


@pytest.mark.parametrize("scope", [{}, {"user": AnonymousUser()}, {"user": None}])
async def test_an_anonymous_user_is_refused(connect: Connect, layer: Any, scope: dict[str, Any]) -> None:
    client = await connect(guarded_by(SignedIn), **scope)
    await assert_refused(client, layer, FORBIDDEN)
    assert client.consumer.user == AnonymousUser()


async def test_an_inactive_user_is_refused(connect: Connect, layer: Any) -> None:
    user = await User.objects.acreate(username="gone", is_active=False)
    await assert_refused(await connect(guarded_by(SignedIn), user=user), layer, FORBIDDEN)


async def test_without_permission_classes_the_projects_default_counts(connect: Connect) -> None:
    client = await connect(guarded_by(DjangoAuthenticator))
    assert await client.frame() == ACCEPTED
    await client.quiet()
    assert client.consumer.user == AnonymousUser()


async def test_a_header_signs_in(connect: Connect, user: User) -> None:
    client = await connect(guarded_by(ByToken), headers=[(b"authorization", b"Bearer ada")])
    assert await client.frame() == ACCEPTED
    await client.quiet()
    assert client.consumer.user == user
    assert client.consumer.authenticator.request.auth == "ada"


@pytest.mark.parametrize(
    ("header", "frame"),
    [
        (b"Bearer eve", refused(401, "Unauthorized", "Invalid token.")),
        (b"Basic ada", refused(401, "Unauthorized", FORBIDDEN["payload"]["data"]["detail"])),
    ],
)
async def test_a_wrong_header_is_refused_in_the_words_of_rest_framework(
    connect: Connect, layer: Any, user: User, header: bytes, frame: dict[str, Any]
) -> None:
    client = await connect(guarded_by(ByToken), headers=[(b"authorization", header)])
    await assert_refused(client, layer, frame)


async def test_with_own_authentication_classes_the_user_of_the_scope_does_not_count(
    connect: Connect, layer: Any, user: User
) -> None:
    client = await connect(guarded_by(ByToken), user=user)
    await assert_refused(client, layer, refused(401, "Unauthorized", FORBIDDEN["payload"]["data"]["detail"]))


async def test_an_empty_list_of_authentication_classes_is_a_list(connect: Connect, layer: Any, user: User) -> None:
    class Nobody(SignedIn):
        authentication_classes: list[Any] = []

    client = await connect(guarded_by(Nobody), user=user)
    await assert_refused(client, layer, refused(403, "Forbidden", NOT_PERMITTED))


async def test_the_object_of_the_url_is_at_hand(connect: Connect, user: User, room: Room) -> None:
    client = await connect(guarded_by(OfRoom), user=user, url_route=url(pk=room.pk))
    assert await client.frame() == ACCEPTED
    await client.quiet()
    assert client.consumer.authenticator.obj == room
    assert client.consumer.authenticator.request.parser_context["kwargs"] == {"pk": room.pk}


async def test_through_a_real_route(connect: Connect, user: User, room: Room) -> None:
    client = await connect(routed(guarded_by(OfRoom)), path=f"/ws/{room.pk}/", user=user)
    assert await client.frame() == ACCEPTED
    await client.quiet()


@pytest.mark.parametrize("pk", [0, "no number", 10**30, "1 OR 1=1", "\x00"])
async def test_an_object_that_does_not_exist_is_not_found(
    connect: Connect, layer: Any, user: User, room: Room, pk: Any
) -> None:
    client = await connect(guarded_by(OfRoom), user=user, url_route=url(pk=pk))
    frame = await client.frame()
    assert (frame["payload"]["status_code"], frame["payload"]["status_text"]) == (404, "Not Found")
    assert list(frame["payload"]["data"]) == ["detail"]
    await assert_refused(client, layer)
    assert client.consumer.authenticator.obj is None


async def test_an_object_that_is_not_permitted_is_refused(connect: Connect, layer: Any, user: User) -> None:
    other = await Room.objects.acreate(name="other")
    client = await connect(guarded_by(OfRoom), user=user, url_route=url(pk=other.pk))
    await assert_refused(client, layer, refused(403, "Forbidden", NOT_PERMITTED))
    assert client.consumer.authenticator.obj is None


async def test_an_anonymous_user_is_not_told_whether_the_object_exists(
    connect: Connect, layer: Any, room: Room
) -> None:
    for pk in (room.pk, 0):
        await assert_refused(await connect(guarded_by(OfRoom), url_route=url(pk=pk)), layer, FORBIDDEN)


async def test_the_object_is_found_by_other_fields(connect: Connect, user: User, room: Room) -> None:
    class ByName(OfRoom):
        lookup_field = "name"

    class ByCode(OfRoom):
        lookup_field = "code"
        lookup_url_kwarg = "room"

    for authenticator, params in ((ByName, {"name": "hall"}), (ByCode, {"room": str(room.code)})):
        client = await connect(guarded_by(authenticator), user=user, url_route=url(**params))
        assert await client.frame() == ACCEPTED
        await client.quiet()
        assert client.consumer.authenticator.obj == room


async def test_the_queryset_can_depend_on_the_user(connect: Connect, layer: Any, user: User, room: Room) -> None:
    class OfMine(SignedIn):
        def get_queryset(self) -> Any:
            assert self.request.user == self.user
            return Room.objects.filter(members=self.user)

    other = await Room.objects.acreate(name="other")
    client = await connect(guarded_by(OfMine), user=user, url_route=url(pk=room.pk))
    assert await client.frame() == ACCEPTED
    client = await connect(guarded_by(OfMine), user=user, url_route=url(pk=other.pk))
    assert (await client.frame())["payload"]["status_code"] == 404


async def test_the_queryset_is_not_kept_between_connections(connect: Connect, user: User, room: Room) -> None:
    for name in ("one", "two"):
        added = await Room.objects.acreate(name=name)
        await added.members.aadd(user)
        client = await connect(guarded_by(OfRoom), user=user, url_route=url(pk=added.pk))
        assert await client.frame() == ACCEPTED


async def test_an_own_lookup_is_checked_for_permission_too(connect: Connect, user: User, room: Room) -> None:
    class ByQuery(OfRoom):
        def get_object(self) -> Any:
            return self.get_queryset().filter(name=self.get_query_param("room")).first()

    await Room.objects.acreate(name="other")
    for query, code in ((b"room=hall", 200), (b"room=other", 403), (b"room=none", 404)):
        client = await connect(guarded_by(ByQuery), user=user, query_string=query)
        assert (await client.frame())["payload"]["status_code"] == code
        if code == 200:
            await client.quiet()
            assert client.consumer.authenticator.obj == room


async def test_other_refusals_are_told_as_rest_framework_tells_them(connect: Connect, layer: Any) -> None:
    class Busy(BasePermission):
        def has_permission(self, request: Any, view: Any) -> bool:
            raise Throttled(wait=5)

    class Never(DjangoAuthenticator):
        permission_classes = [Busy]

    detail = "Request was throttled. Expected available in 5 seconds."
    await assert_refused(await connect(guarded_by(Never)), layer, refused(429, "Too Many Requests", detail))


async def test_a_failure_is_logged_and_told_in_general_words(
    connect: Connect, layer: Any, user: User, caplog: pytest.LogCaptureFixture
) -> None:
    client = await connect(guarded_by(OfRoom), user=user)  # no parameter in the URL
    error = {"action": "error", "payload": {"detail": "Authentication failed"}}
    await assert_refused(client, layer, error)
    assert [record.event for record in caplog.records] == ["authenticator_failed"]  # type: ignore[attr-defined] # extras
    assert 'named "pk"' in caplog.text


@pytest.mark.parametrize("signed_in", [True, False])
async def test_the_message_can_be_switched_off(
    connect: Connect, layer: Any, settings: Any, user: User, signed_in: bool
) -> None:
    settings.CHANX = {"SEND_AUTHENTICATION_MESSAGE": False}
    client = await connect(guarded_by(SignedIn), user=user if signed_in else AnonymousUser())
    if signed_in:
        await client.quiet()
    else:
        await assert_refused(client, layer)


async def test_views_run_in_the_thread_for_databases(connect: Connect) -> None:
    threads: list[int] = []

    class Noting(BasePermission):
        def has_permission(self, request: Any, view: Any) -> bool:
            threads.append(threading.get_ident())
            return True

    class Noted(DjangoAuthenticator):
        permission_classes = [Noting]

    await (await connect(guarded_by(Noted))).frame()
    assert threads == [await sync_to_async(threading.get_ident)()] != [threading.get_ident()]


async def test_an_object_costs_one_query_and_its_permission_another(connect: Connect, user: User, room: Room) -> None:
    connection = await sync_to_async(lambda: connections["default"])()
    queries = CaptureQueriesContext(connection)
    await sync_to_async(queries.__enter__)()
    client = await connect(guarded_by(OfRoom), user=user, url_route=url(pk=room.pk))
    await client.frame()
    await sync_to_async(queries.__exit__)(None, None, None)
    assert len(queries) == 2


async def test_both_forms_of_overriding_authenticate_work(connect: Connect, user: User) -> None:
    class Bare(SignedIn):
        async def authenticate(self) -> bool:
            return await super().authenticate()

    class OfScope(SignedIn):
        async def authenticate(self, scope: dict[str, Any]) -> bool:
            return await super().authenticate(scope)

    for authenticator in (Bare, OfScope):
        client = await connect(guarded_by(authenticator), user=user)
        assert await client.frame() == ACCEPTED


@pytest.mark.parametrize("by_name", [False, True])
async def test_it_works_without_a_consumer(user: User, by_name: bool) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message.model_dump())

    scope = {"type": "websocket", "path": "/", "headers": [], "user": user}
    authenticator = SignedIn(send)
    assert await (authenticator.authenticate(scope=scope) if by_name else authenticator.authenticate(scope)) is True
    assert sent == [ACCEPTED]


def test_an_unknown_method_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(ConfigurationError, match="auth_method is 'options'"):
        type("Wrong", (DjangoAuthenticator,), {"auth_method": "options"})


async def test_a_permission_may_ask_the_scopes_own_kind_of_user(connect: Connect) -> None:
    class Allowed(DjangoAuthenticator):
        permission_classes = [AllowAny]

    user = SimpleNamespace(is_active=True, is_authenticated=True, pk=7)
    client = await connect(guarded_by(Allowed), user=user)
    assert await client.frame() == ACCEPTED
    await client.quiet()
    assert client.consumer.user is user
    assert isinstance(client.consumer, Guarded)


async def test_the_message_is_camelized_like_any_other(connect: Connect, user: User) -> None:
    camel = type("Camel", (guarded_by(SignedIn),), {"camelize": True})
    accepted = {"statusCode": 200, "statusText": "OK", "data": {"detail": "OK"}}
    forbidden = {"statusCode": 403, "statusText": "Forbidden", "data": FORBIDDEN["payload"]["data"]}
    for who, payload in ((user, accepted), (None, forbidden)):
        client = await connect(camel, user=who)
        assert await client.frame() == {"action": "authentication", "payload": payload}

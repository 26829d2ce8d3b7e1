"""DjangoAuthenticator with views: custom ones, their own methods, and ChanxAuthView itself."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.functional import lazystr
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.versioning import QueryParameterVersioning
from rest_framework.views import APIView

from chanx.channels.authenticator import ChanxAuthView, ChanxSerializer, DjangoAuthenticator
from tests.unit.channels.authentication import (
    ACCEPTED,
    FORBIDDEN,
    NOT_PERMITTED,
    Bearer,
    IsMember,
    guarded_by,
    refused,
    url,
)
from tests.unit.channels.rooms.models import Room
from tests.unit.conftest import Connect

pytestmark = pytest.mark.django_db(transaction=True)

METHODS = ["get", "post", "put", "patch", "delete"]


class RoomView(RetrieveAPIView):  # type: ignore[misc] # REST framework has no types
    """A view as projects have them for HTTP."""

    permission_classes = [IsAuthenticated, IsMember]
    queryset = Room.objects.all()
    lookup_field = "name"
    lookup_url_kwarg = "room"


class OfView(DjangoAuthenticator):
    auth_view_class = RoomView


@pytest.fixture
async def user() -> User:
    return await User.objects.acreate(username="ada")


@pytest.fixture
async def room(user: User) -> Room:
    room = await Room.objects.acreate(name="hall")
    await room.members.aadd(user)
    return room


def with_view(view: type, **attributes: Any) -> type[DjangoAuthenticator]:
    return type("Own", (DjangoAuthenticator,), {"auth_view_class": view, **attributes})


class Answering(APIView):  # type: ignore[misc] # REST framework has no types
    """Its method answers with what the test gives it."""

    permission_classes = [AllowAny]
    answer: Callable[[], Any]

    def get(self, request: Any) -> Any:
        return type(self).answer()


def answering(answer: Callable[[], Any]) -> type[DjangoAuthenticator]:
    view = type("Own", (Answering,), {"answer": staticmethod(answer)})
    return with_view(view, override_http_methods=False)


def raising(error: Exception) -> Callable[[], Any]:
    def answer() -> Any:
        raise error

    return answer


async def test_a_custom_view_decides_by_its_own_attributes(connect: Connect, user: User, room: Room) -> None:
    await Room.objects.acreate(name="other")
    for name, who, code in (("hall", user, 200), ("other", user, 403), ("none", user, 404), ("hall", None, 403)):
        client = await connect(guarded_by(OfView), user=who, url_route=url(room=name))
        assert (await client.frame())["payload"]["status_code"] == code
        if code == 200:
            await client.quiet()
            assert client.consumer.authenticator.obj == room


async def test_only_what_the_authenticator_sets_overrides_the_view(connect: Connect, user: User, room: Room) -> None:
    class Stricter(OfView):
        permission_classes = [IsAdminUser]

    class Elsewhere(OfView):
        queryset = Room.objects.none()

    class ByNumber(OfView):
        lookup_field = "pk"
        lookup_url_kwarg = "number"

    class ByToken(OfView):
        authentication_classes = [Bearer]

    codes = {Stricter: 403, Elsewhere: 404, ByNumber: 200, ByToken: 401}
    for authenticator, code in codes.items():
        client = await connect(guarded_by(authenticator), user=user, url_route=url(room="hall", number=str(room.pk)))
        assert (await client.frame())["payload"]["status_code"] == code
    assert (RoomView.permission_classes, RoomView.lookup_field) == ([IsAuthenticated, IsMember], "name")


async def test_by_default_a_custom_view_only_checks(connect: Connect, user: User, room: Room) -> None:
    client = await connect(guarded_by(OfView), user=user, url_route=url(room="hall"))
    assert await client.frame() == ACCEPTED  # its own get() would have needed a serializer


@pytest.mark.parametrize("method", METHODS)
async def test_without_overriding_the_views_real_method_runs(connect: Connect, method: str) -> None:
    ran: list[str] = []

    def answer(view: Any, request: Any) -> Any:
        ran.append(request.method)
        return Response({"secret": 1}, status=201)

    view = type("Real", (APIView,), {"permission_classes": [AllowAny], method: answer})
    client = await connect(guarded_by(with_view(view, override_http_methods=False, auth_method=method)))
    frame = await client.frame()
    assert frame["payload"] == {"status_code": 201, "status_text": "Created", "data": {"detail": "OK"}}
    await client.quiet()
    assert ran == [method.upper()]


async def test_a_method_that_the_view_lacks_is_refused(connect: Connect) -> None:
    client = await connect(guarded_by(with_view(Answering, override_http_methods=False, auth_method="POST")))
    assert await client.frame() == refused(405, "Method Not Allowed", 'Method "POST" not allowed.')
    assert await client.output() == {"type": "websocket.close"}


@pytest.mark.parametrize(
    ("answer", "status", "data"),
    [
        (lambda: Response(status=400), (400, "Bad Request"), {"detail": "Bad Request"}),
        (lambda: Response({"why": lazystr("lazy"), "n": 1}, 418), (418, "I'm a Teapot"), {"why": "lazy", "n": 1}),
        (lambda: HttpResponse("page", status=503), (503, "Service Unavailable"), {"detail": "Service Unavailable"}),
        (lambda: HttpResponseRedirect("/login/"), (302, "Found"), {"detail": "Found"}),
        (raising(ValidationError({"f": ["bad"]})), (400, "Bad Request"), {"f": ["bad"]}),
    ],
)
async def test_what_is_not_success_refuses(connect: Connect, answer: Any, status: Any, data: Any) -> None:
    client = await connect(guarded_by(answering(answer)))
    payload = (await client.frame())["payload"]
    assert (payload["status_code"], payload["status_text"], payload["data"]) == (*status, data)
    assert await client.output() == {"type": "websocket.close"}


@pytest.mark.parametrize("debug", [True, False])
async def test_an_unexpected_failure_of_a_view_tells_nothing(
    connect: Connect, settings: Any, caplog: pytest.LogCaptureFixture, debug: bool
) -> None:
    settings.DEBUG = debug
    client = await connect(guarded_by(answering(raising(ValueError("the secret text")))))
    assert await client.frame() == {"action": "error", "payload": {"detail": "Authentication failed"}}
    assert await client.output() == {"type": "websocket.close"}
    assert "the secret text" in caplog.text


@pytest.mark.parametrize("method", ["get", "POST", "put", "patch", "delete"])
async def test_every_method_checks_the_same(connect: Connect, user: User, room: Room, method: str) -> None:
    await Room.objects.acreate(name="other")
    for name, code in (("hall", 200), ("other", 403)):
        headers = [(b"authorization", b"Bearer ada")]
        authenticator = with_view(RoomView, auth_method=method, authentication_classes=[Bearer])
        client = await connect(guarded_by(authenticator), headers=headers, url_route=url(room=name))
        assert (await client.frame())["payload"]["status_code"] == code


async def test_a_view_with_its_own_lookup_is_asked_without_a_queryset(connect: Connect, user: User, room: Room) -> None:
    class OfMine(RetrieveAPIView):  # type: ignore[misc] # REST framework has no types
        permission_classes = [IsAuthenticated]

        def get_queryset(self) -> Any:
            return Room.objects.filter(members=self.request.user)

    await Room.objects.acreate(name="other")
    for name, code in (("hall", 200), ("other", 404)):
        authenticator = with_view(OfMine, lookup_field="name")
        client = await connect(guarded_by(authenticator), user=user, url_route=url(name=name))
        assert (await client.frame())["payload"]["status_code"] == code


async def test_an_object_of_a_custom_view_is_checked_even_if_its_lookup_does_not(
    connect: Connect, user: User, room: Room
) -> None:
    class Careless(RoomView):
        def get_object(self) -> Any:
            return Room.objects.get(name=self.kwargs["room"])

    await Room.objects.acreate(name="other")
    for name, code in (("hall", 200), ("other", 403)):
        client = await connect(guarded_by(with_view(Careless)), user=user, url_route=url(room=name))
        assert (await client.frame())["payload"]["status_code"] == code


async def test_a_subclass_of_chanx_auth_view_may_answer_itself(connect: Connect) -> None:
    class Closed(ChanxAuthView):
        permission_classes = [AllowAny]

        def get_response(self, request: Any) -> Any:
            assert request.auth is None
            return Response({"detail": "not today"}, status=403)

    client = await connect(guarded_by(with_view(Closed)))
    assert await client.frame() == refused(403, "Forbidden", "not today")


async def test_neither_query_nor_headers_choose_another_form_of_the_answer(connect: Connect, user: User) -> None:
    class SignedIn(DjangoAuthenticator):
        permission_classes = [IsAuthenticated]

    strange = {"query_string": b"format=none", "headers": [(b"accept", b"application/none")]}
    assert await (await connect(guarded_by(SignedIn), user=user, **strange)).frame() == ACCEPTED
    assert await (await connect(guarded_by(SignedIn), **strange)).frame() == FORBIDDEN


async def test_there_is_no_user_where_the_view_refuses_before_asking(connect: Connect, user: User) -> None:
    class Versioned(ChanxAuthView):
        versioning_class = type("Own", (QueryParameterVersioning,), {"allowed_versions": ["1"]})

    client = await connect(guarded_by(with_view(Versioned)), user=user, query_string=b"version=2")
    assert (await client.frame())["payload"]["status_code"] == 404
    await client.disconnect()
    assert client.consumer.user is client.consumer.authenticator.user is None


async def test_a_plain_view_without_objects_can_decide(connect: Connect, user: User) -> None:
    client = await connect(guarded_by(with_view(Answering, permission_classes=[IsAuthenticated])), user=user)
    assert await client.frame() == ACCEPTED
    client = await connect(guarded_by(with_view(Answering, permission_classes=[IsAdminUser])), user=user)
    assert await client.frame() == refused(403, "Forbidden", NOT_PERMITTED)


async def test_a_plain_view_gets_the_lookup_of_the_authenticator(connect: Connect, user: User, room: Room) -> None:
    await Room.objects.acreate(name="other")
    authenticator = with_view(
        Answering, queryset=Room.objects.all(), lookup_field="name", permission_classes=[IsMember]
    )
    for name, code in (("hall", 200), ("other", 403), ("none", 404)):
        client = await connect(guarded_by(authenticator), user=user, url_route=url(name=name))
        assert (await client.frame())["payload"]["status_code"] == code


async def test_a_plain_view_keeps_its_own_lookup(connect: Connect, user: User, room: Room) -> None:
    class OfName(APIView):  # type: ignore[misc] # REST framework has no types
        permission_classes = [IsMember]

        def get_object(self) -> Any:
            return Room.objects.get(name=self.kwargs["name"])

    await Room.objects.acreate(name="other")
    for name, code in (("hall", 200), ("other", 403)):
        client = await connect(guarded_by(with_view(OfName)), user=user, url_route=url(name=name))
        assert (await client.frame())["payload"]["status_code"] == code


async def test_a_list_view_needs_an_object_once_it_has_a_queryset(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    class Rooms(ListAPIView):  # type: ignore[misc] # REST framework has no types
        queryset = Room.objects.all()

    client = await connect(guarded_by(with_view(Rooms)))
    assert (await client.frame())["action"] == "error"
    assert 'named "pk"' in caplog.text


@pytest.mark.parametrize("method", METHODS)
def test_chanx_auth_view_answers_requests_as_well(db: None, method: str) -> None:
    request = getattr(APIRequestFactory(), method)("/")
    response = ChanxAuthView.as_view()(request)
    assert (response.status_code, response.data) == (200, {"detail": "ok"})


def test_chanx_auth_view_looks_the_object_up_only_with_a_queryset() -> None:
    room = Room.objects.create(name="hall")
    request = APIRequestFactory().get("/")
    force_authenticate(request, User(username="ada", pk=1))
    view = ChanxAuthView.as_view(queryset=Room.objects.all())
    assert view(request, pk=room.pk).status_code == 200
    assert view(request, pk=0).status_code == 404
    assert ChanxAuthView.as_view()(request, pk=0).status_code == 200


def test_the_serializer_takes_an_optional_detail_and_shows_nothing() -> None:
    for data in ({}, {"detail": "x"}):
        serializer = ChanxSerializer(data=data)
        assert serializer.is_valid()
        assert (dict(serializer.validated_data), serializer.data) == (data, {})
    assert ChanxAuthView.serializer_class is ChanxSerializer

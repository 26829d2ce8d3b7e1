"""DjangoAuthenticator against forged handshakes: sessions and origins, cookies, and headers that pass for others."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.security.websocket import AllowedHostsOriginValidator
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.cache import SessionStore
from rest_framework.authentication import BaseAuthentication, RemoteUserAuthentication, SessionAuthentication
from rest_framework.permissions import IsAuthenticated

from chanx.channels.authenticator import ChanxAuthView, DjangoAuthenticator
from tests.unit.channels.authentication import ACCEPTED, FORBIDDEN, Bearer, guarded_by, routed
from tests.unit.channels.client import Client
from tests.unit.conftest import Connect

pytestmark = pytest.mark.django_db(transaction=True)

OWN = b"https://example.com"


class SignedIn(DjangoAuthenticator):
    permission_classes = [IsAuthenticated]


class Posting(SignedIn):
    auth_method = "post"


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    settings.ALLOWED_HOSTS = ["example.com"]


@pytest.fixture
async def user() -> User:
    return await User.objects.acreate(username="ada")


@pytest.fixture
async def cookie(user: User) -> tuple[bytes, bytes]:
    """The header of a browser in which the user is signed in."""

    def sign_in() -> str:
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        return str(session.session_key)

    return b"cookie", f"sessionid={await sync_to_async(sign_in)()}; theme=dark".encode()


def site_with(authenticator: type[DjangoAuthenticator]) -> Any:
    """The consumer behind Channels' middleware for cookies, sessions and users."""
    return lambda: AuthMiddlewareStack(routed(guarded_by(authenticator))())


async def outcome(connect: Connect, authenticator: type[DjangoAuthenticator], *headers: tuple[bytes, bytes]) -> Any:
    """The payload's status and detail for a handshake with these headers, over TLS."""
    host = (b"host", b"example.com")
    client = await connect(site_with(authenticator), path="/ws/1/", scheme="wss", headers=[host, *headers])
    payload = (await client.frame())["payload"]
    return payload["status_code"], payload["data"]["detail"]


async def test_a_session_signs_in(connect: Connect, cookie: tuple[bytes, bytes]) -> None:
    assert await outcome(connect, SignedIn, cookie) == (200, "OK")
    assert await outcome(connect, SignedIn) == (403, FORBIDDEN["payload"]["data"]["detail"])
    assert await outcome(connect, SignedIn, (b"cookie", b"sessionid=other")) == (
        403,
        FORBIDDEN["payload"]["data"]["detail"],
    )


async def test_a_session_ends_with_the_password(connect: Connect, user: User, cookie: tuple[bytes, bytes]) -> None:
    user.password = "changed"
    await user.asave()
    assert (await outcome(connect, SignedIn, cookie))[0] == 403


async def test_an_unsafe_method_with_a_session_is_proved_by_the_origin(
    connect: Connect, cookie: tuple[bytes, bytes]
) -> None:
    assert await outcome(connect, Posting, cookie, (b"origin", OWN)) == (200, "OK")


@pytest.mark.parametrize(
    "origin",
    [
        b"https://evil.com",
        b"https://example.com.evil.com",
        b"https://sub.example.com",
        b"http://example.com",
        b"https://example.com:8443",
        b"https://example.com:99999",
        b"https://[",
        b"null",
        b"",
        b"//example.com",
    ],
)
async def test_an_unsafe_method_from_elsewhere_is_refused(
    connect: Connect, cookie: tuple[bytes, bytes], origin: bytes
) -> None:
    status, detail = await outcome(connect, Posting, cookie, (b"origin", origin))
    assert status == 403
    assert detail.startswith("CSRF Failed: Origin checking failed")


async def test_an_unsafe_method_without_an_origin_needs_a_token(connect: Connect, cookie: tuple[bytes, bytes]) -> None:
    status, detail = await outcome(connect, Posting, cookie)
    assert (status, detail) == (403, "CSRF Failed: Referer checking failed - no Referer.")
    secret = b"a" * 32
    signed = (b"cookie", cookie[1] + b"; csrftoken=" + secret)
    assert await outcome(connect, Posting, signed, (b"referer", OWN + b"/"), (b"x-csrftoken", secret)) == (200, "OK")


async def test_trusted_origins_count_as_own(connect: Connect, settings: Any, cookie: tuple[bytes, bytes]) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://app.example.org", "https://*.example.net"]
    for origin, status in (
        (b"https://app.example.org", 200),
        (b"https://a.b.example.net", 200),
        (b"https://other.example.org", 403),
        (b"http://a.example.net", 403),
        (b"https://evilexample.net", 403),
    ):
        assert (await outcome(connect, Posting, cookie, (b"origin", origin)))[0] == status


async def test_a_host_that_is_not_allowed_is_no_own_origin(connect: Connect, user: User) -> None:
    headers = [(b"host", b"evil.com"), (b"origin", b"http://evil.com")]
    client = await connect(guarded_by(Posting), user=user, headers=headers)
    payload = (await client.frame())["payload"]
    assert payload["status_code"] == 403
    assert payload["data"]["detail"].startswith("CSRF Failed: Origin checking failed")


async def test_channels_origin_validator_keeps_other_sites_out(cookie: tuple[bytes, bytes]) -> None:
    guarded = AllowedHostsOriginValidator(site_with(SignedIn)())
    for origin, answer in ((b"https://evil.com", "websocket.close"), (OWN, "websocket.accept")):
        client = Client(lambda: guarded, "/ws/1/", {"headers": [cookie, (b"origin", origin)]})
        await client._communicator.send_input({"type": "websocket.connect"})
        assert (await client.output())["type"] == answer
        if answer == "websocket.accept":
            await client.disconnect()


async def test_the_users_of_the_scope_count_after_a_projects_own_default(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, user: User, cookie: tuple[bytes, bytes]
) -> None:
    """As with DEFAULT_AUTHENTICATION_CLASSES set to JWT, which REST framework reads at import."""
    monkeypatch.setattr("rest_framework.views.APIView.authentication_classes", [Bearer])
    await User.objects.acreate(username="eve")
    assert await outcome(connect, SignedIn, cookie) == (200, "OK")
    assert (await outcome(connect, SignedIn))[0] == 401
    client = await connect(guarded_by(SignedIn), user=user, headers=[(b"authorization", b"Bearer eve")])
    await client.frame()
    await client.quiet()
    assert client.consumer.user.username == "eve"


async def test_the_users_of_the_scope_do_not_count_where_a_view_has_classes_of_its_own(
    connect: Connect, cookie: tuple[bytes, bytes]
) -> None:
    class TokenOnly(ChanxAuthView):
        authentication_classes = [Bearer]

    class OfTokenOnly(SignedIn):
        auth_view_class = TokenOnly

    assert (await outcome(connect, OfTokenOnly, cookie))[0] == 401


async def test_sessions_of_the_view_are_not_asked_twice(connect: Connect, user: User) -> None:
    client = await connect(guarded_by(SignedIn), user=user)
    assert await client.frame() == ACCEPTED
    await client.quiet()
    kinds = [type(each) for each in client.consumer.authenticator.request.authenticators]
    assert kinds.count(SessionAuthentication) == 1


class ByCookie(BaseAuthentication):
    def authenticate(self, request: Any) -> Any:
        name = request.COOKIES.get("user")
        return (User.objects.get(username=name), None) if name else None


@pytest.mark.parametrize("scope", [{"cookies": {"user": "ada"}}, {"headers": [(b"cookie", b"user=ada")]}])
async def test_a_cookie_signs_in(connect: Connect, user: User, scope: dict[str, Any]) -> None:
    class OfCookie(SignedIn):
        authentication_classes = [ByCookie]

    client = await connect(guarded_by(OfCookie), **scope)
    assert await client.frame() == ACCEPTED
    await client.quiet()
    assert client.consumer.user == user


@pytest.mark.parametrize("name", [b"http-x-user", b"HTTP-X-USER", b"http_x_user", b"x_user", b"X_User"])
async def test_a_header_that_a_proxy_does_not_know_cannot_sign_in(connect: Connect, user: User, name: bytes) -> None:
    """A proxy sets or removes X-User; what becomes the same in META would get past it."""

    class ByProxy(BaseAuthentication):
        def authenticate(self, request: Any) -> Any:
            user = request.META.get("HTTP_X_USER")
            return (User.objects.get(username=user), None) if user else None

    class OfProxy(SignedIn):
        authentication_classes = [ByProxy]

    assert await (await connect(guarded_by(OfProxy), headers=[(name, b"ada")])).frame() == FORBIDDEN
    assert await (await connect(guarded_by(OfProxy), headers=[(b"x-user", b"ada")])).frame() == ACCEPTED


@pytest.mark.parametrize("name", [b"remote-user", b"remote_user", b"http-remote-user"])
async def test_a_header_is_not_the_servers_remote_user(
    connect: Connect, settings: Any, user: User, name: bytes
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]

    class Remote(SignedIn):
        authentication_classes = [RemoteUserAuthentication]

    assert await (await connect(guarded_by(Remote), headers=[(name, b"ada")])).frame() == FORBIDDEN


async def test_parameters_come_from_the_path_only(connect: Connect, user: User) -> None:
    class OfUser(SignedIn):
        queryset = User.objects.all()

    other = await User.objects.acreate(username="eve")
    client = await connect(
        routed(guarded_by(OfUser)), path=f"/ws/{user.pk}/", query_string=f"pk={other.pk}".encode(), user=user
    )
    assert await client.frame() == ACCEPTED
    consumer = await connect(guarded_by(OfUser), query_string=f"pk={other.pk}".encode(), user=user)
    assert (await consumer.frame())["action"] == "error"


async def test_a_method_in_the_query_or_a_header_is_not_the_requests(connect: Connect, user: User) -> None:
    headers = [(b"x-http-method-override", b"DELETE")]
    client = await connect(guarded_by(SignedIn), user=user, headers=headers, query_string=b"_method=DELETE")
    await client.frame()
    await client.quiet()
    assert client.consumer.authenticator.request.method == "GET"

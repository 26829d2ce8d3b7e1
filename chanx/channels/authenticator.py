"""Deciding who may connect by REST framework's authentication, permissions and object lookup.

handshake ─> request ─> view: authenticate ─> permissions ─> object and its permissions ─> "authentication" frame
"""

from typing import Any, Final

from channels.db import database_sync_to_async
from django.http import HttpResponseBase

from chanx.channels.auth_view import (
    METHODS,
    ChanxAuthView,
    ChanxSerializer,
    handshake_view,
    overrides_lookup,
    refusal_of,
)
from chanx.channels.origin import is_own_origin
from chanx.channels.settings import chanx_settings
from chanx.channels.utils.request import request_from_scope
from chanx.core.authenticator import BaseAuthenticator
from chanx.errors import ConfigurationError
from chanx.messages.outgoing import AuthenticationMessage, AuthenticationPayload
from chanx.type_defs import SendMessageFn
from chanx.utils.scope import path_params

__all__ = ["ChanxAuthView", "ChanxSerializer", "DjangoAuthenticator"]

VIEW_OPTIONS: Final = ("permission_classes", "authentication_classes", "queryset", "lookup_field", "lookup_url_kwarg")


class DjangoAuthenticator(BaseAuthenticator):
    """Runs a REST framework view for the handshake, and lets the connection stay if it answers with success.

    ``permission_classes``, ``authentication_classes``, ``queryset``, ``lookup_field`` and ``lookup_url_kwarg`` are
    what they are on a view; those left at None are ``auth_view_class``'s own. With a queryset (or an own
    ``get_queryset`` or ``get_object``) the object that the URL names has to exist and to be permitted. ``auth_method``
    is the request's method. With ``override_http_methods`` the view only checks; False runs its real method.

    Without ``authentication_classes`` of its own, a user whom the ASGI middleware put into ``scope["user"]`` counts as
    signed in. Sessions need ``AllowedHostsOriginValidator`` around the consumers, as pages of other sites can open
    WebSockets with a user's cookies.

    Afterwards there are ``user`` (None if it was refused before it was known), ``obj`` (None without a lookup) and
    ``request`` (REST framework's). The client gets an ``authentication`` message first, whatever the outcome, unless
    the setting ``SEND_AUTHENTICATION_MESSAGE`` is False.

    Everything of the view, the overridable methods too, runs in the thread for database work.
    """

    permission_classes: Any = None
    authentication_classes: Any = None
    queryset: Any = None
    lookup_field: Any = None
    lookup_url_kwarg: Any = None

    auth_method: str = "get"
    auth_view_class: Any = ChanxAuthView
    override_http_methods: bool = True

    user: Any
    obj: Any
    request: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.auth_method.lower() not in METHODS:
            raise ConfigurationError(f"{cls.__name__}.auth_method is {cls.auth_method!r}; use one of {METHODS}.")

    def __init__(self, send_message: SendMessageFn) -> None:
        super().__init__(send_message)
        self.user = self.obj = self.request = None

    async def authenticate(self, *args: Any, **kwargs: Any) -> bool:
        """Whether the view permits the connection; ``authenticate()`` or ``authenticate(scope)``."""
        if args or "scope" in kwargs:
            self.scope = args[0] if args else kwargs["scope"]
        response: HttpResponseBase = await database_sync_to_async(self._respond)()
        accepted = 200 <= response.status_code < 300
        if chanx_settings.SEND_AUTHENTICATION_MESSAGE:
            payload = AuthenticationPayload(
                status_code=response.status_code,
                status_text=response.reason_phrase,
                data={"detail": "OK"} if accepted else refusal_of(response),
            )
            await self.send_message(AuthenticationMessage(payload=payload))
        return accepted

    def get_queryset(self) -> Any:
        """Where the object is looked up; ``self.user`` and ``self.request`` are known by now."""
        return self._view.view_queryset()

    def get_object(self) -> Any:
        """The object of this connection; None or ``Http404`` refuses. Its permissions are asked for afterwards."""
        return self._view.view_object()

    def has_own_lookup(self) -> bool:
        """Whether a subclass finds the object in its own way."""
        return overrides_lookup(type(self), DjangoAuthenticator)

    def _respond(self) -> HttpResponseBase:
        request = request_from_scope(_without_ambiguous_headers(self.scope), self.auth_method)
        if is_own_origin(request):
            # What REST framework asks of sessions for unsafe methods: the origin proves it, a token cannot be sent.
            request.csrf_processing_done = True  # type: ignore[attr-defined] # set by Django's middleware, not declared
        options = {name: value for name in VIEW_OPTIONS if (value := getattr(self, name)) is not None}
        view_class = handshake_view(self.auth_view_class, self.override_http_methods)
        self._view = view_class(**options, authenticator=self)
        args, kwargs = self.scope.get("url_route", {}).get("args", ()), path_params(self.scope)
        self._view.setup(request, *args, **kwargs)
        response: HttpResponseBase = self._view.dispatch(request, *args, **kwargs)
        return response


def _without_ambiguous_headers(scope: dict[str, Any]) -> dict[str, Any]:
    """The scope without headers that would pass for others in a request's ``META``: proxies do not check those."""
    headers = [
        (name, value)
        for name, value in scope.get("headers") or ()
        if b"_" not in name and not name.lower().startswith(b"http-")
    ]
    return {**scope, "headers": headers}

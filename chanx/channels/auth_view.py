"""The views that decide about a connection: REST framework's own machinery, run for a handshake."""

import functools
import json
from typing import TYPE_CHECKING, Any, Final, Protocol

from django.http import Http404, HttpResponseBase

from chanx.utils.extras import need

need("rest_framework", extra="channels")

from rest_framework import (  # type: ignore[import-untyped] # has no types  # noqa: E402
    authentication,
    generics,
    renderers,
    response,
    serializers,
    views,
)
from rest_framework.utils import encoders  # type: ignore[import-untyped] # has no types  # noqa: E402

METHODS: Final = ("get", "post", "put", "patch", "delete")
LOOKUP_METHODS: Final = ("get_queryset", "get_object")


class Authenticator(Protocol):
    """What a view needs of the authenticator it works for; it sets the attributes as soon as each is known."""

    request: Any
    user: Any
    obj: Any

    def get_queryset(self) -> Any: ...
    def get_object(self) -> Any: ...
    def has_own_lookup(self) -> bool: ...


def overrides_lookup(cls: type, base: type) -> bool:
    """Whether a class has a ``get_queryset`` or ``get_object`` other than its base's."""
    return any(getattr(cls, name, method) is not method for name in LOOKUP_METHODS if (method := getattr(base, name)))


class ChanxSerializer(serializers.Serializer):  # type: ignore[misc] # REST framework has no types
    """What a request to ``ChanxAuthView`` may carry."""

    detail = serializers.CharField(write_only=True, required=False)


class ChanxAuthView(generics.GenericAPIView):  # type: ignore[misc] # REST framework has no types
    """Permits or refuses, and does nothing else: every method is answered by ``get_response``."""

    serializer_class = ChanxSerializer

    def has_objects(self) -> bool:
        """Whether the view has a queryset to look up its object in."""
        return self.queryset is not None or overrides_lookup(type(self), generics.GenericAPIView)

    def get_response(self, request: Any) -> Any:
        """``{"detail": "ok"}``; where there is a queryset, only if ``get_object()`` finds and permits the object."""
        if self.has_objects():
            self.get_object()
        return response.Response({"detail": "ok"})

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return self.get_response(request)

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return self.get_response(request)

    def put(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return self.get_response(request)

    def patch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return self.get_response(request)

    def delete(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return self.get_response(request)


if TYPE_CHECKING:

    class _View:
        """What comes after ``HandshakeView``: any class of views."""

        authentication_classes: Any
        queryset: Any
        request: Any

        def initial(self, request: Any, *args: Any, **kwargs: Any) -> None: ...
        def get_authenticators(self) -> list[Any]: ...
        def perform_authentication(self, request: Any) -> None: ...
        def check_object_permissions(self, request: Any, obj: Any) -> None: ...
        def get_queryset(self) -> Any: ...
        def get_object(self) -> Any: ...

else:
    _View = object


class HandshakeView(_View):
    """Comes before a view class to make it work for an authenticator.

    Objects are found by the authenticator's methods, which by default use the view's own. Whatever they return, its
    object permissions are asked for.
    """

    authenticator: Authenticator
    view_class: type

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        self.authenticator.request = request
        super().initial(request, *args, **kwargs)

    def perform_content_negotiation(self, request: Any, force: bool = False) -> tuple[Any, str]:
        """JSON, whatever the handshake's headers accept: the answer is a frame."""
        renderer = renderers.JSONRenderer()
        return renderer, renderer.media_type

    def get_authenticators(self) -> list[Any]:
        """The view's own; where these are the project's default, ``scope["user"]`` counts after all of them."""
        found = super().get_authenticators()
        by_session = authentication.SessionAuthentication
        is_default = self.authentication_classes is views.APIView.authentication_classes  # pyright: ignore[reportUnknownMemberType] -- has no types
        if is_default and not any(isinstance(each, by_session) for each in found):
            found.append(by_session())
        return found

    def perform_authentication(self, request: Any) -> None:
        super().perform_authentication(request)
        self.authenticator.user = request.user

    def has_objects(self) -> bool:
        return (
            self.queryset is not None
            or overrides_lookup(self.view_class, generics.GenericAPIView)
            or self.authenticator.has_own_lookup()
        )

    def get_queryset(self) -> Any:
        return self.authenticator.get_queryset()

    def get_object(self) -> Any:
        self.permitted = None
        found = self.authenticator.get_object()
        if found is None:
            raise Http404
        if self.permitted is not found:
            self.check_object_permissions(self.request, found)
        self.authenticator.obj = found
        return found

    def check_object_permissions(self, request: Any, obj: Any) -> None:
        super().check_object_permissions(request, obj)
        self.permitted = obj

    def view_queryset(self) -> Any:
        """The queryset of the view itself."""
        return super().get_queryset()

    def view_object(self) -> Any:
        """The object as the view itself finds it."""
        return super().get_object()


def refusal_of(answer: HttpResponseBase) -> Any:
    """What a view's answer says, in JSON types; of a page only its status."""
    data = getattr(answer, "data", None) or {"detail": answer.reason_phrase}
    return json.loads(json.dumps(data, cls=encoders.JSONEncoder))


@functools.cache
def handshake_view(view_class: type[Any], override_http_methods: bool) -> Any:
    """The class of views that answer handshakes as ``view_class`` would answer requests.

    With ``override_http_methods`` only its checks are used: each method does what ``ChanxAuthView``'s does.
    """
    namespace: dict[str, Any] = {"view_class": view_class}
    if override_http_methods:
        namespace.update({name: getattr(ChanxAuthView, name) for name in METHODS})
        if not hasattr(view_class, "get_response"):
            namespace["get_response"] = ChanxAuthView.get_response
    bases: tuple[type, ...] = (HandshakeView, view_class)
    if not issubclass(view_class, generics.GenericAPIView):
        bases = (*bases, generics.GenericAPIView)
    return type(f"{view_class.__name__}OfHandshake", bases, namespace)

"""How authenticators look to a type checker: checked by mypy and basedpyright in strict mode, never run."""

from typing import Any, assert_type

from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from rest_framework.permissions import IsAuthenticated  # type: ignore[import-untyped] # has no types

from chanx.channels.authenticator import ChanxAuthView, DjangoAuthenticator
from chanx.channels.utils import request_from_scope
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.authenticator import BaseAuthenticator


class GroupAuthenticator(DjangoAuthenticator):
    permission_classes = [IsAuthenticated]
    queryset = Group.objects.all()
    lookup_field = "name"
    auth_method = "post"
    auth_view_class = ChanxAuthView
    obj: Group
    user: User


class OwnQueryset(DjangoAuthenticator):
    permission_classes = (IsAuthenticated,)
    obj: Group

    def get_queryset(self) -> QuerySet[Group]:
        return Group.objects.filter(user=self.user)

    def get_object(self) -> Group:
        return self.get_queryset().get(name=self.get_query_param("name"))

    async def authenticate(self) -> bool:
        return await super().authenticate()


class OfScope(DjangoAuthenticator):
    async def authenticate(self, scope: dict[str, Any]) -> bool:
        return await super().authenticate(scope)


class TokenAuthenticator(BaseAuthenticator):
    async def authenticate(self) -> bool:
        assert_type(self.get_query_param("token"), str | None)
        assert_type(self.get_header("x-token", "none"), str | None)
        self.user = self.get_query_param("token")
        return self.user is not None


class GroupConsumer(AsyncJsonWebsocketConsumer):
    authenticator_class = GroupAuthenticator
    authenticator: GroupAuthenticator

    async def post_authentication(self) -> None:
        assert_type(self.authenticator.obj, Group)
        assert_type(self.authenticator.user, User)
        assert_type(self.authenticator.obj.name, str)
        self.groups.append(f"group_{self.authenticator.obj.pk}")


class OwnQuerysetConsumer(AsyncJsonWebsocketConsumer):
    authenticator_class = OwnQueryset
    authenticator: OwnQueryset


class TokenConsumer(AsyncJsonWebsocketConsumer):
    authenticator_class = TokenAuthenticator
    authenticator: TokenAuthenticator

    async def post_authentication(self) -> None:
        assert_type(self.authenticator.user, str | None)


def requests_are_djangos(scope: dict[str, Any]) -> str:
    return request_from_scope(scope, "GET").path

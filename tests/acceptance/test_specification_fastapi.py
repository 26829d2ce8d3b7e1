"""The specification on FastAPI: its claims about consumers, and what it says of other frameworks than Django."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from fast_channels.layers import InMemoryChannelLayer, register_channel_layer, unregister_channel_layer
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from starlette.routing import WebSocketRoute

from chanx.core.authenticator import BaseAuthenticator
from chanx.core.decorators import ws_handler
from chanx.fast_channels.testing import WebsocketCommunicator
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.acceptance import specification_claims as claims
from tests.acceptance import specification_documents as documents
from tests.acceptance import specification_sending as sending
from tests.acceptance.specification_messages import NewPostEvent, Notification, UserMessage
from tests.acceptance.specification_samples import event_samples

LAYERS = ("default", "other")


def routed(path: str, consumer: Any) -> Any:
    """A FastAPI application that serves a consumer under a path."""
    app = FastAPI()
    app.router.routes.append(WebSocketRoute(f"/{path}", consumer.as_asgi()))
    return app


def with_user(application: Any, user: Any) -> Any:
    """What an authentication middleware does."""

    async def signed_in(scope: Any, receive: Any, send: Any) -> None:
        await application({**scope, "user": user}, receive, send)

    return signed_in


@pytest_asyncio.fixture
async def framework() -> AsyncIterator[claims.Framework]:
    for alias in LAYERS:
        register_channel_layer(alias, InMemoryChannelLayer())
    framework = claims.Framework(AsyncJsonWebsocketConsumer, WebsocketCommunicator, routed, with_user)
    yield framework
    for client in framework.clients:
        await client.disconnect()
    for alias in LAYERS:
        unregister_channel_layer(alias)


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
    pass


class Account:
    name = "ada"


async def get_user_by_token(token: str) -> Account | None:
    return Account() if token == "good" else None


class TokenAuthenticator(BaseAuthenticator):
    async def authenticate(self) -> bool:
        token = self.get_query_param("token")
        if not token:
            return False

        # Validate token logic here
        self.user = await get_user_by_token(token)
        return self.user is not None


class MyConsumer(AsyncJsonWebsocketConsumer):
    authenticator_class = TokenAuthenticator

    @ws_handler
    async def who_am_i(self, message: UserMessage) -> Notification:
        return Notification(payload=self.authenticator.user.name)

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()


async def test_a_custom_authenticator_accepts(framework: claims.Framework) -> None:
    client = await framework.client(MyConsumer, "/?token=good")
    await client.send_message(UserMessage(payload="?"))
    assert await claims.next_message(client) == Notification(payload="ada")


@pytest.mark.parametrize("path", ["/?token=bad", "/"])
async def test_a_custom_authenticator_refuses(framework: claims.Framework, path: str) -> None:
    client = await framework.client(MyConsumer, path)
    await client.assert_closed()


async def test_the_channel_layer_alias(framework: claims.Framework) -> None:
    class Consumer(event_samples(AsyncJsonWebsocketConsumer).notification):  # type: ignore[misc]
        pass

    class OtherConsumer(Consumer):
        channel_layer_alias = "other"

    one, other = await framework.client(Consumer), await framework.client(OtherConsumer)
    assert await one.receive_nothing(claims.QUIET)
    await OtherConsumer.broadcast_event(NewPostEvent(payload={}))
    assert await claims.next_message(other) == NewPostEvent(payload={})
    assert await one.receive_nothing(claims.QUIET)


async def test_from_an_http_endpoint(framework: claims.Framework) -> None:
    NotificationConsumer = event_samples(AsyncJsonWebsocketConsumer).notification
    app = routed("ws/", NotificationConsumer)

    @app.post("/posts")
    async def create_post() -> dict[str, str]:
        await NotificationConsumer.broadcast_event(NewPostEvent(payload={"title": "Hello"}), groups=["news_feed"])
        return {"status": "created"}

    client = await framework.client(NotificationConsumer, "/ws/", app)
    assert await client.receive_nothing(claims.QUIET)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as http:
        assert (await http.post("/posts")).json() == {"status": "created"}
    assert await claims.next_message(client) == NewPostEvent(payload={"title": "Hello"})

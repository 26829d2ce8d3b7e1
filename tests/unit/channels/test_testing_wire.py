"""The typed test client where frames differ from messages: keys in camelCase, or another discriminator."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel

import chanx.channels.testing
import chanx.channels.websocket
import chanx.fast_channels.testing
import chanx.fast_channels.websocket
from chanx.channels.utils import override_chanx_settings
from chanx.core.authenticator import BaseAuthenticator
from chanx.core.decorators import ws_handler
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from chanx.messages.outgoing import AuthenticationMessage, AuthenticationPayload

FLAVOURS = [
    (chanx.channels.websocket.AsyncJsonWebsocketConsumer, chanx.channels.testing.WebsocketCommunicator),
    (chanx.fast_channels.websocket.AsyncJsonWebsocketConsumer, chanx.fast_channels.testing.WebsocketCommunicator),
]


class Profile(BaseModel):
    first_name: str
    extra: dict[str, Any]


class GetProfile(BaseMessage):
    action: Literal["get_profile"] = "get_profile"
    payload: Profile


class ProfileMessage(BaseMessage):
    action: Literal["profile"] = "profile"
    payload: Profile


on_both = pytest.mark.parametrize(("base", "communicator"), FLAVOURS, ids=["django", "fastapi"])


@on_both
async def test_camelized_frames_become_messages(base: Any, communicator: Any) -> None:
    class Profiles(base):  # type: ignore[misc]
        camelize = True
        send_completion = True
        get_channel_layer = staticmethod(lambda alias: None)

        @ws_handler
        async def get(self, message: GetProfile) -> ProfileMessage:
            return ProfileMessage(payload=message.payload)

    profile = Profile(first_name="Ada", extra={"own_key": 1})
    async with communicator(Profiles.as_asgi(), "/ws/", consumer=Profiles) as client:
        await client.send_message(GetProfile(payload=profile))
        assert await client.receive_all_messages() == [ProfileMessage(payload=profile)]
        await client.send_message(GetProfile(payload=profile))
        frame = await client.receive_json_from()
        assert frame["payload"] == {"firstName": "Ada", "extra": {"own_key": 1}}


@on_both
async def test_what_is_sent_is_camelized_too(base: Any, communicator: Any) -> None:
    class Profiles(base):  # type: ignore[misc]
        camelize = True

    async def echo(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})

    async with communicator(echo, "/ws/", consumer=Profiles) as client:
        await client.send_message(GetProfile(payload=Profile(first_name="Ada", extra={"own_key": 1})))
        frame = await client.receive_json_from()
        assert frame == {"action": "get_profile", "payload": {"firstName": "Ada", "extra": {"own_key": 1}}}


class ProfileTopic(Topic):
    pattern = "profile"

    @ws_handler
    async def get(self, message: GetProfile) -> ProfileMessage:
        return ProfileMessage(payload=message.payload)


@on_both
async def test_topics_follow_the_consumer(base: Any, communicator: Any) -> None:
    class Profiles(base):  # type: ignore[misc]
        camelize = True
        discriminator_field = "type"
        topics = [ProfileTopic]
        get_channel_layer = staticmethod(lambda alias: None)

    profile = Profile(first_name="Ada", extra={"own_key": 1})
    async with communicator(Profiles.as_asgi(), "/ws/", consumer=Profiles) as client:
        assert (await client.subscribe("profile"))["type"] == "subscribed"
        await client.send_message(GetProfile(payload=profile), topic="profile")
        assert await client.receive_topic_message(ProfileTopic) == ProfileMessage(payload=profile)
        assert (await client.unsubscribe("profile"))["type"] == "unsubscribed"


@on_both
async def test_another_discriminator(base: Any, communicator: Any) -> None:
    class Profiles(base):  # type: ignore[misc]
        discriminator_field = "type"
        send_completion = True
        get_channel_layer = staticmethod(lambda alias: None)

        @ws_handler
        async def get(self, message: GetProfile) -> ProfileMessage:
            return ProfileMessage(payload=message.payload)

    profile = Profile(first_name="Ada", extra={})
    async with communicator(Profiles.as_asgi(), "/ws/", consumer=Profiles) as client:
        for stop in ("complete", "profile"):
            await client.send_message(GetProfile(payload=profile))
            assert await client.receive_all_messages(stop) == [ProfileMessage(payload=profile)]
        assert await client.receive_json_from() == {"type": "complete", "payload": None}


class Accepting(BaseAuthenticator):
    async def authenticate(self) -> bool:
        await self.send_message(AuthenticationMessage(payload=AuthenticationPayload(status_code=200, status_text="OK")))
        return True


@override_chanx_settings(CAMELIZE=True, MESSAGE_ACTION_KEY="type")
async def test_the_result_of_authentication() -> None:
    class Guarded(chanx.channels.websocket.AsyncJsonWebsocketConsumer):
        authenticator_class = Accepting

    client = chanx.channels.testing.DjangoWebsocketCommunicator(Guarded.as_asgi(), "/ws/", consumer=Guarded)
    async with client:
        frame = await client.receive_json_from()
        assert (frame["type"], frame["payload"]["statusCode"]) == ("authentication", 200)
    async with chanx.channels.testing.DjangoWebsocketCommunicator(Guarded.as_asgi(), "/", consumer=Guarded) as client:
        await client.assert_authenticated_status_ok(max_auth_time=5)

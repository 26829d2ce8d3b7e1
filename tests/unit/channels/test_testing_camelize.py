"""The typed test client where keys are camelized."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel

import chanx.channels.testing
import chanx.channels.websocket
import chanx.fast_channels.testing
import chanx.fast_channels.websocket
from chanx.core.decorators import ws_handler
from chanx.messages.base import BaseMessage

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


@pytest.mark.parametrize(("base", "communicator"), FLAVOURS, ids=["django", "fastapi"])
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

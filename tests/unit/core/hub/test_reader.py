"""A task that receives from a layer goes on whatever the layer does."""

import asyncio
from typing import Any

import pytest

from chanx.core.hub import reader
from chanx.core.hub.reader import ChannelReader
from tests.unit.core.hub.consumers import OddError


class OddLayer:
    """Raises what it is told, then has one message."""

    def __init__(self, error: BaseException) -> None:
        self._ready: list[Any] = [error, {"n": 1}]

    async def receive(self, channel: str, /) -> dict[str, Any]:
        if not self._ready:
            await asyncio.get_running_loop().create_future()
        ready = self._ready.pop(0)
        if isinstance(ready, BaseException):
            raise ready
        message: dict[str, Any] = ready
        return message


@pytest.mark.parametrize("error", [asyncio.CancelledError(), OddError(), ConnectionError()])
async def test_a_receive_that_ends_in_an_odd_way_is_tried_again(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Given one that has awaited what somebody else has cancelled, say."""
    monkeypatch.setattr(reader, "RETRY_SECONDS", 0)
    got: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    layer: Any = OddLayer(error)
    reading = ChannelReader(layer, "own", lambda item, decode: got.set_result(decode(item)))
    async with asyncio.timeout(20):
        assert await got == {"n": 1}
    await reading.close()
    assert [getattr(record, "event", "") for record in caplog.records] == ["channel_layer_not_read"]

"""Connections that a test leaves open: their event loop ends them, and the next loop finds nothing of them."""

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from chanx.core.hub import hub
from chanx.messages.incoming import PingMessage
from tests.unit.channels.client import Client
from tests.unit.flavours.wire_forms import receiver

Run = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


def by_asyncio(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def by_asgiref(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async_to_sync(test)()


@pytest.mark.parametrize("run", [by_asyncio, by_asgiref])
def test_a_loop_that_ends_with_connections_open_leaves_nothing(
    base: Any, layer: Any, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    consumer, hubs = receiver(base, ("action", False)), vars(hub)["_hubs"]
    before = dict(hubs)
    message = {"type": "handle_group_message", "message": {"action": "hello", "payload": 1}}

    async def test() -> None:
        clients = [Client(consumer) for _ in range(3)]
        for client in clients:
            await client.connect()
            await client.send(PingMessage().model_dump())
            assert await client.actions(1) == ["pong"]
        await layer.group_send("all", message)
        for client in clients:
            assert await client.frame() == {"action": "hello", "payload": 1}

    with caplog.at_level(logging.WARNING):
        for _ in range(3):  # each on a loop of its own
            run(test)
            assert (layer.channels, layer.groups, hubs) == ({}, {}, before)
        gc.collect()
    assert caplog.messages == []

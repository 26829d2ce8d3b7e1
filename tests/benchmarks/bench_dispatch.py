"""What a JSON text frame costs from the server to a typed handler and back, in process, beside what it could cost.

The AsyncJsonWebsocketConsumer (a) of Channels and (a') of fast-channels with a dict of handlers, (b) a bare ASGI
application with Pydantic's validate_json and model_dump_json, and chanx on Channels and on fast-channels, each with a
channel layer. Rounds of all are interleaved; medians count.

Also what logging costs: off, and on with the entries dropped by their level, as by default.

    python -m tests.benchmarks.bench_dispatch
"""

import asyncio
import gc
import logging
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal, Union

import django
import structlog
from django.conf import settings

if not settings.configured:
    settings.configure(
        CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
        INSTALLED_APPS=["chanx.channels"],
    )
    django.setup()

from channels.generic.websocket import AsyncJsonWebsocketConsumer as ChannelsConsumer
from fast_channels.consumer import AsyncJsonWebsocketConsumer as FastChannelsConsumer
from fast_channels.layers import InMemoryChannelLayer, register_channel_layer
from pydantic import BaseModel, Field, TypeAdapter, create_model

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import ws_handler
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer as ChanxFastConsumer
from chanx.messages.base import BaseMessage
from tests.benchmarks.headlines import headline

FRAMES = 3000
ROUNDS = 9
BUSIEST = (30, 100)  # handlers, and frames in flight: whose figures are the headlines

App = Any  # an ASGI application


class Payload(BaseModel):
    """Of a chat message's size."""

    text: str
    room: int


def message_types(count: int) -> list[type[BaseMessage]]:
    """``count`` message types with the actions say_0, say_1, ..."""
    types: list[type[BaseMessage]] = []
    for index in range(count):
        action: Any = Literal[f"say_{index}"]  # which no type checker can follow
        fields: dict[str, Any] = {"action": (action, f"say_{index}"), "payload": (Payload, ...)}
        types.append(create_model(f"Say{index}", __base__=BaseMessage, **fields))
    return types


def chanx_app(base: Any, types: list[type[BaseMessage]], *, logs: bool = False) -> App:
    def handler(model: type[BaseMessage]) -> Any:
        async def say(self: Any, message: BaseMessage) -> BaseMessage:
            return message

        return ws_handler(input_type=model, output_type=model)(say)

    methods = {f"say_{index}": handler(model) for index, model in enumerate(types)}
    options = {"log_websocket_message": logs}
    consumer: Any = type("Consumer", (base,), {**methods, **options})
    return consumer.as_asgi()


def channels_app(base: Any, types: list[type[BaseMessage]]) -> App:
    async def say(consumer: Any, content: dict[str, Any]) -> None:
        await consumer.send_json({"action": content["action"], "payload": content["payload"]})

    handlers = {f"say_{index}": say for index in range(len(types))}

    class Consumer(base):  # type: ignore[misc]  # of either framework
        channel_layer_alias = "default"

        async def receive_json(self, content: dict[str, Any], **kwargs: Any) -> None:
            await handlers[content["action"]](self, content)

    app: App = Consumer.as_asgi()
    return app


def bare_app(types: list[type[BaseMessage]]) -> App:
    union: Any = Annotated[Union[tuple(types)], Field(discriminator="action")] if len(types) > 1 else types[0]  # noqa: UP007 - built from a list
    adapter = TypeAdapter(union)

    async def say(message: BaseMessage) -> BaseMessage:
        return message

    handlers = {f"say_{index}": say for index in range(len(types))}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            parsed = adapter.validate_json(message["text"])
            answer = await handlers[parsed.action](parsed)
            await send({"type": "websocket.send", "text": answer.model_dump_json()})

    return app


async def seconds(app: App, frames: list[str], in_flight: int) -> float:
    """The time for all frames to be answered, with ``in_flight`` of them unanswered at a time."""
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    done = asyncio.Event()
    waiting = iter(frames)
    answered = 0

    async def send(message: dict[str, Any]) -> None:
        nonlocal answered
        if message["type"] == "websocket.send":
            answered += 1
            if answered == len(frames):
                done.set()
            elif (text := next(waiting, None)) is not None:
                inbox.put_nowait({"type": "websocket.receive", "text": text})

    inbox.put_nowait({"type": "websocket.connect"})
    for _ in range(in_flight):
        inbox.put_nowait({"type": "websocket.receive", "text": next(waiting)})
    started = time.perf_counter()
    serving = asyncio.create_task(app({"type": "websocket", "path": "/", "headers": []}, inbox.get, send))
    await done.wait()
    taken = time.perf_counter() - started
    inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await serving
    return taken


def measure(handlers: int, in_flight: int) -> dict[str, float]:
    """Messages a second of each way."""
    types = message_types(handlers)
    frames = [
        f'{{"action":"say_{index % handlers}","payload":{{"text":"hello there","room":7}}}}' for index in range(FRAMES)
    ]
    apps = {
        "channels": channels_app(ChannelsConsumer, types),
        "fast-channels": channels_app(FastChannelsConsumer, types),
        "bare": bare_app(types),
        "chanx": chanx_app(AsyncJsonWebsocketConsumer, types),
        "chanx fast": chanx_app(ChanxFastConsumer, types),
    }
    rates: dict[str, list[float]] = {name: [] for name in apps}
    for _ in range(ROUNDS):
        for name, app in apps.items():
            gc.collect()
            rates[name].append(FRAMES / asyncio.run(seconds(app, frames, in_flight)))
    return {name: statistics.median(values) for name, values in rates.items()}


def measure_logging() -> None:
    """What the log entries of a frame in and its answer cost, in microseconds beside the same without logging."""
    types = message_types(1)
    frames = ['{"action":"say_0","payload":{"text":"hello there","room":7}}'] * FRAMES
    dropped = structlog.make_filtering_bound_logger(logging.WARNING)
    ways: dict[str, tuple[bool, Callable[[], None]]] = {
        "off": (False, structlog.reset_defaults),
        "standard library at its default level": (True, structlog.reset_defaults),
        "structlog configured, at WARNING": (True, partial(structlog.configure, wrapper_class=dropped)),
    }
    apps = {logs: chanx_app(AsyncJsonWebsocketConsumer, types, logs=logs) for logs in (False, True)}
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, (logs, configure) in ways.items():
            configure()
            gc.collect()
            times[way].append(asyncio.run(seconds(apps[logs], frames, 100)) / FRAMES * 1e6)
    structlog.reset_defaults()
    medians = {way: statistics.median(values) for way, values in times.items()}
    for way, median in medians.items():
        print(f"logging {way}: {median - medians['off']:+.1f} us a message")
    headline(
        "a frame and its answer, their log entries dropped by level",
        medians["standard library at its default level"],
        "µs",
        against=("no log entries", medians["off"]),
    )


def main() -> None:
    register_channel_layer("default", InMemoryChannelLayer())
    print("handlers  in flight  way               frames/s  times (a)  times (a')  time of (b)")
    for handlers, in_flight in ((1, 1), (30, 1), (1, 100), BUSIEST):
        rate = measure(handlers, in_flight)
        for way, frames in rate.items():
            print(
                f"{handlers:8}  {in_flight:9}  {way:14}  {frames:10,.0f}  {frames / rate['channels']:9.1f}"
                f"  {frames / rate['fast-channels']:10.1f}  {rate['bare'] / frames:11.2f}"
            )
        if (handlers, in_flight) == BUSIEST:
            tell(rate)
    measure_logging()


def tell(rate: dict[str, float]) -> None:
    """The figures of the table: microseconds a frame and its answer."""
    costs = {way: 1e6 / frames for way, frames in rate.items()}
    for chanx, what, plain in (
        ("chanx", "a frame and its answer, Django", "channels"),
        ("chanx fast", "a frame and its answer, FastAPI", "fast-channels"),
    ):
        headline(what, costs[chanx], "µs", against=(f"{plain} consumer", costs[plain]))
        headline(what, costs[chanx], "µs", against=("bare ASGI with Pydantic", costs["bare"]))


if __name__ == "__main__":
    main()

"""A site and a worker that tell OpenTelemetry what they do; each process writes its spans and metrics into files.

The directory is ``CHANX_TELEMETRY``, the Redis ``CHANX_REDIS_URL``; ``application`` is the site.
"""

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown
from fast_channels.layers import register_channel_layer
from fast_channels.layers.redis import RedisPubSubChannelLayer
from fastapi import FastAPI
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from starlette.routing import WebSocketRoute

import chanx.opentelemetry
from chanx.bridge import JobTask, JobTopic, install, start_job, start_job_sync
from chanx.core.decorators import ws_handler
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage

URL = os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")

app = Celery("traced_app", broker=URL, backend=URL)
app.conf.update(broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)
install(app, store=URL)
IS_OBSERVED = "CHANX_TELEMETRY" in os.environ
"""In the processes of the site and the worker; a test's own, which imports this too, tells nobody."""

if IS_OBSERVED:
    chanx.opentelemetry.instrument()


@app.task(bind=True, base=JobTask)
def work(self: Any, go: str) -> str:
    """Waits for a file, so that somebody can watch from the beginning."""
    while not os.path.exists(go):
        time.sleep(0.01)
    self.job.log("hello")
    return "done"


def set_up_telemetry(service: str) -> None:
    """The SDK of this process."""
    resource, directory = Resource.create({"service.name": service}), Path(os.environ["CHANX_TELEMETRY"])
    spans = (directory / f"spans-{service}-{os.getpid()}").open("a", buffering=1)
    points = (directory / f"metrics-{service}-{os.getpid()}").open("a", buffering=1)
    tracers = TracerProvider(resource=resource)
    exporter = ConsoleSpanExporter(out=spans, formatter=lambda span: f"{span.to_json(indent=None)}\n")
    tracers.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=50))
    trace.set_tracer_provider(tracers)
    measured = ConsoleMetricExporter(out=points, formatter=lambda data: f"{data.to_json(indent=None)}\n")
    metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(measured, 200)], resource))


def set_up_in_worker(**_: Any) -> None:
    set_up_telemetry("worker")


def shut_down_in_worker(**_: Any) -> None:
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        shut_down: Any = getattr(provider, "shutdown", None)
        shut_down()


if IS_OBSERVED:
    worker_process_init.connect(set_up_in_worker, weak=False)
    worker_process_shutdown.connect(shut_down_in_worker, weak=False)


class Begin(BaseMessage):
    action: Literal["begin"] = "begin"
    payload: str


class Begun(BaseMessage):
    action: Literal["begun"] = "begun"
    payload: str


class TracedConsumer(AsyncJsonWebsocketConsumer):
    topics = [JobTopic]

    async def connect(self) -> None:
        self.user = self.scope["user"] = SimpleNamespace(pk=1)
        await super().connect()

    @ws_handler
    async def begin(self, message: Begin) -> Begun:
        job = await start_job(work, message.payload, owner=self.user)
        return Begun(payload=job.job_id)


def begin(go: str) -> str:
    """What an HTTP request does, inside the span that an instrumentation of the framework makes."""
    with trace.get_tracer("framework").start_as_current_span("request"):
        return start_job_sync(work, go, owner="user:1").job_id


def __getattr__(name: str) -> Any:
    if name != "application":
        raise AttributeError(name)
    set_up_telemetry("site")
    register_channel_layer("default", RedisPubSubChannelLayer(hosts=[URL]))
    application = FastAPI()
    application.router.routes.append(WebSocketRoute("/ws", TracedConsumer.as_asgi()))
    application.post("/begin")(begin)
    return application

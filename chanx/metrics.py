"""Every metric of chanx: what :func:`chanx.telemetry.measure` is called with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

_QUICK: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LONG: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """``unit`` is one of UCUM. ``attributes`` are the names of those that each value has, or may have.

    ``buckets`` are the bounds that suit a histogram's values.
    """

    name: str
    kind: Literal["counter", "up_down_counter", "histogram"]
    unit: str
    description: str
    attributes: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


CONNECTIONS: Final = Metric(
    "chanx.connections",
    "up_down_counter",
    "{connection}",
    "WebSocket connections that are being served, their handshake included.",
    ("chanx.consumer",),
)
FRAMES_RECEIVED: Final = Metric(
    "chanx.frames.received", "counter", "{frame}", "Frames that clients have sent.", ("chanx.consumer",)
)
FRAMES_SENT: Final = Metric(
    "chanx.frames.sent", "counter", "{frame}", "Text frames that were sent to clients.", ("chanx.consumer",)
)
SLOW_CLIENTS: Final = Metric(
    "chanx.slow_clients",
    "counter",
    "{client}",
    "Clients for which something had to be held back: closed with 1013 (`events`: too many waited for it; `frames`: "
    "it sent too many), or sent no more of a job until it acknowledges (`credit`).",
    ("chanx.reason",),
)
HANDLER_DURATION: Final = Metric(
    "chanx.handler.duration",
    "histogram",
    "s",
    "Time in a handler, of a message (`message`) or an event (`event`), for one client.",
    ("chanx.consumer", "chanx.action", "chanx.kind", "error.type"),
    _QUICK,
)
HANDLER_ERRORS: Final = Metric(
    "chanx.handler.errors",
    "counter",
    "{error}",
    "Handlers that have raised; a refusal of a topic is none.",
    ("chanx.consumer", "chanx.action", "chanx.kind", "error.type"),
)
DELIVERY_DURATION: Final = Metric(
    "chanx.delivery.duration",
    "histogram",
    "s",
    "Time from sending to the clients of one process: until the last of them for an `event`, a `broadcast` and a "
    "`topic` event, until the first for a live event of a `job`. The wall clocks of both hosts; 0 where the sender's "
    "is ahead.",
    ("chanx.kind",),
    _QUICK,
)
PUBLISH_FAILURES: Final = Metric(
    "chanx.publish.failures",
    "counter",
    "{message}",
    "Messages from synchronous code that the channel layer did not take (`lost`), or not for every server process "
    "(`over_capacity`).",
    ("chanx.reason",),
)
JOB_EVENTS_PUBLISHED: Final = Metric(
    "chanx.job.events.published", "counter", "{event}", "Events that were appended to a job's log.", ("chanx.action",)
)
JOB_EVENTS_FAILED: Final = Metric(
    "chanx.job.events.failed",
    "counter",
    "{event}",
    "Events that no log will have: the store failed over it (`error`), or was away when the process ended (`exit`).",
    ("chanx.reason",),
)
JOB_EVENTS_DROPPED: Final = Metric(
    "chanx.job.events.dropped",
    "counter",
    "{event}",
    "Events that had to go because the store was away for long and the process could keep no more.",
)
JOB_GAPS: Final = Metric("chanx.job.gaps", "counter", "{gap}", "`job_gap` events: holes in a job's log.")
JOB_EVENTS_REPLAYED: Final = Metric(
    "chanx.job.events.replayed",
    "counter",
    "{event}",
    "Events that were read from the log for a client: it has subscribed (`subscribed`), was without credit (`slow`), "
    "or the channel layer did not deliver them in time (`gap`).",
    ("chanx.reason",),
)
JOB_RECOVERIES: Final = Metric(
    "chanx.job.recoveries",
    "counter",
    "{subscription}",
    "Clients that came back to a job with a position, and those whose log was rewound: whether the log reached back.",
    ("chanx.recovered",),
)
JOB_APPEND_DURATION: Final = Metric(
    "chanx.job.append.duration",
    "histogram",
    "s",
    "Time of one append to a job's log, its announcement included. The status is the store's answer, or `error`.",
    ("chanx.status",),
    _QUICK,
)
JOB_QUEUE_DURATION: Final = Metric(
    "chanx.job.queue.duration",
    "histogram",
    "s",
    "Time from publishing a task of a job, or from its `eta`, until a worker begins with it. Wall clocks of both "
    "hosts; 0 where the publisher's is ahead.",
    ("chanx.task",),
    _LONG,
)
JOB_RUN_DURATION: Final = Metric(
    "chanx.job.run.duration",
    "histogram",
    "s",
    "Time of one run of a task of a job. The outcome is `succeeded`, `failed`, `cancelled`, `retrying`, or `unknown` "
    "where the task's process does not learn it.",
    ("chanx.task", "chanx.outcome"),
    _LONG,
)

METRICS: Final = (
    CONNECTIONS,
    FRAMES_RECEIVED,
    FRAMES_SENT,
    SLOW_CLIENTS,
    HANDLER_DURATION,
    HANDLER_ERRORS,
    DELIVERY_DURATION,
    PUBLISH_FAILURES,
    JOB_EVENTS_PUBLISHED,
    JOB_EVENTS_FAILED,
    JOB_EVENTS_DROPPED,
    JOB_GAPS,
    JOB_EVENTS_REPLAYED,
    JOB_RECOVERIES,
    JOB_APPEND_DURATION,
    JOB_QUEUE_DURATION,
    JOB_RUN_DURATION,
)
"""All of them."""

"""Celery's broker, and what its workers answer."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

from kombu.exceptions import OperationalError
from pydantic import ValidationError

from chanx.bridge.worker_report import COMMAND, WorkerReport
from chanx.doctor.finding import Finding

_REDIS: Final = ("redis", "rediss", "sentinel")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker said, between ``asked`` and ``received`` by this clock: its report, or why there is none."""

    worker: str
    asked: float
    received: float
    report: WorkerReport | None
    error: str = ""


class BrokerError(Exception):
    """The broker cannot be used; the text names it, without its password, and the cause."""


def connect_to_broker(app: Any, *, seconds: float) -> None:
    """Raises ``BrokerError`` after so many seconds at most, for each of several brokers."""
    try:
        known = app.connection_for_write()
        _ = known.transport  # made here, and not connected
    except (ValueError, KeyError) as error:  # kombu reads the URL, and has no error of its own for it
        raise BrokerError(f"Celery cannot read its broker_url: {error}") from error
    except ImportError as error:  # the library that a transport needs
        raise BrokerError(f"Celery cannot use its broker_url: {error}") from error
    # Redis' own timeouts: the transport has no other bound. Other transports would not know them.
    bounds = {"socket_connect_timeout": seconds, "socket_timeout": seconds}
    options = bounds if (known.transport_cls or "").partition("+")[0] in _REDIS else {}
    with (
        app.connection_for_write(connect_timeout=seconds, transport_options=options) as connection,
        _named_errors(connection, "does not answer"),
    ):
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=seconds)


def ask_workers(app: Any, *, group: str = "", seconds: float) -> list[Answer]:
    """What every worker answers within so many seconds. With ``group``, each sends a word there on its own layer.

    Raises ``BrokerError``.
    """
    answers: list[Answer] = []
    asked = time.time()

    def take(body: Mapping[str, Any]) -> None:
        received = time.time()
        answers.extend(_answer(name, reply, asked, received) for name, reply in body.items())

    with app.connection_for_write() as connection, _named_errors(connection, "refuses Celery's remote control"):
        app.control.broadcast(
            COMMAND, arguments={"group": group}, connection=connection, reply=True, timeout=seconds, callback=take
        )
    return sorted(answers, key=lambda answer: answer.worker)


def broker_finding(error: BrokerError) -> Finding:
    """E301."""
    fix = "Start it, or correct Celery's broker_url, its password, the user's permissions and the firewall."
    return Finding("chanx.E301", str(error), fix)


@contextmanager
def _named_errors(connection: Any, what: str) -> Generator[None]:
    try:
        yield
    except (OperationalError, OSError, *connection.connection_errors, *connection.channel_errors) as error:
        text = str(error) or type(error).__name__
        raise BrokerError(f"The broker {connection.as_uri()} {what}: {text}") from error


def _answer(worker: str, reply: Any, asked: float, received: float) -> Answer:
    try:
        return Answer(worker, asked, received, WorkerReport.model_validate(reply))
    except ValidationError:
        said = cast("dict[str, object]", reply).get("error", "") if isinstance(reply, dict) else ""
        return Answer(worker, asked, received, None, str(said))

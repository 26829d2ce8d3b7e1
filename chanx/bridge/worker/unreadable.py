"""Messages that a worker cannot decode: Celery throws them away without a signal, and their jobs would wait on."""

from __future__ import annotations

from typing import Any

from celery import Celery, bootsteps

from chanx.bridge.worker import parent


class UnreadableMessages(bootsteps.StartStopStep):
    """A step of the worker's consumer that ends the job of such a message."""

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        throw_away = consumer.on_decode_error

        def on_decode_error(message: Any, error: BaseException) -> None:
            parent.on_unreadable(consumer, message)
            throw_away(message, error)

        consumer.on_decode_error = on_decode_error


def connect(app: Celery) -> None:
    """Adds the step to the workers of the app, once."""
    app.steps["consumer"].add(UnreadableMessages)

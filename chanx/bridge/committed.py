"""Doing something once the database transaction around the caller is committed, or learning that it never will be."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable

from chanx.errors import ConfigurationError


def after_commit(action: Callable[[], None], *, never: Callable[[], None]) -> None:
    """Calls ``action`` after the commit of Django's current transaction, at once where there is none.

    ``never`` is called, in a thread of its own, when the transaction was rolled back. Raises ``ConfigurationError``
    without Django.
    """
    try:
        from django.db import transaction
    except ImportError as error:
        raise ConfigurationError(
            "on_commit=True needs Django, whose transaction it waits for. Elsewhere start the job after the commit."
        ) from error
    callback = _Callback(action)
    # Django tells nobody of a rollback: it forgets the callback.
    callback.forgotten = weakref.finalize(callback, _call_in_thread, never)
    callback.forgotten.atexit = False
    transaction.on_commit(callback)


class _Callback:
    def __init__(self, action: Callable[[], None]) -> None:
        self.forgotten: weakref.finalize[..., _Callback] | None = None
        self._action = action

    def __call__(self) -> None:
        if self.forgotten is not None:
            self.forgotten.detach()
        self._action()


def _call_in_thread(never: Callable[[], None]) -> None:
    # The last reference may go anywhere, also where a lock is held that reporting needs.
    threading.Thread(target=never, name="chanx-not-committed", daemon=True).start()

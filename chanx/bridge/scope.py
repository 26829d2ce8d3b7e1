"""Which job the code that runs right now works for: what it publishes belongs to that job, and the job waits for it.

start_job, or a task's prerun ─> entered(scope) ─> before_task_publish asks current_scope() ─> header, pending set
"""

from __future__ import annotations

import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar, Token
from dataclasses import dataclass

from chanx.bridge.context import JobContext
from chanx.bridge.encoding import Origin
from chanx.bridge.outgoing import OUTGOING
from chanx.bridge.reporter import drop_pending
from chanx.bridge.transports.base import JobTransport
from chanx.bridge.worker_id import WORKER


class PublishScope:
    """Registers the messages of one job before they go out. ``first`` is the publish id of its root, known already.

    ``running`` is the id of the task that publishes, None where it is none.
    """

    running: str | None = None

    def __init__(self, transport: JobTransport, context: JobContext, *, first: str | None = None) -> None:
        self.transport = transport
        self.context = context
        self._first = first
        self._unconfirmed: set[str] = set()

    def take_first(self, task_id: str) -> str | None:
        """The publish id that was registered with the job, if this is the root's first message."""
        if task_id != self.context.root_task_id:
            return None
        first, self._first = self._first, None
        return first

    def register(self, task_id: str) -> str:
        """A publish id for a message that is about to go out; empty where the job cannot wait for it."""
        first = self.take_first(task_id)
        publish_id = first or secrets.token_hex(8)
        OUTGOING.announce(self.context.job_id, publish_id)
        added = first or self.transport.add_pending(self.context.job_id, publish_id, task_id, worker=WORKER.current)
        if not added:
            OUTGOING.withdraw(publish_id)
            return ""
        self._unconfirmed.add(publish_id)
        return publish_id

    def confirm(self, publish_id: str) -> None:
        """The message went out."""
        self._unconfirmed.discard(publish_id)

    def close(self, *others: str, noticed_by: Origin) -> None:
        """Nothing more is published here: the job no longer waits for what did not go out, nor for ``others``."""
        unpublished = {*self._unconfirmed, *others}
        if self._first is not None:
            unpublished.add(self._first)
        for publish_id in self._unconfirmed:
            OUTGOING.withdraw(publish_id)
        if unpublished:
            drop_pending(self.transport, noticed_by, unpublished)


@dataclass(frozen=True, slots=True)
class _Detached:
    """What is published belongs to no job, but for the running task's own next message: a retry."""

    inside: PublishScope | None


_current: ContextVar[PublishScope | _Detached | None] = ContextVar("chanx_scope", default=None)


def current_scope() -> PublishScope | None:
    """The scope of the running code; None outside of any job, and inside of :func:`detach`."""
    scope = _current.get()
    return None if isinstance(scope, _Detached) else scope


def scope_of_message(task_id: object) -> PublishScope | None:
    """The scope of a message that is published now."""
    scope = _current.get()
    if not isinstance(scope, _Detached):
        return scope
    return scope.inside if scope.inside and scope.inside.running == task_id else None


def is_detached() -> bool:
    """Whether the running code is inside of :func:`detach`."""
    return isinstance(_current.get(), _Detached)


def enter(scope: PublishScope | None) -> Token[PublishScope | _Detached | None]:
    """Makes ``scope`` the current one until :func:`leave` is called with the token."""
    return _current.set(scope)


def leave(token: Token[PublishScope | _Detached | None]) -> None:
    """Back to what was before."""
    with suppress(ValueError):  # entered in another context: nothing of it is left here
        _current.reset(token)


@contextmanager
def entered(scope: PublishScope | None) -> Generator[None]:
    """``scope`` is the current one inside of the block."""
    token = enter(scope)
    try:
        yield
    finally:
        leave(token)


@contextmanager
def detach() -> Generator[None]:
    """Tasks published inside of the block do not belong to the job of the running task: the job does not wait for them.

    ::

        with detach():
            rebuild_search_index.delay()
    """
    token = _current.set(_Detached(current_scope()))
    try:
        yield
    finally:
        leave(token)

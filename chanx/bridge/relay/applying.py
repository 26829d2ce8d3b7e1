"""What a relay does with a call from the bus: as if the worker had done it here, and once or twice is the same."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from chanx.bridge.encoding import Origin, encode_event
from chanx.bridge.entry import Appended, AppendStatus, NewEntry
from chanx.bridge.events import GapPayload, JobGap
from chanx.bridge.installed import Bridge
from chanx.bridge.transports.backlog import task_id_of
from chanx.bridge.transports.direct import DirectTransport
from chanx.bridge.transports.event_bus.calls import TELL, Call
from chanx.bridge.transports.event_bus.newest import Newest
from chanx.errors import ConfigurationError
from chanx.log import log_event

_TAKEN: Final = frozenset({AppendStatus.APPENDED, AppendStatus.HELD, AppendStatus.DUPLICATE})


class Applying:
    """On the store and the layer of a bridge. Every method raises ``StoreUnavailableError``: then it is done again.

    With ``ends_jobs`` it ends a job whose last execution has ended, as who told of that may not be there any more.
    """

    def __init__(self, bridge: Bridge, *, ends_jobs: bool = True) -> None:
        transport = bridge.transport
        if not isinstance(transport, DirectTransport) or not bridge.store.is_observed_here:
            raise ConfigurationError(
                "A relay needs the site's own store and layer: run it with the site's Celery app, not with that of a "
                "worker which is on the event bus itself."
            )
        self._observer = bridge.observer
        self._ends_jobs = ends_jobs
        self._over: Newest[str] = Newest()  # executions that nobody waits for any more, and their jobs
        self._store = bridge.store
        self._transport = transport

    def apply(self, call: Call) -> Any:
        """What the call's operation returns. Raises what the store raises."""
        arguments = call.arguments
        match call.op:
            case "append":
                return self._append(arguments["entry"])
            case "add_pending":
                # One that comes late, once more: nobody would end it again.
                is_over = self._over.get(arguments["publish_id"]) == arguments["job_id"]
                return not is_over and self._store.add_pending(**arguments)
            case "drop_pending":
                return self._drop(arguments["job_id"], arguments["publish_ids"])
            case "create":
                return self._create(arguments)
            case _ if call.op == TELL:
                return self._tell(arguments)
            case _:
                return getattr(self._store, call.op)(**arguments)

    def tell_gap(self, early: Call, lost: int) -> None:
        """Events of a run before this one do not come any more: a gap takes their place, unless they were done."""
        entry: NewEntry = early.arguments["entry"]
        try:
            origin = Origin(entry.job_id, task_id_of(entry), entry.attempt, entry.run_id)
        except (LookupError, TypeError, ValueError):  # an event of somebody else's making, which is kept all the same
            return
        gap = encode_event(JobGap(payload=GapPayload(lost=lost)), origin, early.after, task_id=entry.task_id)
        if self._transport.append(gap).status is AppendStatus.APPENDED:
            log_event("bus_events_missing", level=logging.ERROR, job_id=entry.job_id, run_id=entry.run_id, lost=lost)

    def _append(self, entry: NewEntry) -> Appended:
        appended = self._transport.append(entry)
        if entry.ending is None:
            return appended
        complete = appended.complete
        if entry.ending.publish_id and appended.status in _TAKEN:
            self._over.put(entry.ending.publish_id, entry.job_id)
            if appended.status is AppendStatus.DUPLICATE:
                # What came before it in the queue may have been done again, too: that the job waits for it.
                complete = self._store.drop_pending(entry.job_id, [entry.ending.publish_id])
        return replace(appended, complete=complete and self._end(entry.job_id))

    def _drop(self, job_id: str, publish_ids: Collection[str]) -> bool:
        for publish_id in publish_ids:
            self._over.put(publish_id, job_id)
        return self._store.drop_pending(job_id, publish_ids) and self._end(job_id)

    def _end(self, job_id: str) -> bool:
        """Ends a job that waits for nothing, if its tasks have come to anything; whether it still has to be ended."""
        if not self._ends_jobs:
            return True
        self._observer.end_complete(job_id)
        (head,) = self._store.heads([job_id])
        return head is not None and head.complete

    def _create(self, arguments: Mapping[str, Any]) -> str:
        job_id, first = arguments["record"].job_id, arguments["first"]
        try:
            return self._store.create(**arguments)
        except ConfigurationError:
            page = self._store.read(job_id, after=0, limit=1) if first else None
            if page is None or [entry.event for entry in page.entries] != [first.event]:
                raise
            return str(job_id)  # the same call, once more

    def _tell(self, arguments: Mapping[str, Any]) -> None:
        publisher = self._transport.publisher
        send = publisher.send if arguments["kind"] == "channel" else publisher.group_send
        send(arguments["name"], arguments["message"])

"""The remote control command ``chanx_doctor``: a worker says what it is, and sends a word onto its channel layer."""

from __future__ import annotations

from typing import Any

from celery.signals import worker_init

from chanx.bridge.installed import bridge_or_none
from chanx.bridge.worker_id import WORKER
from chanx.bridge.worker_report import COMMAND, PROBE_GROUPS, PROBE_TYPE, report_of
from chanx.errors import ChanxError


def connect() -> None:
    """Gives the command to every worker that starts in this process."""
    worker_init.connect(_register, weak=False, dispatch_uid="chanx.bridge.doctor_command")


def answer(state: Any, group: str = "", **_: Any) -> dict[str, Any]:
    """What this worker is, for chanx doctor: versions, channel layer, job store, clock.

    With ``group`` (one that begins with ``chanx.doctor.``), the layer carries a message there with the worker's name.
    """
    bridge = bridge_or_none(state.app)
    if bridge is None:
        return {"error": "no bridge"}
    if group.startswith(PROBE_GROUPS):
        try:
            bridge.transport.tell([group], {"type": PROBE_TYPE, "who": state.hostname})
        except ChanxError as error:  # what cannot be published from here is not heard there, which is the finding
            return {"error": f"cannot publish: {error}"}
    report = report_of(bridge, lease=WORKER.current)
    return report.model_dump(mode="json")


def _register(**_: Any) -> None:
    # Here, as only a worker needs what this loads.
    from celery.worker.control import inspect_command

    inspect_command(name=COMMAND)(answer)

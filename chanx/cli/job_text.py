"""Jobs and their events as text for a terminal, and as JSON for scripts.

What a task has written reaches the terminal as text only: control characters are shown, not sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, cast

from chanx.bridge.encoding import NOT_ITS_OWN
from chanx.bridge.entry import LogEntry
from chanx.bridge.snapshot import JobSnapshot, percent

MOST: Final = 200
"""Characters of a value that are shown in a line."""

_CARRIAGE_RETURN: Final = re.compile(r"\r\n?")
# Also those that turn the direction of writing around.
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def safe(text: str) -> str:
    """The text without what a terminal would obey; only line breaks and tabs stay."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", _CARRIAGE_RETURN.sub("\n", text))


def one_line(text: str) -> str:
    """The same in one line, cut off where it is very long."""
    text = safe(text).replace("\n", "⏎").replace("\t", " ")
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"


def event_of(entry: LogEntry) -> dict[str, Any]:
    """The event with its ``seq``; one that Python cannot read is a text."""
    try:
        return {"seq": entry.seq, **json.loads(entry.event)}
    except ValueError:  # an integer of more than 4,300 digits
        return {"seq": entry.seq, "action": "unreadable", "payload": entry.event}


def job_content(job: JobSnapshot) -> dict[str, Any]:
    """All that is known of a job, the server side's own facts included."""
    return {**job.model_dump(mode="json"), "task_id": job.task_id, "watchers": list(job.watchers)}


def event_line(event: Mapping[str, Any]) -> str:
    """An event as a line: when, and what happened."""
    return f"{clock(event.get('time'))}  {summary(event)}"


def clock(moment: str | datetime | None) -> str:
    """The time of day of a moment, in the time zone of the machine, or of the Django project."""
    try:
        at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError:
        at = None
    return at.astimezone().strftime("%H:%M:%S") if at else "--:--:--"


def date(moment: datetime) -> str:
    """A moment in the same time zone, which it names by its offset."""
    return moment.astimezone().isoformat(" ", "seconds")


def summary(event: Mapping[str, Any]) -> str:
    """What happened, in one line."""
    if "action" not in event:  # it has another key for it
        return one_line(_value({name: value for name, value in event.items() if name not in NOT_ITS_OWN}))
    action, payload = str(event["action"]), event.get("payload")
    try:
        return one_line(_summary(action, payload, event))
    except (AttributeError, KeyError, TypeError):  # an event of another version, or of the project's own by that name
        return one_line(f"{action} {_value(payload)}")


def _summary(action: str, payload: Any, event: Mapping[str, Any]) -> str:
    match action:
        case "job_log":
            return f"{payload['level']}: {payload['message']}"
        case "job_output":
            return str(payload["text"])
        case "job_queued":
            return "queued"
        case "job_started":
            attempt = event.get("attempt") or 1
            return "started" if attempt == 1 else f"started, attempt {attempt}"
        case "job_task":
            return f"task {payload['name']} {payload['state']}"
        case "job_retrying":
            wait = payload.get("countdown")
            return f"retrying{'' if wait is None else f' in {wait:g} s'}: {payload['reason']}"
        case "job_interrupted":
            return f"interrupted: {payload['task']}: {payload['reason']}"
        case "job_gap":
            return f"{payload['lost']} events were lost here"
        case "job_cancel_requested":
            return _with_reason("asked to stop", payload["reason"])
        case "job_cancelled":
            return _with_reason("cancelled", payload["reason"])
        case "job_succeeded":
            result = "a result too long to keep" if payload.get("result_omitted") else _value(payload["result"])
            return f"succeeded: {result}"
        case "job_failed":
            return f"failed: {payload['error']['message']} ({payload['error']['code']})"
        case _:
            return f"{action} {_value(payload)}"


def progress_of(job: JobSnapshot) -> Mapping[str, Any]:
    """The payload of the newest progress; empty where there is none."""
    return mapping(job.fields.get("job_progress"))


def progress_line(job: JobSnapshot) -> str:
    """Percentage, amounts, open steps and message, of what there is of them."""
    reported = progress_of(job)
    parts = [percent(job.fraction), amounts(reported), steps(reported), str(reported.get("message") or "")]
    return one_line("  ".join(part for part in parts if part))


def amounts(reported: Mapping[str, Any]) -> str:
    """``30/100 rows``, as far as it is known."""
    current, total = reported.get("current"), reported.get("total")
    if not isinstance(current, int | float):
        return ""
    of = f"/{total:g}" if isinstance(total, int | float) else ""
    return one_line(f"{current:g}{of} {reported.get('unit') or ''}".rstrip())


def steps(reported: Mapping[str, Any]) -> str:
    """The open steps, the outermost first."""
    return " / ".join(map(str, reported.get("step") or ()))


def mapping(value: object) -> Mapping[str, Any]:
    """The value, if it is a JSON object; else an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _with_reason(text: str, reason: Any) -> str:
    return text if reason is None else f"{text}: {reason}"


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

"""The tables and numbers of docs/protocol beside the code: every event, field, reason, code and bound."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from chanx.bridge.events import JOB_EVENTS, JobEvent
from chanx.bridge.snapshot import JobFields, JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store import heads
from chanx.bridge.web import http, job_list, list_messages, list_topic, merge, messages
from chanx.core import reauthorization, topic_pattern, websocket
from chanx.core.adapters import MAX_PROBLEMS
from chanx.core.connection import PRIVATE_CODE_OFFSET
from chanx.core.hub.mailbox import MAX_WAITING_MESSAGES
from chanx.core.topic_host import TopicHost
from tests.docs.pages import DOCS, ROOT

CHANX = ROOT / "chanx"
STATIC = CHANX / "channels" / "static" / "chanx"


def page(name: str) -> str:
    """A page as one line for each paragraph."""
    text = (DOCS / "protocol" / f"{name}.md").read_text()
    return re.sub(r"(?<![\n|])\n(?![\n|#`])", " ", text)


def table(name: str, *columns: str) -> list[list[str]]:
    """The rows of the page's table that has these columns."""
    lines = page(name).splitlines()
    start = lines.index(f"| {' | '.join(columns)} |")
    rows: list[list[str]] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def names_in(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def payload_fields(event: type[JobEvent]) -> list[str]:
    payload = event.model_fields["payload"].annotation
    return list(payload.model_fields) if isinstance(payload, type) and issubclass(payload, BaseModel) else []


def test_every_event_is_there_with_all_it_says() -> None:
    told = {names_in(action)[0]: (counts, names_in(payload)) for action, counts, payload, _ in table(
        "jobs", "Action", "Counts", "Payload", "What it says"
    )}  # fmt: skip

    assert told == {
        str(event.model_fields["action"].default): (
            "newest" if event.delivery == "latest" else "log",
            payload_fields(event),
        )
        for event in JOB_EVENTS
    }


def test_every_key_of_an_event_is_there() -> None:
    told = [name for keys, *_ in table("jobs", "Key", "In", "What it is") for name in names_in(keys)]

    assert sorted(told) == sorted([*JobEvent.model_fields, "seq", "head", "rev"])


def test_every_key_of_a_snapshot_is_there() -> None:
    text = page("jobs")
    section = text[text.index("## Snapshot") : text.index("## Acknowledging")]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    told = [name for keys, _ in rows for name in names_in(keys)]

    assert sorted(told) == sorted(JobSnapshot.model_json_schema(mode="serialization")["properties"])
    (fields,) = (names_in(meaning) for keys, meaning in rows if names_in(keys) == ["fields"])
    assert set(JobFields.__annotations__) <= set(fields)
    (states,) = (names_in(meaning) for keys, meaning in rows if names_in(keys) == ["state"])
    assert states == [str(state) for state in JobState]


@pytest.mark.parametrize(
    ("section", "model"),
    [
        ("The payload of `subscribe` may have:", messages.JobSubscribe),
        ("and that of `subscribed` has:", messages.JobSubscribed),
    ],
)
def test_every_key_of_the_handshake_is_there(section: str, model: type[BaseModel]) -> None:
    text = page("jobs")
    start = text.index(section)
    rows = re.match(r"[^|]*((?:\|[^\n]*\n)+)", text[start:])
    assert rows is not None

    assert re.findall(r"^\| `(\w+)` \|", rows[1], re.MULTILINE) == list(model.model_fields)


def test_every_reason_is_there() -> None:
    code = "\n".join(path.read_text() for path in CHANX.rglob("*.py"))
    constants = dict(
        re.findall(r'^([A-Z_]+)(?:: Final)? = "(\w+)"$', (CHANX / "core/topic_session.py").read_text(), re.MULTILINE)
    )
    raised = re.findall(r'TopicRefused\(\s*(?:"(\w+)"|([A-Z_]+)),', code)

    told = {names_in(reason)[0] for reason, *_ in table("topics", "Reason", "What it says", "What a client does")}

    assert told == {literal or constants[name] for literal, name in raised}


def test_every_close_code_is_there() -> None:
    code = "\n".join(path.read_text() for path in (CHANX / "core").rglob("*.py"))
    used = {int(number) for number in re.findall(r"^CLOSE_\w+: Final = (\d{4})$", code, re.MULTILINE)}

    told = {int(row[0]) for row in table("connections", "Code", "Why", "What a client does")}

    assert told == {1000, *used}
    beyond = ", ".join(str(number + PRIVATE_CODE_OFFSET) for number in sorted(used))
    assert f"each is {PRIVATE_CODE_OFFSET} higher ({beyond})" in page("connections")


def test_every_http_error_is_there() -> None:
    code = "\n".join(
        (CHANX / path).read_text() for path in ("bridge/web/http.py", "fast_channels/jobs.py", "channels/jobs.py")
    )
    used = {(status, name) for status, name in re.findall(r'_Refused\((\d+), "(\w+)"', code)}
    used |= {(status, name) for status, name in re.findall(r'(\d+),\s*b\'\{"error":\{"code":"(\w+)"', code)}

    told = {(status, names_in(name)[0]) for status, name, _ in table("http", "Status", "Code", "What it says")}

    assert told == used


Consumer = websocket.ChanxWebsocketConsumerMixin
IN_WORDS: dict[float, str] = {2: "two", 4: "four", 8: "eight", 10: "ten"}
SAID = {
    "connections": [
        f"More than {websocket.MAX_PENDING_FRAMES:,} frames of the client wait",
        f"more of them than {IN_WORDS[websocket.MAX_PENDING_BYTES_FACTOR]} times `max_message_bytes`",
        f"more than {MAX_WAITING_MESSAGES:,} events wait",
        f"up to {IN_WORDS[Consumer.message_concurrency]} messages",
        f"({Consumer.max_message_bytes // 1024**2} MiB unless set)",
        f"Of more than {MAX_PROBLEMS} problems",
    ],
    "topics": [
        f"at most {topic_pattern.MAX_TOPIC_LENGTH} characters",
        f"`max_topics`, {TopicHost.max_topics} unless set",
    ],
    "jobs": [
        f"at most {merge.CREDIT} events of the log beyond",
        f"not more than {merge.SURE_CREDIT} once these are larger than {merge.CREDIT_BYTES // 1024**2} MiB together",
        f"within {IN_WORDS[heads.INTERVAL]} seconds or so",
        "`reason` has at most 500 characters",
        "an opaque text of at most 100 characters",
    ],
    "job-lists": [
        f"its newest {job_list.MAX_SHOWN} jobs",
        f"longer than {job_list.FIELD_BYTES:,} bytes",
        f"`limit` is 1 to {list_messages.PAGE}, {list_messages.PAGE} if",
        f"within {IN_WORDS[list_topic.JobListTopic.repair_seconds]}",
    ],
    "http": [
        f"`?limit=` 1 to {http.MAX_JOBS};",
        f"`?limit=` 1 to {http.MAX_EVENTS} ",
        f"at most {http.MAX_BODY_BYTES:,} bytes",
    ],
}


@pytest.mark.parametrize(("name", "words"), [(name, words) for name, said in SAID.items() for words in said])
def test_the_bounds_are_those_of_the_code(name: str, words: str) -> None:
    assert words in page(name)


def test_the_times_are_those_of_the_browser_s_client() -> None:
    """A specification that its own client does not keep would be none."""
    values = dict(re.findall(r"const (\w+) = ([\d_]+);", _script("backoff.js") + _script("socket.js")))
    text = page("connections")

    assert {name: int(value) for name, value in values.items() if name != "OPEN"} == {
        "FIRST_DELAY": 500,
        "LONGEST_DELAY": 15_000,
        "STABLE_AFTER": 5_000,
        "PING_AFTER": 20_000,
        "ANSWER_WITHIN": 10_000,
    }
    for words in ("the whole of 0.5 s", "at most 15 s", "lasted for five seconds", "for 20 seconds", "for 10 seconds"):
        assert words in text
    assert re.search(r"REFUSED_CODES = new Set\(\[4401, 4403\]\)", _script("socket.js"))
    assert "4401 and 4403" in text
    assert reauthorization.SPREAD < 0.5  # "about once a minute"


def _script(name: str) -> str:
    return Path(STATIC / name).read_text()

"""Which document a frame is checked against, and what is advised where it is not in there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from chanx.bridge import JobTopic
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.testing.contract import ContractChecker
from tests.unit.testing.consumers import chat, said
from tests.unit.testing.test_contract import document_of

CHAT = chat(AsyncJsonWebsocketConsumer, said)


def test_a_published_document_is_read_when_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a project with many tests, When all are held to one file, Then that is read again when it changes."""
    content = document_of(CHAT)
    path = tmp_path / "asyncapi.yaml"
    path.write_text(yaml.safe_dump(content))
    reads: list[str] = []

    def read(text: str) -> Any:
        reads.append(text)
        return load(text)

    load = yaml.safe_load
    monkeypatch.setattr(yaml, "safe_load", read)
    for _ in range(3):
        ContractChecker(path)
    known = len(reads)
    content["channels"] = {}
    content["operations"] = {}
    path.write_text(yaml.safe_dump(content))
    changed = ContractChecker(path).check_frame(CHAT, '{"action":"said","payload":{"text_of":"x","stars":1}}')

    assert (known, len(reads)) == (1, 2)
    assert "no channel of ChatConsumer" in str(changed)


def test_events_of_a_topic_that_is_chanxs_own_are_declared_in_a_class_that_extends_it() -> None:
    """Given a job's own event on JobTopic, When it is sent, Then the fix is one that can be followed."""

    class JobsConsumer(AsyncJsonWebsocketConsumer):
        topics = [JobTopic]

    frame = '{"version":1,"topic":"job:j","seq":1,"action":"row_rejected","payload":{"line":3}}'
    violation = ContractChecker().check_frame(JobsConsumer, frame)

    assert violation is not None
    assert "'row_rejected' is not declared" in violation.problem
    assert "a class of your own that extends JobTopic and has `sends = […]`" in violation.fix

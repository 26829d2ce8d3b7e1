"""The hand-written types of chanx.js say of events and snapshots what the Python side says."""

import re
from pathlib import Path

from pydantic import BaseModel

from chanx.bridge import events
from chanx.bridge.snapshot import JobSnapshot

STATIC = Path(__file__).parents[3] / "chanx" / "channels" / "static" / "chanx"
TYPES = (STATIC / "chanx.d.ts").read_text()
VALUE = r"^export (?:class|const|function) (\w+)"


def fields_of(interface: str) -> set[str]:
    """The names of an interface's own fields, without those of objects in it."""
    found = re.search(rf"interface {interface}\b[^{{]*\{{\n(.*?)\n\}}", TYPES, re.DOTALL)
    assert found, interface
    return set(re.findall(r"^  (\w+)\??:", found[1], re.MULTILINE))


def test_every_event_has_its_type() -> None:
    """Given the events of the bridge, when the types are read, then they are the same ones, delivered the same way."""
    known = {
        (model.model_fields["action"].default, model.delivery)
        for model in vars(events).values()
        if isinstance(model, type) and issubclass(model, events.JobEvent) and model is not events.JobEvent
    }

    union = TYPES.partition("export type JobEvent<")[2].partition(";")[0]
    typed = {(action, kind.lower()) for kind, action in re.findall(r'(Log|Latest)Event<"(\w+)"', union)}

    assert typed == known


def test_every_payload_has_its_fields() -> None:
    """Given the payloads of the bridge's events, when the types are read, then they have the same fields."""
    payloads = {
        name: set(model.model_fields)
        for name, model in vars(events).items()
        if isinstance(model, type) and issubclass(model, BaseModel) and name.endswith("Payload")
    }
    assert len(payloads) > 5

    assert {name: fields_of(name) for name in payloads} == payloads


def test_the_snapshot_has_its_fields() -> None:
    """Given the snapshot that goes to a browser, when the types are read, then they have the same fields."""
    sent = {name for name, field in JobSnapshot.model_fields.items() if not field.exclude}

    assert fields_of("JobSnapshot") == sent


def test_every_export_has_its_type() -> None:
    """Given what chanx.js exports, when the types are read, then each of it has one."""
    exported = re.findall(r"export \{([^}]*)\}", (STATIC / "chanx.js").read_text())
    names = {name.strip() for names in exported for name in names.split(",")}
    handed_on = re.findall(r"^  (\w+),$", TYPES.partition("export {")[2].partition("}")[0], re.MULTILINE)
    channels = (STATIC / "channel_client.d.ts").read_text()
    typed = {*re.findall(VALUE, TYPES, re.MULTILINE), *handed_on}

    assert names == typed
    assert set(handed_on) == set(re.findall(VALUE, channels, re.MULTILINE))

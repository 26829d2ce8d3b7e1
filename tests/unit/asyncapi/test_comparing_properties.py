"""What is not called breaking breaks nothing: checked with random schemas, and values of theirs, by ``jsonschema``."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chanx.asyncapi.comparing import changes_between
from tests.unit.asyncapi.documents import with_payload
from tests.unit.asyncapi.schema_pairs import pairs, values

THOROUGH = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def takes(schema: Any, components: dict[str, Any], value: Any) -> bool:
    content = {"allOf": [schema], "components": {"schemas": components}}
    return bool(Draft202012Validator(content).is_valid(value))


def as_read(schema: Any) -> Any:
    """A schema as its reader understands it: what has a default is always there, unknown keys are ignored."""
    schema = copy.deepcopy(schema)
    nodes = [schema]
    while nodes:
        node = nodes.pop()
        if isinstance(node, list):
            nodes += node
        elif isinstance(node, dict):
            if "properties" in node and isinstance(node.get("required"), list):
                defaults = {name for name, value in node["properties"].items() if "default" in value}
                node["required"] = sorted({*node["required"], *defaults})
            if node.get("additionalProperties") is False:
                del node["additionalProperties"]
            nodes += node.values()
    return schema


@THOROUGH
@given(data=st.data(), pair=pairs())
def test_what_clients_send_is_still_taken(data: st.DataObject, pair: Any) -> None:
    """Given no breaking change, When a client sends a value of the old schema, Then it is one of the new schema."""
    old, old_components, new, new_components = pair
    changes = changes_between(
        with_payload("received", old, **old_components), with_payload("received", new, **new_components)
    )
    breaks = any(change.severity == "breaking" for change in changes)
    event(f"breaking: {breaks}, changes: {bool(changes)}")
    assume(not breaks)
    value = data.draw(values(old, old_components, sent=False))
    assume(takes(old, old_components, value))

    assert takes(new, new_components, value)


@THOROUGH
@given(data=st.data(), pair=pairs())
def test_what_the_server_sends_is_still_known(data: st.DataObject, pair: Any) -> None:
    """Given no breaking change, When the server sends a value of the new schema, Then it is one of the old schema."""
    old, old_components, new, new_components = pair
    changes = changes_between(with_payload("sent", old, **old_components), with_payload("sent", new, **new_components))
    breaks = any(change.severity == "breaking" for change in changes)
    event(f"breaking: {breaks}, changes: {bool(changes)}")
    assume(not breaks)
    value = data.draw(values(new, new_components, sent=True))
    assume(takes(new, new_components, value))

    assert takes(as_read(old), as_read(old_components), value)


@THOROUGH
@given(pair=pairs(), role=st.sampled_from(["received", "sent"]))
def test_a_document_has_not_changed_since_itself(pair: Any, role: str) -> None:
    schema, components, _, _ = pair
    document = with_payload(role, schema, **components)

    assert changes_between(document, copy.deepcopy(document)) == []


@THOROUGH
@given(pair=pairs())
def test_what_is_compatible_one_way_is_no_news_to_the_other(pair: Any) -> None:
    """What breaks a receiver's clients one way is what does not break a sender's, fields that are ignored aside."""
    old, old_components, new, new_components = pair
    there = changes_between(
        with_payload("received", old, **old_components), with_payload("received", new, **new_components)
    )
    back = changes_between(
        with_payload("received", new, **new_components), with_payload("received", old, **old_components)
    )

    assert bool(there) == bool(back)

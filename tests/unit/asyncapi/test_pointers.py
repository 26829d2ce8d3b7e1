"""References of a document, and those who follow them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.asyncapi.comparing import changes_between
from chanx.asyncapi.contract import DocumentContract
from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.asyncapi.page.rendering import render_page
from chanx.asyncapi.pointers import at_pointer, escaped, key_of
from chanx.client_generator.reading import protocol_of
from chanx.core.decorators import channel
from chanx.routing.discovery import RouteInfo
from tests.unit.asyncapi.document_consumers import consumer, message
from tests.unit.asyncapi.documents import REF


def requests_of(document: Any) -> list[str]:
    """What generated clients can ask for."""
    channels = [connection.own for connection in protocol_of(document).connections]
    return [request.name for channel in channels if channel is not None for request in channel.requests]


@given(st.text())
def test_any_key_can_be_written_and_read(key: str) -> None:
    reference = f"#/channels/{escaped(key)}"
    assert key_of(reference) == key
    assert at_pointer({"channels": {key: 1}}, reference) == 1


@pytest.mark.parametrize("name", ["100%", "a%20b", "a/b", "a~b", "a b", "größe"])
def test_whoever_reads_a_document_finds_a_channel_of_any_name(name: str) -> None:
    """
    Given: a document with a channel whose name is escaped in references
    When: the documentation page, generated clients and what compares documents read it
    Then: each finds the channel's message
    """
    odd = channel(name=name)(consumer(message(int)))
    document = AsyncAPIGenerator([RouteInfo("/", None, "ws://localhost", odd)]).generate()
    assert list(DocumentContract(document).channels[name].received) == ["message"]
    assert 'id="schema-Message"' in render_page(document)
    assert requests_of(document) == ["handle"]
    assert changes_between(document, document) == []


def test_clients_find_what_others_escape_in_another_way() -> None:
    """
    Given: a document of another tool, in whose references more is escaped than has to be
    When: it is read
    Then: what they name is found, and is one thing
    """
    odd: Any = channel(name="a b")(consumer(message(int)))
    document = AsyncAPIGenerator([RouteInfo("/", None, "ws://localhost", odd)]).generate()
    document["operations"]["handle"]["channel"]["$ref"] = "#/channels/%61%20b"
    document["components"]["messages"]["message"]["payload"]["$ref"] = REF + "%4Dessage"
    assert requests_of(document) == ["handle"]
    assert [declared.name for declared in protocol_of(document).declarations] == ["Message"]

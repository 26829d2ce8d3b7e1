"""The official parser of AsyncAPI, ``@asyncapi/parser``, has nothing against the documents."""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings

from chanx.asyncapi.exporting import Wanted
from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.asyncapi.text import document_text
from chanx.core.topic import Topic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.fast_channels.documents import exported_document
from chanx.routing.discovery import RouteInfo
from tests.node_tools import node_packages, run_node
from tests.unit.asyncapi.random_models import any_model
from tests.unit.asyncapi.test_document_properties import consumer_of
from tests.unit.fast_channels import chat_app

Document: TypeAlias = dict[str, Any]
Finding: TypeAlias = dict[str, Any]

ROOT = Path(__file__).parents[2]
VALIDATE = ROOT / "tests" / "node" / "validate.mjs"

ALLOWED = {
    # Documents are of version 3.0.0, which tools and projects expect; 3.1.0 has nothing that they would use.
    "asyncapi-latest-version",
}
PACKAGES = (
    "tests.unit.channels",
    "tests.unit.core",
    "tests.unit.fast_channels",
    "tests.unit.flavours",
    "tests.unit.bridge",
)
SPECIFICATION = ("tests.acceptance.specification_messages", "tests.acceptance.specification_samples")

SITE, CHAT, COLLECTED, CAMELIZED = "example site", "FastAPI", "consumers of tests", "consumers of tests, camelized"
RANDOM = "random types"
BROKEN: Document = {
    "asyncapi": "3.0.0",
    "info": {"title": "Broken", "version": "1"},
    "channels": {"chat": {"address": "/ws", "messages": {"ping": {"$ref": "#/components/messages/nothing"}}}},
    "operations": {"ping": {"action": "reply", "channel": {"$ref": "#/channels/other"}}},
}


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Document]:
    """Documents of many kinds by name."""
    routes = list(routes_of_tests())
    return {
        SITE: document_of_site(tmp_path_factory.mktemp("site")),
        CHAT: exported_document(chat_app.app, Wanted()),
        COLLECTED: AsyncAPIGenerator(routes).generate(),
        CAMELIZED: AsyncAPIGenerator(routes, camelize=True).generate(),
        RANDOM: AsyncAPIGenerator(list(random_routes())).generate(),
        "empty": AsyncAPIGenerator([]).generate(),
        "below a prefix": exported_document(chat_app.app, Wanted(base_url="wss://example.com/live")),
        "broken": BROKEN,
    }


@pytest.fixture(scope="module")
def findings(documents: dict[str, Document], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Finding]]:
    """What the parser says about each."""
    directory = tmp_path_factory.mktemp("documents")
    files = {name: directory / f"{number}.json" for number, name in enumerate(documents)}
    for name, file in files.items():
        file.write_text(document_text(documents[name], "json"), encoding="utf-8")
    done = run_node(VALIDATE, *files.values(), cwd=node_packages())
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return {name: found[str(file)] for name, file in files.items()}


def document_of_site(directory: Path) -> Document:
    command = [sys.executable, "-m", "chanx.cli", "asyncapi", "--settings", "example_site.settings", "--format", "json"]
    environment = {**os.environ, "EXAMPLE_DATA_DIR": str(directory)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    document: Document = json.loads(done.stdout)
    return document


def routes_of_tests() -> Iterator[RouteInfo]:
    """One route to every consumer and every topic that a module of these packages has."""
    modules = [*SPECIFICATION]
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        modules += [info.name for info in pkgutil.iter_modules(path, f"{package}.")]
    for name in modules:
        for found in vars(importlib.import_module(name)).values():
            is_one = isinstance(found, type) and issubclass(found, ChanxWebsocketConsumerMixin | Topic)
            if is_one and found.__module__ == name:
                topic = found if issubclass(found, Topic) else None
                yield RouteInfo(f"/{name}/{found.__qualname__}/{{pk}}", None, "", found, {"pk": "str"}, topic)


def random_routes() -> Iterator[RouteInfo]:
    """Routes to consumers of messages of random types, every other one with camelCase keys; always the same ones."""
    payloads: list[Any] = []

    @settings(max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(any_model)
    def draw(payload: Any) -> None:
        payloads.append(payload)

    draw()
    for number, payload in enumerate(payloads):
        consumer = consumer_of(payload, "action", camelize=number % 2 == 1)
        yield RouteInfo(f"/random/{number}", None, "", consumer)


@pytest.mark.parametrize("name", [SITE, CHAT, COLLECTED, CAMELIZED, RANDOM, "empty", "below a prefix"])
def test_no_errors_and_no_warnings(findings: dict[str, list[Finding]], name: str) -> None:
    """
    Given: a document as chanx makes it
    When: the official parser reads it
    Then: it finds nothing, except for what is allowed above
    """
    assert [found for found in findings[name] if found["code"] not in ALLOWED] == []


def test_what_is_allowed_is_found(findings: dict[str, list[Finding]]) -> None:
    assert {found["code"] for name in (SITE, CHAT, COLLECTED) for found in findings[name]} >= ALLOWED


def test_the_parser_finds_what_is_wrong(findings: dict[str, list[Finding]]) -> None:
    """
    Given: a document with a reference to nothing, and an action that there is not
    When: the parser reads it
    Then: it says both
    """
    paths = {found["path"] for found in findings["broken"] if found["severity"] == 0}
    assert any(path.startswith("channels.chat.messages.ping") for path in paths)
    assert any(path.startswith("operations.ping") for path in paths)


def test_many_consumers_are_looked_at(documents: dict[str, Document]) -> None:
    """So that a collection that finds nothing does not pass."""
    collected = documents[COLLECTED]
    assert len(collected["channels"]) > 80
    assert len(collected["operations"]) > 120
    assert any("x-topic" in channel for channel in collected["channels"].values())
    schemas = json.dumps(collected["components"]["schemas"])
    for kind in ("anyOf", "oneOf", "discriminator", "enum", "additionalProperties"):
        assert f'"{kind}"' in schemas

"""``manage.py generate_asyncapi_schema``."""

import json
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from chanx.channels.management.commands.generate_asyncapi_schema import Command
from chanx.channels.utils.settings import override_chanx_settings

SITE = "tests.unit.channels.documented"


@pytest.fixture(autouse=True)
def project(settings: Any) -> None:
    settings.ASGI_APPLICATION = f"{SITE}.application"


def printed(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command("generate_asyncapi_schema", *arguments, stdout=out, **options)
    return out.getvalue()


def test_yaml_on_the_standard_output() -> None:
    """
    Given: a project with one consumer
    When: the command runs without options
    Then: its output is the document as YAML and nothing else, for the development server
    """
    document = yaml.safe_load(printed())
    assert list(document) == ["asyncapi", "info", "servers", "channels", "operations", "components"]
    assert document["info"] == {"title": "AsyncAPI Documentation", "version": "1.0.0"}
    assert document["servers"] == {"development": {"host": "localhost:8000", "protocol": "ws"}}
    assert list(document["channels"]) == ["chat"]


def test_json() -> None:
    assert json.loads(printed(format="json")) == yaml.safe_load(printed())


def test_options_count_before_settings() -> None:
    with override_chanx_settings(ASYNCAPI_TITLE="Shop", ASYNCAPI_VERSION="2", WEBSOCKET_BASE_URL="wss://shop.example"):
        from_settings = json.loads(printed("--format", "json"))
        said = ["--title", "Ours", "--api-version", "3", "--description", "", "--base-url", "https://ours.example"]
        from_options = json.loads(printed("--format", "json", *said))
    assert from_settings["info"] == {"title": "Shop", "version": "2"}
    assert from_settings["servers"] == {"production": {"host": "shop.example", "protocol": "wss"}}
    assert from_options["info"] == {"title": "Ours", "version": "3"}
    assert from_options["servers"] == {"production": {"host": "ours.example", "protocol": "wss"}}


@pytest.mark.parametrize(
    ("name", "arguments", "read"),
    [
        ("schema.yaml", [], yaml.safe_load),
        ("schema.json", [], json.loads),
        ("schema.json", ["--format", "yaml"], yaml.safe_load),
        ("schema", ["--format", "json"], json.loads),
    ],
)
def test_into_a_file(tmp_path: Path, name: str, arguments: list[str], read: Any) -> None:
    file = tmp_path / name
    file.write_text("an older and longer text " * 1000)
    assert "successfully generated" in printed("--file", str(file), *arguments)
    assert b"\r" not in file.read_bytes()
    assert read(file.read_text("utf-8"))["channels"]["chat"]["tags"] == [{"name": "chat"}]


def test_twice_is_the_same() -> None:
    assert printed() == printed()


def test_into_no_directory(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="directory that exists"):
        printed("--file", str(tmp_path / "missing" / "schema.yaml"))


def test_yaml_without_pyyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(CommandError, match="PyYAML is not installed"):
        printed()
    assert json.loads(printed("--format", "json"))


def test_another_way_to_find_routes() -> None:
    error = StringIO()
    document = yaml.safe_load(printed(discovery_class=f"{SITE}.NoRoutes", stderr=error))
    assert document["channels"] == {}
    assert "ProtocolTypeRouter" in error.getvalue()


@pytest.mark.parametrize("name", ["no.such.Thing", f"{SITE}.Nothing", "nothing", f"{SITE}.ChatConsumer"])
def test_a_class_that_finds_no_routes(name: str) -> None:
    with pytest.raises(CommandError, match="RouteDiscovery"):
        printed(discovery_class=name)


def test_no_routes_are_no_error(settings: Any) -> None:
    del settings.ASGI_APPLICATION
    assert yaml.safe_load(printed(stderr=StringIO()))["channels"] == {}


def test_a_base_url_of_another_kind() -> None:
    with pytest.raises(CommandError, match="wss://example"):
        printed("--base-url", "ftp://example.com")


def test_what_the_project_prints_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(f"{SITE}.NoRoutes.get_websocket_application", lambda self: sys.stdout.write("loading") and None)
    call_command("generate_asyncapi_schema", "--discovery-class", f"{SITE}.NoRoutes")
    captured = capsys.readouterr()
    assert "loading" not in captured.out
    assert "loading" in captured.err


def test_its_help() -> None:
    assert "AsyncAPI 3.0-compliant schema" in Command.help

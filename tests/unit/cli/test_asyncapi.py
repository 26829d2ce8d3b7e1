"""``chanx asyncapi``, as it is typed: each in a process of its own, in a directory with a project."""

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from click.testing import CliRunner

from chanx.cli.main import cli

ROOT = Path(__file__).parents[3]

CONSUMER = """
    from typing import Literal
    from chanx.core.decorators import ws_handler
    from chanx.messages.base import BaseMessage

    class Say(BaseMessage):
        action: Literal["say"] = "say"
        payload: str
    """
FASTAPI = """
    from fastapi import FastAPI
    from starlette.routing import WebSocketRoute
    from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
    from messages import Say, ws_handler

    class Chat(AsyncJsonWebsocketConsumer):
        @ws_handler
        async def say(self, message: Say) -> Say: ...

    print("loading")

    class Sites:
        app = FastAPI(title="Chat", version="3", routes=[WebSocketRoute("/ws/{room}", Chat.as_asgi())])

    app = Sites.app

    def make_app():
        return app

    def not_made(settings):
        return app
    """
DJANGO_SETTINGS = """
    print("loading")
    SECRET_KEY = "for tests"
    INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "channels", "chanx.channels"]
    ASGI_APPLICATION = "site_asgi.application"
    CHANX = {"ASYNCAPI_TITLE": "Shop"}
    """
DJANGO_ASGI = """
    from channels.routing import ProtocolTypeRouter, URLRouter
    from chanx.channels.routing import path
    from chanx.channels.websocket import AsyncJsonWebsocketConsumer
    from messages import Say, ws_handler

    class Chat(AsyncJsonWebsocketConsumer):
        @ws_handler
        async def say(self, message: Say) -> Say: ...

    application = ProtocolTypeRouter({"websocket": URLRouter([path("ws/<int:pk>/", Chat.as_asgi())])})
    """


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory with a FastAPI application (``site_app``) and a Django project (``site_settings``)."""
    sources = {"messages": CONSUMER, "site_app": FASTAPI, "site_settings": DJANGO_SETTINGS, "site_asgi": DJANGO_ASGI}
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(dedent(source))
    return tmp_path


def run(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        # As the script that pip installs does, which has its own directory in front, not the current one.
        [sys.executable, "-P", "-m", "chanx.cli", "asyncapi", *arguments],
        cwd=project,
        env={**plain, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.parametrize("name", ["site_app:app", "site_app", "site_app:Sites.app", "site_app:make_app"])
def test_of_a_fastapi_application(project: Path, name: str) -> None:
    """
    Given: an application in the current directory, which prints while it is imported
    When: its document is asked for
    Then: the standard output is the document alone
    """
    done = run(project, "--app", name)
    assert done.returncode == 0, done.stderr
    document = yaml.safe_load(done.stdout)
    assert document["info"] == {"title": "Chat AsyncAPI documentation", "version": "3"}
    assert document["servers"] == {"development": {"host": "localhost:8000", "protocol": "ws"}}
    assert document["channels"]["chat"]["address"] == "/ws/{room}"
    assert "loading" in done.stderr


def test_of_a_django_project(project: Path) -> None:
    by_option = run(project, "--settings", "site_settings")
    by_environment = run(project, DJANGO_SETTINGS_MODULE="site_settings")
    assert by_option.returncode == 0, by_option.stderr
    document = yaml.safe_load(by_option.stdout)
    assert document["info"] == {"title": "Shop", "version": "1.0.0"}
    assert document["channels"]["chat"]["address"] == "ws/{pk}/"
    assert by_environment.stdout == by_option.stdout


@pytest.mark.parametrize("of", [("--app", "site_app:app"), ("--settings", "site_settings")])
def test_the_same_options_for_both(project: Path, of: tuple[str, str]) -> None:
    said = ["--title", "Ours", "--api-version", "9", "--description", "D", "--base-url", "https://chat.example"]
    done = run(project, *of, *said, "--file", "out.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "AsyncAPI schema successfully generated: out.json\n"
    document = json.loads((project / "out.json").read_text("utf-8"))
    assert document["info"] == {"title": "Ours", "version": "9", "description": "D"}
    assert document["servers"] == {"production": {"host": "chat.example", "protocol": "wss"}}
    assert json.loads(run(project, *of, *said, "--format", "json").stdout) == document


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "--settings project.settings for Django, or --app module:app for FastAPI"),
        (["--app", "a:b", "--settings", "c"], 2, "give one of them"),
        (["--app", "no_such_module:app"], 1, "there is no module 'no_such_module'"),
        (["--app", "site_app:nothing"], 1, "Write it as module:name, such as main:app"),
        (["--app", "site_app:not_made"], 1, "takes arguments"),
        (["--app", ":app"], 1, "there is no module ''"),
        (["--app", "no_package.module:app"], 1, "there is no module 'no_package.module'"),
        (["--settings", "no.such.settings"], 1, "there is no module 'no.such.settings'"),
        (["--app", "site_app:app", "--base-url", "ftp://x"], 1, "wss://example.com"),
        (["--app", "site_app:app", "--file", "missing/out.yaml"], 1, "a directory that exists"),
        (["--app", "site_app:app", "--discovery-class", "json.JSONEncoder"], 1, "RouteDiscovery"),
        (["--app", "site_app:app", "--format", "xml"], 2, "xml"),
    ],
)
def test_mistakes(project: Path, arguments: list[str], code: int, says: str) -> None:
    done = run(project, *arguments)
    assert done.returncode == code, done.stderr
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["broken.py", "broken/__init__.py"])
def test_an_error_of_the_projects_own_is_shown_whole(project: Path, name: str) -> None:
    file = project / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("import module_that_nobody_has")
    done = run(project, "--app", "broken:app" if name == "broken.py" else "broken.part:app")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "module_that_nobody_has" in done.stderr


def test_a_field_that_has_no_schema(project: Path) -> None:
    """
    Given: a consumer whose message has a field that JSON has nothing for
    When: its document is asked for
    Then: the error says which one it is and what to do, and no file is begun
    """
    odd = """
        from collections.abc import Callable
        from typing import Literal
        from fastapi import FastAPI
        from starlette.routing import WebSocketRoute
        from chanx.core.decorators import ws_handler
        from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
        from chanx.messages.base import BaseMessage

        class Odd(BaseMessage):
            action: Literal["odd"] = "odd"
            payload: Callable[[int], int]

        class OddConsumer(AsyncJsonWebsocketConsumer):
            @ws_handler
            async def odd(self, message: Odd) -> None: ...

        app = FastAPI(routes=[WebSocketRoute("/", OddConsumer.as_asgi())])
        """
    (project / "odd.py").write_text(dedent(odd))
    done = run(project, "--app", "odd", "--file", "out.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Odd.payload has no JSON schema" in done.stderr
    assert "WithJsonSchema" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "out.yaml").exists()


def test_django_settings_that_miss_something(project: Path) -> None:
    (project / "poor_settings.py").write_text("ASGI_APPLICATION = 'nothing.application'")
    done = run(project, "--settings", "poor_settings")
    assert done.returncode == 1
    assert "The Django project cannot be loaded" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_consumers_are_no_error_but_said(project: Path) -> None:
    (project / "empty.py").write_text("from fastapi import FastAPI\napp = FastAPI()")
    done = run(project, "--app", "empty:app")
    assert done.returncode == 0
    assert yaml.safe_load(done.stdout)["channels"] == {}
    assert "No route leads to a chanx consumer" in done.stderr


def test_its_help() -> None:
    result = CliRunner().invoke(cli, ["asyncapi", "--help"])
    assert result.exit_code == 0
    for option in ("--settings", "--app", "--format", "--file", "--base-url", "--api-version", "--discovery-class"):
        assert option in result.output

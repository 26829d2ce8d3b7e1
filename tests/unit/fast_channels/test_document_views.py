"""The document and its page on FastAPI."""

import json
import sys
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
import yaml
from fastapi import FastAPI, Request
from httpx import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from chanx.fast_channels import asyncapi_docs, asyncapi_spec_json, views
from chanx.fast_channels.type_defs import AsyncAPIConfig
from chanx.fast_channels.utils import build_default_config_from_app, merge_configs
from tests.unit.fast_channels import chat_app


async def get(
    path: str, app: Any = chat_app.app, base: str = "http://testserver", root_path: str = "", **headers: str
) -> Response:
    transport = ASGITransport(app, root_path=root_path)
    async with AsyncClient(transport=transport, base_url=base) as client:
        return await client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def with_config(config: AsyncAPIConfig | None, app: Any = chat_app.app) -> Starlette:
    async def schema(request: Request) -> Any:
        return await asyncapi_spec_json(request, app, config)

    async def docs(request: Request) -> Any:
        return await asyncapi_docs(request, app, config)

    return Starlette(routes=[Route("/schema", schema), Route("/docs", docs)])


def broken(*_: object) -> dict[str, Any]:
    raise RuntimeError("the <schema> is broken")


class TestSchema:
    async def test_as_json(self) -> None:
        """
        Given: an application with consumers
        When: its document is asked for
        Then: it has the application's title, version and description, and the request's host
        """
        response = await get("/asyncapi.json")
        assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
        document = response.json()
        assert document["info"] == {
            "title": "Chat AsyncAPI documentation",
            "version": "2.0.1",
            "description": "Chats with ümlauts.",
        }
        assert document["servers"] == {"production": {"host": "testserver", "protocol": "ws"}}
        assert document["channels"]["chat"]["address"] == "/ws/chat/{room_name}"
        assert document["channels"]["room"]["address"] == "/dedicated/rooms/{room_name}"

    async def test_as_yaml(self) -> None:
        response = await get("/asyncapi.yaml")
        assert (response.status_code, response.headers["Content-Type"]) == (200, "application/x-yaml")
        as_json = (await get("/asyncapi.json")).json()
        assert yaml.safe_load(response.content) == as_json
        assert list(yaml.safe_load(response.content)["operations"]) == list(as_json["operations"])
        assert "ümlauts" in response.text

    async def test_https_is_wss(self) -> None:
        servers = (await get("/asyncapi.json", base="https://localhost:8443")).json()["servers"]
        assert servers == {"development": {"host": "localhost:8443", "protocol": "wss"}}

    async def test_what_the_project_says_counts(self) -> None:
        config = AsyncAPIConfig(
            title="Ours", version="3", description="D", server_url="chat.example", server_protocol="wss", camelize=True
        )
        document = (await get("/schema", with_config(config))).json()
        assert document["info"] == {"title": "Ours", "version": "3", "description": "D"}
        assert document["servers"] == {"production": {"host": "chat.example", "protocol": "wss"}}
        assert "listPeople" in document["operations"]

    async def test_an_application_that_says_nothing(self) -> None:
        app = SimpleNamespace(title="", version=None, description="", routes=[])
        info = (await get("/schema", with_config(None, app))).json()["info"]
        assert (info["title"], info["version"]) == ("AsyncAPI Documentation", "1.0.0")
        assert not info.get("description")

    async def test_one_that_cannot_be_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(views, "generate_asyncapi_schema", broken)
        for path in ("/asyncapi.json", "/asyncapi.yaml"):
            response = await get(path)
            assert (response.status_code, response.headers["Content-Type"]) == (500, "application/json")
            assert response.json() == {"error": "the <schema> is broken"}

    async def test_yaml_without_pyyaml(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "yaml", None)
        response = await get("/asyncapi.yaml")
        assert (response.status_code, response.headers["Content-Type"]) == (400, "application/json")
        assert "PyYAML" in response.json()["error"]

    async def test_kept_until_it_changes(self) -> None:
        etag = (await get("/asyncapi.json")).headers["ETag"]
        assert (await get("/asyncapi.json", if_none_match=etag)).status_code == 304

    async def test_of_a_request_double(self) -> None:
        """
        Given: a project's own unit test, which gives a double for the request
        When: it calls the view
        Then: the response is that of a plain request
        """
        request = Mock()
        request.url.netloc, request.url.scheme = "testserver", "http"
        response = await asyncapi_spec_json(cast(Request, request), chat_app.app)
        assert json.loads(response.body) == (await get("/asyncapi.json")).json()
        assert (await asyncapi_docs(cast(Request, request), chat_app.app)).status_code == 200


class TestPrefixes:
    async def test_behind_a_proxy(self) -> None:
        servers = (await get("/chat/asyncapi.json", root_path="/chat")).json()["servers"]
        assert servers["production"]["pathname"] == "/chat"

    async def test_of_an_application_that_is_mounted(self) -> None:
        document = (await get("/part/asyncapi.json", Starlette(routes=[Mount("/part", chat_app.app)]))).json()
        assert document["servers"]["production"]["pathname"] == "/part"
        assert document["channels"]["chat"]["address"] == "/ws/chat/{room_name}"

    async def test_of_the_whole_asked_in_a_part(self) -> None:
        """
        Given: an application in which another one is mounted, whose view shows the outer one's document
        When: it is asked for
        Then: addresses have where the part is mounted already, so the server has it not
        """
        part = FastAPI()
        whole = Starlette(routes=[Mount("/part", part), Mount("/chat", chat_app.app)])

        @part.get("/schema")
        async def schema(request: Request) -> Any:
            return await asyncapi_spec_json(request, whole)

        document = (await get("/part/schema", whole)).json()
        assert document["servers"]["production"] == {"host": "testserver", "protocol": "ws"}
        assert document["channels"]["chat"]["address"] == "/chat/ws/chat/{room_name}"

    async def test_a_server_of_the_projects_own_has_its_own(self) -> None:
        config = AsyncAPIConfig(server_url="wss://chat.example/live")
        document = (await get("/schema", with_config(config))).json()
        assert document["servers"]["production"] == {
            "host": "chat.example",
            "protocol": "wss",
            "pathname": "/live",
        }


class TestDocs:
    async def test_the_page(self) -> None:
        response = await get("/asyncapi")
        assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "<title>Chat AsyncAPI documentation</title>" in response.text
        assert "Say something, and read what others say." in response.text
        assert 'src="http' not in response.text

    async def test_what_it_loads_is_there(self) -> None:
        for name in ("page.css", "page.js", "icon.svg"):
            assert (await get(f"/asyncapi?asset={name}")).status_code == 200
        assert "?asset=page.css" in (await get("/asyncapi")).text
        assert (await get("/asyncapi?asset=../rendering.py")).status_code == 404

    async def test_the_document_is_there_too(self) -> None:
        assert (await get("/asyncapi?format=json")).json() == (await get("/asyncapi.json")).json()
        assert (await get("/asyncapi?format=yaml")).text == (await get("/asyncapi.yaml")).text
        assert (await get("/asyncapi?format=xml")).status_code == 400

    async def test_one_that_cannot_be_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(views, "generate_asyncapi_schema", broken)
        response = await get("/asyncapi")
        assert (response.status_code, response.headers["Content-Type"]) == (500, "text/html; charset=utf-8")
        assert "Error" in response.text
        assert "the &lt;schema&gt; is broken" in response.text

    async def test_on_the_react_component(self) -> None:
        config = AsyncAPIConfig(react_component_url="https://cdn.example/react")
        page = (await get("/docs", with_config(config))).text
        assert 'src="https://cdn.example/react/browser/standalone/index.js"' in page
        assert 'id="asyncapi"' in page


class TestConfig:
    def test_of_the_application_and_the_request(self) -> None:
        request = Mock()
        request.url.netloc, request.url.scheme = "chat.example", "https"
        assert build_default_config_from_app(request, chat_app.app) == {
            "title": "Chat AsyncAPI documentation",
            "version": "2.0.1",
            "description": "Chats with ümlauts.",
            "server_url": "chat.example",
            "server_protocol": "wss",
            "camelize": False,
        }

    def test_the_projects_own_counts_where_it_says_something(self) -> None:
        default = AsyncAPIConfig(title="A", version="1", description="D")
        assert merge_configs(default, {"title": "B", "version": None}) == {
            "title": "B",
            "version": "1",
            "description": "D",
        }
        assert merge_configs(default, None) == default
        assert default == {"title": "A", "version": "1", "description": "D"}


async def test_middleware_around_the_application_is_looked_through() -> None:
    class Around:
        def __init__(self, app: Any) -> None:
            self.app = app

    document = (await get("/schema", with_config(None, Around(chat_app.app)))).json()
    assert document["info"]["title"] == "Chat AsyncAPI documentation"
    assert "chat" in document["channels"]

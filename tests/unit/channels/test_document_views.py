"""The document and its page on Django."""

import json
import sys
from typing import Any

import pytest
import yaml
from django.test import Client
from django.urls import reverse

from chanx.channels import views
from chanx.channels.utils.settings import override_chanx_settings

SITE = "tests.unit.channels.documented"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]


@pytest.fixture(autouse=True)
def project(settings: Any) -> None:
    settings.ROOT_URLCONF = SITE
    settings.ASGI_APPLICATION = f"{SITE}.application"
    settings.ALLOWED_HOSTS = ["testserver", "example.com"]
    settings.TEMPLATES = TEMPLATES


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def broken(*_: object) -> dict[str, Any]:
    raise RuntimeError("the <schema> is broken")


class TestSchema:
    URL = "/asyncapi/schema/"

    def test_its_name(self) -> None:
        assert reverse("asyncapi_schema") == self.URL

    @pytest.mark.parametrize("query", ["", "?format=json"])
    def test_as_json(self, client: Client, query: str) -> None:
        """
        Given: a project with one consumer
        When: its document is asked for
        Then: it has the defaults of the settings, and the request's host
        """
        response = client.get(self.URL + query)
        assert (response.status_code, response["Content-Type"]) == (200, "application/json")
        document = response.json()
        assert document["info"] == {"title": "AsyncAPI Documentation", "version": "1.0.0"}
        assert document["servers"] == {"production": {"host": "testserver", "protocol": "ws"}}
        assert document["channels"]["chat"]["address"] == "ws/{pk}/"
        assert list(document["operations"]) == ["say", "say_twice"]

    def test_as_yaml(self, client: Client) -> None:
        response = client.get(self.URL, {"format": "yaml"})
        assert (response.status_code, response["Content-Type"]) == (200, "application/yaml")
        assert yaml.safe_load(response.content) == client.get(self.URL).json()
        assert list(yaml.safe_load(response.content)) == list(client.get(self.URL).json())
        assert "ümlauts" in response.content.decode()

    def test_another_format(self, client: Client) -> None:
        response = client.get(self.URL, {"format": "<b>xml</b>"})
        assert (response.status_code, response["Content-Type"]) == (400, "application/json")
        assert "xml" not in response.content.decode()
        assert "json or yaml" in response.json()["error"]

    def test_one_that_cannot_be_made(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(views, "generate_asyncapi_schema", broken)
        response = client.get(self.URL)
        assert (response.status_code, response["Content-Type"]) == (500, "application/json")
        assert response.json() == {"error": "the <schema> is broken"}

    def test_yaml_without_pyyaml(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "yaml", None)
        response = client.get(self.URL, {"format": "yaml"})
        assert response.status_code == 400
        assert "PyYAML" in response.json()["error"]

    def test_the_settings_count(self, client: Client) -> None:
        said = {"ASYNCAPI_TITLE": "Shop", "ASYNCAPI_VERSION": "2.1", "ASYNCAPI_DESCRIPTION": "Buys."}
        with override_chanx_settings(**said, ASYNCAPI_SERVER_URL="localhost:9000", ASYNCAPI_SERVER_PROTOCOL="wss"):
            document = client.get(self.URL).json()
        assert document["info"] == {"title": "Shop", "version": "2.1", "description": "Buys."}
        assert document["servers"] == {"development": {"host": "localhost:9000", "protocol": "wss"}}

    def test_a_server_with_its_scheme_and_path(self, client: Client) -> None:
        with override_chanx_settings(ASYNCAPI_SERVER_URL="https://live.example.com/ws"):
            document = client.get(self.URL).json()
        server = {"host": "live.example.com", "protocol": "wss", "pathname": "/ws"}
        assert document["servers"] == {"production": server}

    def test_https_is_wss(self, client: Client) -> None:
        server = client.get(self.URL, secure=True).json()["servers"]["production"]
        assert server == {"host": "testserver", "protocol": "wss"}

    def test_https_in_front_of_a_proxy_is_wss(self, client: Client, settings: Any) -> None:
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        document = client.get(self.URL, headers={"x-forwarded-proto": "https"}).json()
        assert document["servers"]["production"]["protocol"] == "wss"

    def test_below_a_prefix(self, client: Client) -> None:
        document = client.get(self.URL, SCRIPT_NAME="/shop").json()
        assert document["servers"]["production"]["pathname"] == "/shop"

    def test_camelized_as_the_wire_is(self, client: Client) -> None:
        with override_chanx_settings(CAMELIZE=True):
            document = client.get(self.URL).json()
        assert list(document["operations"]) == ["say", "sayTwice"]
        assert set(document["components"]["schemas"]["SayTwice"]["properties"]) == {"action", "payload", "firstWords"}

    def test_a_host_that_is_not_allowed_is_told_nothing(self, client: Client) -> None:
        response = client.get(self.URL, headers={"host": "evil.example"})
        assert response.status_code == 400
        assert b"channels" not in response.content

    def test_kept_until_it_changes(self, client: Client) -> None:
        first = client.get(self.URL)
        assert first["Cache-Control"] == "no-cache"
        again = client.get(self.URL, headers={"if-none-match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        with override_chanx_settings(ASYNCAPI_TITLE="Shop"):
            assert client.get(self.URL, headers={"if-none-match": first["ETag"]}).status_code == 200

    def test_only_reading(self, client: Client) -> None:
        assert client.head(self.URL).status_code == 200
        for method in ("post", "put", "patch", "delete", "options"):
            assert getattr(client, method)(self.URL).status_code == 405

    def test_in_a_project_without_websockets(self, client: Client, settings: Any) -> None:
        del settings.ASGI_APPLICATION
        assert client.get(self.URL).json()["channels"] == {}


class TestDocs:
    URL = "/asyncapi/docs/"

    def test_the_page(self, client: Client) -> None:
        """
        Given: a project with one consumer
        When: the page is opened
        Then: it shows the consumer, and names no other host
        """
        response = client.get(reverse("asyncapi_docs"))
        assert (response.status_code, response["Content-Type"]) == (200, "text/html; charset=utf-8")
        page = response.content.decode()
        assert "<title>AsyncAPI Documentation</title>" in page
        assert "One room." in page
        assert "Say something" in page
        assert 'src="http' not in page

    def test_what_it_loads_is_there(self, client: Client) -> None:
        for name in ("page.css", "page.js", "icon.svg"):
            response = client.get(self.URL, {"asset": name})
            assert response.status_code == 200
            assert client.get(self.URL, {"asset": name}, headers={"if-none-match": response["ETag"]}).status_code == 304

    def test_other_files_are_not(self, client: Client) -> None:
        assert client.get(self.URL, {"asset": "../../settings.py"}).status_code == 404

    def test_the_document_is_there_too(self, client: Client) -> None:
        assert json.loads(client.get(self.URL, {"format": "json"}).content) == client.get("/asyncapi/schema/").json()
        assert client.get(self.URL, {"format": "yaml"})["Content-Type"] == "application/yaml"

    def test_one_that_cannot_be_made(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(views, "generate_asyncapi_schema", broken)
        response = client.get(self.URL)
        assert (response.status_code, response["Content-Type"]) == (500, "text/html; charset=utf-8")
        assert "Error" in response.content.decode()
        assert "the &lt;schema&gt; is broken" in response.content.decode()

    def test_in_a_frame_of_the_project(self, client: Client, settings: Any, tmp_path: Any) -> None:
        """
        Given: a project with a template of that name, which extends chanx's
        When: the page is opened
        Then: it has the project's parts, and the page in them
        """
        template = tmp_path / "channels" / "asyncapi_docs.html"
        template.parent.mkdir()
        template.write_text(
            "{% extends 'channels/asyncapi_docs.html' %}{% block title %}Ours: {{ block.super }}{% endblock %}"
        )
        settings.TEMPLATES = [{**TEMPLATES[0], "DIRS": [str(tmp_path)]}]
        page = client.get(self.URL).content.decode()
        assert "<title>Ours: AsyncAPI Documentation</title>" in page
        assert "One room." in page

    def test_in_a_project_without_templates(self, client: Client, settings: Any) -> None:
        settings.TEMPLATES = []
        assert "One room." in client.get(self.URL).content.decode()

    def test_a_template_that_is_missing_is_said(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(views.AsyncAPIDocsView, "template_name", "shop/docs.html")
        response = client.get(self.URL)
        assert response.status_code == 500
        assert "shop/docs.html" in response.content.decode()

    def test_on_the_react_component(self, client: Client) -> None:
        with override_chanx_settings(ASYNCAPI_REACT_COMPONENT_URL="https://cdn.example/react"):
            page = client.get(self.URL).content.decode()
        assert 'src="https://cdn.example/react/browser/standalone/index.js"' in page
        assert 'id="asyncapi"' in page

    def test_only_reading(self, client: Client) -> None:
        assert client.head(self.URL).status_code == 200
        assert client.post(self.URL).status_code == 405

    def test_a_host_that_is_not_allowed_is_told_nothing(self, client: Client) -> None:
        assert client.get(self.URL, headers={"host": "evil.example"}).status_code == 400

"""What the endpoints answer, without a web framework."""

import json
import logging
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from chanx.asyncapi.page import whole_page
from chanx.asyncapi.react_page import react_page_parts
from chanx.asyncapi.serving import Answer, Docs, docs_answer, document_answer

ROOT = Path(__file__).parents[3]
YAML = "application/yaml"

DOCUMENT: dict[str, Any] = {
    "asyncapi": "3.0.0",
    "info": {"title": "Chats & <b>more</b>", "version": "1.0.0"},
    "servers": {"development": {"host": "localhost:8000", "protocol": "ws"}},
    "channels": {},
    "operations": {},
    "components": {"messages": {}, "schemas": {}},
}
HOSTILE = "</script><script>alert(1)</script>"


def made() -> dict[str, Any]:
    return DOCUMENT


def broken() -> dict[str, Any]:
    raise RuntimeError("<b>no</b> schema")


class TestDocument:
    def test_as_json(self) -> None:
        answer = document_answer(made, None, yaml_type=YAML)
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert json.loads(answer.body) == DOCUMENT

    def test_as_yaml(self) -> None:
        answer = document_answer(made, "yaml", yaml_type="application/x-yaml")
        assert (answer.status, answer.content_type) == (200, "application/x-yaml")
        assert yaml.safe_load(answer.body) == DOCUMENT

    def test_another_format_is_refused_without_repeating_it(self) -> None:
        answer = document_answer(broken, HOSTILE, yaml_type=YAML)
        assert (answer.status, answer.content_type) == (400, "application/json")
        assert "json or yaml" in json.loads(answer.body)["error"]
        assert b"script" not in answer.body

    def test_yaml_without_pyyaml(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "yaml", None)
        answer = document_answer(made, "yaml", yaml_type=YAML)
        assert (answer.status, answer.content_type) == (400, "application/json")
        assert "PyYAML" in json.loads(answer.body)["error"]

    def test_one_that_cannot_be_made_is_said_and_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        answer = document_answer(broken, "yaml", yaml_type=YAML)
        assert (answer.status, answer.content_type, answer.etag) == (500, "application/json", "")
        assert json.loads(answer.body) == {"error": "<b>no</b> schema"}
        assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
            (logging.ERROR, "asyncapi_document_failed")
        ]
        assert caplog.records[0].exc_info is not None

    def test_a_value_that_is_not_json(self) -> None:
        answer = document_answer(lambda: {"x": float("nan")}, "json", yaml_type=YAML)
        assert answer.status == 500


class TestDocs:
    def test_the_page(self) -> None:
        answer = docs_answer(made, Docs("/docs/"))
        assert (answer.status, answer.content_type) == (200, "text/html; charset=utf-8")
        assert "<title>Chats &amp; &lt;b&gt;more&lt;/b&gt;</title>" in answer.body.decode()

    def test_in_a_frame(self) -> None:
        answer = docs_answer(made, Docs("/docs/"), lambda parts: f"<{parts.title}>")
        assert answer.body == b"<Chats &amp; &lt;b&gt;more&lt;/b&gt;>"

    def test_its_files_need_no_document(self) -> None:
        answer = docs_answer(broken, Docs("/docs/", asset="page.css"))
        assert (answer.status, answer.content_type) == (200, "text/css; charset=utf-8")

    @pytest.mark.parametrize("name", ["../rendering.py", "nothing.js", HOSTILE, "/etc/passwd"])
    def test_other_files_are_not_served(self, name: str) -> None:
        answer = docs_answer(broken, Docs("/docs/", asset=name))
        assert (answer.status, answer.content_type) == (404, "text/plain; charset=utf-8")
        assert b"script" not in answer.body

    def test_the_document_is_there_too(self) -> None:
        answer = docs_answer(made, Docs("/docs/", text_format="yaml", yaml_type=YAML))
        assert (answer.content_type, yaml.safe_load(answer.body)) == (YAML, DOCUMENT)

    def test_one_that_cannot_be_made(self, caplog: pytest.LogCaptureFixture) -> None:
        answer = docs_answer(broken, Docs("/docs/"))
        assert (answer.status, answer.content_type) == (500, "text/html; charset=utf-8")
        assert "Error" in answer.body.decode()
        assert "&lt;b&gt;no&lt;/b&gt; schema" in answer.body.decode()
        assert "<b>no" not in answer.body.decode()
        assert [record.getMessage() for record in caplog.records] == ["asyncapi_docs_failed"]

    def test_without_jinja(self) -> None:
        """In a process of its own, because templates are kept once they are loaded."""
        program = """
            import sys
            sys.modules["jinja2"] = None
            from chanx.asyncapi.serving import Docs, docs_answer
            from tests.unit.asyncapi.test_serving import made
            answer = docs_answer(made, Docs("/docs/"))
            print(answer.status, answer.body.decode())
            """
        command = [sys.executable, "-c", dedent(program)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout.startswith("500 ")
        assert "pip install &quot;chanx[core]&quot;" in done.stdout


class TestReact:
    def test_the_page_on_the_component(self) -> None:
        answer = docs_answer(made, Docs("/docs/", react_component_url="https://cdn.example/react@3/"))
        page = answer.body.decode()
        assert 'src="https://cdn.example/react@3/browser/standalone/index.js"' in page
        assert 'href="https://cdn.example/react@3/styles/default.min.css"' in page
        assert 'id="asyncapi"' in page
        assert 'src="?asset=react_component.js"' in page

    def test_its_script_is_one_of_the_files(self) -> None:
        answer = docs_answer(broken, Docs("/docs/", asset="react_component.js"))
        assert answer.content_type.startswith("text/javascript")
        assert b"AsyncApiStandalone.render(" in answer.body

    def test_no_text_of_the_document_gets_out_of_its_place(self) -> None:
        parts = react_page_parts({"info": {"title": HOSTILE}, "x": HOSTILE}, '"><script>alert(1)</script>')
        page = whole_page(parts)
        assert "<script>alert" not in page
        data = page.split('id="asyncapi-document">')[1].split("</script>")[0]
        assert json.loads(data) == {"info": {"title": HOSTILE}, "x": HOSTILE}


class TestKnown:
    ANSWER = Answer(200, "text/plain", b"text", '"tag"')

    @pytest.mark.parametrize("header", ['"tag"', 'W/"tag"', '"other", "tag"', "*"])
    def test_what_the_client_has_is_not_sent_again(self, header: str) -> None:
        answer = self.ANSWER.unless_known(header)
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", '"tag"')

    @pytest.mark.parametrize("header", ["", '"other"', "tag"])
    def test_everything_else_is(self, header: str) -> None:
        assert self.ANSWER.unless_known(header) is self.ANSWER

    def test_errors_are_not_kept(self) -> None:
        answer = Answer(500, "text/plain", b"")
        assert answer.unless_known("*") is answer
        assert answer.headers["Cache-Control"] == "no-store"

    def test_the_tag_follows_the_content(self) -> None:
        tags = {document_answer(made, name, yaml_type=YAML).etag for name in ("json", "yaml", "json")}
        assert len(tags) == 2

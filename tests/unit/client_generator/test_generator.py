"""Generated Python packages: what is in them, that tools have nothing against them, that they stay the same."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chanx.client_generator.base import BaseTopicConnection
from chanx.client_generator.generator import ClientGenerator
from chanx.client_generator.manifest import MANIFEST
from chanx.client_generator.python.building import package_of
from chanx.client_generator.reading import protocol_of
from chanx.errors import ClientOutputError, ConfigurationError, DocumentError
from tests.unit.client_generator.chat_document import HOSTILE, chat_document
from tests.unit.client_generator.documents import channel, document, message_schema, operation

PACKAGE = "chat_client"
ROOT = Path(__file__).parents[3]

WITH_MISTAKES = """
from typing import assert_type
from chat_client import ChatClient
from chat_client.base import ErrorMessage, JobReset, UnknownMessage
from chat_client.chat import Later, Pong, Refused, Said, Say, Text
from chat_client.chat_job import JobSucceeded, Restarted, RowRejected
from chat_client.chat_room import ChatRoomTopic, Move, Moved, Where

async def use(client: ChatClient, text: Text) -> None:
    await client.say(Say(payload=text))
    await client.say(Say(payload="hello"))  # type: ignore[arg-type]
    await client.say(Move(payload=Where(x=1, y=3)))  # type: ignore[arg-type]
    await client.shout(text)  # type: ignore[attr-defined]
    assert_type(await client.ask(Say(payload=text), Said, timeout=1), Said)
    assert_type(await client.ask(Say(payload=text), Said, Refused, Pong), Said | Refused | Pong)
    await client.ask(Say(payload=text))  # type: ignore[call-overload]
    async for message in client:
        assert_type(message, Said | Refused | Pong | Later | ErrorMessage)
    room = client.room(id="1", class_="2")
    client.room(id="1")  # type: ignore[call-arg]
    assert_type(room, ChatRoomTopic)
    assert_type(await room.subscribe(text), Where)
    await room.subscribe("hello")  # type: ignore[arg-type]
    assert_type(await room.move(Move(payload=Where(x=1, y=3))), Moved)
    async for event in client.job("1"):
        assert_type(event, Restarted | JobSucceeded | RowRejected | UnknownMessage | JobReset)
        if isinstance(event, RowRejected):
            assert_type(event.payload, Where)
"""
"""Type checkers say that each line marked is wrong, and no other."""


def written(directory: Path, content: dict[str, Any]) -> Path:
    path = directory / "asyncapi.json"
    path.write_text(json.dumps(content))
    return path


def content(directory: Path) -> dict[str, str]:
    files = (path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(directory).as_posix(): path.read_text() for path in files}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Has a package of the document with everything, its document, and the programs of its README."""
    directory = tmp_path_factory.mktemp("generated")
    ClientGenerator(written(directory, chat_document()), directory / PACKAGE).generate()
    programs = re.findall(r"```python\n(.*?)```", (directory / PACKAGE / "README.md").read_text(), re.DOTALL)
    assert len(programs) == 7
    for number, program in enumerate(programs):
        (directory / f"program{number}.py").write_text(program)
    (directory / "program_with_mistakes.py").write_text(WITH_MISTAKES)
    return directory


def run(*arguments: str, cwd: Path, **environment: str) -> str:
    """What the Python program says; it must succeed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class TestThePackage:
    def test_its_files(self, directory: Path) -> None:
        files = {path for path in content(directory / PACKAGE) if not path.startswith("base/")}
        modules = ("chat", "chat_room", "chat_job", "base_", "map", "channel_2_weird_class", "shared")
        assert files == {
            *(f"{module}/{name}.py" for module in modules for name in ("__init__", "client", "messages")),
            *("__init__.py", "py.typed", "README.md", MANIFEST),
        } - {"shared/client.py"}

    def test_its_base_is_the_runtime(self, directory: Path) -> None:
        runtime = content(ROOT / "chanx" / "client_generator" / "base")
        copied = content(directory / PACKAGE / "base")
        assert copied.keys() == runtime.keys()
        assert all(text.endswith(f"# ruff: noqa\n{runtime[path]}") for path, text in copied.items())

    def test_type_checkers_know_right_from_wrong(self, directory: Path) -> None:
        """In programs that use the package, those of its README among them."""
        programs = [path.name for path in directory.glob("program*.py")]
        run("-m", "mypy", "--strict", f"--cache-dir={directory / '.mypy_cache'}", PACKAGE, *programs, cwd=directory)

    @pytest.mark.parametrize(
        "command",
        [
            ("format", "--check", "--isolated", "--exclude=base"),  # which the command line has formatted with the rest
            ("check", "--isolated"),
            ("check", "--config", str(ROOT / "pyproject.toml"), "--ignore=TID252,RUF001,RUF002,RUF003"),
        ],
    )
    def test_ruff_has_nothing_to_change(self, directory: Path, command: tuple[str, ...]) -> None:
        """Its imports are relative, and its words those of the document."""
        run("-m", "ruff", *command, "--no-cache", PACKAGE, cwd=directory)

    def test_all_of_it_can_be_imported(self, directory: Path) -> None:
        """As a package of its own, and inside of another one; only Pydantic and websockets are needed."""
        (directory / "outer").mkdir()
        (directory / "outer" / PACKAGE).symlink_to(directory / PACKAGE)
        program = """
            import importlib, pkgutil, sys
            for name in ("chanx", "django", "fastapi", "celery", "httpx", "jinja2"):
                sys.modules[name] = None
            package = importlib.import_module(sys.argv[1])
            for module in pkgutil.walk_packages(package.__path__, f"{sys.argv[1]}."):
                importlib.import_module(module.name)
            print(sorted(package.__all__))
        """
        program = "\n".join(line[12:] for line in program.splitlines())
        for name in (PACKAGE, f"outer.{PACKAGE}"):
            printed = run("-W", "error", "-c", program, name, cwd=directory)
            assert printed == "['BaseClient2', 'Channel2WeirdClassClient', 'ChatClient', 'MapClient']\n"

    def test_words_of_the_document_stay_words(self, directory: Path) -> None:
        """Given descriptions that would break out of a docstring, a comment or a table, then none does."""
        shows = f"""
            import {PACKAGE}.chat.client as module
            print(module.ChatClient.__doc__.split()[:4], 'abort' in str(module.__dict__.keys()))
        """
        printed = run("-c", "\n".join(line.strip() for line in shows.splitlines()), cwd=directory)
        assert printed == f"{HOSTILE.split()[:4]} False\n"
        readme = (directory / PACKAGE / "README.md").read_text()
        assert all(line.startswith(("> ", "# ", "|")) for line in readme.splitlines() if "abort" in line)
        assert "<b>" not in readme


class TestNames:
    def test_methods_shun_those_of_the_base_and_keywords(self) -> None:
        package = package_of(protocol_of(chat_document()))
        (chat,) = [module.client for module in package.modules if module.client and module.client.name == "ChatClient"]
        assert [method.name for method in chat.methods] == ["say", "close_", "class_"]
        assert [list(method.parameters.values()) for method in chat.topics] == [["id", "class_"], ["job_id"], ["owner"]]

    @pytest.mark.parametrize(
        "name", ["url", "headers", "path_params", "close", "connect", "send_message", "on", "topic"]
    )
    def test_an_operation_named_as_something_of_the_client(self, name: str) -> None:
        schemas = {"Ping": message_schema("ping")}
        content = document({"chat": channel("ws", "ping")}, {name: operation("receive", "chat", ["ping"])}, schemas)
        (module,) = package_of(protocol_of(content)).modules
        assert module.client
        assert [method.name for method in module.client.methods] == [f"{name}_"]

    def test_what_instances_have_is_known(self) -> None:
        """Given a client, then all its public attributes are names that no method gets."""
        client = BaseTopicConnection[Any]("localhost")
        assert {name for name in vars(client) if not name.startswith("_")} <= {"url", "headers", "path_params"}

    def test_titles_that_differ_by_case_are_two_directories(self, tmp_path: Path) -> None:
        schemas = {"Ping": message_schema("ping")}
        channels = {"Chat": channel("ws/a", "ping"), "chat": channel("ws/b", "ping"), "shared": channel("ws/c", "ping")}
        content = document(channels, {"ping": operation("receive", "chat", ["ping"])}, schemas)
        ClientGenerator(written(tmp_path, content), tmp_path / PACKAGE).generate()
        names = {path.name for path in (tmp_path / PACKAGE).iterdir() if path.is_dir()}
        assert names == {"chat", "chat_", "shared_", "base"}


class TestItStaysTheSame:
    def test_in_every_process(self, directory: Path, tmp_path: Path) -> None:
        program = f"""
            from chanx.client_generator.generator import ClientGenerator
            ClientGenerator({str(directory / "asyncapi.json")!r}, {PACKAGE!r}).generate()
        """
        for seed in ("1", "2"):
            (tmp_path / seed).mkdir()
            code = "\n".join(line.strip() for line in program.splitlines())
            run("-c", code, cwd=tmp_path / seed, PYTHONHASHSEED=seed)
            assert content(tmp_path / seed / PACKAGE) == content(directory / PACKAGE)

    def test_when_it_is_generated_again(self, directory: Path) -> None:
        before = content(directory / PACKAGE)
        again = ClientGenerator(directory / "asyncapi.json", directory / PACKAGE).generate()
        assert content(directory / PACKAGE) == before
        assert (again.kept, again.saved, again.removed) == ((), {}, ())


class TestTheGenerator:
    @pytest.fixture
    def generator(self, tmp_path: Path) -> ClientGenerator:
        return ClientGenerator(written(tmp_path, chat_document()), tmp_path / PACKAGE, generate_readme=False)

    def test_says_what_it_has_read(self, generator: ClientGenerator) -> None:
        assert generator.schema == chat_document()
        assert generator.channel_messages["chat"] == (["Said", "Refused", "Pong", "Later"], ["Say", "Ping"])
        assert generator.channel_messages["base"] == (["Any"], ["BaseClient"])
        assert generator.shared_messages == ["Move", "Moved", "Ping", "Pong"]

    def test_may_leave_out_the_readme(self, generator: ClientGenerator) -> None:
        assert "README.md" not in generator.generate().files

    def test_removes_the_channels_that_are_gone(self, generator: ClientGenerator, tmp_path: Path) -> None:
        generator.generate()
        (tmp_path / PACKAGE / "map" / "mine.py").write_text("mine = 1\n")
        content = chat_document()
        del content["channels"]["map"], content["channels"]["base"]
        del content["operations"]["map_move"], content["operations"]["ask"]
        written_now = ClientGenerator(written(tmp_path, content), tmp_path / PACKAGE).generate()
        assert {path.split("/")[0] for path in written_now.removed} == {"map", "base_"}
        assert [path.name for path in (tmp_path / PACKAGE / "map").iterdir()] == ["mine.py"]
        assert not (tmp_path / PACKAGE / "base_").exists()

    def test_a_foreign_directory_is_refused_before_anything_is_made(
        self, generator: ClientGenerator, tmp_path: Path
    ) -> None:
        generator.output_dir = tmp_path
        with pytest.raises(ClientOutputError, match="is not empty"):
            generator.generate()
        assert [path.name for path in tmp_path.iterdir()] == ["asyncapi.json"]

    def test_what_is_no_document_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DocumentError, match=r"AsyncAPI 2\.6\.0 is not supported"):
            ClientGenerator(written(tmp_path, {**chat_document(), "asyncapi": "2.6.0"}), tmp_path / PACKAGE)
        with pytest.raises(FileNotFoundError, match="Schema file not found"):
            ClientGenerator(tmp_path / "missing.json", tmp_path / PACKAGE)

    @pytest.mark.parametrize("levels", [60, 300])
    def test_schemas_without_end_are_refused(self, tmp_path: Path, levels: int) -> None:
        payload: dict[str, Any] = {"type": "string"}
        for _ in range(levels):
            payload = {"type": "object", "properties": {"deeper": payload}}
        content = document({"chat": channel("ws", "ping")}, {}, {"Ping": message_schema("ping", payload)})
        content["operations"] = {"ping": operation("receive", "chat", ["ping"])}
        path = written(tmp_path, content)
        if levels == 60:
            assert ClientGenerator(path, tmp_path / PACKAGE).generate().files
        else:
            with pytest.raises(DocumentError, match="nested too deeply"):
                ClientGenerator(path, tmp_path / PACKAGE)

    def test_an_unknown_language_is_refused(self, tmp_path: Path) -> None:
        language: Any = "cobol"
        with pytest.raises(ConfigurationError, match="python, typescript"):
            ClientGenerator(tmp_path / "asyncapi.json", tmp_path / PACKAGE, language=language)


def test_ruff_has_nothing_against_the_order_of_many_names(tmp_path: Path) -> None:
    """Given types that differ by a number, or by case, when ruff checks their package by its own rules."""
    names = ["M1", "M2", "M10", "M100", "Mb2", "MB10", "ABC", "URL2"]
    schemas = {name: message_schema(f"m{number}") for number, name in enumerate(names)}
    channels = {"chat": channel("ws", *(name.lower() for name in names))}
    operations = {name: operation("receive", "chat", [name.lower()]) for name in names}
    ClientGenerator(written(tmp_path, document(channels, operations, schemas)), tmp_path / PACKAGE).generate()
    run("-m", "ruff", "check", "--isolated", "--extend-select=I,RUF022", "--no-cache", PACKAGE, cwd=tmp_path)

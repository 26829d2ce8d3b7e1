"""TypeScript clients: what the compiler and Node say of them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chanx.client_generator.protocol import Protocol
from chanx.client_generator.reading import protocol_of
from chanx.client_generator.typescript.names import RUNTIME_MEMBERS, RUNTIME_NAMES
from tests.node_tools import run_node
from tests.typescript_tools import Modules, compiler_errors
from tests.unit.client_generator.documents import channel, document, message_schema, operation
from tests.unit.client_generator.typescript_example import protocol, write

HERE = Path(__file__).parent

HASH_SEED_CODE = """
import hashlib, json, sys, django
from pathlib import Path
django.setup()
from tests.unit.client_generator.typescript_example import protocol, write
print(hashlib.sha256(json.dumps(write(Path(sys.argv[1]), protocol())).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client of the example's consumers."""
    directory = tmp_path_factory.mktemp("client")
    write(directory, protocol())
    return directory


@pytest.mark.parametrize("modules", ["bundler", "nodenext"])
def test_a_client_and_its_use_pass_the_strict_compiler(client: Path, modules: Modules) -> None:
    """Given a client, and a file of uses right and wrong, when they are compiled in the strictest mode, then the right
    ones are taken and the wrong ones are refused."""
    (client / "typing.ts").write_text((HERE / "typing_of_a_client.ts").read_text())

    assert compiler_errors(client, "index.ts", "typing.ts", modules=modules) == ""


def test_the_compiler_sees_a_wrong_use(client: Path) -> None:
    """Given a use of the client that is wrong, when it is compiled, then the compiler says so."""
    (client / "wrong.ts").write_text('import { ChatClient } from "./index.js";\nnew ChatClient().chat();\n')

    assert "wrong.ts(2,1): error TS2554" in compiler_errors(client, "wrong.ts")


def test_the_samples_of_the_readme_compile(client: Path) -> None:
    """Given the README of a client, when its code is compiled, then nothing is wrong with it."""
    samples = re.findall(r"```ts\n(.*?)```", (client / "README.md").read_text(), re.DOTALL)
    names = [f"sample{number}.ts" for number in range(len(samples))]
    for name, sample in zip(names, samples, strict=True):
        (client / name).write_text(sample)

    assert len(samples) == 5
    assert 'await client.ask({ action: "chat", payload: { text: "text" } }, "chat_notification")' in samples[0]
    assert compiler_errors(client, *names) == ""


def test_a_client_runs_in_node(tmp_path: Path) -> None:
    """Given a client that was compiled in place, when Node loads it, then a client can be made and connects where the
    document says, and no member of the runtime's classes is missing among the names that methods may not have."""
    write(tmp_path, protocol())
    (tmp_path / "package.json").write_text('{"type": "module"}')
    assert compiler_errors(tmp_path, "index.ts", modules="nodenext", emit=True) == ""
    (tmp_path / "run.js").write_text(
        """
        import * as all from "./index.js";
        const urls = [];
        class Socket { constructor(url) { urls.push(url); } close() {} }
        const options = { WebSocket: Socket, params: { place: "a b", id: 5 } };
        for (const Client of [all.ChatClient, all.RoomClient, all.ShopFloor2Client]) new Client(options).close();
        new all.ChatClient({ ...options, baseUrl: "https://example.com/" }).close();
        const members = [all.ChannelClient, all.Topic].flatMap((type) => Object.getOwnPropertyNames(type.prototype));
        console.log(JSON.stringify({ urls, members, names: Object.keys(all) }));
        """
    )

    ran = run_node("run.js", cwd=tmp_path)

    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert said["urls"] == [
        "ws://localhost:8000/ws/chat/a%20b/",
        "ws://localhost:8000/ws/room/5/",
        "ws://localhost:8000/ws/shop/",
        "wss://example.com/ws/chat/a%20b/",
    ]
    assert set(said["members"]) <= RUNTIME_MEMBERS
    assert {"ChatClient", "RoomTopic", "JobFailedError", "ChanxError"} <= set(said["names"])


def test_what_modules_import_of_the_runtime_is_there(client: Path) -> None:
    """Given the names that no class of a client may have, when the runtime's types are read, then all are there."""
    types = (client / "runtime" / "channel_client.d.ts").read_text()

    assert [
        name for name in RUNTIME_NAMES if not re.search(rf"export (class|function|interface|type) {name}\b", types)
    ] == []


def test_the_same_document_gives_the_same_bytes(tmp_path: Path) -> None:
    """Given the same consumers, when the client is written again, and by a process that hashes strings differently,
    then every byte is the same."""
    files = write(tmp_path / "one", protocol())
    digest = hashlib.sha256(json.dumps(files).encode()).hexdigest()

    assert write(tmp_path / "two", protocol()) == files
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "DJANGO_SETTINGS_MODULE": "example_site.settings"}
        command = [sys.executable, "-c", HASH_SEED_CODE, str(tmp_path / seed)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.stdout.strip() == digest, done.stderr


def test_types_of_nobody_are_left_out(client: Path) -> None:
    """Given a job topic, whose own messages the runtime knows, when the client is written, then its types have none of
    them, but those of the site's own events."""
    written = "".join(file.read_text() for file in client.rglob("messages.ts"))

    assert "interface ReportReady" in written
    assert "JobSnapshot" not in written
    assert "JobProgress" not in written


def hostile_protocol() -> Protocol:
    """A protocol whose every text tries to be code."""
    evil = "*/ export const injected = 1; /* ` ${injected} \" ' \\ \u2028 <script> \n */ */ @deprecated"
    said = message_schema("class", {"type": "object", "properties": {evil: {"type": "string", "description": evil}}})
    said["description"] = evil
    default = message_schema('de"fault\\')
    channels = {
        name: channel(
            f"/ws/{{{number}x}}/", "class", "default", title=name, description=evil, parameters={f"{number}x": {}}
        )
        for number, name in enumerate(["runtime", "shared", "constructor", "1st", "日本", "topic", "channel", evil])
    }
    operations = {
        f"{kind}{number}": operation("receive", key, [kind], ["default"], summary=evil, description=evil)
        for number, key in enumerate(list(channels)[:7])
        for kind in ("class", "default")
    }
    found = document(channels, operations, {"class": said, "default": default})
    return protocol_of({**found, "info": {"title": evil, "version": evil, "description": evil}})


def test_hostile_texts_are_no_code(tmp_path: Path) -> None:
    """Given a document whose names and descriptions try to be code, when its client is written, then it compiles, and
    nothing of them is code."""
    files = write(tmp_path, hostile_protocol())

    assert compiler_errors(tmp_path, "index.ts") == ""
    assert not [name for name, text in files.items() if re.search(r"^\s*export const injected", text, re.MULTILINE)]
    (tmp_path / "probe.ts").write_text('import * as all from "./index.js";\nall.injected;\n')
    assert "'injected' does not exist" in compiler_errors(tmp_path, "probe.ts")
    assert len({name.lower() for name in files}) == len(files)


def test_names_of_the_runtime_and_of_every_object(tmp_path: Path) -> None:
    """Given a message called like a class of the runtime, one with a property that every object has, and one of an
    unknown action, when their client is written, then it compiles, and so does its README's code."""
    text = {"type": "string"}
    schemas = {
        "Topic": message_schema("topic"),
        "Made": message_schema("made", {"type": "object", "properties": {"constructor": text}}),
        "Make": message_schema("make"),
        "Anything": {"type": "object", "properties": {"x": {"type": "integer"}}},
    }
    schemas["Make"]["properties"] |= {"constructor": text, "toString": text}
    del schemas["Make"]["required"], schemas["Make"]["properties"]["payload"]
    channels = {"a": channel("/ws/a/", "topic", "make", "made"), "b": channel("/ws/b/", "anything")}
    operations = {
        "make": operation("receive", "a", ["make"], ["made"]),
        "topic": operation("receive", "a", ["topic"]),
        "anything": operation("receive", "b", ["anything"]),
    }
    write(tmp_path, protocol_of(document(channels, operations, schemas)))
    samples = re.findall(r"```ts\n(.*?)\n```", (tmp_path / "README.md").read_text(), re.DOTALL)
    names = [f"sample{number}.ts" for number in range(len(samples))]
    for name, sample in zip(names, samples, strict=True):
        (tmp_path / name).write_text(sample)

    assert compiler_errors(tmp_path, "index.ts", *names) == ""


def test_a_document_without_channels_is_a_client_of_the_runtime_alone(tmp_path: Path) -> None:
    """Given a document with nothing in it, when its client is written, then it compiles."""
    files = write(tmp_path, protocol_of(document({}, {})))

    assert compiler_errors(tmp_path, "index.ts") == ""
    assert {name for name in files if "/" not in name} == {"README.md", "index.ts"}
    assert "README.md" not in write(tmp_path / "bare", protocol_of(document({}, {})), readme=False)

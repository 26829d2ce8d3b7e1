"""The README's example, word for word, as a project of its own: its worker, its view, its consumer."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chanx.testing.redis_server import redis_server
from chanx.testing.tied_process import tied
from tests.acceptance.stack import Program

ROOT = Path(__file__).parents[2]

# What the README leaves to the reader: the imports, and the reader's own functions.
IMPORTS = {
    "tasks": """
        def read_rows(path): return open(path).read().splitlines()
        def save(row): pass
    """,
    "consumers": "",
    "views": """
        from django.contrib.auth.decorators import login_required
        from django.http import JsonResponse
        from shop.tasks import import_csv
        def save_upload(request): return request.FILES["file"].temporary_file_path()
    """,
    "settings": """
        SECRET_KEY = "for a test"
        DEBUG = True
        SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
        FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
        CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
        USE_TZ = True
    """,
    "celery": "",
    "asgi": "",
}
CLIENT = "follow"
OWN_APPS = '"chanx.channels", "django.contrib.auth", "django.contrib.contenttypes", "shop"'
DRIVER = """
import asyncio, json
import shop.asgi
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.test import RequestFactory
from shop.consumers import JobsConsumer
from shop.views import upload

async def main():
    request = RequestFactory().post("/upload", {"file": open("rows.csv")})
    request.user = User(pk=7)
    ref = json.loads((await asyncio.to_thread(upload, request)).content)
    socket = WebsocketCommunicator(JobsConsumer.as_asgi(), "/ws/jobs/")
    socket.scope["user"] = request.user
    await socket.connect()
    await socket.send_json_to({"topic": ref["topic"], "action": "subscribe"})
    while True:
        frame = json.loads(await socket.receive_from(20))
        print(json.dumps(frame))
        if frame["action"] in ("job_succeeded", "job_failed"):
            break
    await socket.disconnect()

asyncio.run(main())
"""


def readme_files() -> dict[str, str]:
    """The README's Python blocks, cut at their ``# name.py`` lines."""
    files: dict[str, str] = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL):
        for name, body in re.findall(r"^# (\w+)\.py\n(.*?)(?=^# \w+\.py\n|\Z)", block, re.DOTALL | re.MULTILINE):
            files[name] = files.get(name, "") + body
    return files


def dedented(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines()) + "\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = readme_files()
    (tmp_path / f"{CLIENT}.py").write_text(files.pop(CLIENT))
    assert set(files) == set(IMPORTS)
    package = tmp_path / "shop"
    package.mkdir()
    for name, body in files.items():
        (package / f"{name}.py").write_text(dedented(IMPORTS[name]) + body.replace('"chanx.channels", ...', OWN_APPS))
    (package / "__init__.py").write_text("from .celery import app as celery_app\n")
    (tmp_path / "rows.csv").write_text("\n".join(f"row {i}" for i in range(50)))
    (tmp_path / "drive.py").write_text(DRIVER)
    return tmp_path


def test_the_example_runs(project: Path) -> None:
    with redis_server(private=True) as server:
        # Given the project, on a server of the test's own
        for file in (project / "shop").glob("*.py"):
            file.write_text(file.read_text().replace("redis://localhost:6379/0", server.url))
        environment = {**os.environ, "PYTHONPATH": f"{project}:{ROOT}", "DJANGO_SETTINGS_MODULE": "shop.settings"}
        worker = subprocess.Popen(
            tied([sys.executable, "-m", "celery", "-A", "shop", "worker", "-c", "1", "-l", "WARNING"]),
            cwd=project,
            env=environment,
        )
        # When
        try:
            drive = subprocess.run(
                [sys.executable, "drive.py"], cwd=project, env=environment, capture_output=True, text=True, timeout=60
            )
        finally:
            worker.terminate()
            worker.wait(60)

    # Then
    assert drive.returncode == 0, drive.stderr
    frames = [json.loads(line) for line in drive.stdout.splitlines()]
    assert frames[0]["action"] == "subscribed"
    assert [frame["seq"] for frame in frames if "seq" in frame] == [1, 2, 3]
    assert frames[-1]["action"] == "job_succeeded"
    progress = [frame["payload"]["fraction"] for frame in frames if frame["action"] == "job_progress"]
    assert progress[-1] == 1


# Nobody is signed in, so there is no such job: what matters is that the server and the client understand each other.
CLIENT_DRIVER = """
import asyncio, sys
from follow import follow
from shop_client.base import JobRefusedError

try:
    asyncio.run(follow("some-job", "sessionid=none", sys.argv[1]))
except JobRefusedError as error:
    print(error)
"""


def commands() -> list[list[str]]:
    """The lines of the README's block of commands, as arguments of the command ``chanx``."""
    (block,) = re.findall(r"```sh\n(chanx .*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return [shlex.split(line, comments=True)[1:] for line in block.splitlines()]


def test_the_commands_run(project: Path) -> None:
    """Given the project, when the commands are run as they stand, then the Python client talks to its site."""
    environment = {**os.environ, "PYTHONPATH": f"{project}:{ROOT}", "DJANGO_SETTINGS_MODULE": "shop.settings"}

    def python(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=60)

    for arguments in commands():
        if arguments[0] == "diff":
            shutil.copy(project / arguments[2], project / arguments[1])
        done = python("-m", "chanx.cli", *arguments)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}{done.stderr}"
    assert (project / "web" / "src" / "shop" / "index.ts").exists()

    with redis_server(private=True) as server:
        for file in (project / "shop").glob("*.py"):
            file.write_text(file.read_text().replace("redis://localhost:6379/0", server.url))
        (project / "drive_client.py").write_text(CLIENT_DRIVER)
        command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", "0", "shop.asgi:application"]
        site = Program(command, r"Listening on TCP address (127\.0\.0\.1:\d+)", environment, project / "site.log")
        try:
            done = python("drive_client.py", site.start())
        finally:
            site.stop()
    assert "job" in done.stdout, done.stderr

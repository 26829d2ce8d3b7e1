"""The site of the guide on deploying, started by the Procfile of docs/deploy: all as it stands there."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.typing import Origin

from chanx.testing.redis_server import RedisServer
from chanx.testing.tied_process import tied
from tests.docs.deploy_programs import DEPLOY, run
from tests.docs.pages import DOCS, blocks_of
from tests.docs.protocol_clients import client
from tests.ports import free_port
from tests.waiting import wait_until

START = """
import django

django.setup()
from chanx.bridge import start_job_sync
from shop.celery import bridge
from shop.tasks import build_report

job = start_job_sync(build_report, 50, owner="user:1")
print(job.ref.job_id, bridge.token(job.ref.job_id))
"""


def project(directory: Path) -> None:
    """The project of the tutorial, then what the guide says of it, and the Procfile."""
    run(Path(sys.executable).with_name("django-admin"), "startproject", "shop", directory)
    settings = "shop/settings.py (at the end)"
    files = {
        block.file: block.code
        for page in ("tutorials/django.md", "guides/deploying.md")
        for block in blocks_of((DOCS / page).read_text())
        if block.file is not None
    }
    files["shop/settings.py"] = (directory / "shop/settings.py").read_text() + files.pop(settings)
    for name, text in {**files, "Procfile": (DEPLOY / "Procfile").read_text(), "start.py": START}.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)


@contextmanager
def honcho(directory: Path, environment: dict[str, str], port: int) -> Generator[None]:
    log = directory / "log"
    with log.open("wb") as output:
        command = tied([sys.executable, "-m", "honcho", "start", "--no-colour", "--port", str(port)])
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_until(lambda: b"ready." in log.read_bytes(), what=log.read_text)
            yield
        except BaseException as error:
            error.add_note(log.read_text())
            raise
        finally:
            process.terminate()
            process.wait(30)


def job_and_token(directory: Path, environment: dict[str, str]) -> list[str]:
    """A job that is started now, and a token for it."""
    start = [sys.executable, "start.py"]
    started = subprocess.run(start, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr
    return started.stdout.split()


async def test_a_job_goes_from_the_worker_to_a_client(tmp_path: Path, own_redis: RedisServer) -> None:
    # Given the site of the guide, started by the Procfile
    port = free_port()
    project(tmp_path)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CHANX", "DJANGO"))},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": f"{tmp_path}:{Path.cwd()}",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "SHOP_SECRET_KEY": "a secret of the tests, long enough",
        "SHOP_HOST": "shop.example.com",
        "SHOP_DATABASE_URL": "postgres://nobody@127.0.0.1:1/shop",  # nobody signs in here
        "SHOP_BROKER_URL": own_redis.url,
        "SHOP_REDIS_URL": own_redis.url,
    }
    with honcho(tmp_path, environment, port):
        wait_until(lambda: _listens(port), what="the site")

        # When a job is started, and somebody with its token follows it
        view = client.JobView(*await asyncio.to_thread(job_and_token, tmp_path, environment))
        url, origin = f"ws://127.0.0.1:{port}/ws/jobs/", Origin("https://shop.example.com")
        async with asyncio.timeout(30), connect(url, origin=origin) as socket:
            await socket.send(json.dumps(view.subscribe()))
            while not view.has_ended:
                view.take(json.loads(await socket.recv()))

    # Then it sees all of it
    texts = [event["payload"]["message"] for event in view.events if event["action"] == "job_log"]
    assert texts == ["50 rows are in the report"]
    assert view.events[-1]["payload"]["result"] == {"rows": 50}


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

"""The site of the guide on deploying, started by the Procfile of docs/deploy: both as they stand there."""

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
from tests.docs.deploy_programs import DEPLOY
from tests.docs.pages import DOCS, blocks_of
from tests.docs.protocol_clients import client
from tests.ports import free_port
from tests.waiting import wait_until

GUIDE = DOCS / "guides" / "deploying.md"
OWN = {
    "shop/__init__.py": "from .celery import app as celery_app\n",
    "shop/tasks.py": """
from celery import shared_task
from chanx.bridge import JobTask

@shared_task(bind=True, base=JobTask)
def count(self):
    for number in self.job.track(range(3)):
        self.job.log(f"row {number}")
    return 3
""",
    "shop/consumers.py": """
from chanx.bridge import JobTopic
from chanx.channels.websocket import AsyncJsonWebsocketConsumer

class JobsConsumer(AsyncJsonWebsocketConsumer):
    topics = [JobTopic]
""",
    "shop/asgi.py": """
import os
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from chanx.channels.routing import path
from shop.consumers import JobsConsumer

websockets = URLRouter([path("ws/jobs/", JobsConsumer.as_asgi())])
application = ProtocolTypeRouter({"http": django_application, "websocket": AllowedHostsOriginValidator(websockets)})
""",
    "start.py": """
import django

django.setup()
from chanx.bridge import start_job_sync
from shop.celery import bridge
from shop.tasks import count

job = start_job_sync(count, owner="user:1")
print(job.ref.job_id, bridge.token(job.ref.job_id))
""",
}


def project(directory: Path, port: int) -> None:
    """The files of the guide, what a project has beside them, and the Procfile with another port."""
    files = {block.file: block.code for block in blocks_of(GUIDE.read_text()) if block.file is not None}
    assert set(files) == {"shop/settings.py", "shop/celery.py"}
    celery = files["shop/celery.py"].replace("app.autodiscover_tasks()", "app.autodiscover_tasks(['shop'])")
    procfile = (DEPLOY / "Procfile").read_text().replace("8001", str(port))
    (directory / "shop").mkdir()
    for name, text in {**files, **OWN, "shop/celery.py": celery, "Procfile": procfile}.items():
        (directory / name).write_text(text)


@contextmanager
def honcho(directory: Path, environment: dict[str, str]) -> Generator[None]:
    log = directory / "log"
    with log.open("wb") as output:
        command = tied([sys.executable, "-m", "honcho", "--no-colour", "start"])
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_until(lambda: b"ready." in log.read_bytes(), seconds=60, what=log.read_text)
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
    project(tmp_path, port)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CHANX", "DJANGO"))},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": f"{tmp_path}:{Path.cwd()}",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "SHOP_SECRET_KEY": "a secret of the tests, long enough",
        "SHOP_HOST": "shop.example.com",
        "SHOP_BROKER_URL": own_redis.url,
        "SHOP_REDIS_URL": own_redis.url,
    }
    with honcho(tmp_path, environment):
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
    assert texts == ["row 0", "row 1", "row 2"]
    assert view.events[-1]["payload"]["result"] == 3


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

"""nginx with the configuration of docs/deploy, in front of real sites."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
import subprocess
from collections.abc import Generator, Iterator
from contextlib import AsyncExitStack, ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from channels_redis.pubsub import RedisPubSubChannelLayer
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus

from chanx.bridge import Bridge, install
from chanx.bridge.events import JobLogLine, LogPayload
from chanx.bridge.reporter import JobReporter
from chanx.testing.tied_process import tied
from tests.benchmarks.job_sites import Site, running
from tests.contract.jobs import create
from tests.docs.deploy_programs import DEPLOY, program, run
from tests.docs.protocol_clients import client
from tests.integration.connections_site import asked
from tests.ports import free_port
from tests.waiting import wait_until

NAME = "shop.example.com"


class Nginx:
    """nginx with the configuration of the page, but on ports and files of the test, and as often changed as it says."""

    def __init__(self, directory: Path, ports: list[int], **changes: str) -> None:
        self.port, self.plain_port = free_port(), free_port()
        self.trust = ssl.create_default_context(cafile=self._certificate(directory))
        text = (DEPLOY / "nginx.conf").read_text()
        for old, new in {
            "user www-data;": "daemon off;",
            "/run/nginx.pid": f"{directory}/pid",
            "/var/log/nginx": str(directory),
            "/etc/ssl/shop": str(directory),
            "/srv/shop/static": str(directory),
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            "127.0.0.1:8001": f"127.0.0.1:{ports[0]}",
            "127.0.0.1:8002": f"127.0.0.1:{ports[-1]}",
            "http {": f"http {{ client_body_temp_path {directory}/b; proxy_temp_path {directory}/p;"
            f" fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;",
            **changes,
        }.items():
            assert old in text, old
            text = text.replace(old, new)
        self._file, self._log = directory / "nginx.conf", directory / "error.log"
        self._file.write_text(re.sub(r"listen \[::\].*", "", text))
        self._command = [program("nginx", "nginx-light"), "-e", str(self._log), "-c", str(self._file)]

    @contextmanager
    def running(self) -> Generator[None]:
        run(*self._command, "-t")
        with subprocess.Popen(tied(self._command)) as process:
            try:
                wait_until(self._answers, what=self.log)
                yield
            finally:
                process.terminate()
                process.wait(30)

    def log(self) -> str:
        """What it has to say about errors."""
        return self._log.read_text()

    def options(self) -> dict[str, Any]:
        """Those of a client that takes this one for the site of the name."""
        return {"ssl": self.trust, "server_hostname": NAME, "compression": None, "ping_interval": None}

    def _answers(self) -> bool:
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _certificate(self, directory: Path) -> Path:
        subject = ("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}")
        files = ("-keyout", directory / "privkey.pem", "-out", directory / "fullchain.pem")
        run(program("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files)
        return directory / "fullchain.pem"


@pytest.fixture
def bridge(redis_url: str, key_prefix: str) -> Iterator[Bridge]:
    app = Celery(key_prefix, broker=redis_url, backend=redis_url, set_as_current=False)
    bridge = install(app, store=redis_url, layer=RedisPubSubChannelLayer(hosts=[redis_url], prefix=key_prefix))
    yield bridge
    bridge.store.close()
    app.close()


async def test_jobs_stream_through_nginx_to_whichever_process_is_there(
    tmp_path: Path, bridge: Bridge, redis_url: str, key_prefix: str
) -> None:
    with ExitStack() as stack:
        # Given two processes of a site behind nginx
        application, environment = "tests.integration.asgi_apps:fast_channels", {"CHANX_PREFIX": key_prefix}
        one, two = (
            stack.enter_context(running("uvicorn", application, redis_url, environment=environment)) for _ in "12"
        )
        nginx = Nginx(tmp_path, [one.port, two.port])
        stack.enter_context(nginx.running())
        job_id = await asyncio.to_thread(create, bridge.store)
        reporter = JobReporter(bridge.transport, job_id=job_id, task_id="t", attempt=1)
        view = client.JobView(job_id)

        # When a client follows a job, and the process that it is connected to is killed
        for number, after in enumerate([one.kill, two.kill]):
            address = {"host": "127.0.0.1", "port": nginx.port}
            async with asyncio.timeout(20), connect(f"wss://{NAME}/ws/one", **address, **nginx.options()) as socket:  # type: ignore[arg-type] # of several types
                await socket.send(json.dumps(view.subscribe()))
                await asyncio.to_thread(reporter.send, JobLogLine(payload=LogPayload(message=str(number))))
                while view.seq <= number:
                    view.take(json.loads(await socket.recv()))
                after()  # nginx takes the first for the first connection

        # Then the other goes on
        assert [event["payload"]["message"] for event in view.events] == ["0", "1"]


async def test_processes_that_come_back_are_there_for_everybody_at_once(tmp_path: Path) -> None:
    # Given nginx in front of two processes, both of which somebody has met while they were away
    ports = [free_port(), free_port()]
    nginx = Nginx(tmp_path, ports)

    def opening() -> connect:
        return connect(f"wss://{NAME}/ws/", host="127.0.0.1", port=nginx.port, **nginx.options())

    with nginx.running():
        with pytest.raises(InvalidStatus, match="502"):
            await opening()

        # When both are back, and several clients come and stay
        async with AsyncExitStack() as stack:
            for port in ports:
                await stack.enter_async_context(serve(_stay, "127.0.0.1", port))
            for _ in range(6):
                await stack.enter_async_context(opening())

    # Then each was let in
    assert "no live upstreams" not in nginx.log()


async def _stay(socket: ServerConnection) -> None:
    await socket.wait_closed()


def test_who_comes_without_tls_is_sent_to_it(tmp_path: Path) -> None:
    nginx = Nginx(tmp_path, [free_port()])

    with nginx.running(), closing(socket.create_connection(("127.0.0.1", nginx.plain_port), 5)) as plain:
        plain.sendall(f"GET /x HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
        answer = plain.makefile().read()

    assert "301" in answer.splitlines()[0]
    assert f"Location: https://{NAME}/x" in answer
    assert re.search(r"^Server: nginx$", answer, re.MULTILINE), "the version of the server is nobody's business"


async def test_a_client_that_does_not_read_is_cut_off_though_daphne_would_wait(tmp_path: Path, redis_url: str) -> None:
    with ExitStack() as stack:
        # Given a member of a group who does not read, on Daphne behind nginx
        site: Site = stack.enter_context(running("Daphne", "tests.integration.slow_clients_app:application", redis_url))
        nginx = Nginx(
            tmp_path, [site.port], **{"send_timeout 30s;": "send_timeout 1s;", "error.log;": "error.log info;"}
        )
        stack.enter_context(nginx.running())
        own = socket.socket()
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        own.setblocking(False)
        await asyncio.get_running_loop().sock_connect(own, ("127.0.0.1", nginx.port))
        silent = await connect(f"wss://{NAME}/ws/", sock=own, max_queue=1, **nginx.options())
        await silent.send(json.dumps({"action": "ping"}))
        assert json.loads(await silent.recv())["action"] == "pong"
        server: Any = stack.enter_context(closing(redis.Redis.from_url(redis_url)))  # pyright: ignore[reportUnknownMemberType]

        def members() -> Any:
            return server.pubsub_channels("chanx__group__members")

        await asyncio.to_thread(wait_until, members, what="the group's subscription")

        # When it is sent more than fits into all buffers on the way
        await asyncio.to_thread(asked, site, "/send/4000")

        # Then nginx ends the connection, and Daphne keeps nothing for it any more
        await asyncio.to_thread(wait_until, lambda: not members(), what="the end of the group")
        assert "client timed out" in nginx.log()
        silent.transport.abort()
        await silent.wait_closed()

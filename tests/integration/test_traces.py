"""One trace leads from a frame or a request on the site through a prefork worker to the client that sees the events."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from websockets.sync.client import ClientConnection, connect

from chanx.testing.redis_server import redis_server
from tests.benchmarks.job_sites import Site
from tests.integration import traced_app
from tests.integration.worker_process import connected, worker
from tests.waiting import wait_until

TASK = "tests.integration.traced_app.work"
SECONDS = 90.0


class Telemetry:
    """What the processes of the site and the worker have written."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def spans(self, trace_id: str | None = None) -> list[dict[str, Any]]:
        """Each with its ``service`` and the ``process`` that it is from; those of one trace, or all."""
        spans = [
            {**json.loads(line), "service": file.name.split("-")[1], "process": file.name}
            for file in self._directory.glob("spans-*")
            for line in file.read_text().splitlines()
        ]
        return [span for span in spans if trace_id in (None, span["context"]["trace_id"])]

    def __str__(self) -> str:
        told = [(span["name"], span["service"], span["context"], span["parent_id"]) for span in self.spans()]
        return "\n".join(map(str, told))

    def metrics(self, service: str) -> set[str]:
        """The names of the metrics that have values."""
        return {
            metric["name"]
            for file in self._directory.glob(f"metrics-{service}-*")
            for line in file.read_text().splitlines()
            for resource in json.loads(line)["resource_metrics"]
            for scope in resource["scope_metrics"]
            for metric in scope["metrics"]
        }


@pytest.fixture(scope="module")
def telemetry(tmp_path_factory: pytest.TempPathFactory) -> Telemetry:
    return Telemetry(tmp_path_factory.mktemp("telemetry"))


@pytest.fixture(scope="module")
def site(telemetry: Telemetry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site, and a worker whose processes run one task each."""
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    with redis_server(private=True) as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("CHANX_TELEMETRY", str(telemetry._directory))
        with (
            connected(traced_app.app, server),
            worker(traced_app.__name__, traced_app.app, server.url, "--max-tasks-per-child", "1", log=log),
        ):
            site = Site("uvicorn", f"{traced_app.__name__}:application", server.url)
            site.start()
            yield site
            site.kill()


def hear_until(socket: ClientConnection, action: str) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(SECONDS))
        assert frame["action"] != "error", frame
        if frame["action"] == action:
            return frame


def begin_by_frame(site: Site, socket: ClientConnection, go: Path) -> str:
    socket.send(json.dumps({"action": "begin", "payload": str(go)}))
    return str(hear_until(socket, "begun")["payload"])


def begin_by_request(site: Site, socket: ClientConnection, go: Path) -> str:
    url = f"http://127.0.0.1:{site.port}/begin?{urlencode({'go': go})}"
    with urlopen(Request(url, method="POST"), timeout=SECONDS) as response:
        return str(json.load(response))


def watch_to_the_end(site: Site, begin: Callable[..., str], go: Path) -> None:
    """Start a job, and let it go once its events are watched."""
    with connect(f"ws://127.0.0.1:{site.port}/ws") as socket:
        job_id = begin(site, socket, go)
        socket.send(json.dumps({"action": "subscribe", "topic": f"job:{job_id}"}))
        hear_until(socket, "subscribed")
        hear_until(socket, "job_started")
        go.touch()
        hear_until(socket, "job_succeeded")


@pytest.mark.parametrize(
    ("begin", "root"), [(begin_by_frame, "handle begin"), (begin_by_request, "request")], ids=["frame", "request"]
)
def test_one_connected_trace(
    site: Site, telemetry: Telemetry, tmp_path: Path, begin: Callable[..., str], root: str
) -> None:
    # When
    watch_to_the_end(site, begin, tmp_path / "go")

    # Then
    def whole_trace() -> dict[str, dict[str, Any]]:
        trace_id = next((span["context"]["trace_id"] for span in telemetry.spans() if span["name"] == root), "")
        found = {span["name"]: span for span in telemetry.spans(trace_id)}
        return found if {root, "deliver job_succeeded", f"run {TASK}"} <= found.keys() else {}

    spans = wait_until(whole_trace, seconds=SECONDS, what=lambda: f"the trace in {telemetry}")
    parents = {name: span["parent_id"] for name, span in spans.items()}
    ids = {name: span["context"]["span_id"] for name, span in spans.items()}
    assert parents[f"start_job {TASK}"] == ids[root]
    assert parents[f"run {TASK}"] == ids[f"start_job {TASK}"]
    for action in ("job_log", "job_succeeded"):
        assert parents[f"report {action}"] == ids[f"run {TASK}"]
        assert parents[f"deliver {action}"] == ids[f"report {action}"]
    services = {name: span["service"] for name, span in spans.items()}
    assert {services[root], services[f"start_job {TASK}"], services["deliver job_log"]} == {"site"}
    assert {services[f"run {TASK}"], services["report job_log"]} == {"worker"}


def test_each_process_of_the_worker_has_spans_of_its_own(site: Site, telemetry: Telemetry, tmp_path: Path) -> None:
    for number in range(2):
        watch_to_the_end(site, begin_by_frame, tmp_path / f"go-{number}")

    def processes() -> set[str]:
        return {span["process"] for span in telemetry.spans() if span["name"] == f"run {TASK}"}

    wait_until(lambda: len(processes()) >= 2, seconds=SECONDS, what="runs in two processes")


def test_metrics_of_both_sides(site: Site, telemetry: Telemetry, tmp_path: Path) -> None:
    watch_to_the_end(site, begin_by_frame, tmp_path / "go")

    worker_metrics = {
        "chanx.job.queue.duration",
        "chanx.job.run.duration",
        "chanx.job.events.published",
        "chanx.job.append.duration",
    }
    wait_until(lambda: worker_metrics <= telemetry.metrics("worker"), seconds=SECONDS, what="the worker's metrics")
    site_metrics = {
        "chanx.connections",
        "chanx.frames.received",
        "chanx.frames.sent",
        "chanx.handler.duration",
        "chanx.delivery.duration",
    }
    wait_until(lambda: site_metrics <= telemetry.metrics("site"), seconds=SECONDS, what="the site's metrics")

"""The example's tasks in a real prefork worker, without Django, followed in the job's log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from celery import Celery, chord

from chanx.bridge import Bridge, JobTask, install, start_job_sync
from chanx.bridge.snapshot import JobSnapshot
from chanx.testing.redis_server import redis_server
from tests.celery_nodes.containers import rabbitmq_node
from tests.celery_nodes.process import NodeProcess
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]

# Stands before the worker's own start: whatever the environment of the tests has installed, these are not there.
WITHOUT_DJANGO = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"django", "channels", "channels_redis", "fastapi", "rest_framework"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from celery.__main__ import main
sys.argv[0] = "celery"
main()
"""


@dataclass
class Worker:
    process: psutil.Process
    bridge: Bridge
    uploads: Path

    def task(self, name: str) -> Any:
        return self.bridge.app.tasks[f"example_worker.tasks.{name}"]

    def start(self, task: str, argument: str) -> str:
        return start_job_sync(self.task(task), argument, owner="user:1").job_id

    def start_files(self, files: dict[str, str]) -> str:
        """A job over several uploads: name -> upload id."""
        tasks = [self.task("profile_file").s(upload_id, name) for name, upload_id in files.items()]
        return start_job_sync(chord(tasks, self.task("summarise_files").s()), owner="user:1").job_id

    def upload(self, content: bytes) -> str:
        upload_id = str(uuid4())
        (self.uploads / f"{upload_id}.csv").write_bytes(content)
        return upload_id

    def snapshot(self, job_id: str) -> JobSnapshot:
        snapshot = self.bridge.store.snapshot(job_id)
        assert snapshot is not None
        return snapshot

    def events(self, job_id: str) -> list[dict[str, Any]]:
        page = self.bridge.store.read(job_id, after=0, limit=100_000)
        assert page is not None
        return [json.loads(entry.event) for entry in page.entries]

    def ended(self, job_id: str) -> JobSnapshot:
        wait_until(lambda: self.snapshot(job_id).state.is_terminal)
        return self.snapshot(job_id)

    def programs(self) -> list[psutil.Process]:
        """What runs below the worker's pool child."""
        return [program for child in self.process.children() for program in child.children(recursive=True)]


def client_of(url: str, *, store: str | None = None) -> Bridge:
    """An app that can start the worker's tasks by name without importing it, as its settings come from elsewhere.

    Where other tests of this process have imported them, every app has them.
    """
    app = Celery("client", broker=url, backend=url if url.startswith("redis") else None, set_as_current=False)

    def signature(self: JobTask, *arguments: str) -> None:
        raise AssertionError("only the worker runs tasks")

    app.finalize()
    for name in ("profile_csv", "profile_file", "summarise_files", "run_command"):
        if f"example_worker.tasks.{name}" not in app.tasks:
            app.task(signature, name=f"example_worker.tasks.{name}", base=JobTask, bind=True, shared=False)
    return install(app, store=store or url)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    directory = tmp_path_factory.mktemp("worker")
    with redis_server(private=True) as server, (directory / "log").open("wb") as log:
        env = {**os.environ, "CHANX_REDIS_URL": server.url, "EXAMPLE_UPLOAD_DIR": str(directory)}
        options = ["-A", "example_worker", "worker", "--concurrency=1", "--loglevel=info"]
        process = subprocess.Popen(
            [sys.executable, "-c", WITHOUT_DJANGO, *options], cwd=ROOT, env=env, stdout=log, stderr=log
        )
        bridge = client_of(server.url)
        try:
            wait_until(lambda: process.poll() is not None or b" ready." in (directory / "log").read_bytes())
            assert process.poll() is None, (directory / "log").read_text()
            yield Worker(psutil.Process(process.pid), bridge, directory)
        finally:
            process.terminate()
            process.wait(60)
            bridge.store.close()
            bridge.app.close()


def test_a_csv_file_is_profiled(worker: Worker) -> None:
    # Given an uploaded file with a bad row
    upload_id = worker.upload(b"id,name\n1,Ann\n2\n3,J\xfcrgen\n")
    # When its job has run
    job_id = worker.start("profile_csv", upload_id)
    snapshot = worker.ended(job_id)
    # Then the snapshot has the profile
    assert snapshot.state == "succeeded"
    result = snapshot.fields["result"]
    assert (result["rows"], result["bad_rows"], result["encoding"]) == (2, 1, "cp1252")
    assert snapshot.fields["column_stats"] == {"rows": 2, "columns": result["columns"]}
    assert snapshot.fields["job_progress"]["fraction"] == 1
    # And the log tells the story in order
    actions = [event["action"] for event in worker.events(job_id)]
    assert actions == ["job_queued", "job_started", "job_log", "bad_row", "job_log", "job_succeeded"]


def test_a_large_file_is_profiled_and_can_be_cancelled(worker: Worker) -> None:
    # Given a file that takes some seconds
    upload_id = worker.upload(b"a,b,c,d\n" + b"12345,some text,2025-01-31,1.5\n" * 2_000_000)
    job_id = worker.start("profile_csv", upload_id)
    # When it is cancelled after its first statistics
    wait_until(lambda: "column_stats" in worker.snapshot(job_id).fields)
    worker.bridge.cancel(job_id)
    # Then it stops unfinished
    snapshot = worker.ended(job_id)
    assert snapshot.state == "cancelled"
    assert snapshot.fields["job_progress"]["fraction"] < 1


def test_many_files_are_one_job(worker: Worker) -> None:
    # Given 30 files, one of them empty, one of them with a bad row
    files = {f"{number}.csv": worker.upload(b"id,name\n" + b"1,Ann\n" * number) for number in range(1, 29)}
    files |= {"empty.csv": worker.upload(b""), "bad.csv": worker.upload(b"id,name\n1\n2,Bob\n")}
    # When their chord has run
    job_id = worker.start_files(files)
    snapshot = worker.ended(job_id)
    # Then it has ended as one job, with the sums and every file in order
    assert snapshot.state == "succeeded"
    result = snapshot.fields["result"]
    assert [result[key] for key in ("files", "unreadable_files", "rows", "bad_rows")] == [30, 1, sum(range(29)) + 1, 1]
    assert [profile["name"] for profile in result["profiles"]] == list(files)
    # And its one bar has counted 31 tasks
    progress = snapshot.fields["job_progress"]
    assert (progress["current"], progress["total"], progress["fraction"]) == (31, 31, 1)
    # And the log has told of each file once
    actions = Counter(event["action"] for event in worker.events(job_id))
    assert (actions["file_profiled"], actions["job_succeeded"]) == (30, 1)


def test_cancelling_ends_all_of_many_files(worker: Worker) -> None:
    # Given files of which the first would take some seconds
    long = worker.upload(b"a,b,c,d\n" + b"12345,some text,2025-01-31,1.5\n" * 2_000_000)
    files = {"long.csv": long} | {f"{number}.csv": worker.upload(b"a,b\n1,2\n") for number in range(20)}
    job_id = worker.start_files(files)
    wait_until(lambda: "job_progress" in worker.snapshot(job_id).fields)
    # When the job is cancelled
    worker.bridge.cancel(job_id)
    # Then that is the end of all of its tasks, and none of the files was read to its end
    assert worker.ended(job_id).state == "cancelled"
    assert "file_profiled" not in {event["action"] for event in worker.events(job_id)}


def test_an_upload_that_is_gone_says_so(worker: Worker) -> None:
    snapshot = worker.ended(worker.start("profile_csv", str(uuid4())))
    assert snapshot.state == "failed"
    error = snapshot.fields["error"]
    assert (error["message"], error["code"]) == ("The uploaded file is gone.", "upload_missing")


def test_a_command_streams_its_lines(worker: Worker) -> None:
    job_id = worker.start("run_command", "packages")
    snapshot = worker.ended(job_id)
    pieces = [event["payload"]["text"] for event in worker.events(job_id) if event["action"] == "job_output"]
    lines = "".join(pieces).splitlines()
    assert snapshot.fields["result"]["lines"] == len(lines)
    assert any(line.startswith("celery ") for line in lines)


def test_a_failing_command_names_its_exit_code(worker: Worker) -> None:
    error = worker.ended(worker.start("run_command", "fail")).fields["error"]
    assert (error["message"], error["code"]) == ("The command ended with exit code 3.", "command_failed")


@pytest.mark.parametrize("key", ["clock", "silent"])
def test_a_cancelled_command_leaves_no_process(worker: Worker, key: str) -> None:
    # Given a command that runs for minutes
    job_id = worker.start("run_command", key)
    wait_until(worker.programs)
    # When its job is cancelled
    worker.bridge.cancel(job_id)
    # Then job and program end long before that
    assert worker.ended(job_id).state == "cancelled"
    wait_until(lambda: not worker.programs())


def test_an_unexpected_error_shows_a_general_text(worker: Worker) -> None:
    # Given a program that is not installed
    job_id = worker.start("run_command", "missing")
    # Then the job fails, and nothing of the exception is told
    error = worker.ended(job_id).fields["error"]
    assert error["code"] == "error"
    assert "installed" not in json.dumps(error)
    assert "No such file" not in json.dumps(worker.events(job_id))
    # And the worker goes on
    assert worker.ended(worker.start("run_command", "packages")).state == "succeeded"


def test_no_descriptors_are_left_in_the_pool(worker: Worker) -> None:
    def open_files() -> int:
        return sum(child.num_fds() for child in worker.process.children())

    # Given a pool child that has run commands and profiles
    for _ in range(4):
        worker.ended(worker.start("run_command", "fail"))
        worker.ended(worker.start("profile_csv", worker.upload(b"a,b\n1,2\n")))
    before = open_files()
    # When it runs more of them
    for _ in range(4):
        worker.ended(worker.start("run_command", "fail"))
        worker.ended(worker.start("profile_csv", worker.upload(b"a,b\n1,2\n")))
    # Then it holds no more files than before
    assert open_files() <= before


@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_a_worker_that_reaches_the_broker_only(kind: str, tmp_path: Path) -> None:
    # Given a site with a Redis of its own, and a worker and a relay on a broker
    with ExitStack() as stack:
        site = stack.enter_context(redis_server(private=True))
        broker = (
            stack.enter_context(redis_server(private=True)).url
            if kind == "redis"
            else str(stack.enter_context(rabbitmq_node(tmp_path)).host_url)
        )
        common = {"CHANX_BROKER_URL": broker, "EXAMPLE_UPLOAD_DIR": str(tmp_path)}
        options = ["-A", "example_worker", "worker", "--concurrency=1", "--loglevel=info"]
        worker = NodeProcess(
            "worker",
            [sys.executable, "-c", WITHOUT_DJANGO, *options],
            directory=tmp_path,
            environment={**common, "CHANX_STORE_URL": "event-bus://", "CHANX_REDIS_URL": "redis://127.0.0.1:1/0"},
        )
        stack.callback(worker.kill)
        relay = NodeProcess(
            "relay",
            [sys.executable, "-m", "chanx.cli", "relay", "--app", "example_worker"],
            directory=tmp_path,
            environment={**common, "CHANX_REDIS_URL": site.url},
        )
        stack.callback(relay.kill)
        bridge = client_of(broker, store=site.url)
        stack.callback(bridge.app.close)
        stack.callback(bridge.store.close)
        here = Worker(psutil.Process(worker.pid), bridge, tmp_path)
        # When a file is profiled
        upload_id = here.upload(b"id,name\n1,Ann\n2\n")
        job_id = here.start("profile_csv", upload_id)
        job = here.ended(job_id)
        # Then the site's log has all of it
        assert job.state == "succeeded"
        actions = [event["action"] for event in here.events(job_id)]
        assert actions == ["job_queued", "job_started", "job_log", "bad_row", "job_log", "job_succeeded"]

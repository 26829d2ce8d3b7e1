"""``python -m example_site.demo`` with the real site, worker and server."""

import os
import re
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.runner_process import Runner, gone
from tests.waiting import wait_until


@pytest.fixture
def demo(unused_tcp_port: int, tmp_path: Path) -> Iterator[Runner]:
    environment = {**os.environ, "EXAMPLE_DATA_DIR": str(tmp_path / "var")}
    environment.pop("CHANX_REDIS_URL", None)
    environment.pop("EXAMPLE_UPLOAD_DIR", None)
    runner = Runner([sys.executable, "-m", "example_site.demo", "--port", str(unused_tcp_port)], environment)
    yield runner
    runner.close()


def test_the_demo_comes_up_survives_its_worker_and_ends(demo: Runner, unused_tcp_port: int, tmp_path: Path) -> None:
    # Given the demo, which says where to go once it answers, and whose worker is ready
    url = f"http://127.0.0.1:{unused_tcp_port}/"
    wait_until(lambda: f"Open {url} and sign in as ada / demo" in demo.output(), what=demo.output)
    wait_until(lambda: demo.output().count(" ready.") == 1, what=demo.output)
    with urllib.request.urlopen(url, timeout=10) as page:
        assert page.status == 200
        assert "csrfmiddlewaretoken" in page.read().decode()
    # And it says no more than that: no line for every request, no advice
    assert not re.search(r"HTTP/2|(GET|HEAD) /", demo.output())
    # When the worker is killed with its children running
    celery = [process for process in demo.tree() if process.cmdline()[1:3] == ["-m", "celery"]]
    assert len(celery) == 3
    celery[0].kill()
    # Then it comes back, its children are not left behind, and the site goes on
    wait_until(lambda: demo.output().count(" ready.") == 2, what=demo.output)
    assert gone(celery)
    with urllib.request.urlopen(url, timeout=10) as page:
        assert page.status == 200
    # When the demo is told to stop
    processes = demo.tree()
    assert any("valkey-server" in process.name() or "redis-server" in process.name() for process in processes)
    demo.process.terminate()
    # Then it has ended well, with all its processes, and its data is where it was told to be
    assert demo.process.wait(60) == 0
    assert gone(processes)
    assert (tmp_path / "var" / "uploads").is_dir()

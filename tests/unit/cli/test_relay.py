"""``chanx relay`` and ``manage.py chanx_relay``: which app, which bus, which broker."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from celery import Celery
from click.testing import CliRunner
from django.core.management import CommandError, call_command
from kombu.transport import TRANSPORT_ALIASES

from chanx.bridge import install
from chanx.bridge.store.base import Retention
from chanx.cli.main import cli
from chanx.errors import ConfigurationError
from chanx.testing.tied_process import tied
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]

SITE = """
from celery import Celery
from chanx.bridge import install
from chanx.bridge.store.memory import MemoryJobStore
from chanx.layers import LayerSpec
app = Celery("site", broker="redis://127.0.0.1:1/0")
install(app, store="redis://127.0.0.1:1/0")
worker = Celery("worker", broker="redis://127.0.0.1:1/0")
install(worker, store="event-bus://")
memory = Celery("memory", broker="memory://")
install(memory, store="redis://127.0.0.1:1/0")
kept = Celery("kept", broker="redis://127.0.0.1:1/0")
install(kept, store=MemoryJobStore(), layer=LayerSpec.redis_pubsub("redis://127.0.0.1:1/0"))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bussite.py").write_text(SITE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    monkeypatch.setitem(TRANSPORT_ALIASES, "lacking", "lacking.transport:Transport")
    sys.modules.pop("bussite", None)
    return tmp_path


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--app", "nosuch"], "there is no"),
        (["--app", "bussite:nosuch"], "there is no such app"),
        (["--app", "bussite:worker"], "run it with the site's Celery app"),
        (["--app", "bussite:memory"], "RabbitMQ or Redis, and the broker is 'memory'"),
        (["--app", "bussite:app", "--broker", "memory://"], "RabbitMQ or Redis, and the broker is 'memory'"),
        (["--app", "bussite:app", "--bus", "no bus"], "The event bus 'no bus'"),
        (["--app", "bussite:kept"], "the store is in this process's memory"),
        (
            ["--app", "bussite:app", "--broker", "nosuch://x"],
            "cannot use its broker's URL: 'No such transport: nosuch'",
        ),
        (["--app", "bussite:app", "--broker", "lacking://x"], "cannot use its broker's URL: No module named 'lacking'"),
    ],
)
def test_what_cannot_be_relayed_is_said(project: Path, options: list[str], text: str) -> None:
    result = CliRunner().invoke(cli, ["relay", *options])

    assert result.exit_code == 1
    assert text in result.output
    with pytest.raises(CommandError, match=text):
        call_command("chanx_relay", *options)


def test_a_health_port_that_is_taken_is_said(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(cli, ["relay", "--app", "bussite:app", "--health-port", str(port)])

    assert result.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port} for its health: " in result.output


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_relay_without_its_broker_waits_and_stops_when_it_is_told_to(project: Path, how: signal.Signals) -> None:
    log = project / "relay.log"
    command = [sys.executable, "-m", "chanx.cli", "relay", "--app", "bussite:app"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            tied(command), stdout=output, stderr=output, env={**os.environ, "PYTHONPATH": f"{ROOT}:{project}"}
        )
    wait_until(lambda: "relay_broker_away" in log.read_text(), seconds=30, what="the relay's first try")

    process.send_signal(how)

    assert process.wait(60) == 0
    assert "relay_stopped" in log.read_text()


def test_an_installation_on_the_bus_names_it() -> None:
    app = Celery(set_as_current=False)

    assert not install(app, store="event-bus://reports").store.is_observed_here
    with pytest.raises(ConfigurationError, match="The event bus 'a b'"):
        install(app, store="event-bus://a b")
    with pytest.raises(ConfigurationError, match="goes with the site's store"):
        install(app, store="event-bus://", retention=Retention())

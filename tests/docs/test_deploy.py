"""The files of docs/deploy, each by the program that it is for."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from celery import Celery

from tests.docs.deploy_programs import DEPLOY, program, run
from tests.docs.pages import DOCS
from tests.docs.tutorial import assert_there

UNITS = sorted(path.name for path in DEPLOY.glob("*.service"))
SECRETS = ("SHOP_SECRET_KEY", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "VALKEY_PASSWORD")
ENVIRONMENT = dict.fromkeys(("SHOP_IMAGE", "SHOP_HOST", *SECRETS), "of-the-test")


# Commands


def commands() -> dict[str, str]:
    """Every command that starts a part of the site, by the file and the part."""
    found = {f"Procfile: {line.partition(':')[0]}": line.partition(": ")[2] for line in _lines("Procfile")}
    found["Procfile: site"] = found["Procfile: site"].replace("$PORT", "8001")
    for unit in UNITS:
        (start,) = (line for line in _lines(unit) if line.startswith("ExecStart="))
        found[unit] = start.removeprefix("ExecStart=/srv/shop/venv/bin/").replace("%i", "8001")
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return found | {f"compose.yaml: {name}": services[name]["command"] for name in ("site", "worker", "relay")}


def _lines(name: str) -> list[str]:
    return (DEPLOY / name).read_text().splitlines()


CLICK_COMMANDS = {
    "uvicorn": ("uvicorn.main", "main"),
    "celery": ("celery.bin.worker", "worker"),
    "chanx": ("chanx.cli.main", "cli"),
}


@pytest.mark.parametrize("command", commands().values(), ids=commands().keys())
def test_every_command_has_only_options_that_there_are(command: str) -> None:
    name, *arguments = shlex.split(command)
    if name == "celery":
        assert arguments[:3] == ["--app", "shop", "worker"]
        arguments = arguments[3:]
    module, attribute = CLICK_COMMANDS[name]
    program: Any = getattr(import_module(module), attribute)
    if isinstance(program, click.Group):
        found = program.get_command(click.Context(program), arguments.pop(0))
        assert found is not None
        program = found

    # Reads the arguments, and starts nothing
    program.make_context(name, arguments, obj=_CeleryContext())


class _CeleryContext:
    """What the options of Celery's commands ask of it while they are read."""

    app = Celery("shop", set_as_current=False)
    no_color = True
    quiet = True


def test_the_procfile_is_one() -> None:
    said = run(Path(sys.executable).with_name("honcho"), "check", "-f", DEPLOY / "Procfile")

    assert "Valid procfile detected (site, worker)" in said


# systemd


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with programs that there are; those of templates as an instance."""
    binaries = tmp_path / "bin"
    binaries.mkdir()
    for unit in UNITS:
        text = (DEPLOY / unit).read_text().replace("/srv/shop/venv/bin", str(binaries))
        started = re.search(rf"^ExecStart={binaries}/(\w+)", text, re.MULTILINE)
        assert started is not None
        (binaries / started[1]).symlink_to("/bin/true") if not (binaries / started[1]).exists() else None
        (tmp_path / unit.replace("@.", "@8001.")).write_text(text)
    return tmp_path


def test_systemd_takes_the_units(units: Path) -> None:
    said = run(program("systemd-analyze", "systemd"), "verify", "--man=no", *units.glob("*.service"))

    assert [line for line in said.splitlines() if str(units) in line] == []


@pytest.mark.parametrize("unit", UNITS)
def test_the_units_may_little(units: Path, unit: str) -> None:
    systemd = program("systemd-analyze", "systemd")

    said = run(systemd, "security", "--offline=true", "--threshold=20", units / unit.replace("@.", "@8001."))

    assert re.search(r"exposure level for \S+: [01]\.\d OK", said), said
    assert "User=shop\n" in (DEPLOY / unit).read_text()


# Containers


def test_the_image_has_the_packages_of_the_guide() -> None:
    guide = (DOCS / "guides" / "deploying.md").read_text()
    (in_guide,) = re.findall(r"^\$ /srv/shop/venv/bin/pip install (.*)$", guide, re.MULTILINE)
    (in_image,) = re.findall(r"^RUN pip install --no-cache-dir (.*)$", "\n".join(_lines("Dockerfile")), re.MULTILINE)

    assert shlex.split(in_image) == shlex.split(in_guide)
    assert_there(shlex.split(in_guide))


def compose() -> list[str]:
    """The command of whichever Compose there is."""
    has_plugin = (
        shutil.which("docker")
        and not subprocess.run(
            ["docker", "compose", "version"], capture_output=True, check=False, timeout=30
        ).returncode
    )
    return ["docker", "compose"] if has_plugin else [program("docker-compose", "docker-compose")]


def test_compose_takes_the_file_and_asks_for_every_secret() -> None:
    config = [*compose(), "--file", str(DEPLOY / "compose.yaml"), "config"]

    assert "of-the-test" in run(*config, **ENVIRONMENT)
    for name in ENVIRONMENT:
        without = {key: value for key, value in (os.environ | ENVIRONMENT).items() if key != name}
        refused = subprocess.run(config, env=without, capture_output=True, text=True, check=False, timeout=60)
        assert refused.returncode != 0
        assert name in refused.stderr


def test_compose_opens_little_and_holds_no_secret() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    services: Mapping[str, dict[str, Any]] = yaml.safe_load(text)["services"]

    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    for name in ("valkey", "rabbitmq", "postgres"):
        assert services[name]["networks"] == ["inside"]
    assert yaml.safe_load(text)["networks"]["inside"] == {"internal": True}
    for name in ("migrate", "site", "worker", "relay"):
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
        assert (services[name]["read_only"], services[name]["user"]) == (True, "1000:1000")
    for line in text.splitlines():
        if re.search(r"(SECRET|PASS|PASSWORD|AUTH)\w*:", line):
            assert re.search(r"\$\{\w+:\?[^}]+\}", line), f"no secret may stand here: {line.strip()}"


def test_compose_gives_nginx_the_site_as_it_is_named_there(tmp_path: Path) -> None:
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["nginx"]
    shell, option, script = shlex.split(service["command"])
    written = tmp_path / "nginx.conf"

    writes = script.partition(" && ")[0].replace("/tmp/nginx.conf", str(written))
    run(shell, option, writes.replace("/etc/nginx/shop.conf", str(DEPLOY / "nginx.conf")))

    assert "./nginx.conf:/etc/nginx/shop.conf:ro" in service["volumes"]
    assert re.findall(r"^ +server (.*);$", written.read_text(), re.MULTILINE) == ["site:8000 max_fails=0"]
    assert re.findall(r"^user (.*);$", written.read_text(), re.MULTILINE) == ["nginx"]


@pytest.mark.parametrize("status", [200, 503])
def test_compose_asks_the_site_how_it_is(status: int) -> None:
    asked: list[tuple[str, str | None, str | None]] = []

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Host"], self.headers["X-Forwarded-Proto"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    check = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["site"]["healthcheck"]["test"]
    with HTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [sys.executable, "-c", check[-1].replace("127.0.0.1:8000", f"127.0.0.1:{server.server_port}")]
        environment = {**os.environ, "SHOP_HOST": "shop.example.com"}
        done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=30)
        server.shutdown()

    assert check[:3] == ["CMD", "python", "-c"]
    assert asked == [("/health/live/", "shop.example.com", "https")]
    assert (done.returncode == 0) == (status == 200)

"""``chanx doctor`` and ``manage.py chanx_doctor`` as they are typed, on real servers and workers."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from chanx.testing.redis_server import RedisServer, redis_server
from tests.integration.doctor_worker import shop_worker
from tests.integration.worker_process import ROOT


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server(private=True) as running:
        yield running


@pytest.fixture(scope="module")
def running_worker(server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with shop_worker(server, log=tmp_path_factory.mktemp("worker") / "worker.log") as name:
        yield name


def run(*options: str, cwd: Path, **environment: str) -> tuple[int, str]:
    """The exit code of ``chanx doctor``, and what it prints."""
    return run_python("-m", "chanx.cli", "doctor", *options, cwd=cwd, **environment)


def run_python(*arguments: str, cwd: Path, **environment: str) -> tuple[int, str]:
    names = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**names, "PYTHONPATH": f"{ROOT}:{cwd}", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def ids(output: str) -> set[str]:
    return {finding["id"] for finding in json.loads(output)["findings"] if finding["level"] != "info"}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A Django project, whose Celery app is imported with it."""
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("from .celery import app as celery_app\n")
    (package / "celery.py").write_text(
        dedent(
            """
            import os
            from celery import Celery
            from chanx.bridge import install
            from chanx.layers import LayerSpec

            app = Celery("shop", broker=os.environ["CHANX_REDIS_URL"])
            install(
                app,
                store=os.environ["CHANX_REDIS_URL"],
                layer=LayerSpec.redis_pubsub(os.environ["CHANX_REDIS_URL"], prefix="shop"),
            )
            """
        )
    )
    (package / "settings.py").write_text(
        dedent(
            """
            import os

            SECRET_KEY = "x"
            INSTALLED_APPS = ["channels", "chanx.channels"]
            CHANNEL_LAYERS = {
                "default": {
                    "BACKEND": os.environ.get("SHOP_BACKEND", "channels_redis.pubsub.RedisPubSubChannelLayer"),
                    "CONFIG": {
                        "hosts": [os.environ.get("SHOP_LAYER") or os.environ["CHANX_REDIS_URL"]],
                        "prefix": os.environ.get("SHOP_PREFIX", "shop"),
                    },
                },
            }
            """
        )
    )
    return tmp_path


def test_the_command_on_a_django_project(shop: Path, running_worker: str, server: RedisServer) -> None:
    options = ["--settings", "shop.settings", "--timeout", "2"]

    code, output = run(*options, cwd=shop, CHANX_REDIS_URL=server.url)
    assert (code, output.splitlines()[-2:]) == (0, ["Workers that answered: shop@here.", "0 errors, 0 warnings."])

    # When the layer is another: what was heard replaces what the settings tell
    code, output = run(*options, "--json", cwd=shop, CHANX_REDIS_URL=server.url, SHOP_PREFIX="site")
    assert (code, ids(output)) == (1, {"chanx.E008", "chanx.E305"})
    assert json.loads(output)["workers"] == ["shop@here"]

    # and when it is away, with a password: the settings tell that it is another
    away = "redis://:hunter2@127.0.0.1:1/0"
    code, output = run(*options, "--json", cwd=shop, CHANX_REDIS_URL=server.url, SHOP_LAYER=away)
    assert (code, ids(output)) == (1, {"chanx.W006", "chanx.E007"})
    assert "hunter2" not in output


@pytest.mark.parametrize(
    "command", [("-m", "chanx.cli", "doctor", "--settings", "shop.settings"), ("-m", "django", "chanx_doctor")]
)
def test_both_commands_say_the_same(
    command: tuple[str, ...], shop: Path, running_worker: str, server: RedisServer
) -> None:
    environment = {"CHANX_REDIS_URL": server.url}
    if "chanx_doctor" in command:
        environment["DJANGO_SETTINGS_MODULE"] = "shop.settings"

    code, output = run_python(*command, cwd=shop, **environment)
    assert (code, output.splitlines()[-2:]) == (0, ["Workers that answered: shop@here.", "0 errors, 0 warnings."])

    # When something is wrong
    code, output = run_python(*command, "--app", "shop", "--json", cwd=shop, **environment, SHOP_PREFIX="site")
    assert (code, ids(output)) == (1, {"chanx.E008", "chanx.E305"})

    # or cannot be examined
    code, output = run_python(*command, "--timeout", "0", cwd=shop, **environment)
    assert (code != 0, "--timeout" in output) == (True, True)


def test_options_of_a_layer_that_cannot_be_read(shop: Path, server: RedisServer) -> None:
    wrong = {"SHOP_BACKEND": "channels_redis.core.RedisChannelLayer", "SHOP_LAYER": f"{server.url}?socket_timeout=abc"}

    code, output = run("--settings", "shop.settings", "--json", cwd=shop, CHANX_REDIS_URL=server.url, **wrong)

    assert code == 1
    assert "chanx.E007" in ids(output)


def test_the_command_on_a_worker_without_django(running_worker: str, server: RedisServer, tmp_path: Path) -> None:
    code, output = run("--app", "tests.integration.doctor_app:app", "--json", cwd=tmp_path, CHANX_REDIS_URL=server.url)
    assert (code, ids(output)) == (0, set())
    assert json.loads(output)["workers"] == [running_worker]

    # An app without a bridge is an error that names the line to add
    code, output = run("--app", "tests.integration.doctor_app:app", cwd=tmp_path, CHANX_NO_BRIDGE="1")
    assert code == 1
    assert "chanx.bridge.install(app" in output


def test_the_command_on_a_fastapi_site(running_worker: str, server: RedisServer, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        dedent(
            f"""
            from fast_channels.layers import register_channel_layer
            from fast_channels.layers.redis import RedisPubSubChannelLayer

            register_channel_layer("default", RedisPubSubChannelLayer(hosts=["{server.url}"], prefix="shop"))
            """
        )
    )
    options = ["--app", "tests.integration.doctor_app:app", "--site", "main", "--json"]

    code, output = run(*options, cwd=tmp_path, CHANX_REDIS_URL=server.url)

    assert (code, ids(output)) == (0, set())
    assert json.loads(output)["workers"] == [running_worker]


def test_the_command_on_jobs_in_the_database(shop: Path, running_worker: str, server: RedisServer) -> None:
    """
    Given: a project whose jobs are in its database, without their tables, and a worker that keeps its own on Redis
    When: the doctor is asked, before and after the migration
    Then: it tells of the missing tables, and then of the worker
    """
    settings = shop / "shop" / "settings.py"
    settings.write_text(
        settings.read_text().replace('"chanx.channels"]', '"chanx.channels", "chanx.bridge.contrib"]')
        + 'DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.sqlite3"},\n'
        '    "jobs": {"ENGINE": "django.db.backends.sqlite3", "NAME": "jobs.sqlite3"}}\n'
    )
    (shop / "shop" / "celery.py").write_text(
        dedent(
            """
            import os
            from celery import Celery
            from chanx.bridge import install
            from chanx.bridge.contrib.store import DjangoJobStore
            from chanx.layers import LayerSpec

            app = Celery("shop", broker=os.environ["CHANX_REDIS_URL"])
            layer = LayerSpec.redis_pubsub(os.environ["CHANX_REDIS_URL"], prefix="shop")
            install(app, store=DjangoJobStore(using="jobs"), layer=layer)
            """
        )
    )
    options = ["--settings", "shop.settings", "--json"]

    code, output = run(*options, cwd=shop, CHANX_REDIS_URL=server.url)
    assert (code, ids(output)) == (1, {"chanx.W104", "chanx.E201"})

    migrate = [sys.executable, "-m", "django", "migrate", "--database=jobs", "chanx_jobs"]
    environment = {"PYTHONPATH": f"{ROOT}:{shop}", "DJANGO_SETTINGS_MODULE": "shop.settings"}
    subprocess.run(migrate, cwd=shop, env={**os.environ, **environment, "CHANX_REDIS_URL": server.url}, check=True)
    code, output = run(*options, cwd=shop, CHANX_REDIS_URL=server.url)
    assert (code, ids(output)) == (1, {"chanx.E304"})

"""How commands find the Celery app: each in a process of its own, in a directory with a project."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[3]

PROGRAM = """
    import sys
    import click
    from chanx.cli.celery_app import bridge_of_app
    from chanx.errors import ChanxError

    try:
        bridge = bridge_of_app(sys.argv[1] if sys.argv[1:] else None)
        from django.apps import apps
        print(bridge.app.main, apps.ready)
    except (ChanxError, click.UsageError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    """
APP = """
    from celery import Celery
    from chanx.bridge import install
    from chanx.bridge.store.memory import MemoryJobStore
    from chanx.layers import LayerSpec

    print("loading")
    app = Celery("plain")
    install(app, store=MemoryJobStore(), layer=LayerSpec.redis_pubsub("redis://127.0.0.1:1/0"))
    number = 7
    """
DJANGO_PROJECT = {
    "shop/__init__.py": "from .celery import app",
    "shop/settings.py": 'SECRET_KEY = "for tests"',
    "shop/celery.py": """
        import os
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
        from celery import Celery
        from chanx.bridge import install
        from chanx.bridge.store.memory import MemoryJobStore
        from chanx.layers import LayerSpec

        app = Celery("shop")
        install(app, store=MemoryJobStore(), layer=LayerSpec.redis_pubsub("redis://127.0.0.1:1/0"))
        """,
    "bare/__init__.py": "",
    "bare/settings.py": 'SECRET_KEY = "for tests"',
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory with a Celery app (``jobs``), a Django project with one (``shop``), and one without (``bare``)."""
    without = "from celery import Celery\napp = Celery('none')"
    broken = "import there_is_no_such_module"
    for name, source in {**DJANGO_PROJECT, "jobs.py": APP, "without.py": without, "broken.py": broken}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(dedent(source))
    return tmp_path


def find(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        [sys.executable, "-P", "-c", dedent(PROGRAM), *arguments],
        cwd=project,
        env={**plain, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("arguments", "environment", "found"),
    [
        (["jobs:app"], {}, "plain False"),
        (["jobs"], {}, "plain False"),
        (["jobs.app"], {}, "plain False"),
        (["shop"], {}, "shop True"),
        (["shop.celery:app"], {}, "shop True"),
        ([], {"DJANGO_SETTINGS_MODULE": "shop.settings"}, "shop True"),
        (["jobs:app"], {"DJANGO_SETTINGS_MODULE": "bare.settings"}, "plain True"),
    ],
)
def test_the_app_is_found(project: Path, arguments: list[str], environment: dict[str, str], found: str) -> None:
    done = find(project, *arguments, **environment)
    assert (done.returncode, done.stdout.strip()) == (0, found), done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        ([], {}, "UsageError: Give --app module:app"),
        (["nothing:app"], {}, "there is no module 'nothing'"),
        (["no.package"], {}, "there is no module 'no'"),
        (["jobs:nothing"], {}, "--app jobs:nothing: there is no such app in it"),
        (["jobs:number"], {}, "--app jobs:number is no Celery app, but of the type int"),
        (["without:app"], {}, "chanx.bridge.install(app, store=..., layer=...)"),
        ([], {"DJANGO_SETTINGS_MODULE": "bare.settings"}, "bare.settings makes no Celery app"),
        ([], {"DJANGO_SETTINGS_MODULE": "nothing.settings"}, "there is no module 'nothing.settings'"),
    ],
)
def test_a_mistake_is_named(project: Path, arguments: list[str], environment: dict[str, str], says: str) -> None:
    done = find(project, *arguments, **environment)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_of_the_project_is_its_own(project: Path) -> None:
    done = find(project, "broken:app")
    assert "No module named 'there_is_no_such_module'" in done.stderr
    assert "Traceback" in done.stderr

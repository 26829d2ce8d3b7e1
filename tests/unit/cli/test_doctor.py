"""``chanx doctor``: what it prints of an examination, and how it ends."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fast_channels.layers import InMemoryChannelLayer, channel_layers, register_channel_layer

from chanx.cli import doctor as command
from chanx.cli.main import cli
from chanx.doctor import examination
from chanx.doctor.examination import Examination
from chanx.doctor.finding import Finding
from chanx.doctor.project import NO_BRIDGE

E301 = Finding("chanx.E301", "The broker does not answer: hunter2 is wrong.", "Start it.")
W006 = Finding("chanx.W006", "Another layer.", "Use the same.")
I207 = Finding("chanx.I207", "Nothing is written to disk.", "Set appendonly yes.")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module with a Celery app and its bridge, without Django, in the current directory."""
    (tmp_path / "examined.py").write_text(
        dedent(
            """
            from celery import Celery
            from chanx.bridge import install
            from chanx.bridge.store.memory import MemoryJobStore
            from chanx.layers import LayerSpec

            app = Celery("examined", broker="redis://:hunter2@127.0.0.1:1/0", set_as_current=False)
            install(app, store=MemoryJobStore(), layer=LayerSpec.redis_pubsub("redis://127.0.0.1:1/0"))
            bare = Celery("bare", broker="memory://", set_as_current=False)
            """
        )
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    monkeypatch.setattr(command, "django_has_settings", lambda: False)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(channel_layers, "_layers", {})  # those of other tests are none of this project's
    yield tmp_path
    sys.modules.pop("examined", None)


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the examination finds; a test may change it, and sees what was examined."""
    seen: dict[str, Any] = {"finds": Examination((), ("celery@a",))}

    def examine(bridge: Any, layers: Any, *, seconds: float) -> Examination:
        seen.update(bridge=bridge, layers=layers, seconds=seconds)
        found: Examination = seen["finds"]
        return found

    monkeypatch.setattr(examination, "examine", examine)
    return seen


def run(*options: str) -> Result:
    return CliRunner().invoke(cli, ["doctor", *options])


def test_findings_are_printed_with_their_fixes_errors_first(project: Path, examined: dict[str, Any]) -> None:
    examined["finds"] = Examination((I207, E301), ("celery@a", "celery@b"), ("MemoryJobStore", "broker"))

    result = run("--app", "examined:app", "--timeout", "0.5")

    assert result.exit_code == 1
    assert result.output == dedent(
        """\
        error    chanx.E202  The job store is in this process's memory, but Celery has a broker (redis://), so its workers are other processes: their jobs' events reach nobody.
                 install(app, store="redis://..."), or store=DjangoJobStore(). For tests, set task_always_eager.

        error    chanx.E301  The broker does not answer: *** is wrong.
                 Start it.

        info     chanx.I207  Nothing is written to disk.
                 Set appendonly yes.

        Looked at: settings, packages, MemoryJobStore, broker.
        Workers that answered: celery@a, celery@b.
        2 errors, 0 warnings.
        """  # noqa: E501
    )
    assert examined["seconds"] == 0.5


def test_scripts_get_json(project: Path, examined: dict[str, Any]) -> None:
    examined["finds"] = Examination((W006,), ("celery@a",))

    result = run("--app", "examined:app", "--json")

    content = json.loads(result.output)
    assert content["workers"] == ["celery@a"]
    assert content["looked_at"] == ["settings", "packages"]
    assert content["findings"][1] == {
        "id": "chanx.W006",
        "level": "warning",
        "text": "Another layer.",
        "fix": "Use the same.",
    }


def test_warnings_alone_are_no_failure(project: Path, examined: dict[str, Any]) -> None:
    examined["finds"] = Examination((W006, I207))
    register_channel_layer("default", InMemoryChannelLayer())

    result = run("--site", "examined")

    assert result.exit_code == 0
    assert result.output.endswith(f"{NO_BRIDGE}\n0 errors, 1 warning.\n")
    assert examined["bridge"] is None
    assert set(examined["layers"]) == {"default"}


def test_what_a_site_without_django_tells(project: Path, examined: dict[str, Any]) -> None:
    register_channel_layer("default", InMemoryChannelLayer())

    result = run("--app", "examined:app", "--json")

    found = {finding["id"] for finding in json.loads(result.output)["findings"]}
    assert found == {"chanx.W002", "chanx.E202"}


def test_a_site_that_registers_no_layer(project: Path, examined: dict[str, Any]) -> None:
    assert "chanx.W001" in run("--app", "examined:app", "--site", "examined").output


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((), 2, "--app module:app"),
        (("--app", "examined:bare"), 1, "has no bridge"),
        (("--app", "nowhere:app"), 1, "there is no module 'nowhere'"),
        (("--site", "nowhere"), 1, "--site: there is no module 'nowhere'"),
        (("--app", "examined:app", "--timeout", "0"), 2, "--timeout"),
    ],
)
def test_mistakes_are_named(
    options: tuple[str, ...], code: int, said: str, project: Path, examined: dict[str, Any]
) -> None:
    result = run(*options)
    assert result.exit_code == code
    assert said in result.output

"""The command ``chanx`` and how it loads."""

import subprocess
import sys

from click.testing import CliRunner

from chanx.cli.main import cli


def test_its_commands() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    described = dict(line.split(maxsplit=1) for line in result.output.partition("Commands:\n")[2].splitlines())
    assert list(described) == ["asyncapi", "diff", "doctor", "generate-client", "jobs", "relay"]
    assert described["diff"] == "Name what changed from one AsyncAPI document to another."


def test_each_command_is_there() -> None:
    for name in ("asyncapi", "diff", "doctor", "generate-client", "relay"):
        result = CliRunner().invoke(cli, [name, "--help"])
        assert result.exit_code == 0
        assert f"{name} [OPTIONS]" in result.output


def test_the_commands_about_jobs() -> None:
    for name in ("list", "show", "watch", "cancel"):
        result = CliRunner().invoke(cli, ["jobs", name, "--help"])
        assert result.exit_code == 0
        assert "--app MODULE:APP" in result.output


def test_its_version() -> None:
    assert "version" in CliRunner().invoke(cli, ["--version"]).output


def test_another_command() -> None:
    result = CliRunner().invoke(cli, ["nothing"])
    assert result.exit_code == 2
    assert "No such command 'nothing'" in result.output


def test_the_group_loads_nothing_heavy() -> None:
    """
    Given: a fresh process
    When: the group is imported
    Then: none of what the commands need is, nor a web framework
    """
    heavy = {"pydantic", "jinja2", "httpx", "yaml", "django", "fastapi", "starlette", "jsonschema", "celery"}
    program = f"import sys, chanx.cli.main; print(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""


def test_without_click() -> None:
    program = "import sys; sys.modules['click'] = None; import chanx.cli.main"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert 'pip install "chanx[cli]"' in done.stderr.splitlines()[-1]

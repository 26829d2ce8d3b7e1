"""Whoever installed chanx without the extra that a part needs is told the line to type."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("absent", "statement", "line"),
    [
        ("celery", "from chanx.bridge import install", 'pip install "chanx[bridge]"'),
        ("redis", "from chanx.bridge import JobTask", 'pip install "chanx[bridge]"'),
        ("celery", "from chanx.bridge import JobTopic", 'pip install "chanx[bridge]"'),
        ("channels", "import chanx.channels.websocket", 'pip install "chanx[channels]"'),
        ("rest_framework", "import chanx.channels.authenticator", 'pip install "chanx[channels]"'),
        ("fast_channels", "import chanx.fast_channels.websocket", 'pip install "chanx[fast-channels]"'),
        ("websockets", "import chanx.client_generator.generator", 'pip install "chanx[cli]"'),
        ("opentelemetry", "import chanx.opentelemetry", 'pip install "chanx[opentelemetry]"'),
    ],
)
def test_the_error_names_the_extra(absent: str, statement: str, line: str) -> None:
    # Given an interpreter in which the library cannot be found
    program = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
{statement}
"""
    # When
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)

    # Then
    assert ended.returncode == 1
    assert line in ended.stderr.splitlines()[-1]
    assert "MissingExtraError" in ended.stderr.splitlines()[-1]

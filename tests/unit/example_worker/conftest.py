"""The example's tasks run as jobs in memory, on uploads of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from celery import Celery

from example_worker.app import app

Upload = Callable[[str | bytes], str]


@pytest.fixture
def chanx_celery_app() -> Celery:
    return app


@pytest.fixture
def upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upload:
    """``upload(content)`` is the id of such a file."""
    monkeypatch.setenv("EXAMPLE_UPLOAD_DIR", str(tmp_path))

    def put(content: str | bytes) -> str:
        upload_id = str(uuid4())
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / f"{upload_id}.csv").write_bytes(data)
        return upload_id

    return put

"""Each of ``chanx jobs``' commands waits a while for a store that is away."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from chanx.bridge.events import JobSucceeded, SucceededPayload
from chanx.bridge.store.base import StoreUnavailableError
from chanx.cli import jobs, patience
from tests.unit.cli.jobs_by_hand import Project

COMMANDS = ["list", "show", "watch", "cancel"]


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with closing(Project()) as made:
        monkeypatch.setattr(jobs, "bridge_of_app", lambda name: made.bridge)
        yield made


@pytest.mark.parametrize("command", COMMANDS)
def test_a_store_that_is_soon_there(project: Project, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a store that is away until it was waited for twice
    job_id = project.create()
    project.tell(job_id, JobSucceeded(payload=SucceededPayload(result=3)))
    waits = list[float]()

    def soon(method: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*arguments: Any, **options: Any) -> Any:
            if len(waits) < 2:
                raise StoreUnavailableError("The job store did not answer.")
            return method(*arguments, **options)

        return ask

    for name in ("snapshot", "read", "heads", "all_jobs", "request_cancel"):
        monkeypatch.setattr(project.store, name, soon(getattr(project.store, name)))
    monkeypatch.setattr(time, "sleep", waits.append)

    # When
    result = project.run(command, *([] if command == "list" else [job_id]))

    # Then
    assert result.exit_code == 0, result.output
    assert "succeeded" in result.stdout
    assert result.stderr == "The job store did not answer. Waiting for it.\nThe job store is back.\n"
    assert len(waits) == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_a_store_that_stays_away(project: Project, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: Any, **options: Any) -> Any:
        raise StoreUnavailableError("The job store did not answer.")

    monkeypatch.setattr(patience, "PATIENCE", 0)
    for name in ("snapshot", "all_jobs"):
        monkeypatch.setattr(project.store, name, never)

    result = project.run(command, *([] if command == "list" else ["j"]))

    assert (result.exit_code, result.stdout) == (3 if command == "watch" else 1, "")
    assert result.stderr == "Error: The job store did not answer.\n"

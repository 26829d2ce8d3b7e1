"""What the example site's WebSocket does beside showing jobs: it starts them, for those who may."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.acceptance.browser import write_csv
from tests.acceptance.stack import Stack
from tests.acceptance.visitor import Visitor


@contextmanager
def socket_of(stack: Stack, visitor: Visitor) -> Iterator[ClientConnection]:
    origin = Origin(stack.url)
    with connect(stack.websocket_url, additional_headers=visitor.websocket_headers, origin=origin) as socket:
        yield socket


def answer_to(socket: ClientConnection, action: str, payload: dict[str, Any]) -> dict[str, Any]:
    socket.send(json.dumps({"action": action, "payload": payload}))
    answer: dict[str, Any] = json.loads(socket.recv(timeout=30))
    return answer


def until(socket: ClientConnection, *actions: str, seconds: float = 60) -> dict[str, Any]:
    """The next frame with one of these actions."""
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(timeout=seconds))
        if frame["action"] in actions:
            return frame


def ended(socket: ClientConnection, topic: str) -> dict[str, Any]:
    """The last event of a job that is watched from its start."""
    socket.send(json.dumps({"topic": topic, "ref": "1", "action": "subscribe"}))
    return until(socket, "job_succeeded", "job_failed", "job_cancelled")


def test_a_command_starts(stack: Stack) -> None:
    """Given a signed-in client, when it asks for a command, then the job is its own and ends with the exit code."""
    with Visitor(stack, "ada") as ada, socket_of(stack, ada) as socket:
        accepted = answer_to(socket, "start_command", {"command": "packages"})
        assert accepted["action"] == "job_accepted"

        end = ended(socket, accepted["payload"]["topic"])

    assert (end["action"], end["payload"]["result"]["exit_code"]) == ("job_succeeded", 0)


def test_an_upload_is_read_again(stack: Stack, tmp_path: Path) -> None:
    """Given a job that has read a file, when its owner asks for it again, then a new job reads the same file."""
    write_csv(tmp_path / "orders.csv", 500, bad_every=100, more_columns=0)
    with Visitor(stack, "ada") as ada, socket_of(stack, ada) as socket:
        first = ada.upload(tmp_path / "orders.csv")
        accepted = answer_to(socket, "run_again", {"job_id": first})
        assert accepted["action"] == "job_accepted"
        assert accepted["payload"]["job_id"] != first

        end = ended(socket, accepted["payload"]["topic"])

    assert (end["action"], end["payload"]["result"]["rows"]) == ("job_succeeded", 500)


@pytest.mark.parametrize("job_id", ["unknown", "not an id!", ""])
def test_what_is_not_there_is_not_run_again(stack: Stack, job_id: str) -> None:
    """Given a client, when it names no job of its own, then it is told so, and stays connected."""
    with Visitor(stack, "ada") as ada, socket_of(stack, ada) as socket:
        refused = answer_to(socket, "run_again", {"job_id": job_id})
        unknown = answer_to(socket, "start_command", {"command": "rm"})
        page = ada.get(f"/jobs/{job_id or '%20'}/")

    assert refused["action"] == "job_not_started"
    assert unknown["action"] == "error"
    assert page.status_code == 404


def test_the_job_of_another_is_not_run_again(stack: Stack) -> None:
    """Given somebody's job, when another user asks for it again, then it looks as if there were none."""
    with Visitor(stack, "ada") as ada, socket_of(stack, ada) as socket:
        job_id = answer_to(socket, "start_command", {"command": "packages"})["payload"]["job_id"]
    with Visitor(stack, "grace") as grace, socket_of(stack, grace) as socket:
        refused = answer_to(socket, "run_again", {"job_id": job_id})
        missing = answer_to(socket, "run_again", {"job_id": "unknown"})

    assert refused == missing


def test_who_has_signed_out_starts_nothing(stack: Stack) -> None:
    """Given an open connection, when its user signs out, then it is told so instead of getting a job."""
    with Visitor(stack, "ada") as ada, socket_of(stack, ada) as socket:
        topic = answer_to(socket, "start_command", {"command": "count"})["payload"]["topic"]
        socket.send(json.dumps({"topic": topic, "ref": "1", "action": "subscribe"}))
        until(socket, "job_output")
        ada.sign_out()
        # At once; or within a minute, if the layer was not listening yet.
        until(socket, "error", seconds=90)

        refused = answer_to(socket, "start_command", {"command": "packages"})

    assert refused == {"action": "job_not_started", "payload": {"detail": "You are signed out."}}

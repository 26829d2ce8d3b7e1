"""What a process was about to publish is found after its death, and only then; the janitor drops it."""

import os
import subprocess
import sys
from typing import Any

import pytest

from chanx.bridge import scope, start_job_sync
from chanx.bridge.context import JobContext
from chanx.bridge.encoding import Origin
from chanx.bridge.outgoing import PLACES, LeftBehind, Outgoing
from chanx.bridge.states import JobState
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.worker import janitor
from tests.contract.jobs import Run
from tests.unit.bridge.apps import bridged_app

JOB = "j" * 64
PUBLISH = "0123456789abcdef"


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


class Processes:
    """Takes the part of one process after the other."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.outgoing = Outgoing(pid=lambda: self.pid)
        self.outgoing.share()

    def announce_as(self, pid: int, job_id: str = JOB, publish_id: str = PUBLISH) -> None:
        self.pid = pid
        self.outgoing.announce(job_id, publish_id)


@pytest.fixture
def processes() -> Processes:
    return Processes()


def test_a_living_process_leaves_nothing_behind(processes: Processes) -> None:
    processes.announce_as(os.getpid())

    assert processes.outgoing.left_behind() == []


def test_a_dead_process_leaves_its_message_behind_until_it_is_cleared(processes: Processes) -> None:
    # Given
    dead = dead_pid()
    processes.announce_as(dead)

    # When
    (message,) = processes.outgoing.left_behind()

    # Then
    assert message == LeftBehind(dead % PLACES, JOB, PUBLISH)
    assert processes.outgoing.left_behind() == [message]
    processes.outgoing.clear(message.place)
    assert processes.outgoing.left_behind() == []


def test_a_message_that_went_out_is_not_left_behind(processes: Processes) -> None:
    processes.announce_as(dead_pid())

    processes.outgoing.withdraw(PUBLISH)

    assert processes.outgoing.left_behind() == []


def test_another_message_that_went_out_changes_nothing(processes: Processes) -> None:
    processes.announce_as(dead_pid())

    processes.outgoing.withdraw("fedcba9876543210")

    assert [message.publish_id for message in processes.outgoing.left_behind()] == [PUBLISH]


def test_a_forked_process_does_not_withdraw_its_parents_message(processes: Processes) -> None:
    processes.announce_as(dead_pid())

    processes.pid = os.getpid()
    processes.outgoing.withdraw(PUBLISH)

    assert [message.publish_id for message in processes.outgoing.left_behind()] == [PUBLISH]


def test_processes_do_not_share_a_place(processes: Processes) -> None:
    dead = dead_pid()

    processes.announce_as(dead)
    processes.announce_as(dead + PLACES * 10_000, publish_id="f" * 16)

    assert [message.publish_id for message in processes.outgoing.left_behind()] == [PUBLISH, "f" * 16]


def test_more_processes_than_places_announce_nothing(processes: Processes) -> None:
    for number in range(PLACES):
        processes.announce_as(10_000_000 + number)

    processes.announce_as(20_000_000, publish_id="f" * 16)
    processes.outgoing.withdraw("f" * 16)

    assert {message.publish_id for message in processes.outgoing.left_behind()} == {PUBLISH}


def test_nothing_is_announced_before_it_is_shared() -> None:
    outgoing = Outgoing(pid=dead_pid)

    outgoing.announce(JOB, PUBLISH)
    outgoing.withdraw(PUBLISH)

    assert outgoing.left_behind() == []


def test_a_forked_child_announces_to_its_parent(processes: Processes) -> None:
    """In a process of its own, as it forks."""
    code = (
        "import os\n"
        "from chanx.bridge.outgoing import Outgoing\n"
        "outgoing = Outgoing()\n"
        "outgoing.share()\n"
        "child = os.fork()\n"
        "if not child:\n"
        f"    outgoing.announce({JOB!r}, {PUBLISH!r})\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n"
        "print([message.job_id for message in outgoing.left_behind()])\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == f"[{JOB!r}]\n"


def test_a_message_that_could_not_be_published_is_not_left_behind(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scope, "OUTGOING", processes.outgoing)
    with bridged_app(eager=False) as app:
        # Given
        job = start_job_sync(app.task(killed, name="killed"), owner="user:1")
        processes.pid = dead_pid()
        publishing = scope.PublishScope(app.bridge.transport, JobContext(job.job_id, "user:1", job.task_id))
        publishing.register("t2")
        assert [message.job_id for message in processes.outgoing.left_behind()] == [job.job_id]

        # When
        publishing.close(noticed_by=Origin(job.job_id, job.task_id, 1, ""))

        # Then
        assert processes.outgoing.left_behind() == []


def test_the_janitor_ends_a_job_that_only_waits_for_what_was_left_behind(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "OUTGOING", processes.outgoing)
    with bridged_app(eager=False) as app:
        # Given a job whose task was killed while it published another one
        job = start_job_sync(app.task(killed, name="killed"), owner="user:1")
        store = app.bridge.store
        (publish_id,) = store.pending(job.job_id)
        store.add_pending(job.job_id, PUBLISH, "t2")
        Run(store, job.job_id).end(publish_id, "failed", '{"message":"m","code":"worker_lost"}', state=JobState.FAILED)
        processes.announce_as(dead_pid(), job.job_id)

        # When the store is away, it is tried again
        with monkeypatch.context() as away:
            away.setattr(store, "drop_pending", raise_unavailable)
            janitor.Janitor(app.bridge, "w").look()
        assert store.pending(job.job_id) == {PUBLISH: "t2"}
        janitor.Janitor(app.bridge, "w").look()

        # Then
        snapshot = store.snapshot(job.job_id)
        assert snapshot is not None
        assert snapshot.state is JobState.FAILED
        assert snapshot.fields["error"]["code"] == "worker_lost"
        assert processes.outgoing.left_behind() == []


def killed(self: Any) -> None: ...


def raise_unavailable(*_: object) -> bool:
    raise StoreUnavailableError("away")

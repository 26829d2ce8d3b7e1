"""The example site's TypeScript client, compiled and run by Node, against the real site and worker."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.browser import write_csv
from tests.acceptance.stack import Stack
from tests.acceptance.visitor import Visitor
from tests.node_tools import node_packages, run_node
from tests.typescript_tools import compiler_errors
from tests.waiting import wait_until

PROGRAM = Path(__file__).with_name("generated_client_at_work.ts")
ROWS = 50_000
SECONDS = 120


@pytest.fixture(scope="module")
def program(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the compiled program, with the client that the command writes for the site's own document."""
    node_packages()
    directory = tmp_path_factory.mktemp("program")
    schema = directory / "asyncapi.json"
    with Visitor(stack, "ada") as ada:
        answer = ada.get("/asyncapi/schema/", params={"format": "json"})
        assert answer.status_code == 200, answer.text
        schema.write_text(answer.text)
    command = ["generate-client", "--lang", "typescript", "-s", str(schema), "-o", str(directory / "client")]
    run = [sys.executable, "-c", "from chanx.cli.main import cli; cli()", *command]
    subprocess.run(run, check=True, timeout=SECONDS)
    (directory / "package.json").write_text('{"type": "module"}')
    (directory / "program.ts").write_text(PROGRAM.read_text())
    assert compiler_errors(directory, "program.ts", modules="nodenext", emit=True) == ""
    return directory


@pytest.fixture(scope="module")
def said(stack: Stack, program: Path) -> dict[str, Any]:
    """What the program has to say, once it has run while the site was stopped and started."""
    middle = program / "in_the_middle"
    write_csv(program / "orders.csv", ROWS, bad_every=5_000, more_columns=12)
    with Visitor(stack, "ada") as ada, ThreadPoolExecutor(1) as pool:
        environment = {
            "HEADERS": json.dumps({**ada.websocket_headers, "Origin": stack.url}),
            "IN_THE_MIDDLE": str(middle),
            "SITE": stack.url,
            "UPLOADED": ada.upload(program / "orders.csv"),
        }
        settings = [f"process.env[{json.dumps(name)}] = {json.dumps(value)};" for name, value in environment.items()]
        (program / "settings.js").write_text("\n".join(settings))
        running = pool.submit(run_node, "--import", "./settings.js", "program.js", cwd=program, seconds=SECONDS)
        wait_until(lambda: middle.exists() or running.done(), seconds=SECONDS, what="the middle of the job")
        assert not running.done(), running.result().stderr
        stack.site.stop()
        stack.start_site()
        done = running.result()
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.timeout(300)
def test_a_job_is_read_whole_while_the_site_restarts(said: dict[str, Any]) -> None:
    """Given a job that the client has started, when the site is stopped and started in the middle of it, then the
    client has every event of its log, each once and in order, all of its output, and its result."""
    restarted = said["restarted"]

    assert restarted["wasLost"]
    assert restarted["seqs"] == list(range(1, len(restarted["seqs"]) + 1))
    assert restarted["output"].splitlines() == [f"{number} of 30" for number in range(1, 31)]
    assert restarted["result"]["exit_code"] == 0
    assert restarted["state"] == "live"


@pytest.mark.timeout(300)
def test_an_upload_is_followed_to_its_result(said: dict[str, Any]) -> None:
    """Given an uploaded file, when the client has it read once more, then it has the progress, the site's own typed
    events and the result; and from a position on, the rest of the log."""
    upload = said["upload"]

    assert upload["rows"] == ROWS
    assert upload["badLines"] == 10
    assert upload["columns"] > 10
    assert len(upload["fractions"]) > 1
    assert upload["fractions"] == sorted(upload["fractions"])
    assert upload["later"] == [upload["end"] - 1, upload["end"]]


@pytest.mark.timeout(300)
def test_what_goes_wrong_is_said(said: dict[str, Any]) -> None:
    """Given jobs that fail, are cancelled or unknown, a message that is wrong, and a client that is not signed in, when
    they are asked for, then each has the error that says so."""
    failures = said["failures"]

    assert failures["failed"] is True
    assert failures["refused"] == "unauthorized"
    assert [problem["loc"] for problem in failures["invalid"]] == [["start_command", "payload", "command"]]
    assert failures["cancelled"][1] == "enough"
    assert failures["stranger"] == ["unauthorized", "refused"]


@pytest.mark.timeout(300)
def test_the_list_has_all_of_them(said: dict[str, Any]) -> None:
    """Given the jobs above, when the client follows the list of its user's jobs, then they are on it, newest first."""
    assert said["list"] == ["cancelled", "failed", "succeeded", "succeeded", "succeeded"]

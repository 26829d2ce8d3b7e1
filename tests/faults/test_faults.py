"""Nothing is lost, whatever breaks: each fault in the middle of a job that several clients watch."""

import random
from pathlib import Path

import pytest

from tests.faults.fault_run import run_with_fault
from tests.faults.faults import FAULTS

EVENTS = 1500
CLIENTS = 6
PER_SECOND = 400.0
SECONDS = 60.0
DEATH_SECONDS = 30.0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", FAULTS)
async def test_every_client_ends_with_the_whole_log(fault: str, tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)  # noqa: T201 - shown with a failure

    report = await run_with_fault(
        fault, tmp_path, events=EVENTS, clients=CLIENTS, per_second=PER_SECOND, seed=seed, within=SECONDS
    )

    assert report.terminal == FAULTS[fault][1]
    assert (report.lost, report.duplicated, report.out_of_order, report.views_unlike_log) == (0, 0, 0, 0), report
    assert report.unreported == 0, report
    if report.terminal == "job_failed":
        assert report.to_terminal < DEATH_SECONDS, report

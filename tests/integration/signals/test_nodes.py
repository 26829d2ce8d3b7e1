"""The nodes themselves: what the other tests stand on."""

import psutil
from pytest_celery import CeleryTestSetup

from tests.integration.signals.app import plain_add
from tests.integration.signals.stacks import Stack, on_both_brokers
from tests.waiting import wait_until


@on_both_brokers
def test_the_worker_runs_the_wanted_celery_in_a_pool(stack: Stack, celery_setup: CeleryTestSetup) -> None:
    assert celery_setup.ready(control=True, docker=True)
    assert plain_add.delay(2, 3).get(timeout=20) == 5
    hostname = celery_setup.worker.hostname()
    report = celery_setup.app.control.inspect([hostname], timeout=10).report()[hostname]["ok"]
    assert f"celery:{stack.celery.number} " in report
    assert len(psutil.Process(celery_setup.worker.container.pid).children()) == 3


@on_both_brokers
def test_a_killed_worker_takes_its_pool_along_and_comes_back(celery_setup: CeleryTestSetup) -> None:
    # Given
    worker = celery_setup.worker
    pool = psutil.Process(worker.container.pid).children()

    # When
    worker.kill()

    # Then
    assert worker.container.status == "exited"
    wait_until(lambda: not any(map(_alive, pool)), what="the end of the pool")

    # And when it is started again, after somebody published a task
    result = plain_add.delay(20, 22)
    worker.restart()

    # Then
    assert result.get(timeout=20) == 42


def _alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE

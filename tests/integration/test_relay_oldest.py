"""Jobs of workers on the event bus, with the oldest Celery: in a file of its own, as an app is on one stack at once."""

from pathlib import Path

import pytest

from chanx.bridge.states import JobState
from tests.celery_nodes.versions import OLDEST
from tests.integration.relay_app import count
from tests.integration.relay_stack import relay_stack


@pytest.mark.parametrize("broker", ["redis", "rabbitmq"])
def test_a_worker_on_the_oldest_celery(broker: str, tmp_path: Path) -> None:
    with relay_stack(broker, tmp_path, celery_version=OLDEST) as old:
        job = old.ended(old.start(count, 200))

        assert f"v{OLDEST.number}" in old.worker.logs().decode()
        assert (job.state, old.counted(job.job_id)) == (JobState.SUCCEEDED, list(range(200)))

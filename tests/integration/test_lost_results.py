"""Jobs whose tasks cannot store their results: Celery then tells of no success and no failure."""

from pathlib import Path
from typing import Any

from chanx.bridge import install, start_job_sync
from chanx.bridge.snapshot import JobSnapshot
from chanx.testing.redis_server import redis_server
from tests.integration import lost_results_app
from tests.integration.worker_process import worker
from tests.waiting import wait_until

APP = "tests.integration.lost_results_app"


def test_a_result_that_cannot_be_stored_ends_the_job(tmp_path: Path) -> None:
    app: Any = lost_results_app.app
    tasks = [lost_results_app.succeed, lost_results_app.succeed_late, lost_results_app.fail_late, lost_results_app.die]
    with redis_server(private=True) as server:
        app.conf.update(broker_url=server.url, result_backend=f"{APP}.AwayBackend+{server.url}")
        bridge = install(app, store=server.url)
        with worker(APP, app, server.url, log=tmp_path / "worker.log"):
            jobs = [start_job_sync(task, owner="user:1").job_id for task in tasks]

            def snapshots() -> list[JobSnapshot]:
                return [job for job in map(bridge.store.snapshot, jobs) if job]

            wait_until(
                lambda: all(job.state.is_terminal for job in snapshots()),
                seconds=45,
                what=lambda: f"the jobs' end. {snapshots()}",
            )
        assert [job.fields["error"]["code"] for job in snapshots()] == ["error"] * 3 + ["worker_exited"]
        bridge.store.close()
        app.pool.force_close_all()
        app.close()

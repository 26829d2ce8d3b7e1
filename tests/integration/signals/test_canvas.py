"""Jobs of several tasks: every execution belongs to the job, and the job ends once, with the last of them."""

from __future__ import annotations

from celery import chain, chord, group

from tests.integration.signals import app
from tests.integration.signals.conftest import StartElsewhere
from tests.integration.signals.jobs import Jobs
from tests.integration.signals.stacks import on_a_backend_without_native_chords, on_both_brokers, on_redis
from tests.integration.signals.workflow import Workflow, everything


@on_both_brokers
def test_everything_at_once(jobs: Jobs, key_prefix: str) -> None:
    # Given
    flow, canvas = everything(key_prefix)
    assert flow.labels.total() == 39

    # When
    log = jobs.run(canvas)

    # Then nothing was missed, and nothing was still to come
    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.result == "end"
    assert log.actions.count("job_started") == 1
    assert log.task_states["started"] == 39
    assert log.task_states["retrying"] == 2
    assert log.task_states["failed"] == 1


@on_redis
def test_everything_at_once_started_on_the_same_celery(
    jobs: Jobs, key_prefix: str, start_elsewhere: StartElsewhere
) -> None:
    """Tests start their jobs on the newest Celery; here the starting process has the version of the worker."""
    log = jobs.ended(start_elsewhere("queued", key_prefix, "everything")["everything"])

    flow, _ = everything(f"{key_prefix}-everything")
    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.result == "end"


@on_redis
def test_a_chain(jobs: Jobs, flow: Workflow) -> None:
    log = jobs.run(chain(flow.step("a"), flow.step("b"), flow.step("c")))

    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.result == "c"
    assert log.task_states == {"started": 3, "succeeded": 3}


@on_redis
def test_a_group_has_the_results_of_all_in_order(jobs: Jobs, flow: Workflow) -> None:
    log = jobs.run(group(flow.step(f"{member}") for member in range(5)))

    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.result == ["0", "1", "2", "3", "4"]


@on_redis
def test_a_chord_has_the_result_of_its_body(jobs: Jobs, flow: Workflow) -> None:
    log = jobs.run(chord([flow.step("a"), flow.step("b")], flow.step("body")))

    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.result == "body"


@on_redis
def test_a_chain_that_ends_with_a_group(jobs: Jobs, flow: Workflow) -> None:
    log = jobs.run(chain(flow.step("a"), group(flow.step("b"), flow.step("c"))))

    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.result == ["b", "c"]


@on_redis
def test_groups_and_chains_inside_of_a_group(jobs: Jobs, flow: Workflow) -> None:
    inner = group(flow.step("b"), flow.step("c"))

    log = jobs.run(group(flow.step("a"), inner, chain(flow.step("d"), flow.step("e"))))

    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.result == ["a", "b", "c", "e"]


@on_redis
def test_a_chord_without_a_header(jobs: Jobs, flow: Workflow) -> None:
    assert jobs.run(chord([], flow.step("body"))).result == "body"


@on_redis
def test_one_task_over_many_arguments(jobs: Jobs) -> None:
    starmap = jobs.start(app.add.starmap([(1, 2), (3, 4)]))
    chunks = jobs.start(app.add.chunks([(1, 2), (3, 4), (5, 6)], 2))

    assert jobs.ended(starmap).result == [3, 7]
    assert jobs.ended(chunks).result == [[3, 7], [11]]


@on_redis
def test_a_large_group(jobs: Jobs) -> None:
    log = jobs.run(group(app.add.s(member, member) for member in range(500)))

    assert log.result == [2 * member for member in range(500)]
    assert log.task_states == {"started": 500, "succeeded": 500}


@on_redis
def test_a_chain_that_fails_on_its_way(jobs: Jobs, flow: Workflow) -> None:
    canvas = chain(flow.step("a"), flow.step("b", app.failing_step), app.step.s(key=flow.key, label="never"))

    log = jobs.run(canvas)

    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.error_code == "b"


@on_redis
def test_a_group_with_a_member_that_fails(jobs: Jobs, flow: Workflow) -> None:
    log = jobs.run(group(flow.step("a"), flow.step("b", app.failing_step), flow.nesting("c", "d", "e")))

    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.error_code == "b"


@on_both_brokers
def test_a_chord_whose_header_fails(jobs: Jobs, flow: Workflow) -> None:
    """No signal tells of the body, which never runs."""
    header = [flow.step("a"), flow.step("b", app.failing_step), flow.step("c")]

    log = jobs.run(chord(header, app.step.s(key=flow.key, label="never")))

    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.error_code == "b"


@on_redis
def test_a_chord_whose_process_is_killed(jobs: Jobs, flow: Workflow) -> None:
    header = [flow.step("a"), flow.step("b", app.dying_step)]

    log = jobs.run(chord(header, app.step.s(key=flow.key, label="never")))

    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.error_code == "worker_lost"


@on_redis
def test_what_the_parent_process_says_twice_is_told_once(jobs: Jobs, flow: Workflow) -> None:
    members = [
        flow.step("time limit", app.endless_step),
        flow.step("killed", app.dying_step),
        flow.step("rejected", app.rejecting_step),
        flow.step("fine"),
    ]

    log = jobs.run(group(members))

    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.task_states == {"started": 4, "failed": 3, "succeeded": 1}
    assert log.actions.count("job_failed") == 1


@on_redis
def test_a_step_that_is_revoked(jobs: Jobs, flow: Workflow, key_prefix: str) -> None:
    # Given
    canvas = chain(flow.step("a"), app.step.s(key=flow.key, label="never").set(queue=key_prefix))
    job = jobs.start(canvas)

    # When
    jobs.revoke(job)
    jobs.consume(key_prefix)

    # Then
    log = jobs.ended(job)
    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.terminal["action"] == "job_cancelled"


@on_a_backend_without_native_chords
def test_everything_at_once_where_a_task_of_celery_polls_for_chords(
    jobs: Jobs, key_prefix: str, start_elsewhere: StartElsewhere
) -> None:
    log = jobs.ended(start_elsewhere("queued", key_prefix, "everything")["everything"])

    flow, _ = everything(f"{key_prefix}-everything")
    assert jobs.executions(flow.key, log.snapshot.job_id) == flow.labels
    assert log.result == "end"
    told = {event["payload"]["name"] for event in log.events if event["action"] == "job_task"}
    assert not any(name.startswith("celery.") for name in told)
    assert "chord_unlock" in jobs.worker.logs()


@on_redis
def test_a_canvas_that_is_cancelled_before_a_worker_takes_it(jobs: Jobs, flow: Workflow, key_prefix: str) -> None:
    # Given
    canvas = group(chain(flow.step("a"), flow.step("b")), flow.step("c"))
    job = jobs.start(canvas, queue=key_prefix)

    # When
    jobs.bridge.cancel(job.job_id, reason="enough")

    # Then
    log = jobs.ended(job)
    assert log.actions == ["job_queued", "job_cancel_requested", "job_cancelled"]
    assert log.reason == "enough"

    # And when a worker takes it after all
    jobs.consume(key_prefix)
    jobs.run(app.add, 2, 3, queue=key_prefix)

    # Then
    assert not jobs.executions(flow.key, job.job_id)

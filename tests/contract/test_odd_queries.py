"""Whatever stands in the query of a URL, the jobs' pages and endpoints have an answer, over every store of a site."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chanx.bridge.contrib.store_admin.search import Search, find
from chanx.bridge.contrib.store_admin.timeline import position_of, timeline_of
from chanx.bridge.installed import Bridge
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.bridge.web.http import Answer, JobsEndpoints, JobsRequest
from chanx.layers import MemoryPublisher
from tests.contract.conftest import READ_BY_SITES
from tests.contract.jobs import Run, create, snapshot_of

# A server has replaced what is no UTF-8 by then.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=70)
numbers = st.integers(-1, 3) | st.integers(-(2**70), 2**70)
ODD = ["", "9" * 5000, "\u0663", "1_000", "+1", " 1", "1e3", "2**53", "nan", "\0", "user:\0", "project:1", "%00"]
times = st.datetimes(timezones=st.timezones() | st.none()).map(lambda moment: moment.isoformat())
FIRST, LAST = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-12:00"
values = st.one_of(texts, numbers.map(str), times, st.sampled_from([*ODD, FIRST, LAST, *JobState]))
queries = st.dictionaries(
    st.sampled_from(["owner", "state", "name", "before", "before_id", "limit", "after", "epoch"]), values
)

any_queries = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
on_every_store = pytest.mark.parametrize("store_with", READ_BY_SITES, indirect=True)


@pytest.fixture
def bridge(store: JobStore) -> Iterator[Bridge]:
    with closing(Celery("odd-queries", broker="memory://", set_as_current=False)) as app:
        yield Bridge(app, store, DirectTransport(store, MemoryPublisher()))


@pytest.fixture
def job_id(store: JobStore) -> str:
    job_id = create(store)
    run = Run(store, job_id)
    for _ in range(3):
        run.append()
    return job_id


@on_every_store
@any_queries
@given(queries)
@example({"before": FIRST, "before_id": "j"})
@example({"before": LAST, "before_id": "\0"})
@example({"owner": "user:\0"})
def test_the_admins_list(store: JobStore, job_id: str, query: dict[str, str]) -> None:
    search = Search.of(query)
    if search.is_possible:
        assert {job.job_id for job in find(store, search).jobs} <= {job_id}


@on_every_store
@any_queries
@given(values)
@example("9" * 5000)
@example("9" * 18)
def test_the_admins_page_of_a_job(store: JobStore, job_id: str, after: str) -> None:
    timeline = timeline_of(store, snapshot_of(store, job_id), after=position_of(after))

    assert [row.seq for row in timeline.rows] in ([1, 2, 3], [2, 3], [3], [])


@on_every_store
@any_queries
@given(query=queries, job=st.none() | texts)
@example(query={"before": LAST, "before_id": "\0"}, job=None)
@example(query={"after": str(2**70), "limit": "1"}, job=None)
def test_the_endpoints(bridge: Bridge, job_id: str, query: dict[str, str], job: str | None) -> None:
    endpoints, wanted = JobsEndpoints(bridge), job_id if job is None else job
    asked: Mapping[str, Callable[[JobsRequest], Awaitable[Answer]]] = {
        "list": endpoints.jobs,
        "job": lambda request: endpoints.job(request, wanted),
        "events": lambda request: endpoints.events(request, wanted),
    }
    user = SimpleNamespace(pk=1, is_authenticated=True)

    async def answers() -> dict[str, Answer]:
        request = JobsRequest({"type": "http", "user": user}, query)
        return {name: await ask(request) for name, ask in asked.items()}

    for name, answer in asyncio.run(answers()).items():
        content: Any = json.loads(answer.content)
        assert answer.status in (200, 400, 404), (name, content)
        assert ("error" in content) == (answer.status != 200)

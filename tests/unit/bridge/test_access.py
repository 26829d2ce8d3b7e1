"""Who may watch and cancel a job: by default, by what a project says, by token; and what everybody else is told."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from channels.layers import InMemoryChannelLayer
from hypothesis import given, settings
from hypothesis import strategies as st

from chanx.bridge import Bridge, JobListTopic, JobTopic
from chanx.bridge.access import Access
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.tokens import JOB_ACTIONS
from chanx.bridge.transports.direct import DirectTransport
from chanx.bridge.web.access import may, names_of
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.layers import MemoryPublisher
from tests.unit.bridge.apps import bridged_app
from tests.unit.channels.client import Client
from tests.unit.conftest import Connect

SECRETS = ("a secret of the tests",)
REFUSED = {"reason": "unauthorized", "detail": "There is no such job, or it is not yours."}
ADA, GRACE = SimpleNamespace(pk=1), SimpleNamespace(pk=2)


class Site:
    """A consumer with the jobs of a bridge: ``j`` of user 1, which project 7 may watch, and ``other`` of user 3."""

    def __init__(self) -> None:
        self.app = Celery("access", broker="memory://", set_as_current=False)
        self.store = MemoryJobStore()
        now = datetime.now(UTC)
        for job_id, owner, watchers in (("j", "user:1", ("project:7",)), ("other", "user:3", ())):
            self.store.create(
                JobRecord(job_id=job_id, owner=owner, name="n", task_id="t", created_at=now, watchers=watchers)
            )
        self.use(Access(secrets=SECRETS))

    def use(self, access: Access) -> None:
        self.bridge = Bridge(self.app, self.store, DirectTransport(self.store, MemoryPublisher()), access=access)
        layer = InMemoryChannelLayer()
        bridge = self.bridge

        class Jobs(JobTopic):
            pass

        class Lists(JobListTopic):
            pass

        Jobs.bridge = Lists.bridge = bridge
        self.topic, self.lists = Jobs, Lists

        class Consumer(AsyncJsonWebsocketConsumer):
            topics = [Jobs, Lists]
            get_channel_layer = staticmethod(lambda alias: layer)

        self.consumer = Consumer


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.app.close()


async def answer(client: Client, action: str, payload: Any = None, *, job: str = "j") -> tuple[str, Any]:
    """The action and the payload of the reply."""
    await client.send({"topic": f"job:{job}", "action": action, "payload": payload, "ref": action})
    frame = await client.frame()
    while frame.get("ref") != action:
        frame = await client.frame()
    return frame["action"], frame["payload"]


async def may_do(client: Client, payload: Any = None, *, job: str = "j") -> set[str]:
    """What the client may do with a job."""
    if (await answer(client, "subscribe", payload, job=job))[0] != "subscribed":
        return set()
    action, _ = await answer(client, "cancel", job=job)
    return {"subscribe", "cancel"} if action == "job_cancel_accepted" else {"subscribe"}


async def test_by_default_the_owner_may_do_everything_and_nobody_else_anything(site: Site, connect: Connect) -> None:
    assert await may_do(await connect(site.consumer, user=ADA)) == {"subscribe", "cancel"}
    assert await may_do(await connect(site.consumer, user=GRACE)) == set()
    assert await may_do(await connect(site.consumer)) == set()


async def test_who_watches_as_a_watcher_may_watch(site: Site, connect: Connect) -> None:
    # Given a project whose users watch as their projects
    site.use(Access(watches_as=lambda scope: [f"project:{scope['user'].pk + 5}"]))

    # Then grace, who is of project 7, may watch but not cancel, and ada may still do everything
    assert await may_do(await connect(site.consumer, user=GRACE)) == {"subscribe"}
    assert await may_do(await connect(site.consumer, user=SimpleNamespace(pk=9))) == set()
    assert await may_do(await connect(site.consumer, user=ADA)) == {"subscribe", "cancel"}


async def test_a_topic_may_say_itself_whom_a_connection_watches_as(site: Site, connect: Connect) -> None:
    async def watches_as(self: Any) -> list[str]:
        return ["project:7"]

    site.topic.watches_as = watches_as  # type: ignore[method-assign]
    assert await may_do(await connect(site.consumer)) == {"subscribe"}


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("verdict", "allowed"),
    [
        (True, {"subscribe", "cancel"}),
        (False, set()),
        ({"subscribe"}, {"subscribe"}),
        (["subscribe", "cancel"], {"subscribe", "cancel"}),
        ((), set()),
    ],
)
async def test_a_project_says_who_may_do_what(
    site: Site, connect: Connect, verdict: Any, allowed: set[str], is_async: bool
) -> None:
    # Given a function of the project, of either kind
    asked: list[tuple[str, Any]] = []

    def authorize(job: JobSnapshot, scope: Any) -> Any:
        asked.append((job.job_id, scope["user"]))
        return verdict

    async def authorize_async(job: JobSnapshot, scope: Any) -> Any:
        return authorize(job, scope)

    site.use(Access(authorize=authorize_async if is_async else authorize))

    # Then it decides, about the owner too, and knows the connection
    for user in (ADA, GRACE):
        assert await may_do(await connect(site.consumer, user=user)) == allowed
    assert asked[0] == ("j", ADA)


@pytest.mark.parametrize(
    "verdict",
    [
        RuntimeError("a secret"),
        "subscribe",
        {"subscribe", "delete"},
        {"subscribe": False},
        5,
        None,
        asyncio.CancelledError(),
    ],
    ids=["an exception", "a string", "an unknown action", "a mapping", "a number", "None", "a cancellation"],
)
async def test_what_goes_wrong_in_it_opens_nothing(
    site: Site, connect: Connect, caplog: pytest.LogCaptureFixture, verdict: Any
) -> None:
    def authorize(job: JobSnapshot, scope: Any) -> Any:
        if isinstance(verdict, BaseException):
            raise verdict
        return verdict

    site.use(Access(authorize=authorize))
    reply = await answer(await connect(site.consumer, user=ADA), "subscribe")
    assert reply[0] == "error"
    assert "a secret" not in str(reply)
    if not isinstance(verdict, asyncio.CancelledError):
        assert reply[1] == REFUSED
        assert "job_access_failed" in caplog.text


async def test_a_token_allows_what_it_says(site: Site, connect: Connect) -> None:
    watching = site.bridge.token("j")
    assert await may_do(await connect(site.consumer), {"token": watching}) == {"subscribe"}
    everything = site.bridge.token("j", actions=("subscribe", "cancel"))
    assert await may_do(await connect(site.consumer, user=GRACE), {"token": everything}) == {"subscribe", "cancel"}
    assert await may_do(await connect(site.consumer), {"token": watching}, job="other") == set()
    assert await may_do(await connect(site.consumer), {"token": site.bridge.token("j", actions=["cancel"])}) == set()


async def test_a_token_comes_with_a_position_and_is_kept(site: Site, connect: Connect) -> None:
    client = await connect(site.consumer)
    _, opened = await answer(client, "subscribe", {"token": site.bridge.token("j")})
    position = {"epoch": opened["epoch"], "after": 0}
    assert (await answer(client, "subscribe", position))[0] == "subscribed"


async def test_a_token_counts_beside_what_a_project_says(site: Site, connect: Connect) -> None:
    site.use(Access(authorize=lambda job, scope: False, secrets=SECRETS))
    assert await may_do(await connect(site.consumer, user=ADA), {"token": site.bridge.token("j")}) == {"subscribe"}


@pytest.mark.parametrize(
    "payload", [None, {"token": "x" * 1_000_000}, {"token": 5}, {"token": None}, {"token": ["a"]}, [], "token", 7]
)
@pytest.mark.parametrize("job", ["j", "unknown", "a b", "x" * 200])
async def test_no_job_and_another_users_look_the_same(site: Site, connect: Connect, job: str, payload: Any) -> None:
    client = await connect(site.consumer, user=GRACE)
    assert await answer(client, "subscribe", payload, job=job) == ("error", REFUSED)


async def test_deep_payloads_are_refused_like_others(site: Site, connect: Connect) -> None:
    client = await connect(site.consumer, user=GRACE)
    deep = '{"a":' * 50 + "1" + "}" * 50
    await client.send(text='{"topic":"job:j","action":"subscribe","payload":' + deep + "}")
    assert (await client.frame())["payload"] == REFUSED


async def test_a_token_that_expires_ends_the_subscription(
    site: Site, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a subscription by token, and one of the owner
    monkeypatch.setattr(site.topic, "reauthorize_seconds", 0.02)
    by_token, owner = await connect(site.consumer), await connect(site.consumer, user=ADA)
    assert (await answer(by_token, "subscribe", {"token": site.bridge.token("j")}))[0] == "subscribed"
    assert (await answer(owner, "subscribe"))[0] == "subscribed"

    # When the token is good no more
    monkeypatch.setattr("chanx.bridge.web.access.granted_actions", lambda *_, **__: frozenset())

    # Then its subscription ends, in the words of an unknown job, and the other one goes on
    ended = await by_token.frame()
    assert (ended["topic"], ended["action"], ended["payload"]) == ("job:j", "error", REFUSED)
    assert (await answer(by_token, "ack", {"seq": 1}))[1]["reason"] == "not_subscribed"
    assert (await answer(owner, "cancel"))[0] == "job_cancel_accepted"


async def test_a_store_that_is_away_ends_no_subscription(
    site: Site, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.topic, "reauthorize_seconds", 0.01)
    client = await connect(site.consumer, user=ADA)
    assert (await answer(client, "subscribe"))[0] == "subscribed"
    asked = 0
    with monkeypatch.context() as broken:

        def away(job_id: str) -> Any:
            nonlocal asked
            asked += 1
            raise StoreUnavailableError("away")

        broken.setattr(site.store, "snapshot", away)
        async with asyncio.timeout(30):
            while asked < 3:  # noqa: ASYNC110  # of another thread
                await asyncio.sleep(0.005)
    assert (await answer(client, "cancel"))[0] == "job_cancel_accepted"


async def test_lists_and_jobs_share_a_connection(site: Site, connect: Connect) -> None:
    client = await connect(site.consumer, user=ADA)
    await client.send({"topic": "jobs:me", "action": "subscribe", "ref": 1})
    frame = await client.frame()
    assert (frame["topic"], frame["ref"], [job["job_id"] for job in frame["payload"]["jobs"]]) == ("jobs:me", 1, ["j"])
    await client.send({"topic": "jobs:user:3", "action": "subscribe", "ref": 2})
    refusal = "There is no such list, or it is not yours."
    assert (await client.frame())["payload"] == {"reason": "unauthorized", "detail": refusal}
    assert await may_do(client) == {"subscribe", "cancel"}


async def test_lists_are_a_fixed_protocol_in_camel_case_too(
    site: Site, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a consumer that camelizes, and a client with a list
    monkeypatch.setattr(site.consumer, "camelize", True)
    monkeypatch.setattr(site.lists, "repair_seconds", 0.01)
    client = await connect(site.consumer, user=ADA)
    await client.send({"topic": "jobs:me", "action": "subscribe"})
    (job,) = (await client.frame())["payload"]["jobs"]
    assert job["job_id"] == "j"

    # When the job changes, and is gone
    site.bridge.cancel("j")
    assert (await client.frame())["payload"]["job"]["cancel_requested"] is True
    site.bridge.delete("j")
    frame = await client.frame()
    while frame["action"] == "job_changed":
        frame = await client.frame()
    assert (frame["action"], frame["payload"]) == ("job_removed", {"job_id": "j"})


OWNERS = st.sampled_from(["user:1", "user:2", "project:7", "team:a"])


@given(
    owner=OWNERS,
    watchers=st.sets(OWNERS).map(tuple),
    user=st.sampled_from([None, ADA, GRACE, SimpleNamespace(is_anonymous=True, pk=None)]),
    names=st.sets(OWNERS),
    granted=st.sets(st.sampled_from(sorted(JOB_ACTIONS))),
)
@settings(max_examples=50, deadline=None)
def test_the_default_rule(owner: str, watchers: Any, user: Any, names: set[str], granted: set[Any]) -> None:
    store = MemoryJobStore()
    store.create(
        JobRecord(job_id="j", owner=owner, name="n", task_id="t", created_at=datetime.now(UTC), watchers=watchers)
    )
    job = store.snapshot("j")
    assert job is not None
    access, scope = Access(watches_as=lambda scope: names, secrets=SECRETS), {"user": user}
    bridge = Bridge(
        Celery("rule", set_as_current=False), store, DirectTransport(store, MemoryPublisher()), None, access
    )
    token = bridge.token("j", actions=granted) if granted else None

    async def allowed(action: Any) -> bool:
        return await may(action, job, scope, access=access, names=lambda: names_of(access, scope), token=token)

    async def play() -> None:
        own = f"user:{user.pk}" if user and user.pk else None
        is_owner, watches = own == owner, bool(({own} | names) & {owner, *watchers})
        assert await allowed("cancel") == (is_owner or "cancel" in granted)
        assert await allowed("subscribe") == (is_owner or watches or "subscribe" in granted)

    asyncio.run(play())


def test_install_hands_it_to_the_bridge() -> None:
    def authorize(job: JobSnapshot, scope: Any) -> bool:
        return True

    with bridged_app(eager=False, authorize=authorize, secret=SECRETS[0]) as app:
        assert app.bridge.access == Access(authorize=authorize, secrets=SECRETS)
        assert SECRETS[0] not in repr(app.bridge)

"""What a Django project says about access may use the ORM, on sockets and in requests."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from celery import Celery
from channels.layers import InMemoryChannelLayer
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.urls import include, path

from chanx.bridge import Bridge, JobSnapshot, JobTopic
from chanx.bridge.access import Access
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.layers import MemoryPublisher
from tests.unit.conftest import Connect

pytestmark = pytest.mark.django_db(transaction=True)


def is_staff(job: JobSnapshot, scope: Any) -> bool:
    assert job.job_id == "j"
    return bool(User.objects.filter(pk=scope["user"].pk, is_staff=True).exists())


def names(scope: Any) -> list[str]:
    return [f"permission:{name}" for name in Permission.objects.filter(user=scope["user"]).values_list("codename")]


@pytest.fixture(params=[Access(authorize=is_staff), Access(watches_as=names)], ids=["authorize", "watches_as"])
def bridge(request: pytest.FixtureRequest) -> Iterator[Bridge]:
    app, store = Celery("django-access", broker="memory://", set_as_current=False), MemoryJobStore()
    now = datetime.now(UTC)
    store.create(JobRecord(job_id="j", owner="team:a", name="n", task_id="t", created_at=now))
    yield Bridge(app, store, DirectTransport(store, MemoryPublisher()), access=request.param)
    app.close()


async def test_on_a_socket(bridge: Bridge, connect: Connect) -> None:
    layer = InMemoryChannelLayer()

    class Jobs(JobTopic):
        pass

    Jobs.bridge = bridge

    class Consumer(AsyncJsonWebsocketConsumer):
        topics = [Jobs]
        get_channel_layer = staticmethod(lambda alias: layer)

    allowed = {}
    for name in ("ada", "grace"):
        user = await User.objects.acreate(username=name, is_staff=name == "ada")
        client = await connect(Consumer, user=user)
        await client.send({"topic": "job:j", "action": "subscribe"})
        allowed[name] = (await client.frame())["action"] == "subscribed"
    assert allowed == {"ada": bridge.access.authorize is not None, "grace": False}


def test_in_a_request_it_is_part_of_its_transaction(
    bridge: Bridge, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a project whose requests are transactions
    user = User.objects.create(username="ada", is_staff=True)
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    monkeypatch.setattr("chanx.channels.jobs.bridge_of", lambda app: bridge)
    settings.ROOT_URLCONF = urls = ModuleType("urls")
    urls.urlpatterns = [path("", include("chanx.channels.jobs"))]  # type: ignore[attr-defined]
    settings.MIDDLEWARE = [f"{__name__}.signed_in"]
    was_in_transaction: list[bool] = []

    def noting(execute: Any, *args: Any) -> Any:
        was_in_transaction.append(connection.in_atomic_block)
        return execute(*args)

    # When one asks for a job
    with connection.execute_wrapper(noting):
        answer = Client().get("/j/", headers={"X-User": str(user.pk)})

    # Then the project's function has asked in it
    assert answer.status_code == (200 if bridge.access.authorize else 404)
    assert (was_in_transaction[0], was_in_transaction[-1]) == (False, True)  # the middleware, the function


def signed_in(get_response: Any) -> Any:
    def middleware(request: Any) -> Any:
        request.user = User.objects.get(pk=request.headers["X-User"])
        return get_response(request)

    return middleware

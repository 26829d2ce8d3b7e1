"""How long and how much a store keeps, said where the bridge is installed."""

from collections.abc import Iterator

import pytest
from celery import Celery

from chanx.bridge import Retention, install
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.store.redis import RedisJobStore
from chanx.errors import ConfigurationError
from chanx.layers import LayerSpec

URL = "redis://127.0.0.1:1/0"


@pytest.fixture
def app() -> Iterator[Celery]:
    made = Celery("keeping", broker="memory://", set_as_current=False)
    yield made
    made.close()


@pytest.mark.parametrize("given", [Retention(max_entries=5, ended_seconds=60), None])
def test_the_store_that_a_url_names_keeps_what_the_project_says(app: Celery, given: Retention | None) -> None:
    store = install(app, store=URL, retention=given).store

    assert isinstance(store, RedisJobStore)
    assert store.retention == (given or Retention())


def test_a_store_is_made_with_its_own(app: Celery) -> None:
    layer = LayerSpec.redis_pubsub(URL)

    with pytest.raises(ConfigurationError, match=r"store=MemoryJobStore\(retention=\.\.\.\)"):
        install(app, store=MemoryJobStore(), layer=layer, retention=Retention())

    store = MemoryJobStore(Retention(max_entries=5))
    assert install(app, store=store, layer=layer).store is store

"""The shop, and its bridge in memory."""

from collections.abc import Iterator

import pytest

from chanx.testing.jobs import MemoryBridge
from tests.unit.testing.jobs import shop as shops


@pytest.fixture
def shop() -> Iterator[shops.Shop]:
    with shops.shop() as made:
        yield made


@pytest.fixture
def memory(shop: shops.Shop) -> Iterator[MemoryBridge]:
    with MemoryBridge(shop.app) as memory:
        yield memory

"""What holds for every unit test."""

import math

import pytest

from chanx.channels.database import old_connections


@pytest.fixture(autouse=True)
def no_database_upkeep(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Consumers close old database connections now and then; a test without a database has none.

    But the thread of an earlier test with one still has its connection, and pytest-django would refuse to look at it.
    """
    if request.node.get_closest_marker("django_db") is None:
        monkeypatch.setattr(old_connections, "_due", math.inf)

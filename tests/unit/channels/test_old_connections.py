"""Closing old database connections must not cost a message."""

import pytest

from chanx.channels.database import OldConnections


async def test_what_fails_is_logged_and_not_tried_again_at_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise OSError("no database")

    monkeypatch.setattr("chanx.channels.database.aclose_old_connections", fail)
    connections = OldConnections()
    assert connections.due
    await connections.close()
    assert [record.event for record in caplog.records] == ["old_connections_failed"]  # type: ignore[attr-defined] # extras
    assert not connections.due

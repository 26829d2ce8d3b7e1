"""The epoch of the logs: it changes when they may have been rewound, by a backup that was read back, say.

It is kept in the database beside the identity of the database that it was minted in. Whoever connects compares: on
PostgreSQL the server's system identifier, its timeline (another one after a promotion, or a restore to a point in time)
and the oid of the table (another one after a dump was read back); on SQLite the file's inode. What none of them tells,
like a copy of the data directory or of a file that was put back in place, the operator has to say: manage.py
chanx_new_epoch.
"""

from __future__ import annotations

import secrets
from typing import Final

from chanx.bridge.contrib.connections import Connection, Statement

EPOCH: Final = "(SELECT epoch FROM chanx_jobs_epoch WHERE id = 1)"
"""The epoch, as part of a statement."""


def confirm_epoch(connection: Connection) -> None:
    """Begins a new epoch unless the current one was minted in the database that the connection leads to."""
    (known,) = connection.ask(("SELECT identity FROM chanx_jobs_epoch WHERE id = 1", ()))
    if known != [(connection.identity,)]:
        connection.ask(
            (
                "INSERT INTO chanx_jobs_epoch (id, epoch, identity) VALUES (1, %s, %s) ON CONFLICT (id) DO UPDATE"
                " SET epoch = excluded.epoch, identity = excluded.identity"
                " WHERE chanx_jobs_epoch.identity <> excluded.identity",
                (secrets.token_hex(4), connection.identity),
            )
        )


def new_epoch() -> Statement:
    """Has every client start over from the snapshot and the log, as they are now."""
    return "UPDATE chanx_jobs_epoch SET epoch = %s WHERE id = 1", (secrets.token_hex(4),)

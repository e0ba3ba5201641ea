"""Connections to PostgreSQL that give up on a server which says nothing more: its own time limits do not reach there.

In: how many seconds a reply may take. Out: psycopg connections; one that gave up is closed, and its pool opens another.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

LOOK_EVERY = 0.1  # seconds, as psycopg has it


def connection_class(seconds: float) -> type[psycopg.Connection[Any]]:
    """A class whose connections wait so long for each reply; psycopg.OperationalError when it is not there."""

    class Impatient(psycopg.Connection[Any]):
        def wait(self, gen: Any, interval: float = LOOK_EVERY, timeout: float | None = None) -> Any:
            try:
                return super().wait(gen, interval, seconds if timeout is None else timeout)
            except psycopg.OperationalError:
                if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                    self.pgconn.finish()  # the reply may still come, and would be taken for that of another question
                raise

    return Impatient

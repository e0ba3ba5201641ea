"""What keeps a store from being opened as the settings choose it, said before it is tried: field and fault."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.engine import make_url

from service.settings import Settings
from service.store.keys import NO_KEY, read_keys

SECRETS = ("password", "sslpassword")  # of PostgreSQL, in the query of an address
READABLE = "holds a password, which others find in the environment: put it into a file (PGSERVICEFILE, PGPASSFILE)"


def faults(chosen: Settings) -> Iterator[tuple[str, str]]:
    """What the store has against settings that name a database."""
    address = make_url(chosen.database_url)
    if chosen.mode == "production" and (address.password or not address.query.keys().isdisjoint(SECRETS)):
        yield "database_url", READABLE
    if chosen.key_file is None:
        if address.get_backend_name() != "sqlite":
            yield "key_file", NO_KEY
        return
    try:
        read_keys(chosen.key_file)
    except ValueError as fault:
        yield "key_file", str(fault)

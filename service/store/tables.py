"""The tables. No column holds anything about a patient."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Index, MetaData, String, Table

metadata = MetaData()

# A token that was used: it is refused until it has expired.
replay = Table(
    "replay",
    metadata,
    Column("issuer", String(512), primary_key=True),
    Column("token_id", String(256), primary_key=True),
    Column("expires", DateTime(timezone=True), nullable=False),
)
Index("replay_expired", replay.c.expires)

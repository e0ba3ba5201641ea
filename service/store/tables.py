"""The tables, as the newest migration makes them. No column holds a patient's id, name, date of birth or a result."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Index, MetaData, SmallInteger, String, Table

LONGEST_NAME = 64  # ids of services, topics and rows, and pseudonyms

metadata = MetaData()

# A card that came with a period: it is not shown again before that has passed.
card_issued = Table(
    "card_issued",
    metadata,
    Column("uuid", String(36), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("pseudonym", String(LONGEST_NAME), nullable=False),
    Column("service", String(LONGEST_NAME), nullable=False),
    Column("topic", String(LONGEST_NAME), nullable=False),
    Column("row", String(LONGEST_NAME), nullable=False),
    Column("knowledge", String(LONGEST_NAME), nullable=False),
    Column("period_days", SmallInteger, nullable=False),
)
Index("card_issued_of_patient", card_issued.c.pseudonym, card_issued.c.topic, card_issued.c.at)

# A token of a client that was used: it is refused until it has expired.
replay = Table(
    "replay",
    metadata,
    Column("issuer", String(512), primary_key=True),
    Column("token_id", String(256), primary_key=True),
    Column("expires", DateTime(timezone=True), nullable=False),
)
Index("replay_expired", replay.c.expires)

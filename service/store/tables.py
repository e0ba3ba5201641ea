"""The tables, as the newest migration makes them. No column shows a patient's id, name, date of birth or a result:
patients are pseudonyms, what a card rests on is sealed, and a comment is kept only where the site wants it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)  # fmt: skip

NAME, UUID, DIGEST, LONG = 64, 36, 64, 512
CARD, REASON = 128, 256  # characters of up to four bytes each: an index row of PostgreSQL holds 2,700 bytes
SEQUENCE = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts in INTEGER alone

metadata = MetaData()

# A card that a call led to, whether it was answered or held back, and what it rests on.
card_issued = Table(
    "card_issued",
    metadata,
    Column("uuid", String(UUID), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("pseudonym", String(DIGEST), nullable=False),
    Column("service", String(NAME), nullable=False),
    Column("client", String(NAME), nullable=False),
    Column("topic", String(NAME), nullable=False),
    Column("row", String(NAME), nullable=False),
    Column("indicator", String(16), nullable=False),
    Column("severity", String(NAME), nullable=False),
    Column("fingerprint", String(DIGEST), nullable=False),  # of the results, drafts and rows behind it
    Column("knowledge", String(NAME), nullable=False),
    Column("profile", String(NAME), nullable=False),
    Column("period_days", SmallInteger, nullable=False),  # in which it comes once; 0: no such period
    Column("fate", String(16), nullable=False),  # shown | lowered | left-out | silent
    Column("because", String(LONG), nullable=False),  # repeat | override | period, and which reason; "": it was shown
    Column("earlier", String(UUID), nullable=False),  # the card that it repeats
    Column("until", DateTime(timezone=True)),  # how long it is held back
    Column("evidence", LargeBinary),  # sealed; None once its time is over
)
Index("card_issued_of_patient", card_issued.c.pseudonym, card_issued.c.topic, card_issued.c.at)
Index("card_issued_in_time", card_issued.c.at)

# What became of a card. A batch that is sent twice makes one row of each item.
feedback = Table(
    "feedback",
    metadata,
    Column("id", SEQUENCE, primary_key=True, autoincrement=True),
    Column("card", String(CARD), nullable=False),
    Column("outcome", String(16), nullable=False),  # accepted | overridden
    Column("at", DateTime(timezone=True), nullable=False),
    Column("reason", String(REASON), nullable=False),  # system|code; "": none
    Column("service", String(NAME), nullable=False),
    Column("client", String(NAME), nullable=False),
    Column("received", DateTime(timezone=True), nullable=False),
    Column("matched", Boolean, nullable=False),  # whether the card is one of ours
    Column("suggestions", Text, nullable=False),  # uuids of what was accepted, in JSON
    Column("comment", Text),
)
Index("feedback_once", feedback.c.card, feedback.c.outcome, feedback.c.at, feedback.c.reason, unique=True)

# Calls of a day, so that cards can be counted per call.
calls = Table(
    "calls",
    metadata,
    Column("day", Date, primary_key=True),
    Column("service", String(NAME), primary_key=True),
    Column("client", String(NAME), primary_key=True),
    Column("knowledge", String(NAME), primary_key=True),
    Column("number", BigInteger, nullable=False),
)

# Who did what; each row holds the digest of the one before it, so that none can be changed or taken out unseen.
audit = Table(
    "audit",
    metadata,
    Column("number", SEQUENCE, primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", String(LONG), nullable=False),
    Column("action", String(NAME), nullable=False),
    Column("about", String(LONG), nullable=False),
    Column("outcome", String(LONG), nullable=False),
    Column("before", String(DIGEST), nullable=False),
    Column("digest", String(DIGEST), nullable=False),
)

# A token that was used: it is refused until it has expired.
replay = Table(
    "replay",
    metadata,
    Column("issuer", String(LONG), primary_key=True),
    Column("token_id", String(256), primary_key=True),
    Column("expires", DateTime(timezone=True), nullable=False),
)
Index("replay_expired", replay.c.expires)

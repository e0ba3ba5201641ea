"""Feedback, calls, the audit trail; of a card what became of it and what it rests on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
LOST = "feedback, counts of calls, the audit trail, cards that were held back; of the others what they rest on"

NEW = {
    "client": sa.String(64), "indicator": sa.String(16), "severity": sa.String(64), "fingerprint": sa.String(64),
    "profile": sa.String(64), "because": sa.String(512), "earlier": sa.String(36),
}  # fmt: skip
SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("card_issued") as table:
        for name, kind in NEW.items():
            table.add_column(sa.Column(name, kind, nullable=False, server_default=""))
        table.add_column(sa.Column("fate", sa.String(16), nullable=False, server_default="shown"))
        table.add_column(sa.Column("until", sa.DateTime(timezone=True)))
        table.add_column(sa.Column("evidence", sa.LargeBinary))
    op.create_index("card_issued_in_time", "card_issued", ["at"])
    _create_feedback()
    _create_calls_and_audit()


def _create_feedback() -> None:
    op.create_table(
        "feedback",
        sa.Column("id", SEQUENCE, primary_key=True, autoincrement=True),
        sa.Column("card", sa.String(128), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(256), nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("received", sa.DateTime(timezone=True), nullable=False),
        sa.Column("matched", sa.Boolean, nullable=False),
        sa.Column("suggestions", sa.Text, nullable=False),
        sa.Column("comment", sa.Text),
    )
    op.create_index("feedback_once", "feedback", ["card", "outcome", "at", "reason"], unique=True)


def _create_calls_and_audit() -> None:
    op.create_table(
        "calls",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("service", sa.String(64), primary_key=True),
        sa.Column("client", sa.String(64), primary_key=True),
        sa.Column("knowledge", sa.String(64), primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("number", SEQUENCE, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(512), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("about", sa.String(512), nullable=False),
        sa.Column("outcome", sa.String(512), nullable=False),
        sa.Column("before", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )


def downgrade() -> None:
    # The version before takes each row for a card that came: one that nobody saw would hold a reminder back for a year.
    op.execute("DELETE FROM card_issued WHERE fate NOT IN ('shown', 'lowered')")
    for name in ("audit", "calls", "feedback"):
        op.drop_table(name)
    op.drop_index("card_issued_in_time", "card_issued")
    with op.batch_alter_table("card_issued") as table:
        for name in (*NEW, "fate", "until", "evidence"):
            table.drop_column(name)

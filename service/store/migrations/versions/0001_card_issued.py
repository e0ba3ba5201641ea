"""Cards that come once in a period."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
LOST = "every card"


def upgrade() -> None:
    op.create_table(
        "card_issued",
        sa.Column("uuid", sa.String(36), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pseudonym", sa.String(64), nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("row", sa.String(64), nullable=False),
        sa.Column("knowledge", sa.String(64), nullable=False),
        sa.Column("period_days", sa.SmallInteger, nullable=False),
    )
    op.create_index("card_issued_of_patient", "card_issued", ["pseudonym", "topic", "at"])


def downgrade() -> None:
    op.drop_table("card_issued")

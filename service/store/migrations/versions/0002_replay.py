"""Tokens that were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
LOST = "used tokens, which could then be used once more"


def upgrade() -> None:
    op.create_table(
        "replay",
        sa.Column("issuer", sa.String(512), primary_key=True),
        sa.Column("token_id", sa.String(256), primary_key=True),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("replay_expired", "replay", ["expires"])


def downgrade() -> None:
    op.drop_table("replay")

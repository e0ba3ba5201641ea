"""No test writes into the home of who runs it; both databases for whoever asks for `url` or `store`."""

from __future__ import annotations

import os

from databases import own_postgresql, postgresql, postgresql_url, store, url

__all__ = ["own_postgresql", "postgresql", "postgresql_url", "store", "url"]

os.environ["CDS_DATABASE_URL"] = "off"

"""The address of a database, as it may be shown."""

from __future__ import annotations

from sqlalchemy.engine import make_url

from service.store.choices import SECRETS


def shown_address(url: str) -> str:
    """The address without what is secret in it; "off" where there is none."""
    if not url:
        return "off"
    return make_url(url).difference_update_query(SECRETS).render_as_string(hide_password=True)

"""Who calls, as the rest of the service sees it: a name for logs, how cards are shaped, whom we may call back.

In: a Client of CDS_CLIENTS, the settings. Out: Caller. Where nobody is asked for a token, one Caller stands for all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from service import clients
from service.callback import NOBODY, CallBack
from service.clients import Client
from service.fhir_base import Bases
from service.profiles import Profile, SiteChoices, profiles
from service.settings import Settings


def _by_the_book() -> Profile:
    return profiles()["generic"]


@dataclass(frozen=True, slots=True)
class Caller:
    """One that calls."""

    name: str = ""  # of the client; "" without authentication
    issuer: str = ""
    tenant: str = ""
    profile: Profile = field(default_factory=_by_the_book)
    site: SiteChoices = field(default_factory=SiteChoices)
    reach: CallBack = NOBODY


def whose(who: Caller, server: str) -> str:
    """To whom patients' ids belong: two hospitals behind one issuer have patients of the same id."""
    return " ".join((who.issuer, who.tenant, server))


def caller_of(client: Client, tenant: str, chosen: Settings) -> Caller:
    """The client whose token a call brought."""
    reach = CallBack(client.fhir, chosen.fetch_seconds, chosen.max_body)
    return Caller(client.name, client.issuer, tenant, profiles()[client.profile], client.site, reach)


def anyone(chosen: Settings, bases: Bases) -> Caller:
    """Who calls without a token: any server of the clients may be called back, and those that are given."""
    named = clients.read(chosen.clients, demo=True) if chosen.clients and not chosen.authenticates else ()
    allowed = (*bases, *(base for client in named for base in client.fhir))
    return Caller(reach=CallBack(allowed, chosen.fetch_seconds, chosen.max_body))

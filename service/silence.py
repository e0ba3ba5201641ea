"""Silent mode: services that judge and remember, and answer no card, not even in an emergency.

In: the settings. Out: whom each service is silent for; SettingsError when CDS_SILENT names what is not there: else
cards would reach clinicians from a service that was meant to be silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from service import clients, hooks
from service.settings import Settings, SettingsError


def silent_services(chosen: Settings) -> Mapping[str, str]:
    """Service id -> silent | silent-for-some, of those that are; SettingsError with all faults."""
    services = [one.id for one in hooks.HOOKS]
    named = clients.read(chosen.clients, chosen.mode == "demo") if chosen.clients and chosen.silent else ()
    faults = []
    for one in chosen.silent:
        service, at, client = one.partition("@")
        if service not in ("*", *services):
            faults.append(f"CDS_SILENT: there is no service of this name: {_likely(service, services)}")
        if at and client not in [each.name for each in named]:
            faults.append(f"CDS_SILENT: there is no client of this name: {_likely(client, [c.name for c in named])}")
    if faults:
        raise SettingsError(faults)
    return {one: how for one in services if (how := chosen.silence(one))}


def told(chosen: Settings) -> str:
    """Who is silent, in a line; "" when nobody is."""
    found = silent_services(chosen)
    if not found:
        return ""
    some = " (for some clients)"
    listed = ", ".join(f"{one}{some if how == 'silent-for-some' else ''}" for one, how in found.items())
    return f"Silent, emergencies too: {listed}. What would have been said: `cds report`."


def _likely(name: str, there: list[str]) -> str:
    close = get_close_matches(name, there, n=1, cutoff=0.4)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(there) or 'none'}"

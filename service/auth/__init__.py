"""Who may call: the token of a CDS client, checked against the clients that the site names.

In: the Authorization header, the path that is called, the instant. Out: the Client, or a refusal whose reason is for
the log alone. Source: CDS Hooks 2.0, Trusting CDS Clients; RFC 7515, 7517, 7519.

    Refusal (cds_hooks)
    |-- NotAdmitted    401  anything about the token
    `-- CannotTell     503  the client's keys, or the ids of used tokens, cannot be had now
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from service import clients
from service.auth.refusals import CannotTell, NotAdmitted
from service.clients import Client
from service.settings import Settings, SettingsError
from service.store import Store
from service.store.replays import UsedTokens

if TYPE_CHECKING:
    from service.auth.gate import Gate as Gate
    from service.auth.sources import Source

__all__ = ["CannotTell", "NotAdmitted", "keys_of_clients", "open_gate"]


def open_gate(chosen: Settings, clock: Callable[[], datetime], store: Store | None) -> Gate | None:
    """The gate that settings describe, None when they switch authentication off; SettingsError with all faults."""
    if faults := [f"CDS_{field.upper()}: {problem}" for field, problem in clients.faults(chosen)]:
        raise SettingsError(faults)
    if not chosen.authenticates:
        return None
    # Cryptography is loaded only by a service that checks tokens.
    from service.auth.gate import Gate

    assert store is not None, "settings that authenticate name a database"
    return Gate(keys_of_clients(chosen), chosen.public_base_url, UsedTokens(store, clock))


def keys_of_clients(chosen: Settings) -> Mapping[Client, Source]:
    """The clients that settings name, each with its keys; no server is called. SettingsError with all faults."""
    from service.auth.sources import source_of

    assert chosen.clients is not None
    demo, found, faults = chosen.mode == "demo", {}, []
    for client in clients.read(chosen.clients, demo):
        try:
            found[client] = source_of(client, demo)
        except ValueError as fault:
            faults.append(f"CDS_CLIENTS: {fault}")
    if faults:
        raise SettingsError(faults)
    return found

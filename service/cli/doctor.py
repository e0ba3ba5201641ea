"""`cds doctor`: everything that can be checked without a patient.

In: the environment and the files of this installation. Out: a line per check, every fault by name, exit status 0 or 1.
The only command that loads fhir.resources (R4B).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec.structs import replace

from cds_hooks.errors import CdsHooksError
from service import clients, contract, hooks, settings
from service.auth import keys_of_clients
from service.cli.lists import drafted_codes
from service.cli.opened import try_out
from service.clients import Client
from service.clinical.assessment import SuggestedOrder
from service.clinical.knowledge import InvalidKnowledge, load
from service.clinical.knowledge.model import Knowledge, OrderTemplate
from service.fhir.orders import Category, Patient, draft_order
from service.ground import prepare, read_settings
from service.overlay import load_for_site
from service.settings import Settings, SettingsError
from service.silence import silent_services

ADMITTING = ("CDS_MODE", "CDS_AUTH", "CDS_CLIENTS", "CDS_PUBLIC_BASE_URL", "CDS_DATABASE_URL")
CHOOSERS = ("CDS_THRESHOLDS", "CDS_KNOWLEDGE_OVERLAY")
STORING = ("CDS_DATABASE_URL", "CDS_KEY_FILE")
UNKNOWN = "not checked: mend the knowledge first"
_REPEATS = {"lower": "lowered to info", "omit": "left out", "show": "shown as they are"}
AT = datetime(2026, 1, 1, tzinfo=UTC)  # any instant serves


def run() -> int:
    """Check settings, knowledge, services, order templates and contract; 1 when any has a fault."""
    chosen, faults = _settings()
    sound = _say("settings", faults)
    for stranger in settings.unknown(os.environ):
        click.echo(f"  warning: {stranger}")
    sound &= _authentication(chosen, faults)
    knowledge, amiss = _knowledge(chosen, faults)
    sound &= _say(f"knowledge {knowledge.version if knowledge else ''}".strip(), amiss)
    for line in _in_force(knowledge, chosen) if knowledge else ():
        click.echo(f"       {line}")
    sound &= _say("services", _services(chosen, knowledge, faults))
    sound &= _orders(chosen, knowledge)
    click.echo(f"ok     workbench {_workbench(chosen)}")
    sound &= _say("openapi.yaml", _collect(contract.document))
    sound &= _memory(chosen, faults)
    return 0 if sound else 1


def call() -> int:
    """Ask whether those answer whom the service will call; 1 when one does not."""
    from service.cli.reach import reached  # brings `requests` along

    found = [_say(one.what, [one.fault] if one.fault else []) for one in reached(read_settings(os.environ))]
    if not found:
        click.echo("CDS_CLIENTS names no server to call")
    return 0 if all(found) else 1


def _say(what: str, faults: Iterable[str]) -> bool:
    found = list(faults)
    click.echo(f"{'FAULT' if found else 'ok':5}  {what}")
    for fault in found:
        click.echo(f"  {fault}")
    return not found


def _lacking(needed: Iterable[str], wrong: Iterable[str]) -> tuple[str, ...]:
    """That a check was not made, when settings that it needs are wrong."""
    lacking = [name for name in needed if any(fault.startswith(f"{name}:") for fault in wrong)]
    return (f"not checked: mend {' and '.join(lacking)} first",) if lacking else ()


def _authentication(chosen: Settings, wrong: Iterable[str]) -> bool:
    """Say who may call and where their keys come from; no server is called."""
    if lacking := _lacking(ADMITTING, wrong):
        return _say("authentication", lacking)
    if not chosen.authenticates:
        click.echo("ok     authentication off: whoever reaches the service may call; it listens on this machine alone")
        return True
    try:
        known = keys_of_clients(chosen)
    except SettingsError as fault:
        return _say("authentication on", fault.faults)
    click.echo(f"ok     authentication on, for calls to {chosen.public_base_url}")
    for client, source in known.items():
        whence = f"{source.count} from {client.jwks_file.name}" if client.jwks_file else f"at {client.jku} (not called)"
        click.echo(f"       {client.name} ({client.profile}): issuer {client.issuer}, keys {whence}")
        click.echo(f"         tenants {', '.join(client.tenants) or 'any'}; {', '.join(client.algorithms)}; "
                   f"FHIR {', '.join(one.base for one in client.fhir) or 'none'}")  # fmt: skip
    return True


def _services(chosen: Settings, knowledge: Knowledge | None, wrong: Iterable[str]) -> Iterator[str]:
    """What keeps the services from being offered; whom they are silent for is looked at without the knowledge too."""
    unread = _lacking(("CDS_CLIENTS",), wrong) if any("@" in one for one in chosen.silent) else ()
    if unread:  # who is a client is not known: the names of services alone can be wrong
        chosen = replace(chosen, silent=tuple(one.partition("@")[0] for one in chosen.silent))
    yield from (faults := _collect(lambda: silent_services(chosen)))
    yield from (f"CDS_SILENT: {one}" for one in unread)
    if knowledge is None:
        yield UNKNOWN
    else:
        yield from _collect(lambda: hooks.offered(prepare(chosen), {} if faults else silent_services(chosen)))


def _orders(chosen: Settings, knowledge: Knowledge | None) -> bool:
    """Say whether each draft order is as FHIR has it."""
    if knowledge is None:
        return _say("order templates", [UNKNOWN])
    templates = [order for order in knowledge.orders.values() if order.kind != "medication"]
    for line in _unmapped(chosen, knowledge):
        click.echo(f"  warning: {line}")
    return _say(f"{len(templates)} order templates", [f for one in templates for f in _order_faults(one)])


def _workbench(chosen: Settings) -> str:
    """Where the page to try the service is."""
    if chosen.workbench:
        return f"{chosen.workbench} (CDS_WORKBENCH)"
    if chosen.authenticates:
        return "off: it asks for no token"
    return "on where `cds serve` listens to this machine alone, off elsewhere"


def _in_force(knowledge: Knowledge, chosen: Settings) -> Iterator[str]:
    """Which thresholds are in force, and where they come from."""
    yield f"thresholds {knowledge.profile}; `cds doctor --thresholds` lists every band with its source"
    yield f"signed off by {knowledge.signed_off_by or 'nobody yet: a clinician has to'}"
    rules = chosen.clozapine.upper() or "US, and cards say that local rules may be stricter (set CDS_CLOZAPINE)"
    yield f"limits of the count on clozapine: {rules}"
    if chosen.knowledge_overlay:
        ours = load(chosen.thresholds)
        changed = [fact for fact, scales in knowledge.scales.items() if scales != ours.scales[fact]]
        changed += [name for name, limit in knowledge.limits.items() if limit != ours.limits[name]]
        yield f"overlay {chosen.knowledge_overlay.name} changes {', '.join(changed) or 'nothing'}"


def _unmapped(chosen: Settings, knowledge: Knowledge) -> Iterator[str]:
    """Orders that a client's map names and nobody drafts."""
    drafted = dict(drafted_codes(knowledge))
    for client in _collected(chosen):
        for name in client.site.orders.keys() - drafted.keys():
            yield f"client.orders of {client.name}: no order has {name!a}: `cds doctor --orders` lists them"


def _collected(chosen: Settings) -> tuple[Client, ...]:
    """The clients, when their file can be read: its faults are said elsewhere."""
    try:
        return clients.read(chosen.clients, chosen.mode == "demo") if chosen.clients else ()
    except ValueError:
        return ()


def _memory(chosen: Settings, wrong: Iterable[str]) -> bool:
    """Say whether the store can be opened, and what is kept in it for how long."""
    if lacking := _lacking(STORING, wrong):
        return _say("store", lacking)
    sound = _say(f"store: {_store(chosen)}", _opened(chosen))
    for line in _remembering(chosen):
        click.echo(f"       {line}")
    return sound


def _store(chosen: Settings) -> str:
    """The kind of the database; never its address, which may hold a password."""
    return chosen.database_url.partition(":")[0] or "off, nothing is remembered"


def _opened(chosen: Settings) -> tuple[str, ...]:
    """What keeps the database from being opened; one that is not there yet is not made by looking."""
    path = chosen.database_url.removeprefix("sqlite:///")
    if path != chosen.database_url and not Path(path).exists():
        return ()
    return _collect(lambda: try_out(chosen))


def _remembering(chosen: Settings) -> Iterator[str]:
    """Which services answer no card and for whom, what becomes of repeats, how long what is kept."""
    for hook in hooks.HOOKS:
        if chosen.silence(hook.id):
            yield f"SILENT {hook.id}, for {_whom(chosen, hook.id)}: judges{_and_keeps(chosen)}, and answers no card"
    if chosen.database_url:
        yield f"kept: evidence {chosen.evidence_days} days, cards and feedback {chosen.cards_days} days (`cds purge`)"
        severe = "severe ones too" if chosen.repeat_severe else "never severe counts and critical cards"
        repeats = f"{_REPEATS[chosen.repeats]} for {chosen.repeat_hours} hours, {severe}"
        yield f"repeats: {_REPEATS['show'] if chosen.repeats == 'show' else repeats}"
        yield f"comments in feedback are {'kept: they may name a patient' if chosen.keep_comments else 'dropped'}"


def _whom(chosen: Settings, service: str) -> str:
    """The clients to which a service is silent."""
    if chosen.silence(service) == "silent":
        return "all"
    named = (one.partition("@") for one in chosen.silent)
    return ", ".join(sorted({client for name, _, client in named if name in ("*", service)}))


def _and_keeps(chosen: Settings) -> str:
    return " and keeps" if chosen.database_url else " (keeping nothing: CDS_DATABASE_URL is off)"


def _settings() -> tuple[Settings, tuple[str, ...]]:
    try:
        return read_settings(os.environ), ()
    except SettingsError as fault:
        return fault.usable, tuple(one for one in fault.faults if one.startswith("CDS_"))


def _knowledge(chosen: Settings, wrong: Iterable[str]) -> tuple[Knowledge | None, tuple[str, ...]]:
    """The knowledge, unless the settings that choose it are wrong."""
    if lacking := _lacking(CHOOSERS, wrong):
        return None, lacking
    try:
        return load_for_site(chosen.thresholds, chosen.knowledge_overlay), ()
    except InvalidKnowledge as fault:
        return None, tuple(fault.faults)


def _collect(check: Callable[[], object]) -> tuple[str, ...]:
    try:
        check()
    except (SettingsError, InvalidKnowledge) as fault:
        return fault.faults
    except (CdsHooksError, OSError) as fault:
        return (str(fault),)
    return ()


def _order_faults(template: OrderTemplate) -> list[str]:
    """What FHIR has against the draft order that a template makes."""
    from fhir.resources.R4B.servicerequest import ServiceRequest
    from pydantic import ValidationError

    order = SuggestedOrder(
        template.id, template.kind, "routine", "check", "check", template.display, template.system, template.code, 7
    )
    drafted = draft_order(order, template.display or template.id, Category("check"), Patient("Patient/check", AT))
    try:
        ServiceRequest.model_validate(drafted)
    except ValidationError as fault:
        places = (".".join(map(str, one["loc"])) for one in fault.errors(include_input=False))
        return [f"{template.id}: {place} is not as FHIR has it" for place in places]
    return []

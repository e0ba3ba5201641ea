"""`cds doctor`: everything that can be checked without a patient.

In: the environment and the files of this installation. Out: a line per check, every fault by name, exit status 0 or 1.
The only command that loads fhir.resources (R4B).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

import click

from cds_hooks.errors import CdsHooksError
from service import contract, hooks, settings
from service.auth import keys_of_clients
from service.clinical.assessment import SuggestedOrder
from service.clinical.knowledge import InvalidKnowledge, load
from service.clinical.knowledge.model import Knowledge, OrderTemplate
from service.clinical.knowledge.vocabulary import load_vocabulary
from service.fhir.orders import Category, Patient, draft_order
from service.ground import prepare, read_settings
from service.memory import open_memory
from service.overlay import load_for_site
from service.settings import Settings, SettingsError
from service.templates import templates_of

ADMITTING = ("CDS_MODE", "CDS_AUTH", "CDS_CLIENTS", "CDS_PUBLIC_BASE_URL", "CDS_DATABASE_URL")
CHOOSERS = ("CDS_THRESHOLDS", "CDS_KNOWLEDGE_OVERLAY")
AT = datetime(2026, 1, 1, tzinfo=UTC)  # any instant serves


def run() -> int:
    """Check settings, knowledge, services, order templates and contract; 1 when any has a fault."""
    chosen, faults = _settings()
    sound = _say("settings", faults)
    for stranger in settings.unknown(os.environ):
        click.echo(f"  warning: {stranger}")
    sound &= _authentication(chosen, faults)
    knowledge, faults = _knowledge(chosen, faults)
    sound &= _say(f"knowledge {knowledge.version if knowledge else ''}".strip(), faults)
    if knowledge:
        for line in _in_force(knowledge, chosen):
            click.echo(f"       {line}")
        sound &= _say("services", _collect(lambda: hooks.offered(prepare(chosen))))
        templates = [order for order in knowledge.orders.values() if order.kind != "medication"]
        sound &= _say(f"{len(templates)} order templates", [f for one in templates for f in _order_faults(one)])
    sound &= _say("openapi.yaml", _collect(contract.document))
    sound &= _say(f"store: {_store(chosen)}", _collect(lambda: open_memory(chosen)))
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


def _authentication(chosen: Settings, wrong: Iterable[str]) -> bool:
    """Say who may call and where their keys come from; no server is called."""
    if lacking := [name for name in ADMITTING if any(fault.startswith(f"{name}:") for fault in wrong)]:
        return _say("authentication", [f"not checked: mend {' and '.join(lacking)} first"])
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


def _store(chosen: Settings) -> str:
    """The kind of the database; never its address, which may hold a password."""
    return chosen.database_url.partition(":")[0] or "off, nothing is remembered"


def list_thresholds() -> int:
    """Print every scale in force: what it places, in which unit, for whom, its bands, its source."""
    chosen = read_settings(os.environ)
    knowledge = load_for_site(chosen.thresholds, chosen.knowledge_overlay)
    click.echo(f"knowledge {knowledge.version}, thresholds {knowledge.profile}")
    for fact, scales in knowledge.scales.items():
        for scale in scales:
            for_whom = "; ".join(f"{name} {' or '.join(sorted(levels))}" for name, levels in scale.when.items())
            click.echo(f"{fact} ({knowledge.analytes[scale.analyte].name}){f', {for_whom}' if for_whom else ''}")
            click.echo(f"  {', '.join(f'{band.level} {band.label}' for band in scale.bands)}")
            for source in dict.fromkeys(band.citation for band in scale.bands):
                click.echo(f"  {source}: {knowledge.citations[source].text}")
    return 0


def list_checks() -> int:
    """Print every order check: what it is about, and each of its rows with level, summary and source."""
    chosen = read_settings(os.environ)
    knowledge = load_for_site(chosen.thresholds, chosen.knowledge_overlay)
    click.echo(f"knowledge {knowledge.version}; {{...}} stands for the draft, a result or its date")
    for about in sorted({row.then["about"] for row in knowledge.tables["check"]}, key=lambda one: int(one[1:])):
        click.echo(f"{about} {knowledge.wording[f'check-title.{about}']}")
        for row in (r for r in knowledge.tables["check"] if r.then["about"] == about):
            said = row.then["summary"][0] if "summary" in row.then else f"exception {row.id}"
            click.echo(f"  {row.then['level']:8}  {said}\n            {knowledge.citations[row.citation].text}")
    return 0


def list_prefetch() -> int:
    """Print what an EHR is to send along: a key and its FHIR query a line, for those that do not read discovery."""
    for key, query in templates_of(prepare(read_settings(os.environ))).items():
        click.echo(f"{key}\t{query}")
    return 0


def list_analytes() -> int:
    """Print every analyte for those who map codes: id, name, units, codes."""
    for one in sorted(load_vocabulary().analytes.values(), key=lambda one: one.id):
        units = ", ".join(dict.fromkeys(unit.unit for unit in one.units.values())) or f"none ({one.kind})"
        click.echo(f"{one.id}\n  {one.name}\n  units: {units}")
        click.echo(f"  codes: {', '.join(f'{code.system}|{code.code}' for code in one.codes) or 'none'}")
    return 0


def _settings() -> tuple[Settings, tuple[str, ...]]:
    try:
        return read_settings(os.environ), ()
    except SettingsError as fault:
        return fault.usable, tuple(one for one in fault.faults if one.startswith("CDS_"))


def _knowledge(chosen: Settings, wrong: Iterable[str]) -> tuple[Knowledge | None, tuple[str, ...]]:
    """The knowledge, unless the settings that choose it are wrong."""
    if lacking := [name for name in CHOOSERS if any(fault.startswith(f"{name}:") for fault in wrong)]:
        return None, (f"not checked: mend {' and '.join(lacking)} first",)
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

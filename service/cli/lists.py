"""What `cds doctor` lists: thresholds, checks, analytes, orders, and the queries to paste into an EHR."""

from __future__ import annotations

import os
from collections.abc import Iterator

import click

from service.cards.words import capital, words
from service.clinical.knowledge.model import Knowledge
from service.clinical.knowledge.vocabulary import load_vocabulary
from service.ground import prepare, read_settings
from service.overlay import load_for_site
from service.templates import templates_of


def drafted_codes(knowledge: Knowledge) -> Iterator[tuple[str, str]]:
    """What a site's map can name an order by, and what the order is: "system|code", or its text where it has none."""
    for order in knowledge.orders.values():
        if order.kind != "medication":
            text = capital(words(knowledge, "order", order.id))
            yield (f"{order.system}|{order.code}" if order.code else text), text


def list_orders() -> int:
    """Print what can be ordered by a click: the name for a site's map, and the text."""
    chosen = read_settings(os.environ)
    for name, text in drafted_codes(load_for_site(chosen.thresholds, chosen.knowledge_overlay)):
        click.echo(f"{name}\t{text}")
    return 0


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

"""`cds assess`: files in, one Assessment per patient out, as a table or as lines of JSON.

In: FHIR JSON (a Bundle, a resource, or a hook request with its prefetch). Out: text on standard output, a sentence per
unreadable file on standard error, and the exit status: 0, or 2 when a file could not be read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import click
import msgspec

from cds_hooks import door
from cds_hooks.errors import InvalidRequest
from cds_hooks.prefetch import Resource, read_value
from service import charts, explain
from service.cli import why
from service.cli.page import page
from service.clinical.assess import assess
from service.clinical.facts import PatientFacts
from service.clinical.knowledge.model import Knowledge
from service.fhir.bundles import open_bundle
from service.fhir.reader import Site
from service.ground import prepare, read_settings

UNREADABLE = 2

class _File(msgspec.Struct):
    resourceType: str = ""
    prefetch: dict[str, msgspec.Raw] | None = None


_FILE = msgspec.json.Decoder(_File)
encode = msgspec.json.Encoder(decimal_format="number").encode


def run(files: tuple[Path, ...], day: date | None, in_json: bool, explained: bool = False) -> int:
    """Assess each patient of each file and print it; one bad file does not stop the others."""
    ground = prepare(read_settings(os.environ))
    as_of = _instant(day, ground.site)
    show = _as_line if in_json else _as_text
    status = 0
    for file in files:
        if len(files) > 1 and not in_json:
            click.echo(f"--- {_name(file)}")
        try:
            for facts in charts.read_all(_resources(_read(file)), ground, as_of):
                _write(partial(show, facts, ground.knowledge, as_of, explained))
        except InvalidRequest as fault:
            status = UNREADABLE
            for issue in fault.issues:
                click.echo(f"{_name(file)}: {issue}", err=True)
    return status


def _instant(day: date | None, site: Site) -> datetime:
    if day is None:
        return datetime.now(UTC).astimezone(site.zone)
    try:
        return charts.end_of_day(day, site)
    except ValueError:
        raise click.BadParameter("use a day from 1900 to 2200", param_hint="--as-of") from None


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as fault:
        hint = "give a file of FHIR JSON, or - for standard input"
        raise InvalidRequest(problem=f"cannot be read ({fault.strerror})", hint=hint) from None


def _resources(body: bytes) -> tuple[Resource, ...]:
    """What a file holds: the resources of a Bundle, the resource, or those of a hook request's prefetch."""
    try:
        opened = door.decode(body, _FILE)
    except msgspec.ValidationError:
        raise InvalidRequest(path="$", problem="is no FHIR resource", hint="give one JSON object") from None
    except InvalidRequest:
        if _is_ndjson(body):
            hint = "make it one Bundle (entry[].resource), or give a file per resource"
            raise InvalidRequest(problem="looks like NDJSON, a resource on each line", hint=hint) from None
        raise
    if opened.resourceType:
        return open_bundle(body, "$")
    if opened.prefetch is None:
        raise InvalidRequest(path="$.resourceType", problem="is missing", hint="give FHIR JSON, or a hook request")
    return tuple(one for key, raw in opened.prefetch.items() for one in read_value(key, raw).resources)


def _is_ndjson(body: bytes) -> bool:
    """Whether each of the first two lines is a JSON object of its own."""
    lines = [line for line in body.splitlines() if line.strip()][:2]
    try:
        return len(lines) == 2 and all(isinstance(msgspec.json.decode(line), dict) for line in lines)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _write(show: Callable[[], None]) -> None:
    try:
        show()
    except BrokenPipeError:
        sys.stdout = None
        raise SystemExit(0) from None


def _as_text(facts: PatientFacts, knowledge: Knowledge, as_of: datetime, explained: bool) -> None:
    page(assess(facts, knowledge, as_of), knowledge)
    if explained:
        why.page(explain.explain(facts, knowledge, as_of))


def _as_line(facts: PatientFacts, knowledge: Knowledge, as_of: datetime, explained: bool) -> None:
    click.echo(encode(explain.answer(facts, knowledge, as_of, explained)).decode())


def _name(file: Path) -> str:
    return "standard input" if str(file) == "-" else str(file)

"""`cds assess`: files in, one Assessment per patient out, as a table or as lines of JSON.

In: FHIR JSON (a Bundle, a resource, or a hook request with its prefetch). Out: text on standard output, a sentence per
unreadable file on standard error, and the exit status: 0, by the worst card when that is asked for, or 2 when a file
could not be read.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.text import Text

from cds_hooks import door
from cds_hooks.errors import InvalidRequest
from cds_hooks.prefetch import Resource, read_value
from service import charts, explain, hooks
from service.cli import progress, why
from service.cli.page import BADGE, page
from service.cli.screen import screen
from service.clinical.assess import assess
from service.clinical.facts import PatientFacts
from service.clinical.knowledge.model import Knowledge
from service.fhir.bundles import open_bundle
from service.fhir.moments import Moments
from service.fhir.reader import Site
from service.ground import prepare, read_settings
from service.placed import placed
from service.web.terms import Terms

UNREADABLE, NOT_WHOLE = 2, 2
STATUS = {"none": 0, "info": 10, "warning": 11, "critical": 12}  # with --exit-status


class _File(msgspec.Struct):
    resourceType: str = ""
    prefetch: dict[str, msgspec.Raw] | None = None
    hook: Any = None
    context: Any = None


_FILE = msgspec.json.Decoder(_File)
encode = msgspec.json.Encoder(decimal_format="number").encode


Show = Callable[[PatientFacts], str]  # prints one patient's part; gives the indicator


def run(
    files: tuple[Path, ...], day: date | None, in_json: bool, explained: bool = False, by_worst: bool = False
) -> int:
    """Assess each patient of each file and print it; one bad file does not stop the others. Gives the exit status."""
    ground = prepare(read_settings(os.environ))
    as_of = _instant(day, ground.site)
    show = partial(_as_line if in_json else _as_text, ground.knowledge, as_of, explained)
    headed = len(files) > 1 and not in_json
    found, unread, unchecked = Counter[str](), 0, 0
    with progress.bar(len(files) > 1) as steps:
        for file in steps.each(files):
            if headed:
                steps.aside(partial(click.echo, f"--- {_name(file)}"))
            try:
                opened = _open(body := _read(file))
                if drafts := _drafts(opened):
                    unchecked += drafts
                    steps.aside(partial(_say_unchecked, drafts, opened, in_json))
                for facts in charts.read_all(_resources(opened, body), ground, as_of):
                    found[steps.aside(partial(_write, show, facts))] += 1
            except InvalidRequest as fault:
                unread += 1
                steps.aside(partial(_complain, file, fault))
    if headed:
        click.echo(_closing(found, len(files), unread, unchecked))
    if unread or not by_worst:
        return UNREADABLE if unread else 0
    return NOT_WHOLE if unchecked else max((STATUS[one] for one in found), default=0)


def _closing(found: Counter[str], files: int, unread: int, unchecked: int) -> str:
    """What all files together hold."""
    cards = ", ".join(f"{found[one]} {one}" for one in reversed(STATUS) if found[one])
    left = f"; {unread} could not be read" if unread else ""
    left += f"; {unchecked} drafted orders not checked" if unchecked else ""
    return f"{files} files, {found.total()} patients: {cards or 'nobody was judged'}{left}"


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


def _open(body: bytes) -> _File:
    """What kind of file it is; InvalidRequest when it is none of FHIR."""
    try:
        return door.decode(body, _FILE)
    except msgspec.ValidationError:
        raise InvalidRequest(path="$", problem="is no FHIR resource", hint="give one JSON object") from None
    except InvalidRequest:
        if _is_ndjson(body):
            hint = "make it one Bundle (entry[].resource), or give a file per resource"
            raise InvalidRequest(problem="looks like NDJSON, a resource on each line", hint=hint) from None
        raise


def _resources(opened: _File, body: bytes) -> tuple[Resource, ...]:
    """What a file holds: the resources of a Bundle, the resource, or those of a hook request's prefetch."""
    if opened.resourceType:
        return open_bundle(body, "$")
    if opened.prefetch is None:
        raise InvalidRequest(path="$.resourceType", problem="is missing", hint="give FHIR JSON, or a hook request")
    return tuple(one for key, raw in opened.prefetch.items() for one in read_value(key, raw).resources)


def _drafts(opened: _File) -> int:
    """How many drafted orders a hook request holds; the chart is judged without them."""
    drafted = opened.context.get("draftOrders") if isinstance(opened.context, dict) else None
    entries = drafted.get("entry") if isinstance(drafted, dict) else None
    return len(entries) if isinstance(entries, list) else int(bool(drafted))


def _say_unchecked(drafts: int, opened: _File, in_json: bool) -> None:
    """That drafted orders were left alone, and who checks them; beside JSON on standard error."""
    id = next((one.id for one in hooks.HOOKS if one.hook == opened.hook), "neutropenia-order-sign")
    one = drafts == 1
    which = "1 drafted order in this file is" if one else f"{drafts} drafted orders in this file are"
    them = "it" if one else "them"
    told = f"{which} not checked here: the order hooks check {them} (send the file to /cds-services/{id})"
    if in_json:
        click.echo(told, err=True)
    else:
        screen().print(Text.assemble(("NOT CHECKED", BADGE["warning"]), "  ", told))


def _is_ndjson(body: bytes) -> bool:
    """Whether each of the first two lines is a JSON object of its own."""
    lines = [line for line in body.splitlines() if line.strip()][:2]
    try:
        return len(lines) == 2 and all(isinstance(msgspec.json.decode(line), dict) for line in lines)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _complain(file: Path, fault: InvalidRequest) -> None:
    for issue in fault.issues:
        click.echo(f"{_name(file)}: {issue}", err=True)


def _write(show: Show, facts: PatientFacts) -> str:
    try:
        return show(facts)
    except BrokenPipeError:
        sys.stdout = None
        raise SystemExit(0) from None


def _as_text(knowledge: Knowledge, as_of: datetime, explained: bool, facts: PatientFacts) -> str:
    judged = assess(facts, knowledge, as_of)
    page(judged, placed(facts, knowledge, as_of), knowledge)
    if explained:
        why.page(explain.explain(facts, knowledge, as_of), Terms(knowledge, as_of, Moments(as_of.tzinfo or UTC)))
    return judged.indicator


def _as_line(knowledge: Knowledge, as_of: datetime, explained: bool, facts: PatientFacts) -> str:
    told = explain.answer(facts, knowledge, as_of, explained)
    click.echo(encode(told).decode())
    return str(told["indicator"])


def _name(file: Path) -> str:
    return "standard input" if str(file) == "-" else str(file)

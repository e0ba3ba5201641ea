"""`cds replay`: which kept cards another version of the knowledge would change, before it is put into force.

In: a site's overlay or a folder of knowledge, a period, the environment. Out: a table or JSON without a patient's
result, a row of the audit trail, the exit status.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from service.cli.opened import remembered
from service.cli.report import period_of
from service.clinical.knowledge import InvalidKnowledge, load
from service.clinical.knowledge.vocabulary import load_vocabulary
from service.ground import Ground, prepare, read_settings
from service.memory import Memory
from service.memory.again import Change, Replayed, Verdict, differ
from service.memory.again import replay as judge
from service.order_checks import OrderChecks
from service.overlay import lay_over, load_for_site
from service.settings import Settings
from service.store.audit import Act, append
from service.store.figures import Period
from service.store.sealed import Kept, evidence_of, kept_calls, without_evidence

WIDTH, AT_ONCE = 120, 50  # calls whose evidence is in hand
COUNTS = ("judged", "same", "changed", "gone", "new", "unreadable")
SAID = {
    "judged": "cards judged again",
    "same": "of them judged by the knowledge in force as they were kept",
    "changed": "would change", "gone": "would not come", "new": "would come beside them",
    "unreadable": "with evidence that cannot be read: sealed with another key, or by another version",
    "purged": "without evidence: its days are over, or it was not written",
}  # fmt: skip


def run(file: Path, days: tuple[date | None, date | None], as_json: bool) -> int:
    """Judge the kept cards of a period by the knowledge in force and by the other, and say what differs."""
    chosen = read_settings(os.environ)
    ours = prepare(chosen)
    theirs, period = _other(file, chosen, ours), Period(chosen.time_zone, *days)
    with remembered(chosen) as memory:
        calls, purged = kept_calls(memory.store, period), without_evidence(memory.store, period)
        found = _replay(memory, calls, (ours, theirs))
        told = f"judged {found.counts['judged']}, differ {len(found.changes)}"
        with memory.store.write() as connection:
            append(connection, Act("cds replay", "replay", theirs.knowledge.version, told), datetime.now(UTC))
    cards = sum(map(len, calls)) + purged
    head: dict[str, Any] = {
        "in_force": ours.knowledge.version, "other": theirs.knowledge.version,
        "since": str(days[0]) if days[0] else None, "until": str(days[1]) if days[1] else None,
        "time_zone": str(chosen.time_zone), "calls": len(calls), "cards": cards,
        **{name: found.counts[name] for name in COUNTS}, "purged": purged,
    }  # fmt: skip
    if as_json:
        changes = [_as_json(one) for one in found.changes]
        click.echo(json.dumps({**head, "changes": changes}, indent=2, ensure_ascii=False))
    else:
        _print(head, found)
    return 0


def _other(file: Path, chosen: Settings, ours: Ground) -> Ground:
    """The ground with the other knowledge; InvalidKnowledge with all its faults. The site's overlay stays on a folder.

    Charts were read when the cards were made: other codes or units change nothing here.
    """
    if not file.is_dir():
        knowledge = load_for_site(chosen.thresholds, file)
    elif not (file / "knowledge.toml").is_file():
        raise InvalidKnowledge([f"{file}: has no knowledge.toml: name a folder like service/clinical/knowledge"])
    else:
        overlay = partial(lay_over, chosen.knowledge_overlay) if chosen.knowledge_overlay else None
        load_vocabulary(file)
        knowledge = load(chosen.thresholds, overlay, file)
    knowledge = replace(knowledge, clozapine=ours.knowledge.clozapine)
    return replace(ours, knowledge=knowledge, checks=OrderChecks(knowledge))


def _replay(memory: Memory, calls: Sequence[Sequence[Kept]], grounds: tuple[Ground, Ground]) -> Replayed:
    found = Replayed()
    with _progress(len(calls)) as bar:
        for start in range(0, len(calls), AT_ONCE):
            some = calls[start : start + AT_ONCE]
            sealed = evidence_of(memory.store, [card.uuid for call in some for card in call])
            for call in some:
                judge(call, sealed, memory.sealing, grounds, found)
                bar.advance(bar.task_ids[0])
    return found


@contextmanager
def _progress(total: int) -> Iterator[Progress]:
    """A bar on standard error, when that is a terminal."""
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        bar.add_task("judging calls", total=total)
        yield bar


def _as_json(change: Change) -> dict[str, Any]:
    before, after = change.before, change.after
    return {
        "card": None if change.what == "new" else change.kept.uuid,
        "at": change.kept.at.isoformat(timespec="seconds"),
        "service": change.kept.service,
        "topic": _about(change),
        "what": change.what,
        "before": _verdict(before),
        "after": _verdict(after),
        "differ": {name: list(pair) for name, pair in differ(before, after).items()},
        "wording": bool(before and after and before.summary != after.summary),
    }


def _verdict(one: Verdict | None) -> dict[str, Any] | None:
    return {"rows": list(one.rows), "indicator": one.indicator, "severity": one.severity} if one else None


def _print(head: dict[str, Any], found: Replayed) -> None:
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    title = f"Knowledge {head['in_force']} -> {head['other']}, cards {period_of(head)}"
    console.print(Text(title, style="bold"))
    for name, said in SAID.items():
        if head[name] or name in ("judged", "changed"):
            console.print(Text(f"  {head[name]:6}  {said}"), soft_wrap=True)
    if found.changes:
        console.print()
        console.print(_table(found.changes))


def _table(changes: Sequence[Change]) -> Table:
    """Changes of one kind in a row, the most frequent first, with a card to look at."""
    kinds = [(one.kept.service, _about(one), _difference(one)) for one in changes]
    examples = {kind: one.kept.uuid for kind, one in zip(kinds, changes, strict=True)}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("cards", justify="right")
    for name in ("service", "about", "in force -> other"):
        table.add_column(name, overflow="fold")
    table.add_column("such as (the last)", no_wrap=True)
    for (service, about, difference), number in Counter(kinds).most_common():
        table.add_row(str(number), service, about, difference, examples[service, about, difference])
    return table


def _about(change: Change) -> str:
    return (change.before or change.after or change.kept).topic


def _difference(change: Change) -> str:
    """What differs, line by line; of a card that is gone or new its rule and level."""
    pairs = differ(change.before, change.after)
    if change.what != "changed":
        pairs = {name: pairs[name] for name in ("rows", "indicator") if name in pairs}
    said = [f"{name}: {old} -> {new}" for name, (old, new) in pairs.items()]
    lines = [*([change.what] if change.what != "changed" else []), *said]
    return "\n".join(lines) or "the summary reads otherwise"

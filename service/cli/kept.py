"""The commands that look into what is kept: report, purge, audit, migrate, replay.

As those of the package: each imports what it needs when it runs.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from textwrap import fill

import click

from service.cli.days import Day

# What is counted, in the order in which it is told: name in JSON, heading, meaning.
COUNTS = (
    ("calls", "calls", "calls that were judged, whether they led to cards or not"),
    ("cards", "cards", "cards that these calls led to: shown, left out, or silent"),
    ("shown", "shown", "cards that were answered, as they were judged or lowered to info"),
    ("accepted", "accepted", "cards shown whose latest feedback is accepted: a card counts once"),
    ("overridden", "overridden", "cards shown whose latest feedback is overridden"),
    ("no_response", "no response", "cards shown on which no feedback came"),
    ("suppressed", "suppressed", "repeats that were left out or lowered"),
    ("left_out", "left out", "repeats that were not answered, and reminders whose period was not over"),
    ("lowered", "lowered", "repeats that were answered as info; they are shown too"),
    ("silent", "silent", "cards of services in silent mode: judged and kept, not answered"),
    ("unmatched", "unmatched", "items of feedback about cards that are not known here, by the day they came"),
    ("shown_per_100_calls", "shown per 100 calls", "what clinicians see"),
    ("cards_per_100_calls", "cards per 100 calls", "what they would see without silent mode and suppression"),
)
_LISTED = "\n".join(
    fill(meaning, 78, initial_indent=f"  {name:20} ", subsequent_indent=" " * 23) for name, _, meaning in COUNTS
)
EXAMPLES_REPORT = f"""\b
Examples:
  cds report --since 2026-06-01 --until 2026-06-30
  cds report --html report.html                one file, with pictures
  cds report --json | jq '.overridden_by_reason'

\b
What is counted:
{_LISTED}

\b
--json prints one object: the counts above, and
  since, until (days or null), time_zone, made (instant)
  overridden_by_reason: [{{reason, says, overridden}}]
    reason: a code of ours, "other" (any other code), "" (none given)
  services, clients, knowledge, indicators: [{{name, and the counts}}]
    calls and per_100_calls are null for indicators
  rules: [{{topic, row, says, and the counts}}]
  days: [{{day, shown, left_out, silent}}], of the site's time zone

Cards count by the day they came, with feedback whenever it came; the indicator is as judged, whatever was answered.
No patient, pseudonym or result is in a report.

Exit status: 0, or 2 when the settings cannot be used or the store does not answer."""
EXAMPLES_PURGE = """\b
Examples:
  cds purge --dry-run    what would go
  cds purge              daily, from cron: 20 3 * * *  cds purge

CDS_EVIDENCE_DAYS and CDS_CARDS_DAYS say how long what is kept; the audit trail stays, and says what went.

Exit status: 0, or 2 when the settings cannot be used or the store does not answer."""
EXAMPLES_AUDIT = """\b
Examples:
  cds audit    the length of the trail and its last digest

Exit status: 0 the chain holds, 1 it is broken, 2 the store does not answer.

The chain alone does not show that rows at its end were cut off: keep number and last digest elsewhere, and look
whether the trail still leads there."""
EXAMPLES_MIGRATE = """\b
Examples:
  cds migrate                  where the tables are; changes nothing
  cds migrate --to 0002        what going back to 0002 would remove
  cds migrate --to 0002 --yes  goes back, with every replica stopped

A version brings the tables forward by itself, when it starts or any other command opens them. Only the newer version
knows the way back: take it with its `cds migrate`, then start the older one.

Exit status: 0, 1 when going back waits for --yes, or 2 when the revision is not known, the tables are of a newer
version, or the store does not answer."""
EXAMPLES_REPLAY = """\b
Examples:
  cds replay --knowledge site.toml               a site's own thresholds
  cds replay --knowledge site.toml --since 2026-11-01
  cds replay --knowledge ../next/service/clinical/knowledge --json

A card is judged again by the knowledge in force and by the other, and both are compared: rows, indicator, severity,
status of nutrients, certainty of causes, wording of the summary; suggestions are not. Charts are not read anew: other
codes and units change nothing. `same` counts cards that the knowledge in force judges as they were kept. A call that
led to no card left nothing to judge: cards that would be new there are not seen; nor are new ones of order-select,
whose selections are not kept (order-sign judges all drafts).

\b
--json prints one object:
  in_force, other (versions), since, until, time_zone, calls, cards,
  judged, same, changed, gone, new, unreadable, purged
  changes: [{card (uuid, null when new), at, service, topic,
             what (changed | gone | new), before, after, differ, wording}]
    before, after: {rows, indicator, severity}, null where there is no card
    differ: {name: [before, after]}: rows, indicator, severity,
            status of a nutrient, certainty of a cause
    wording: whether the summary reads otherwise

No result of a patient is in it.

Exit status: 0, or 2 when the settings or the other knowledge cannot be used, or the store does not answer."""


@click.command(epilog=EXAMPLES_REPORT, short_help="Count what became of cards.")
@click.option("--since", type=Day(), metavar="DAY", help="From this day on.")
@click.option("--until", type=Day(), metavar="DAY", help="To the end of this day.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object (its shape is below).")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with pictures, too.")
def report(since: date | None, until: date | None, as_json: bool, html: Path | None) -> None:
    """Count what became of cards: accepted, overridden and why, without response, held back; by service and by rule."""
    from service.cli.report import run

    raise SystemExit(run(_in_order(since, until), as_json, html))


@click.command(epilog=EXAMPLES_PURGE, short_help="Remove what is kept too long.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and keep it.")
def purge(dry_run: bool) -> None:
    """Remove evidence, cards, feedback and counts of calls that are older than the settings allow."""
    from service.cli.upkeep import purge as run

    raise SystemExit(run(dry_run))


@click.command(epilog=EXAMPLES_AUDIT, short_help="Check that the audit trail is whole.")
def audit() -> None:
    """Check that no row of the audit trail was changed or taken out."""
    from service.cli.upkeep import audit as run

    raise SystemExit(run())


@click.command(epilog=EXAMPLES_MIGRATE, short_help="Say where the tables are, or take them back.")
@click.option("--to", metavar="REVISION", help="Bring the tables to this revision, forward or back.")
@click.option("--yes", is_flag=True, help="Go back although it removes what it says.")
def migrate(to: str | None, yes: bool) -> None:
    """Say at which revision the tables are and which are known here; with --to bring them there, all or nothing."""
    from service.cli.tables import run

    raise SystemExit(run(to, yes))


@click.command(epilog=EXAMPLES_REPLAY, short_help="Judge kept cards by other knowledge.")
@click.option(
    "--knowledge",
    required=True,
    type=click.Path(path_type=Path, exists=True),
    help="A site's overlay (TOML), or a folder with another version of the knowledge.",
)
@click.option("--since", type=Day(), metavar="DAY", help="Cards from this day on.")
@click.option("--until", type=Day(), metavar="DAY", help="Cards to the end of this day.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object (its shape is below).")
def replay(knowledge: Path, since: date | None, until: date | None, as_json: bool) -> None:
    """Judge the evidence of kept cards by other knowledge, and list the cards that would change."""
    from service.cli.replay import run

    raise SystemExit(run(knowledge, _in_order(since, until), as_json))


def _in_order(since: date | None, until: date | None) -> tuple[date | None, date | None]:
    if since and until and until < since:
        raise click.BadParameter("lies before --since", param_hint="--until")
    return since, until


KEPT = (report, purge, audit, migrate, replay)

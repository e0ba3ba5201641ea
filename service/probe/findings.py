"""Findings: what was seen of each line, gathered into one report.

In: sights (a rule held or not, at a place) and reasons why a line could not be judged. Out: findings in the order of
the checklist: per line either everything that is wrong, or one `pass`, or one `skipped` with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from service.probe.lines import LINES, Level

_INDEX = re.compile(r"\[\d+\]")


class Verdict(StrEnum):
    """How a line stands; `fail` is for MUST alone."""

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Sight:
    """A rule that was looked at in one place."""

    line: str
    holds: bool
    where: str  # the request, then ": " and the JSON path
    remedy: str
    level: Level | None = None  # None: that of the line


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a line could not be judged in one place."""

    line: str
    reason: str


Seen = Sight | Skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the report."""

    line: str
    section: str
    level: Level
    verdict: Verdict
    where: str
    says: str  # fail, warn: the remedy; skipped: the reason; pass: what the line asks


@dataclass(frozen=True, slots=True)
class Report:
    """All findings of one run, with what was called and how long it took."""

    url: str
    services: tuple[str, ...]  # ids of those that were called
    not_called: tuple[str, ...]  # ids of the others: unknown hook, id not safe, too many, or not asked for
    calls: int
    p50_ms: int | None  # None: no call was timed
    access: str  # open | closed | unknown
    tokens: str  # none given | taken: one let a call in, or none was asked for | refused: all of them
    findings: tuple[Finding, ...]

    @property
    def status(self) -> int:
        """Exit status: 1 when a MUST failed or every token was refused, 2 when nothing failed for want of a token."""
        failed = any(one.verdict is Verdict.FAIL for one in self.findings) or self.tokens == "refused"
        return 1 if failed else 2 * (self.access == "closed" and self.tokens == "none")

    def lines(self, *verdicts: Verdict) -> set[str]:
        """The lines that have a finding of these verdicts."""
        return {one.line for one in self.findings if one.verdict in verdicts}

    def as_json(self) -> dict[str, Any]:
        """The machine form; its shape is told by `cds check --help`."""
        counts = {str(verdict): len(self.lines(verdict)) for verdict in Verdict}
        what = {"url": self.url, "services": list(self.services), "not_called": list(self.not_called)}
        how = {"calls": self.calls, "p50_ms": self.p50_ms, "access": self.access, "tokens": self.tokens}
        how |= {"status": self.status}
        return {**what, **how, "lines": counts, "findings": [asdict(one) for one in self.findings]}


def gather(seen: Iterable[Seen]) -> tuple[Finding, ...]:
    """Every line of the registry with its findings."""
    by_line: dict[str, list[Seen]] = {line: [] for line in LINES}
    for one in seen:
        by_line[one.line].append(one)
    return tuple(finding for line, sights in by_line.items() for finding in _judge(line, sights))


def _judge(line: str, seen: list[Seen]) -> list[Finding]:
    told = LINES[line]
    sights = [one for one in seen if isinstance(one, Sight)]
    if wrong := [one for one in sights if not one.holds]:
        return _wrong(line, wrong)
    if sights:
        times = f" and {len(sights) - 1} more" if len(sights) > 1 else ""
        return [Finding(line, told.section, told.level, Verdict.PASS, sights[0].where + times, told.asks)]
    reason = next((one.reason for one in seen if isinstance(one, Skip)), told.needs)
    return [Finding(line, told.section, told.level, Verdict.SKIPPED, "", reason)]


def _wrong(line: str, wrong: list[Sight]) -> list[Finding]:
    """One finding per remedy and level: the first place, and how many more there are."""
    kinds: dict[tuple[str, Level], list[Sight]] = {}
    for one in wrong:
        kinds.setdefault((_INDEX.sub("", one.remedy), one.level or LINES[line].level), []).append(one)
    findings = []
    for (_, level), places in kinds.items():
        verdict = Verdict.FAIL if level is Level.MUST else Verdict.WARN
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        findings.append(Finding(line, LINES[line].section, level, verdict, places[0].where + more, places[0].remedy))
    return findings

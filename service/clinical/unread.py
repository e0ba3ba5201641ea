"""Whether a blood count was measured that nobody could judge: always said, never silent (H2.20).

In: a Case. Out: levels of the facts `count-unreadable` and `white-cells-alone`.
"""

from __future__ import annotations

from service.clinical.ages import days_between
from service.clinical.case import Case
from service.clinical.counts import COUNT_ANALYTES
from service.clinical.facts import Gap, Moment
from service.clinical.grading import graded

# Reasons of a Gap of a count that mean: it was measured and cannot be read.
CANNOT_READ = frozenset([
    "unit-missing", "unit-not-understood", "implausible-result", "no-value", "value-in-words", "undated", "future",
    "unreadable-resource", "no-white-cell-count", "exceeds-white-cells", "unmapped-code", "status-unknown",
    "status-missing", "status-not-understood", "comparator-not-understood",
])  # fmt: skip
MISDATED = frozenset(["before-birth", "too-old"])
# Reasons of a Gap of some Observation that was left out before its code was looked at.
LEFT_OUT = frozenset(["other-patient", "unreadable-resource"])


def unreadable(case: Case) -> str:
    """Whether a count, newer than the graded one, was measured and could not be read."""
    anchor = graded(case)
    mute = [r.specimen.when for r in case.readings if r.count is None and r.voided is None]
    if anchor is None or anchor.count is None:
        left = any(_may_be_a_count(g, case) for g in case.patient.gaps)
        return "yes" if left or any(_lately(t, case) for t in mute) else "no"
    horizon = anchor.specimen.when.latest
    gaps = [g for g in case.patient.gaps if g.what in COUNT_ANALYTES and g.reason in CANNOT_READ]
    if any(g.when is None for g in gaps):
        return "yes"
    times = [*mute, *(g.when for g in gaps if g.when)]
    return "yes" if any(t.latest > horizon and _lately(t, case) for t in times) else "no"


def incomplete(case: Case) -> str:
    """Whether only a part of the blood counts was supplied: a newer one may be among the rest."""
    return "yes" if any(g.what == "count" and g.reason == "incomplete" for g in case.patient.gaps) else "no"


def _lately(moment: Moment, case: Case) -> bool:
    return days_between(moment, case.today) <= int(case.limit("count-history-days"))


def _may_be_a_count(gap: Gap, case: Case) -> bool:
    """Whether a Gap hides a count; a wrong date hides when it was, so that it counts whatever it says."""
    if gap.what in COUNT_ANALYTES:
        return gap.reason in MISDATED or (gap.reason in CANNOT_READ and (gap.when is None or _lately(gap.when, case)))
    return gap.what == "Observation" and gap.reason in LEFT_OUT


def white_cells_alone(case: Case) -> str:
    """Whether the newest white cell count is current and has no differential."""
    wbc = case.newest("wbc")
    if wbc is None or wbc.when is None or days_between(wbc.when, case.today) > case.limit("count-current-days"):
        return "no"
    newer = [r for r in case.readings if r.specimen.when.latest >= wbc.when.earliest or r.specimen.first("wbc") == wbc]
    return "no" if newer else "yes"


UNREAD = {"count-unreadable": unreadable, "count-incomplete": incomplete, "white-cells-alone": white_cells_alone}

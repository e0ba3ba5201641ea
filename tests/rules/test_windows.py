"""Whether the tables would notice: each window in days of a declared fact, a day narrower and a day wider.

Whoever stands at the limit of a window, or a day beyond it, has to stand in a table row with what follows.
"""

from __future__ import annotations

from functools import cache

from mutants import WindowMutant, moved_windows
from outcomes import differences
from tables import TableRow, all_rows, knowledge_of

DEFAULT = "nice-ng239"
# Windows that no row can show, and why.
NEVER_SEEN = {
    "methotrexate-new within_days: nobody a day beyond 30 days": "methotrexate itself counts for 30 days",
    "methotrexate-daily within_days: nobody a day beyond 30 days": "methotrexate itself counts for 30 days",
}


@cache
def rows_of_concept() -> dict[str, list[TableRow]]:
    """A concept -> the table rows in whose chart it stands."""
    found: dict[str, list[TableRow]] = {}
    for row in (r for r in all_rows() if r.profile == DEFAULT):
        facts = row.facts()
        charted = [*(p.concepts for p in facts.problems), *(m.concepts for m in facts.medications)]
        for concept in frozenset[str]().union(*charted):
            found.setdefault(concept, []).append(row)
    return found


def _unseen(mutant: WindowMutant) -> bool:
    rows = {row.id: row for concept in mutant.fact.concepts for row in rows_of_concept().get(concept, [])}
    return not any(differences(row, mutant.knowledge) for row in rows.values())


def test_every_window_in_days_is_tested_from_both_sides() -> None:
    mutants = list(moved_windows(knowledge_of(DEFAULT)))
    assert mutants
    unseen = [m.name for m in mutants if _unseen(m)]
    assert not [n for n in unseen if n not in NEVER_SEEN], "\n".join(f"no table row stands beside {n}" for n in unseen)
    assert set(NEVER_SEEN) <= set(unseen), "a window is listed as never seen, and is"

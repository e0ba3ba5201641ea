"""Whether the tables would notice: each bound of a drafted order moved, each route, drug and exception left out."""

from __future__ import annotations

from functools import cache

from mutants import DraftMutant, moved_draft_bounds
from outcomes import differences
from tables import TableRow, all_rows, knowledge_of

DEFAULT = "nice-ng239"


@cache
def rows_with_drafts() -> tuple[TableRow, ...]:
    return tuple(row for row in all_rows() if "drafts" in row.inputs and row.profile == DEFAULT)


def _unnoticed(mutant: DraftMutant) -> bool:
    """No row notices it; those that name the check are asked first."""
    about = mutant.row.then["about"]
    rows = sorted(rows_with_drafts(), key=lambda row: about not in "".join(row.outputs.values()))
    return not any(differences(row, mutant.knowledge) for row in rows)


def test_every_bound_route_and_exception_of_the_drafts_is_tested_from_both_sides() -> None:
    mutants = list(moved_draft_bounds(knowledge_of(DEFAULT)))
    assert mutants
    unnoticed = [mutant.name for mutant in mutants if _unnoticed(mutant)]
    assert not unnoticed, "\n".join(f"no table row notices {name}" for name in unnoticed)

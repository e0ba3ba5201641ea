"""The probe finds what it claims: each mutant of the toy turns exactly its lines red, and each line has a mutant."""

from __future__ import annotations

import pytest
from broken import MUTANTS, Mutant
from toy import ORIGIN, Toy, mint, serving

from service import probe
from service.probe.findings import Report, Verdict
from service.probe.lines import LINES, UNSEEN

RED = (Verdict.FAIL, Verdict.WARN)
ENOUGH = 200  # tokens: each is taken once
OPEN = {"69", "71", "72", "75", "76"}  # what an open service on this machine does not show


def looked_at(mutant: Mutant) -> Report:
    with serving(Toy(mutant.closed), mutant.mutation) as base:
        tokens = tuple(mint() for _ in range(ENOUGH)) if mutant.closed else ()
        return probe.look(probe.Target(base, tokens, ORIGIN, timeout=5))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_a_broken_service_turns_exactly_its_lines_red(mutant: Mutant) -> None:
    report = looked_at(mutant)
    red = [one for one in report.findings if one.verdict in RED]
    failed = {line.rstrip("!") for line in mutant.lines.split() if line.endswith("!")}
    assert {one.line for one in red} == {line.rstrip("!") for line in mutant.lines.split()}, red
    assert report.lines(Verdict.FAIL) == failed, red
    assert report.status == (1 if failed else 0)
    assert all(one.where and one.says for one in red)


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_a_service_by_the_book_passes_every_line_that_it_shows(closed: bool) -> None:
    report = looked_at(Mutant("by the book", "", lambda _, reply: reply, closed))
    shown = LINES.keys() - {"1"} - (set() if closed else OPEN)
    assert [one for one in report.findings if one.verdict in RED] == []
    assert report.lines(Verdict.PASS) == shown
    assert report.access == ("closed" if closed else "open")
    assert report.status == 0


def test_every_line_that_is_claimed_has_a_mutant() -> None:
    caught = {line.rstrip("!") for mutant in MUTANTS for line in mutant.lines.split()}
    assert LINES.keys() - caught == {"1"}  # see test_where_it_listens


def test_every_line_of_the_checklist_is_claimed_or_has_a_reason() -> None:
    numbers = {str(number) for number in range(1, 83)}
    assert LINES.keys() | UNSEEN.keys() == numbers | {"A1", "A2", "A3"}
    assert not LINES.keys() & UNSEEN.keys()

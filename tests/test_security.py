"""SECURITY.md: each threat names the tests that hold it, and those tests are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = (ROOT / "SECURITY.md").read_text("utf-8").partition("| threat |")[2].partition("\n\n")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines()[2:]]


def known() -> set[str]:
    trees = (ast.parse(path.read_text("utf-8")) for path in (ROOT / "tests").rglob("test_*.py"))
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_each_threat_is_held_by_tests_that_are_there() -> None:
    assert len(ROWS) >= 20
    there = known()
    for threat, held, named in ROWS:
        assert threat and held
        found = re.findall(r"`(\w+)`", named)
        assert found, threat
        assert set(found) <= there, set(found) - there

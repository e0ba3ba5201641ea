"""The tables of tests/rules/*.md, row by row.

In: Markdown. Out: rows with their inputs, expected outputs and reason. Every table of a file counts; the last column is
`why`; a heading that begins with `=` is an output.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cells import AS_OF, facts_of

from service.clinical.facts import PatientFacts
from service.clinical.knowledge import load
from service.clinical.knowledge.model import Knowledge

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class TableRow:
    """One row: what is known of the patient, and what follows."""

    id: str  # copper/sexes/3: file, heading, number of the row below that heading
    place: str  # copper.md:41
    inputs: dict[str, str]
    outputs: dict[str, str]
    why: str

    def facts(self) -> PatientFacts:
        return facts_of({name: cell for name, cell in self.inputs.items() if name != "profile"})

    @property
    def profile(self) -> str:
        return self.inputs.get("profile", "nice-ng239")


@cache
def knowledge_of(profile: str) -> Knowledge:
    return load(profile)


@cache
def all_rows() -> tuple[TableRow, ...]:
    """The rows of every table, in the order of the files."""
    return tuple(row for path in sorted(FOLDER.glob("*.md")) for row in rows_of(path.name, path.read_text("utf-8")))


def rows_of(file: str, text: str) -> list[TableRow]:
    """The rows of a file; ValueError names what is not a table of this language."""
    rows: list[TableRow] = []
    heading, columns, number = "", [], 0
    for line, content in enumerate(text.splitlines(), 1):
        if content.startswith("#"):
            heading, number, columns = content.lstrip("# ").strip(), 0, []
        elif not content.startswith("|"):
            columns = []
        elif not columns:
            columns = _columns(content, f"{file}:{line}")
        elif not re.fullmatch(r"[|:\- ]+", content):
            number += 1
            rows.append(_row(file, line, heading, number, columns, _cells(content)))
    return rows


def _columns(line: str, place: str) -> list[str]:
    columns = _cells(line)
    if columns[-1] != "why":
        raise ValueError(f"{place}: the last column of a table is `why`")
    if len(set(columns)) < len(columns):
        raise ValueError(f"{place}: a column stands twice")
    return columns


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]


def _row(file: str, line: int, heading: str, number: int, columns: list[str], cells: list[str]) -> TableRow:
    place = f"{file}:{line}"
    if len(cells) != len(columns):
        raise ValueError(f"{place}: {len(cells)} cells in {len(columns)} columns")
    filled = {c: cell for c, cell in zip(columns, cells, strict=True) if cell and c != "why"}
    outputs = {c.lstrip("= "): cell for c, cell in filled.items() if c.startswith("=")}
    if not outputs or not cells[-1]:
        raise ValueError(f"{place}: a row has an expected output and a why")
    inputs = {c: cell for c, cell in filled.items() if not c.startswith("=")}
    slug = re.sub(r"[^a-z0-9.]+", "-", heading.lower()).strip("-")
    return TableRow(f"{file.removesuffix('.md')}/{slug}/{number}", place, inputs, outputs, cells[-1])


__all__ = ["AS_OF", "TableRow", "all_rows", "knowledge_of", "rows_of"]

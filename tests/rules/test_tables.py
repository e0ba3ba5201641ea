"""The clinical tables: every row of every table in tests/rules/*.md is one test.

How to read and write them, in ten lines:

1. A table states what the rule base says, one patient a row; its last column, `why`, gives the reason or the source.
2. Columns whose heading begins with `=` are expected outputs, all others are what is known of the patient.
3. An empty input is "not measured", "not recorded"; an empty output is not checked.
4. The day is 2026-06-15, 12:00 UTC; the patient is a woman of 45 unless the row says otherwise.
5. Inputs: any analyte by its id or short name, with a unit if need be (`copper umol/L`), and age, sex, pregnant,
   problems, drugs, orders, gaps, comment, profile: cells.py says how cells are written.
6. Outputs: `= severity`, `= b12`, `= cause b12`, `= orders`, `= not orders`, `= fact hemoglobin` ...: see outcomes.py.
7. A heading, a cell or an output that is not understood is an error, never skipped.
8. Run one table: `./cds test tests/rules -k copper`; a heading: `-k copper/pregnancy`; a row: `-k copper/pregnancy/3`.
9. A bug adds a row. A new band or decision row needs rows: test_coverage.py names those that no row would miss.
10. Rows say the rule, not the code: where they disagree, the knowledge or the code is wrong.
"""

from __future__ import annotations

import pytest
from outcomes import differences
from tables import TableRow, all_rows, rows_of


@pytest.mark.parametrize("row", all_rows(), ids=lambda row: row.id)
def test_the_core_says_what_the_table_says(row: TableRow) -> None:
    assert not differences(row), f"{row.place} ({row.why})"


@pytest.mark.parametrize(
    ("heading", "cell", "output"),
    [
        ("coper", "1", "copper"),
        ("copper", "1", "cooper"),
        ("copper mol", "1", "copper"),
        ("copper", "much", "copper"),
        ("drugs", "zinc-supplement dialy", "copper"),
        ("problems", "zinkitis", "copper"),
        ("age", "old", "copper"),
        ("orders", "everything", "copper"),
    ],
)
def test_what_is_not_understood_is_an_error(heading: str, cell: str, output: str) -> None:
    (row,) = rows_of("a.md", f"| {heading} | = {output} | why |\n|--|--|--|\n| {cell} | deficient | x |")
    with pytest.raises(ValueError, match=r"there is no|is no|not understood"):
        differences(row)


@pytest.mark.parametrize(
    "table",
    [
        "| copper | = copper |\n|--|--|\n| 1 | deficient |",
        "| copper | copper | why |\n|--|--|--|\n| 1 | deficient | x |",
        "| copper | = copper | why |\n|--|--|--|\n| 1 | | x |",
        "| copper | = copper | why |\n|--|--|--|\n| 1 | deficient | |",
        "| copper | = copper | why |\n|--|--|--|\n| 1 | deficient |",
    ],
)
def test_a_table_of_another_shape_is_an_error(table: str) -> None:
    with pytest.raises(ValueError, match=r"a\.md:\d"):
        rows_of("a.md", table)

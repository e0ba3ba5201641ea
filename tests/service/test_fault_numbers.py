"""Which faults of the operators' list are held: each has a test with its number in its name, or in that of a case."""

from __future__ import annotations

import re
from pathlib import Path

HELD = {*range(1, 52), 54, 55}
NAMED = re.compile(r"fault((?:_[0-9]+)+)_")


def test_the_numbers_in_the_tests_are_those_that_are_held() -> None:
    texts = [path.read_text("utf-8") for path in Path(__file__).parents[1].rglob("*.py")]
    claimed = {int(number) for text in texts for numbers in NAMED.findall(text) for number in numbers.split("_")[1:]}
    assert claimed == HELD

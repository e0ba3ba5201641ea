"""The checklist: each line that the protocol package holds has a test that bears its number, and the rest is named."""

from __future__ import annotations

import re
from pathlib import Path

# 25 is fetching; of 26 the state is held here, and fetching is left to the service.
BINDING = set(range(1, 25)) | set(range(26, 60)) | set(range(61, 69))

LEFT_TO_OTHERS = {
    1: "TLS: the deployment",
    5: "the route of discovery: the running service",
    10: "who may read discovery: authentication",
    12: "method, path and content type of a call: the running service",
    20: "half a second: the benchmark",
    23: "the FHIR version of drafts: whoever reads the resources",
    24: "drafts that already hold a suggestion: the rules of a service",
    31: "following pages: fetching; here an unfinished answer is marked",
    33: "whose results they are: whoever reads the resources",
    41: "few keys: the templates of a service",
    59: "the content of draft orders: a service's templates",
    65: "counting what was shown: the store",
    66: "authentication of feedback",
}


def claimed() -> set[int]:
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    numbers = re.findall(r"^def test_((?:\d+_)+)", tests, re.MULTILINE)
    return {int(number) for group in numbers for number in group.strip("_").split("_")}


def test_every_binding_line_has_a_test_or_a_reason() -> None:
    assert claimed() | set(LEFT_TO_OTHERS) == BINDING


def test_no_line_is_both_held_and_left_to_others() -> None:
    assert claimed() & set(LEFT_TO_OTHERS) == set()

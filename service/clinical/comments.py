"""What a laboratory comment says against a count.

In: comments of the results that a count rests on. Out: whether the count is void. Source: knowledge H2.8.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from service.clinical.facts import LabResult

WORDS = re.compile(r"[0-9]+(?:\.[0-9]+)?|[a-z]+")
CELLS = ("neutrophil", "granulocyte", "leukocyte", "leucocyte", "wbc")
WHITE_CELLS = (["white", "cell"], ["white", "cells"])
PLATELETS = ("platelet", "thrombocyte", "plt")
CLUMPS = ("clump", "aggregat", "agglutin")
NEGATIONS = ("no", "not", "without", "absent", "negative")
NEGATIONS_AFTER = ("none", "absent", "negative", "not", "excluded")
SAMPLES = ("sample", "specimen", "blood", "tube", "edta", "collection")
AGES = ("old", "age", "aged", "delayed", "after")
HOURS = ("h", "hr", "hrs", "hour", "hours")
DAYS = ("d", "day", "days")


def is_void(results: Iterable[LabResult], limits: Mapping[str, Decimal]) -> bool:
    """Whether a comment voids the white cells: clumps of them, a clotted or an old sample."""
    return any(_voids(WORDS.findall(comment.lower()), limits) for r in results for comment in r.comments)


def is_clumped(result: LabResult, limits: Mapping[str, Decimal]) -> bool:
    """Whether a comment says that platelets clump, which voids their count (H2.8)."""
    within = int(limits["comment-within-words"])
    return any(_clumped(WORDS.findall(comment.lower()), within) for comment in result.comments)


def _clumped(words: list[str], within: int) -> bool:
    platelets = [i for i, w in enumerate(words) if w.startswith(PLATELETS)]
    clumps = [i for i, w in enumerate(words) if w.startswith(CLUMPS) and not _negated(words, i)]
    return any(_distance(platelets, i) <= within for i in clumps)


def _voids(words: list[str], limits: Mapping[str, Decimal]) -> bool:
    return _clotted(words) or _old(words, limits) or _clumps(words, int(limits["comment-within-words"]))


def _clotted(words: list[str]) -> bool:
    return any(w == "clotted" and not _negated(words, i) for i, w in enumerate(words))


def _clumps(words: list[str], within: int) -> bool:
    """White cells named near a word for clumping, and nearer than platelets: their clumps void the platelets only."""
    cells = [i for i, w in enumerate(words) if w.startswith(CELLS) or words[i : i + 2] in WHITE_CELLS]
    platelets = [i for i, w in enumerate(words) if w.startswith(PLATELETS)]
    clumps = [i for i, w in enumerate(words) if w.startswith(CLUMPS) and not _negated(words, i)]
    return any(_distance(cells, i) <= within and _distance(cells, i) < _distance(platelets, i) for i in clumps)


def _distance(indices: list[int], index: int) -> int:
    return min((abs(index - i) for i in indices), default=1_000)


def _negated(words: list[str], index: int) -> bool:
    """Whether a word near before, or one of the next two, takes it back: 'no clumps', 'clumps not seen'."""
    return any(w in NEGATIONS for w in words[max(0, index - 3) : index]) or any(
        w in NEGATIONS_AFTER for w in words[index + 1 : index + 3]
    )


def _old(words: list[str], limits: Mapping[str, Decimal]) -> bool:
    """An age of the sample, in hours or days, beyond the limit: 'sample 30 h old', '2 days after collection'."""
    within = int(limits["comment-within-words"])
    for i, (number, unit) in enumerate(itertools.pairwise(words)):
        if number[0].isdigit() and unit in HOURS + DAYS:
            near = words[max(0, i - within) : i + 2 + within]
            hours = Decimal(number) * (24 if unit in DAYS else 1)
            if hours > limits["sample-age-hours"] and set(near) & set(AGES) and set(near) & set(SAMPLES):
                return True
    return False

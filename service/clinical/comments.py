"""What a laboratory comment says against a count.

In: comments of the results that a count rests on. Out: whether the count is void. Source: knowledge H2.8.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from service.clinical.facts import LabResult

__all__ = ["is_void"]

WORDS = re.compile(r"[a-z0-9.]+")
CELLS = ("neutrophil", "granulocyte", "leukocyte", "leucocyte", "wbc")
WHITE_CELLS = (["white", "cell"], ["white", "cells"])
PLATELETS = ("platelet", "thrombocyte", "plt")
CLUMPS = ("clump", "aggregat", "agglutin")
NEGATIONS = ("no", "not", "without", "absent", "negative")
HOURS = ("h", "hr", "hrs", "hour", "hours")
DAYS = ("d", "day", "days")


def is_void(results: Iterable[LabResult], limits: Mapping[str, Decimal]) -> bool:
    """Whether a comment voids the white cells: clumps of them, a clotted or an old sample."""
    return any(_voids(WORDS.findall(comment.lower()), limits) for r in results for comment in r.comments)


def _voids(words: list[str], limits: Mapping[str, Decimal]) -> bool:
    return _clotted(words) or _old(words, limits) or _clumps(words, int(limits["comment-within-words"]))


def _clotted(words: list[str]) -> bool:
    return any(w == "clotted" and not _negated(words, i) for i, w in enumerate(words))


def _clumps(words: list[str], within: int) -> bool:
    """White cells named near a word for clumping, and nearer than platelets: their clumps void the platelets only."""
    cells = [i for i, w in enumerate(words) if w.startswith(CELLS) or words[i : i + 2] in WHITE_CELLS]
    platelets = [i for i, w in enumerate(words) if w.startswith(PLATELETS)]
    clumps = [i for i, w in enumerate(words) if w.startswith(CLUMPS) and not _negated(words, i)]
    return any(_distance(cells, i) <= min(within, _distance(platelets, i)) for i in clumps)


def _distance(indices: list[int], index: int) -> int:
    return min((abs(index - i) for i in indices), default=1_000)


def _negated(words: list[str], index: int) -> bool:
    return any(w in NEGATIONS for w in words[max(0, index - 3) : index])


def _old(words: list[str], limits: Mapping[str, Decimal]) -> bool:
    """An age of the sample, in hours or days, beyond the limit: 'sample 30 h old'."""
    if not any(w in ("old", "age", "aged", "delayed") for w in words):
        return False
    for number, unit in itertools.pairwise(words):
        if number.replace(".", "", 1).isdigit() and unit in HOURS + DAYS:
            hours = Decimal(number) * (24 if unit in DAYS else 1)
            if hours > limits["sample-age-hours"]:
                return True
    return False

"""Which unit a laboratory means: a closed table per analyte, asked in the normal form of a spelling.

In: an analyte and the unit of a FHIR Quantity. Out: the comparison unit with its exact factor, or None: not understood.
Nothing is parsed: strict UCUM reads K/uL as kelvin and G/L as gauss. Source: knowledge A2, shared units table.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache

from service.clinical.knowledge.model import Analyte, Unit

UCUM = "http://unitsofmeasure.org"

# After NFKC (one micro sign, no superscripts) and without spaces.
REWRITES = (
    (re.compile("[\u03bc\u00b5]"), "u"),
    (re.compile(r"mc(?=[glu]|mol|iu)", re.IGNORECASE), "u"),  # mcg, mcL, mcmol, mcIU, mcU
    (re.compile(r"^[x×*]?(?:10E|10e|10\*\*|10\^|10\*|E)(?=[0-9]+)"), "10*"),
    (re.compile(r"^[x×](?=10)"), ""),
    (re.compile(r"\^|\*\*"), "*"),
)


def comparison(analyte: Analyte, code: str | None, text: str | None, system: str | None) -> Unit | None:
    """The unit that a Quantity of an analyte is in: its code if UCUM, else what text and code agree on."""
    if system == UCUM and code:
        return _find(analyte, code)
    if text and code:
        found = _find(analyte, text)
        return found if found == _find(analyte, code) else None
    return _find(analyte, text or code or "")


def _find(analyte: Analyte, spelling: str) -> Unit | None:
    units = analyte.units
    found = units.get(spelling)
    if found is None and spelling:
        form = normal(spelling)
        found = units.get(form) or units.get(form.casefold())
    return found


def converted(value: Decimal, unit: Unit) -> Decimal:
    """A number in the comparison unit."""
    return (value + unit.offset) * unit.factor / unit.divisor


def plausible_in(analyte: Analyte, unit: str) -> tuple[Decimal, Decimal] | None:
    """The plausible range in a comparison unit; None when none is stated, or none can be had in that unit."""
    if analyte.plausible is None:
        return None
    low, high, stated = analyte.plausible
    if stated == unit:
        return low, high
    target, factor = analyte.conversions.get(stated, ("", Decimal(1)))
    return (low * factor, high * factor) if target == unit else None


@lru_cache(maxsize=1000)
def normal(spelling: str) -> str:
    """The normal form of a unit as written: 10*3/uL for "x10^3 / µL", "10E3/mcL", "×10³/μl"."""
    raised = re.sub("(?<=10)([⁰¹²³⁴-⁹]+)", lambda m: "*" + unicodedata.normalize("NFKC", m[1]), spelling)
    form = "".join(unicodedata.normalize("NFKC", raised).split())
    for pattern, replacement in REWRITES:
        form = pattern.sub(replacement, form)
    return form

"""Units: every entry of the closed table against UCUM and the molar masses, and what is refused on purpose."""

from __future__ import annotations

import tomllib
import warnings
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from ucumvert import PintUcumRegistry
from ucumvert.parser import InvalidUcumError

from service.clinical import knowledge
from service.clinical.knowledge.vocabulary import load_vocabulary
from service.clinical.units import UCUM, comparison, converted, normal

VOCABULARY = load_vocabulary()
UNITS = tomllib.loads(
    (Path(knowledge.__file__).parent / "analytes" / "units.toml").read_text("utf-8"), parse_float=Decimal
)

# Valid UCUM that means something else than the laboratory that writes it.
MISREAD = {
    "K/uL": "kelvin per microlitre", "K/mm3": "kelvin per cubic millimetre", "G/L": "gauss per litre",
    "G/l": "gauss per litre",
    "[IU]/L": "international units: of enzymes, the same",
    "[iU]/L": "the same",
    "uU/mL": "enzyme units: of hormones, international units", "mU/L": "the same",
    "g%": "grams times percent, written for g/dL", "mg%": "for mg/dL", "ug%": "for ug/dL",
    "C": "coulomb", "F": "farad", "mL/min/1.73.m2": "millilitre square metres per minute",
    "mL/min": "not indexed to body surface: taken as indexed under a code that says so",
    "w": "no week", "lb": "no pound", "gm": "gram metre", "M": "mega",
}  # fmt: skip

# g/mol, from the tables of atomic weights; phosphate is counted as phosphorus, bound to 30.974.
MASSES = {
    "vitamin-b12": Decimal("1355.37"), "folate": Decimal("441.40"), "red-cell-folate": Decimal("441.40"),
    "copper": Decimal("63.546"), "zinc": Decimal("65.38"), "iron": Decimal("55.845"), "tibc": Decimal("55.845"),
}  # fmt: skip
NEVER_CONVERTED = ("ferritin", "ceruloplasmin", "albumin", "active-b12", "gastrin")


def spellings() -> Iterator[tuple[str, dict[str, Any], str]]:
    for measure, blocks in UNITS.items():
        for block in blocks:
            for spelling in (*block["spellings"], *block.get("as_written", ())):
                yield measure, block, spelling


@pytest.fixture(scope="module")
def registry() -> PintUcumRegistry:
    return PintUcumRegistry()


def parsed(registry: PintUcumRegistry, unit: str) -> Any:
    """One of a unit, None when it is no UCUM."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = registry.from_ucum(unit)
        except InvalidUcumError:
            return None
    return found if hasattr(found, "dimensionality") else None  # an annotation alone has none


def test_every_spelling_that_is_ucum_agrees_with_ucum(registry: PintUcumRegistry) -> None:
    wrong, checked = [], 0
    for measure, block, spelling in spellings():
        if spelling in MISREAD or "molar_mass" in block or measure == "temperature":
            continue
        theirs, ours = parsed(registry, spelling), parsed(registry, block["unit"])
        if theirs is None or ours is None:
            continue
        checked += 1
        ratio = (theirs / ours).to_base_units() if theirs.dimensionality == ours.dimensionality else None
        numerator, _, denominator = str(block["factor"]).partition("/")
        factor = float(numerator) / float(denominator or 1)
        if ratio is None or abs(float(ratio.magnitude) / factor - 1) > 1e-9:
            wrong.append(f"{measure}: {spelling} is not {factor} {block['unit']} but {ratio}")
    assert not wrong
    assert checked > 120


def test_factors_through_moles_follow_from_the_molar_mass(registry: PintUcumRegistry) -> None:
    wrong, checked = [], 0
    for measure, block, spelling in spellings():
        theirs = parsed(registry, spelling)
        if "molar_mass" not in block or theirs is None:
            continue
        per_mole = float(block["molar_mass"]) / block.get("valence", 1) * parsed(registry, "g/mol")
        ours = parsed(registry, block["unit"])
        there = theirs * per_mole if "mol" in spelling or "eq" in spelling else theirs / per_mole
        ratio = float((there / ours).to_base_units().magnitude)
        if abs(ratio / float(block["factor"]) - 1) > 1e-5:
            wrong.append(f"{measure}: {spelling} x {block['factor']} should be {ratio}")
        checked += 1
    assert not wrong
    assert checked >= 10


def test_conversions_between_comparison_units_follow_from_the_molar_mass(registry: PintUcumRegistry) -> None:
    checked = 0
    for analyte in VOCABULARY.analytes.values():
        for unit, (to, factor) in analyte.conversions.items():
            mass = float(MASSES[analyte.id]) * parsed(registry, "g/mol")
            amount = 1 * parsed(registry, unit)
            moles = amount / mass if "mol" in to else amount * mass
            assert float((moles / parsed(registry, to)).to_base_units().magnitude) == pytest.approx(float(factor), 1e-5)
            checked += 1
    assert checked == 2 * len(MASSES)


@pytest.mark.parametrize("analyte", NEVER_CONVERTED)
def test_what_depends_on_the_assay_is_never_converted_to_moles(analyte: str) -> None:
    known = VOCABULARY.analytes[analyte]
    assert not known.conversions
    assert len({unit.unit for unit in known.units.values()}) == (2 if analyte == "gastrin" else 1)


@pytest.mark.parametrize("written", MISREAD)
def test_what_ucum_misreads_is_known_to_the_tables_or_refused(written: str, registry: PintUcumRegistry) -> None:
    known = {spelling for _, _, spelling in spellings()}
    assert written in known or written == "M"


FORMS = {
    "x10^3 / µL": "10*3/uL", "10E3/mcL": "10*3/uL", "×10³/μl": "10*3/ul", "x10E3/uL": "10*3/uL", "x10⁹/L": "10*9/L",
    "10**9/L": "10*9/L", "thou/mcL": "thou/uL", "mcg/dL": "ug/dL", "mcmol/L": "umol/L", "°C": "°C", "ug/24 h": "ug/24h",
    "mL/min/1.73 m²": "mL/min/1.73m2", "E9/L": "10*9/L",
}  # fmt: skip


@pytest.mark.parametrize(("written", "form"), FORMS.items())
def test_a_unit_has_one_normal_form(written: str, form: str) -> None:
    assert normal(written) == form


SEEN = [
    # analyte, code, text, system, comparison unit or None
    ("neutrophils", "10*9/L", "x10*9/L", UCUM, "10*9/L"),
    ("neutrophils", None, "10^3/µl", None, "10*9/L"),
    ("neutrophils", None, "K/UL", None, "10*9/L"),
    ("neutrophils", None, "Thou/mcL", None, "10*9/L"),
    ("neutrophils", "mmol/L", "10*9/L", UCUM, None),
    ("neutrophils", "10*9/L", "/uL", None, None),
    ("neutrophils", None, "g/L", None, None),
    ("neutrophils", None, "G/l", None, "10*9/L"),
    ("neutrophils", None, "10*12/L", None, None),
    ("hemoglobin", None, "G/DL", None, "g/dL"),
    ("vitamin-b12", None, "K/uL", None, None),
    ("copper", None, "G/L", None, None),
    ("copper", None, "MCG/DL", None, "ug/dL"),
    ("tsh", None, "mcU/mL", None, "m[IU]/L"),
    ("platelets", None, "m/uL", None, None),
    ("neutrophils", None, "  ", None, None),
]


@pytest.mark.parametrize(("analyte", "code", "text", "system", "unit"), SEEN)
def test_a_unit_as_seen_in_charts(
    analyte: str, code: str | None, text: str, system: str | None, unit: str | None
) -> None:
    found = comparison(VOCABULARY.analytes[analyte], code, text, system)
    assert (found.unit if found else None) == unit


@pytest.mark.parametrize(("fahrenheit", "celsius"), [("100.4", "38"), ("98.6", "37"), ("96.8", "36"), ("32", "0")])
def test_fahrenheit_is_converted_exactly(fahrenheit: str, celsius: str) -> None:
    unit = VOCABULARY.analytes["temperature"].units["[degF]"]
    assert converted(Decimal(fahrenheit), unit) == Decimal(celsius)

"""The vocabulary as it is, and every way in which its files can be wrong."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from service.clinical import knowledge
from service.clinical.knowledge.vocabulary import InvalidKnowledge, load_vocabulary
from service.clinical.units import plausible_in

VOCABULARY = load_vocabulary()
LOINC = "http://loinc.org"
KEYS = {"count", "nutrients", "markers", "persistent", "vitals"}
NOT_OURS = ["74398-9", "20482-6", "30395-8", "35003-3", "2171-7", "72157-1", "2488-5", "71797-5", "30405-5", "1026-4"]


def test_every_analyte_is_fetched_by_a_known_key() -> None:
    assert {analyte.prefetch for analyte in VOCABULARY.analytes.values()} == KEYS


@pytest.mark.parametrize("code", NOT_OURS)
def test_codes_that_look_like_ours_are_not(code: str) -> None:
    assert (LOINC, code) not in VOCABULARY.analyte_of


def test_a_manual_count_is_told_from_an_automated_one() -> None:
    assert VOCABULARY.analyte_of[LOINC, "753-4"] == ("neutrophils", "manual")
    assert VOCABULARY.analyte_of[LOINC, "751-8"] == ("neutrophils", "automated")
    assert VOCABULARY.analyte_of[LOINC, "26499-4"] == ("neutrophils", None)


def test_codes_look_like_codes_of_their_system() -> None:
    shapes = {
        "http://snomed.info/sct": r"\d{6,18}", "http://www.nlm.nih.gov/research/umls/rxnorm": r"\d{2,7}",
        "http://www.whocc.no/atc": r"[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?",
        "http://hl7.org/fhir/sid/cvx": r"\d{1,3}",
        "http://nucc.org/provider-taxonomy": r"\d{3}[0-9A-Z]\d{5}X|\d{4}[A-Z]\d{4}X|\d{3}[A-Z]{2}\d{4}X",
        "http://hl7.org/fhir/sid/icd-10-cm": r"O|[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?",
    }  # fmt: skip
    wrong = [
        (concept.id, code)
        for concept in VOCABULARY.concepts.values()
        for system, codes in concept.codes.items()
        for code in codes
        if not re.fullmatch(shapes[system], code)
    ]
    assert not wrong
    assert all(re.fullmatch(r"\d{3,5}-\d", code) for system, code in VOCABULARY.analyte_of if system == LOINC)


def test_names_are_lower_case_whole_words() -> None:
    named = [*VOCABULARY.concepts.values(), *VOCABULARY.analytes.values(), *VOCABULARY.orders.values()]
    assert not [(one.id, name) for one in named for name in one.names if name != " ".join(name.lower().split())]


def test_a_plausible_range_is_converted_with_the_unit() -> None:
    b12 = VOCABULARY.analytes["vitamin-b12"]
    stated, converted = plausible_in(b12, "pg/mL"), plausible_in(b12, "pmol/L")
    assert stated and converted
    assert stated[0] > converted[0] > 0


FAULTS = [
    # file, what to replace, by what, what is said
    ("analytes/zinc.toml", 'citation = "h6-46"', 'citation = "nowhere"', "citation nowhere does not exist"),
    ("analytes/zinc.toml", 'measure = "trace-zinc"', 'measure = "light"', "'light' is missing or not known"),
    ("analytes/zinc.toml", 'name = "zinc"', 'title = "zinc"', "'name' is missing"),
    ("analytes/zinc.toml", 'code = "5763-8"', 'code = "5631-7"', "5631-7 is a code of copper too"),
    ("analytes/zinc.toml", 'high = 1000, unit = "ug/dL"', 'high = 1000, unit = "g/L"', "in no unit of its own"),
    ("analytes/zinc.toml", '"ug/dL" = { unit = "umol/L"', '"ug/dL" = { unit = "mol/L"', "leads from or to no unit"),
    ("analytes/zinc.toml", 'id = "zinc"', 'id = "copper"', "an entry of this id exists already"),
    ("analytes/zinc.toml", 'prefetch = "nutrients"', 'prefetch = ""', "it has no prefetch key"),
    ("analytes/units.toml", "factor = 100\n", "factor = -1\n", "a factor is not above zero"),
    ("analytes/units.toml", '"10*9/L", "10*3/uL"', '"10*9/L", "10*9/L", "10*3/uL"', "10*9/L stands twice"),
    ("orders.toml", 'answered_by = ["zinc"]', 'answered_by = ["tin"]', "answered by tin, which is no analyte"),
    ("orders.toml", 'kind = "laboratory"', 'kind = "alchemy"', "its kind is none of laboratory"),
    ("concepts/nutrient_drugs.toml", 'kind = "drug"', 'kind = "drink"', "its kind is none of condition, drug, both"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(Path(knowledge.__file__).parent, tmp_path / "knowledge"))


def spoil(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), "utf-8")


@pytest.mark.parametrize(("file", "old", "new", "said"), FAULTS, ids=[row[3] for row in FAULTS])
def test_a_fault_is_said(folder: Path, file: str, old: str, new: str, said: str) -> None:
    spoil(folder, file, old, new)
    with pytest.raises(InvalidKnowledge) as raised:
        load_vocabulary(folder)
    assert [fault for fault in raised.value.faults if said in fault]


def test_all_faults_are_said_at_once(folder: Path) -> None:
    spoil(folder, *FAULTS[0][:3])
    spoil(folder, *FAULTS[10][:3])
    with pytest.raises(InvalidKnowledge) as raised:
        load_vocabulary(folder)
    assert len(raised.value.faults) == 2


def test_every_concept_and_every_fact_is_used() -> None:
    folder = Path(knowledge.__file__ or "").parent
    sources = [*folder.rglob("*.toml"), *folder.parents[1].rglob("*.py")]
    words = Counter(word for path in sources for word in re.findall(r"[\w:-]+", path.read_text("utf-8")))
    unused = [name for name in (*VOCABULARY.concepts, *knowledge.load().facts) if words[name] < 2]
    assert unused == ["neutropenia-drug"]  # its codes keep a drug-induced count from being read by its words

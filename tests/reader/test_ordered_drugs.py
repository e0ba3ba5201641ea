"""What a drafted order is, and what makes it unwise: found by code and by the words of products, nothing else (D)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from charts import (
    ATC,
    ICD10,
    LOINC,
    RXNORM,
    SNOMED,
    VOCABULARY,
    Json,
    coded,
    observation,
    only,
    quantity,
    read,
    refused,
    resource,
)

from service.fhir.concepts import Matcher
from service.fhir.resources import CodeableConcept, Coding

CVX = "http://hl7.org/fhir/sid/cvx"
NEW = frozenset([
    "bcg-vaccine", "bcg-intravesical", "oral-typhoid-vaccine", "live-viral-vaccine", "paracetamol", "nsaid",
    "anticoagulant", "carbamazepine", "zinc-acetate", "prenatal-vitamin", "multivitamin", "enteral-formula",
    "sickle-cell", "phagocyte-defect", "preconception", "cholestasis", "acute-diarrhea",
])  # fmt: skip
DRUG, PROBLEM = Matcher(VOCABULARY, "drug", "both"), Matcher(VOCABULARY, "condition", "both")

CODES = {
    "bcg-vaccine": [(CVX, "19"), (ATC, "J07AN01")],
    "oral-typhoid-vaccine": [(CVX, "25"), (ATC, "J07AP01")],
    "live-viral-vaccine": [
        (CVX, "02"),
        (CVX, "2"),
        (CVX, "03"),
        (CVX, "3"),
        (CVX, "94"),
        (CVX, "21"),
        (CVX, "37"),
        (CVX, "183"),
        (CVX, "111"),
        (CVX, "149"),
        (CVX, "151"),
        (CVX, "116"),
        (CVX, "119"),
        (CVX, "121"),
        (CVX, "122"),
        (CVX, "04"),
        (CVX, "5"),
        (CVX, "182"),
        (CVX, "184"),
        (CVX, "54"),
        (CVX, "75"),
        (CVX, "143"),
        (CVX, "169"),
        (CVX, "204"),
        (CVX, "317"),
        (CVX, "333"),
        (ATC, "J07BD52"),
        (ATC, "J07BK01"),
        (ATC, "J07BK02"),
        (ATC, "J07BL01"),
        (ATC, "J07BB03"),
        (ATC, "J07BF02"),
        (ATC, "J07BH01"),
    ],
    "paracetamol": [(RXNORM, "161"), (ATC, "N02BE01"), (ATC, "N02BE51"), (ATC, "N02AJ06"), (ATC, "N02AJ13")],
    "nsaid": [(ATC, "M01AE01"), (ATC, "M01AB05"), (ATC, "M01AH01"), (ATC, "M01AC06"), (ATC, "N02AJ08")],
    "anticoagulant": [(ATC, "B01AA03"), (ATC, "B01AB05"), (ATC, "B01AE07"), (ATC, "B01AF02"), (ATC, "B01AX05")],
    "carbamazepine": [(RXNORM, "2002"), (ATC, "N03AF01")],
    "zinc-acetate": [(RXNORM, "58295"), (ATC, "A16AX05")],
    "multivitamin": [(ATC, "A11AA03"), (ATC, "A11BA")],
    "enteral-formula": [(SNOMED, "229912004"), (SNOMED, "83813007")],
    "sickle-cell": [(SNOMED, "127040003"), (ICD10, "D57.1"), (ICD10, "D57.219"), (ICD10, "D57")],
    "phagocyte-defect": [(SNOMED, "387759001"), (ICD10, "D71"), (ICD10, "D71.1")],
    "preconception": [(SNOMED, "454411000124108")],
    "cholestasis": [(SNOMED, "33688009"), (SNOMED, "31712002"), (ICD10, "K74.3"), (ICD10, "K83.1"), (ICD10, "K71.0")],
    "acute-diarrhea": [(SNOMED, "409966000"), (SNOMED, "25374005"), (ICD10, "A09"), (ICD10, "R19.7")],
}
OTHER_CODES = [
    (CVX, "187"), (CVX, "10"), (CVX, "15"), (CVX, "101"), (CVX, "1"), (CVX, "206"), (CVX, "79"),
    (CVX, "174"), (CVX, "214"), (ATC, "J07BK03"), (ATC, "J07BF03"),
    (ATC, "J07BB02"), (ATC, "J07AP03"), (ATC, "J06BB03"), (ATC, "M02AA15"), (ATC, "S01BC03"), (ATC, "M01AX05"),
    (ATC, "B01AC04"), (ATC, "B01AB02"), (ATC, "N03AF02"), (ATC, "A11CC05"), (ATC, "N02BA01"), (ICD10, "D57.3"),
    (ICD10, "D70.9"), (ICD10, "K80.20"), (ICD10, "K74.60"), (ICD10, "K52.1"), (SNOMED, "16402000"),
    (SNOMED, "236071009"),
]  # fmt: skip

DRUGS = {
    "BCG vaccine 50 mg powder for injection": "bcg-vaccine",
    "BCG vaccine, percutaneous": "bcg-vaccine",
    "BCG Vaccine SSI 0.1 mL intradermal": "bcg-vaccine",
    "Bacillus Calmette-Guerin vaccine": "bcg-vaccine",
    "BCG vaccination": "bcg-vaccine",
    "BCG vaccination declined": "",
    "No BCG vaccine": "",
    "BCG scar check": "",
    "BCG live 50 mg intravesical suspension": "bcg-intravesical",
    "Intravesical BCG": "bcg-intravesical",
    "BCG bladder instillation weekly x 6": "bcg-intravesical",
    "TICE BCG 50 mg vial": "bcg-intravesical",
    "OncoTICE 12.5 mg": "bcg-intravesical",
    "Mitomycin bladder instillation": "",
    "Intravesical gemcitabine": "",
    "Bladder irrigation": "",
    "Typhoid vaccine, live, oral": "oral-typhoid-vaccine",
    "Typhoid vaccine live oral Ty21a capsule": "oral-typhoid-vaccine",
    "Vivotif Berna delayed release capsule": "oral-typhoid-vaccine",
    "Oral typhoid vaccine": "oral-typhoid-vaccine",
    "Typhoid Vi capsular polysaccharide vaccine": "",
    "Typhim Vi 25 mcg/0.5 mL": "",
    "Typhoid conjugate vaccine": "",
    "Typhoid vaccine, inactivated": "",
    "MMR vaccine 0.5 mL subcutaneous": "live-viral-vaccine",
    "M-M-R II injection": "live-viral-vaccine",
    "measles, mumps and rubella virus vaccine live": "live-viral-vaccine",
    "Measles, mumps, rubella, and varicella vaccine": "live-viral-vaccine",
    "measles, combinations with mumps and rubella, live attenuated": "",
    "varicella, live attenuated": "live-viral-vaccine",
    "ProQuad vaccine": "live-viral-vaccine",
    "Varicella virus vaccine live 1350 PFU/0.5 mL": "live-viral-vaccine",
    "Varivax": "live-viral-vaccine",
    "Zoster vaccine live (Zostavax)": "live-viral-vaccine",
    "Yellow fever vaccine (YF-VAX)": "live-viral-vaccine",
    "influenza, live, intranasal, quadrivalent": "live-viral-vaccine",
    "FluMist Quadrivalent nasal spray": "live-viral-vaccine",
    "LAIV4": "live-viral-vaccine",
    "Rotavirus vaccine, live, oral, pentavalent": "live-viral-vaccine",
    "Rotarix oral suspension": "live-viral-vaccine",
    "OPV": "live-viral-vaccine",
    "Zoster vaccine recombinant (Shingrix)": "",
    "Shingrix 50 mcg injection": "",
    "Influenza, injectable, quadrivalent, preservative free": "",
    "Influenza vaccine, inactivated": "",
    "Poliovirus vaccine, inactivated (IPV)": "",
    "Varicella zoster immune globulin 125 units": "",
    "VariZIG": "",
    "MMR titer": "",
    "MMR immunity status": "",
    "MMR vaccine declined": "",
    "Allergy to MMR vaccine": "",
    "Aciclovir 800 mg for varicella": "",
    "Mismatch repair (MMR) immunohistochemistry": "",
    "Measles IgG": "",
    "Hepatitis B vaccine": "",
    "Acetaminophen 500 MG Oral Tablet": "paracetamol",
    "Paracetamol 1 g/100 mL infusion": "paracetamol",
    "Tylenol Extra Strength": "paracetamol",
    "Paracetamol 250 mg suppository": "paracetamol",
    "Hydrocodone Bitartrate 5 MG / Acetaminophen 325 MG Oral Tablet": "paracetamol",
    "oxycodone-acetaminophen (Percocet) 5-325 mg": "paracetamol",
    "Co-codamol 30/500": "paracetamol",
    "Acetaminophen level": "",
    "Acetylcysteine for paracetamol overdose": "",
    "Paracetamol allergy": "",
    "Avoid paracetamol": "",
    "Ibuprofen 400 MG Oral Tablet": "nsaid",
    "Naproxen sodium 550 mg": "nsaid",
    "Ketorolac 30 mg/mL injection": "nsaid",
    "Diclofenac sodium 50 mg delayed release tablet": "nsaid",
    "Ibuprofen 200 mg liquid gel capsule": "nsaid",
    "Indomethacin 50 mg suppository": "nsaid",
    "Celecoxib 200 MG Oral Capsule": "nsaid",
    "Ibuprofen / Paracetamol": "nsaid paracetamol",
    "Diclofenac sodium 1 % topical gel": "",
    "Diclofenac 1% gel": "",
    "Voltaren Emulgel": "",
    "Diclofenac 0.1 % eye drops": "",
    "Ketorolac 0.5 % ophthalmic solution": "",
    "Ketoprofen 2.5 % gel": "",
    "No NSAIDs": "",
    "Aspirin 81 mg": "",
    "Warfarin 5 MG Oral Tablet": "anticoagulant",
    "Enoxaparin sodium 40 mg/0.4 mL prefilled syringe": "anticoagulant",
    "Heparin sodium 25,000 units/250 mL infusion": "anticoagulant",
    "Heparin 5,000 units subcutaneous": "anticoagulant",
    "Apixaban 5 MG Oral Tablet [Eliquis]": "anticoagulant",
    "Xarelto 20 mg": "anticoagulant",
    "Dabigatran etexilate 150 mg": "anticoagulant",
    "Fondaparinux 2.5 mg/0.5 mL": "anticoagulant",
    "Inject enoxaparin 40 mg under the skin": "anticoagulant",
    "Heparin lock flush 100 units/mL": "",
    "Heparin 10 units/mL catheter flush": "",
    "Hep-Lock": "",
    "Clopidogrel 75 mg": "",
    "Aspirin / dipyridamole": "",
    "Heparin-induced thrombocytopenia antibody": "",
    "Warfarin allergy": "",
    "Lupus anticoagulant": "",
    "Carbamazepine 200 MG Oral Tablet": "carbamazepine",
    "Carbamazepine ER 400 mg capsule": "carbamazepine",
    "Tegretol XR 200 mg": "carbamazepine",
    "Carbamazepin 300 retard": "carbamazepine",
    "Oxcarbazepine 300 MG Oral Tablet": "",
    "Eslicarbazepine acetate 800 mg": "",
    "Carbamazepine level": "",
    "Zinc acetate 50 mg capsule": "zinc-acetate",
    "Galzin 25 mg": "zinc-acetate",
    "Wilzin 50 mg hard capsules": "zinc-acetate",
    "Zinc acetate dihydrate 168 mg": "zinc-acetate",
    "Zinc sulfate 220 mg capsule": "",
    "Zinc gluconate 50 mg": "",
    "Diphenhydramine 2 % / zinc acetate 0.1 % cream": "",
    "Erythromycin/zinc acetate topical solution": "",
    "Prenatal vitamin 27 mg-0.8 mg tablet": "prenatal-vitamin",
    "Prenatal Vit-Fe Fumarate-FA 27-0.8 MG": "prenatal-vitamin",
    "PNV-DHA softgel": "prenatal-vitamin",
    "Prenatal multivitamin": "prenatal-vitamin multivitamin",
    "Elevit": "prenatal-vitamin",
    "Prenatal visit": "",
    "Prenatal screening panel": "",
    "No prenatal vitamins": "",
    "Multivitamin tablet daily": "multivitamin",
    "Multivitamins with minerals 1 tablet": "multivitamin",
    "Infuvite Adult 10 mL": "multivitamin",
    "M.V.I. Adult injection": "multivitamin",
    "Multi-vitamin with iron chewable": "multivitamin",
    "Vitamin D3 1000 units": "",
    "Vitamin B complex": "",
    "Vitamin C 500 mg": "",
    "Enteral nutrition, 1.5 kcal/mL, 60 mL/h": "enteral-formula",
    "Tube feeding: Jevity 1.5 at 50 mL/h": "enteral-formula",
    "Tube feed, continuous": "enteral-formula",
    "Nasogastric feeding": "enteral-formula",
    "Nutrison Standard 1000 ml": "enteral-formula",
    "Parenteral nutrition 2 L": "",
    "Tube feeding pump": "",
    "Hold tube feeds": "",
    "Feeding tube placement": "",
    "Metoprolol via peg tube": "",
}

PROBLEMS = {
    "Sickle cell disease": "sickle-cell",
    "Sickle-cell anemia with crisis": "sickle-cell",
    "Hb SS disease": "sickle-cell",
    "Sickle cell-hemoglobin C disease": "sickle-cell",
    "Sickle cell trait": "",
    "Family history of sickle cell disease": "",
    "Sickle cell carrier": "",
    "Sickle cell screening": "",
    "Chronic granulomatous disease": "phagocyte-defect",
    "X-linked chronic granulomatous disease": "phagocyte-defect",
    "Leukocyte adhesion deficiency type I": "phagocyte-defect",
    "Granulomatous hepatitis": "",
    "Granulomatosis with polyangiitis": "",
    "LAD stenosis": "",
    "Carrier of chronic granulomatous disease": "",
    "Preconception counseling": "preconception",
    "Planning pregnancy": "preconception",
    "Trying to conceive": "preconception",
    "Wants to become pregnant (finding)": "preconception",
    "Fertility counselling": "",
    "Contraception counselling": "",
    "Not planning pregnancy": "",
    "Not trying to conceive": "",
    "Infertility": "",
    "Cholestasis": "cholestasis",
    "Primary biliary cholangitis": "cholestasis",
    "Cholestatic liver disease": "cholestasis",
    "Obstructive jaundice": "cholestasis",
    "Cholecystectomy": "",
    "Cholelithiasis": "",
    "Cholesteatoma": "",
    "History of cholestasis of pregnancy": "",
    "Acute diarrhoea": "acute-diarrhea",
    "Viral gastroenteritis": "acute-diarrhea",
    "Acute watery diarrhea with dehydration": "acute-diarrhea",
    "Diarrhea": "acute-diarrhea",
    "Chronic diarrhea": "",
    "Eosinophilic gastroenteritis": "",
    "Denies diarrhea": "",
}


@pytest.mark.parametrize(("concept", "system", "code"), [(c, *one) for c, codes in CODES.items() for one in codes])
def test_a_code_stands_for_its_concept(concept: str, system: str, code: str) -> None:
    matcher = DRUG if VOCABULARY.concepts[concept].kind == "drug" else PROBLEM
    found, by_name = matcher.match(CodeableConcept([Coding(system, code)]))
    assert found & NEW == {concept}
    assert not by_name


@pytest.mark.parametrize(("system", "code"), OTHER_CODES)
def test_a_code_next_to_ours_stands_for_none(system: str, code: str) -> None:
    concept = CodeableConcept([Coding(system, code)])
    assert not (DRUG.match(concept)[0] | PROBLEM.match(concept)[0]) & NEW


def drugs(concept: Json) -> set[str]:
    sent = resource(
        "MedicationRequest", status="active", intent="order", authoredOn="2026-05-01", medicationCodeableConcept=concept
    )
    return {id for found in read(sent).medications for id in found.concepts}


@pytest.mark.parametrize(("text", "concepts"), DRUGS.items())
def test_a_product_stands_for_what_it_is(text: str, concepts: str) -> None:
    assert drugs({"text": text}) & NEW == set(concepts.split())


@pytest.mark.parametrize(("text", "concepts"), PROBLEMS.items())
def test_a_problem_stands_for_what_it_says(text: str, concepts: str) -> None:
    found = read(resource("Condition", code={"text": text})).problems
    assert {id for problem in found for id in problem.concepts} & NEW == set(concepts.split())


@pytest.mark.parametrize("text", ["Planning a pregnancy", "Pregnancy planning", "Wants to become pregnant"])
def test_a_pregnancy_that_is_wished_for_is_none(text: str) -> None:
    [problem] = read(resource("Condition", code={"text": text})).problems
    assert problem.concepts == {"preconception"}


def test_every_new_concept_has_its_rows() -> None:
    found = {id for concepts in (*DRUGS.values(), *PROBLEMS.values()) for id in concepts.split()}
    assert found == NEW <= set(VOCABULARY.concepts)


@pytest.mark.parametrize("text", ["Galzin 25 mg", "Wilzin 50 mg"])
def test_zinc_of_wilson_disease_is_zinc_too(text: str) -> None:
    assert drugs({"text": text}) == {"zinc-acetate", "zinc-supplement"}


@pytest.mark.parametrize(
    ("code", "text", "concepts"),
    [
        ("10180", "sulfamethoxazole-trimethoprim", "trimethoprim"),  # no code of ours: the words count
        ("10180", "Bactrim DS", "trimethoprim"),
        ("10180", None, ""),
        ("10829", "Sulfamethoxazole / trimethoprim", "trimethoprim"),
    ],
)
def test_one_ingredient_of_two_leaves_the_other_to_the_words(code: str, text: str | None, concepts: str) -> None:
    assert drugs(coded(code, text, system=RXNORM)) == set(concepts.split())


def test_carbamazepine_lowers_folate_too() -> None:
    assert drugs(coded("2002", system=RXNORM)) == {"carbamazepine", "antiepileptic"}


@pytest.mark.parametrize("code", ["6301-6", "34714-6", "46418-0", "38875-1"])
@pytest.mark.parametrize(
    "value", [quantity(3.4, code="{INR}"), quantity(3.4, code="1"), quantity(3.4, "ratio"), quantity(3.4)]
)
def test_an_inr_has_a_unit_or_none(code: str, value: Json) -> None:
    result = only(read(observation(code, value)))
    assert (result.analyte, result.unit) == ("inr", "{INR}")
    assert result.value
    assert result.value.low == Decimal("3.4")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (quantity(0.3, code="{INR}"), "implausible-result"),
        (quantity(31, code="{INR}"), "implausible-result"),
        (quantity(70, code="%"), "unit-not-understood"),
        (quantity(13, code="s"), "unit-not-understood"),
    ],
)
def test_a_prothrombin_time_is_no_inr(value: Json, reason: str) -> None:
    assert refused(read(observation("6301-6", value))).reason == reason


@pytest.mark.parametrize(
    "value", [quantity(180, code="/uL"), quantity(180, "cells/mm3"), quantity(0.18, code="10*9/L")]
)
def test_cd4_cells_are_counted_per_microliter(value: Json) -> None:
    result = only(read(observation("24467-3", value)))
    assert (result.analyte, result.unit) == ("cd4", "/uL")
    assert result.value
    assert result.value.low == 180


@pytest.mark.parametrize(("id", "days"), [("inr", (7, 30)), ("cd4", (90, 365))])
def test_a_marker_is_current_for_its_time(id: str, days: tuple[int, int]) -> None:
    analyte = VOCABULARY.analytes[id]
    assert (analyte.current_days, analyte.ageing_days, analyte.prefetch) == (*days, "markers")
    assert (LOINC, analyte.codes[0].code) in VOCABULARY.analyte_of

"""Drafted orders as EHRs send them: which drug or test, by which route, how much a day, for how long."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from drafted_orders import CVX, NOW, SNOMED, Json, coded, knowledge, medication, read, reader, send, service, structured

from service.clinical.assess import case_of
from service.clinical.facts import PatientFacts
from service.order_checks.conflicts import conflicts

ORAL = {"coding": [{"system": SNOMED, "code": "26643006"}]}
V3 = "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration"
TABLET = "Folic acid 5 mg tablet"


def one(order: Json, **more: Any) -> Any:
    (draft,) = read(order, **more)
    return draft


# --- what is drafted --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "drugs"),
    [
        (medication(TABLET), {"folic-acid"}),
        (medication(None, medicationCodeableConcept=coded("B03BB01")), {"folic-acid"}),
        (medication(None, medicationReference={"display": TABLET}), {"folic-acid"}),
        (medication(None), set()),
        (medication("Loratadine 10 mg tablet"), set()),
        (medication("MMR vaccine", medicationCodeableConcept=coded("03", CVX)), {"live-viral-vaccine"}),
        (service({"text": "Nitrous oxide sedation"}), {"nitrous-oxide"}),
        (service(coded("225372007", SNOMED)), {"parenteral-nutrition"}),
        (service({"text": "Zinc and copper"}), set()),
        (service({"text": "Clozapine level"}), set()),
        (
            {"resourceType": "NutritionOrder", "id": "n", "status": "draft", "patient": {"reference": "Patient/p"},
             "enteralFormula": {"baseFormulaProductName": "Formula X"}},
            {"enteral-formula"},
        ),
        (
            {"resourceType": "NutritionOrder", "id": "n", "status": "draft", "oralDiet": {"type": [{"text": "soft"}]}},
            set(),
        ),
        (
            {"resourceType": "ImmunizationRecommendation", "id": "i", "patient": {"reference": "Patient/p"},
             "recommendation": [{"vaccineCode": [coded("19", CVX)],
                                 "forecastStatus": {"coding": [{"code": "due"}]}}]},
            {"bcg-vaccine"},
        ),
        (
            {"resourceType": "ImmunizationRecommendation", "id": "i", "patient": {"reference": "Patient/p"},
             "recommendation": [{"vaccineCode": [coded("19", CVX)],
                                 "forecastStatus": {"coding": [{"code": "immune"}]}}]},
            set(),
        ),
    ],
)  # fmt: skip
def test_a_draft_is_known_by_code_reference_or_words(order: Json, drugs: set[str]) -> None:
    draft = one(order)
    assert draft.drugs == drugs
    assert draft.reference == f"{order['resourceType']}/{order['id']}"


def test_a_drug_is_found_behind_a_reference_in_the_order_among_the_drafts_or_on_file() -> None:
    drug = {"resourceType": "Medication", "id": "m", "code": coded("B03BB01")}
    inside = medication(None, medicationReference={"reference": "#m"}, contained=[drug])
    outside = medication(None, medicationReference={"reference": "Medication/m"})
    assert one(inside).drugs == {"folic-acid"}
    assert [d.drugs for d in read(outside, drug)] == [{"folic-acid"}]
    assert one(outside, on_file=(drug,)).drugs == {"folic-acid"}
    assert one(outside).drugs == set()


def test_a_test_is_an_order_and_no_drug() -> None:
    draft = one(service({"text": "Vitamin B12"}))
    assert (draft.orders, draft.drugs) == ({"vitamin-b12"}, set())
    assert one(service(coded("31444-3", "http://loinc.org"))).orders == {"intrinsic-factor-antibody"}
    assert one(service({"text": "Vitamin B12"}, status="active")).orders == {"vitamin-b12"}


@pytest.mark.parametrize("status", ["draft", "active", "on-hold", "unknown", ""])
def test_an_order_that_is_signed_again_counts(status: str) -> None:
    assert one(medication(TABLET, status=status)).drugs == {"folic-acid"}


@pytest.mark.parametrize(
    "order",
    [
        medication(TABLET, status="cancelled"), medication(TABLET, status="entered-in-error"),
        medication(TABLET, status="completed"), medication(TABLET, status="stopped"),
        medication(TABLET, doNotPerform=True), medication(TABLET, subject={"reference": "Patient/other"}),
        service({"text": "Vitamin B12"}, doNotPerform=True), service({"text": "Vitamin B12"}, status="revoked"),
        {"resourceType": "DeviceRequest", "id": "x"}, {"resourceType": "Medication", "id": "m"}, {"id": "none"},
        b"{", b"[]",
        medication(TABLET, subject=5), medication(TABLET, subject={"reference": 5}),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_over_of_another_patient_or_unreadable_is_no_draft(order: Json) -> None:
    assert read(order) == ()


@pytest.mark.parametrize(
    "subject",
    [{"reference": "https://ehr.example.org/fhir/Patient/p"}, {"reference": "urn:uuid:p"}, {"display": "x"}, ...],
    ids=str,
)
def test_the_patient_may_be_named_in_many_ways_or_not_at_all(subject: Any) -> None:
    assert one(medication(TABLET, subject=subject)).drugs == {"folic-acid"}


def test_an_order_without_intent_and_id_is_read_and_cannot_be_removed() -> None:
    draft = one(medication(TABLET, intent=..., id=...))
    assert (draft.drugs, draft.reference) == ({"folic-acid"}, "")


DAILY = {"frequency": "1", "period": "1", "periodUnit": "d"}


@pytest.mark.parametrize(
    "change",
    [
        {"dosageInstruction": "5 mg"}, {"reasonCode": "x"}, {"authoredOn": 5}, {"status": None}, {"intent": None},
        {"doNotPerform": None}, {"reasonCode": None}, {"dosageInstruction": None}, {"contained": None},
        {"subject": None},
        {"medicationCodeableConcept": {"text": TABLET, "coding": {"code": 5}}}, {"dispenseRequest": 5},
    ],
    ids=str,
)  # fmt: skip
def test_a_field_that_is_not_as_fhir_has_it_costs_itself_alone(change: Json) -> None:
    draft = one(medication(TABLET, **change))
    assert (draft.drugs, draft.reference) == ({"folic-acid"}, "MedicationRequest/d1")
    assert one(medication(None, medicationCodeableConcept=5)).drugs == set()


@pytest.mark.parametrize(
    "dose",
    [
        {"text": "5 mg daily", "asNeededBoolean": "false"}, {"text": "5 mg daily", "asNeededBoolean": "maybe"},
        {"text": "5 mg daily", "timing": 5}, {"text": "5 mg daily", "timing": {"repeat": [1]}, "sequence": "x"},
        {"text": "5 mg daily", "doseAndRate": [None]}, {"text": "5 mg daily", "route": "oral"},
        {"timing": {"repeat": DAILY}, "doseAndRate": [{"doseQuantity": {"value": "5", "unit": "mg"}}]},
        {"timing": {"repeat": DAILY}, "doseAndRate": {"doseQuantity": {"value": 5, "unit": "mg", "code": None}}},
    ],
    ids=str,
)  # fmt: skip
def test_each_dose_is_read_on_its_own_as_far_as_it_can_be(dose: Json) -> None:
    for doses in (dose, [dose], [5, dose], [None, dose]):
        draft = one(medication(TABLET, dosageInstruction=doses))
        assert (draft.amount.mg, draft.days_per_week, draft.firm) == (5, 7, True)


@pytest.mark.parametrize(
    ("change", "renewed"),
    [
        ({"status": "active", "authoredOn": "2026-06-01"}, True),
        ({"status": "on-hold", "authoredOn": "2026-06-01"}, True),
        ({"status": "active", "authoredOn": "2026-06-14T23:00:00Z"}, True), ({"status": "active"}, False),
        ({"status": "active", "authoredOn": "2026-06-15"}, False), ({"authoredOn": "2026-06-01"}, False),
        ({"priorPrescription": {"reference": "MedicationRequest/m0"}}, True),
    ],
    ids=str,
)  # fmt: skip
def test_an_order_that_goes_on_with_what_is_taken_is_known(change: Json, renewed: bool) -> None:
    assert one(medication(TABLET, **change)).renewed is renewed


def begins(day: str) -> Json:
    return {"timing": {"repeat": {"boundsPeriod": {"start": day}, "frequency": 1, "period": 1, "periodUnit": "d"}}}


@pytest.mark.parametrize(
    ("order", "firm"),
    [
        (medication(TABLET), True), (medication(TABLET, intent=...), True),
        (medication(TABLET, status="on-hold"), False), (medication(TABLET, intent="option"), False),
        (medication(TABLET, intent="proposal"), False),
        (medication(TABLET, "5 mg daily as needed"), False), (medication(TABLET, begins("2026-06-20")), True),
        (medication(TABLET, structured(5, "mg", asNeededBoolean=True)), False),
        (medication(TABLET, begins("2026-06-22")), True), (medication(TABLET, begins("2026-06-24")), False),
        (medication(TABLET, authoredOn="0001-01-01"), True), (medication(TABLET, begins("9999-12-30")), False),
        (service({"text": "Vitamin B12"}), True), (service({"text": "Vitamin B12"}, status="on-hold"), False),
    ],
    ids=str,
)  # fmt: skip
def test_an_order_is_firm_when_it_will_be_given(order: Json, firm: bool) -> None:
    assert one(order).firm is firm


@pytest.mark.parametrize(
    ("order", "waits"),
    [
        (medication(TABLET), False), (medication(TABLET, intent="proposal"), False),
        (medication(TABLET, intent="option"), True), (medication(TABLET, status="on-hold"), True),
        (medication(TABLET, "5 mg daily as needed"), True), (medication(TABLET, begins("2026-06-24")), False),
    ],
    ids=str,
)  # fmt: skip
def test_an_order_is_given_beside_another_unless_it_waits(order: Json, waits: bool) -> None:
    assert one(order).waits is waits


def test_words_that_do_not_say_how_often_are_known() -> None:
    for text in ("as directed", "5 mg", "nach Plan"):
        assert one(medication(TABLET, text)).unread
    for dose in (None, "5 mg daily", "5 mg weekly", "5 mg stat", structured(5, "mg")):
        assert not one(medication(TABLET, dose)).unread
    assert not one(medication(TABLET, {**structured(5, "mg"), "text": "5 mg"})).unread


MTX = "Methotrexate 2.5 mg tablet"


def weekly(day: str, *, id: str = "d1", days: Json | None = None, **more: Any) -> Json:
    return medication(MTX, {"text": f"15 mg on {day}", **({"timing": days} if days else {})}, id=id, **more)


def bounded_by(**period: str) -> Json:
    return {"repeat": {"boundsPeriod": period}}


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (weekly("Monday"), weekly("Thursday"), True),
        (weekly("Monday", intent="proposal"), weekly("Thursday", intent="proposal"), True),
        (weekly("Monday", intent="option"), weekly("Thursday", intent="option"), False),
        (weekly("Monday"), weekly("Thursday", days=bounded_by(start="2026-06-24")), True),
        (weekly("Monday", days=bounded_by(start="2026-06-15", end="2026-06-26")),
         weekly("Thursday", days=bounded_by(start="2026-06-27")), False),
        (weekly("Monday", days=bounded_by(start="2026-06-15", end="2026-06-27")),
         weekly("Thursday", days=bounded_by(start="2026-06-27")), True),
        (medication(MTX, {"timing": {"event": ["2026-06-22"]}}), medication(MTX, {"timing": {"event": ["2026-06-23"]}}),
         True),
        (medication(MTX, {"timing": {"event": ["2026-06-22"]}}), medication(MTX, {"timing": {"event": ["2026-06-30"]}}),
         False),
        (medication(MTX, "15 mg every 2 weeks on Monday"), medication(MTX, "15 mg every 2 weeks on Tuesday"), False),
        (medication(MTX, {"timing": {"repeat": {"dayOfWeek": ["mon"], "period": 2, "periodUnit": "wk"}}}),
         medication(MTX, {"timing": {"repeat": {"dayOfWeek": ["tue"], "period": 2, "periodUnit": "wk"}}}), False),
    ],
    ids=str,
)  # fmt: skip
def test_two_drafts_that_name_different_days_count_together_when_they_are_taken_together(
    first: Json, second: Json, together: bool
) -> None:
    drafts = read(first, second | {"id": "d2"})
    case = case_of(PatientFacts("Patient/p", None, None), knowledge(), datetime.fromisoformat(NOW))
    found = {conflict.row.id for conflict in conflicts(drafts, drafts, case)}
    assert ("methotrexate-not-weekly" in found) is together


def test_a_first_or_a_last_day_of_the_calendar_is_no_error() -> None:
    for day in ("0001-01-01", "9999-12-31"):
        assert one(medication(MTX, {"timing": {"event": [day]}})).days_per_week == 1


def test_the_words_of_the_first_dose_are_kept_as_they_are() -> None:
    assert one(medication(TABLET, "5 mg daily; zinc 20 mg weekly")).dose_text == "5 mg daily; zinc 20 mg weekly"
    assert one(medication(TABLET, structured(5, "mg"))).dose_text == ""


def test_orders_of_another_patient_are_counted() -> None:
    own, other = medication(TABLET), medication(TABLET, subject={"reference": "Patient/other"})
    orders = (own, other, other, service({"text": "B12"}), b"{", {"resourceType": "Patient", "id": "q"})
    assert reader().foreign([send(order) for order in orders], "p") == 2


def supplement(*supplements: Json) -> Json:
    return {"resourceType": "NutritionOrder", "id": "n", "status": "draft", "supplement": list(supplements)}


def test_a_supplement_of_a_nutrition_order_is_the_drug_that_it_is() -> None:
    daily = {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}
    zinc = {"productName": "Zinc 25 mg tablet", "schedule": [daily], "quantity": {"value": 25, "unit": "mg"}}
    copper = {"type": {"text": "Copper gluconate"}, "quantity": {"value": 2, "unit": "mg"}, "instruction": "daily"}
    draft = one(supplement(zinc))
    assert (draft.drugs, draft.routes, draft.amount.mg) == ({"zinc-supplement"}, {"oral", "systemic"}, 50)
    both = one(supplement(zinc, copper))
    assert both.drugs == {"zinc-supplement", "copper-supplement"}
    assert [both.dose_of(frozenset([drug])).mg for drug in ("zinc-supplement", "copper-supplement")] == [50, 2]
    assert one(supplement({"productName": "Protein powder"})).drugs == set()


@pytest.mark.parametrize(
    ("product", "drugs"),
    [
        ("HIGH ALERT do not crush methotrexate 2.5 mg", {"methotrexate"}),
        ("Avoid pregnancy - methotrexate 2.5 mg tablet", {"methotrexate"}),
        ("(not stocked) methotrexate 2.5 mg tablet", {"methotrexate"}),
        ("No substitution: methotrexate 2.5 mg tablet", {"methotrexate"}),
        ("Methotrexate2.5mg tablet", {"methotrexate"}),
        ("zinc-free multivitamin", {"multivitamin"}),
        ("Multivitamin, no zinc", {"multivitamin"}),
        ("Multivitamin without iron", {"multivitamin"}),
    ],
)
def test_a_warning_hides_no_drug_and_a_negation_beside_a_name_does(product: str, drugs: set[str]) -> None:
    assert one(medication(product)).drugs == drugs


def test_the_ingredients_of_a_product_are_its_drugs() -> None:
    inside = [{"itemCodeableConcept": {"text": "Ferrous fumarate"}}, {"itemCodeableConcept": coded("B03BB01")}]
    drug = {"resourceType": "Medication", "id": "m", "code": {"text": "Product X"}, "ingredient": inside}
    expected = {"iron", "folic-acid"}
    for contained in (drug, {**drug, "id": "#m"}):
        assert one(medication(None, medicationReference={"reference": "#m"}, contained=[contained])).drugs == expected
    outside = medication(None, medicationReference={"reference": "Medication/m"})
    assert [d.drugs for d in read(outside, drug)] == [expected]
    assert one(outside, on_file=(drug,)).drugs == expected


def test_what_it_is_ordered_for_is_kept() -> None:
    order = medication("Zinc 20 mg", reasonCode=[{"text": "Acute diarrhoea"}, {"text": "something else"}])
    assert one(order).reasons == {"acute-diarrhea"}


# --- routes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "dose", "routes"),
    [
        (TABLET, None, {"oral", "systemic"}),
        ("Folic acid", {"text": "5 mg", "route": ORAL}, {"oral", "systemic"}),
        ("Cyanocobalamin 1000 ug/mL injection", "1000 ug intramuscular", {"intramuscular", "injection"}),
        ("Cyanocobalamin 1000 ug/mL injection", "1 mg IM", {"intramuscular", "injection"}),
        ("Cyanocobalamin 1000 ug/mL injection", "1 mg subcut", {"subcutaneous", "injection"}),
        ("Cyanocobalamin 1000 ug/mL injection", None, {"injection"}),
        (
            "Cyanocobalamin injection",
            {"text": "im or sc", "route": {"coding": [{"system": SNOMED, "code": "34206005"}]}},
            {"subcutaneous", "injection"},
        ),
        ("Paracetamol 1 g suppository", "1 g rectally", {"rectal"}),
        ("Glycerin suppository", None, {"rectal"}),
        ("Paracetamol 1 g", "1 g p.r. every 6 hours", {"rectal"}),
        ("Paracetamol 1 g", "1 g PR every 6 hours", {"rectal"}),
        ("Paracetamol 1 g", "1 g per rectum", {"rectal"}),
        ("Paracetamol PR 1 g", "1 g daily", {"unknown"}),
        ("Paracetamol", {"route": {"coding": [{"system": SNOMED, "code": "37161004"}]}}, {"rectal"}),
        ("Paracetamol", {"route": {"coding": [{"system": V3, "code": "PR"}]}}, {"rectal"}),
        ("Folic acid", {"route": {"coding": [{"system": V3, "code": "PO"}]}}, {"oral", "systemic"}),
        ("Cyanocobalamin", {"route": {"coding": [{"system": V3, "code": "IM"}]}}, {"intramuscular", "injection"}),
        ("Cyanocobalamin", {"route": {"coding": [{"system": V3, "code": "SQ"}]}}, {"subcutaneous", "injection"}),
        ("Cyanocobalamin", {"route": {"coding": [{"system": V3, "code": "IVP"}]}}, {"intravenous", "injection"}),
        ("Cyanocobalamin", {"method": {"text": "IM injection"}}, {"intramuscular", "injection"}),
        ("Folic acid", "5 mg", {"unknown"}),
        ("Methotrexate 15 mg/0.4 mL", "inject under the skin weekly", {"unknown"}),
    ],
)
def test_the_route_is_read_from_its_code_else_from_words(product: str, dose: Any, routes: set[str]) -> None:
    assert one(medication(product, dose)).routes == routes


def test_a_drug_for_the_skin_is_not_the_drug_of_the_rule() -> None:
    assert one(medication("Zinc oxide cream", "apply to the skin")).drugs == set()


@pytest.mark.parametrize(
    "product",
    [
        "Trimethoprim-polymyxin ophthalmic", "Polymyxin B/trimethoprim eye drops", "Trimethoprim/polymyxin eye drop",
        "Trimethoprim/polymyxin B eyedrops", "Trimethoprim/polymyxin B eyedrop", "Trimethoprim-polymyxin ophth soln",
        "Trimethoprim 0.1 % ear drops", "Trimethoprim ear drop", "Trimethoprim eardrops", "Trimethoprim otic solution",
        "Trimethoprim eye ointment", "Trimethoprim cream", "Trimethoprim 1% gel", "Trimethoprim Augensalbe",
        "Trimethoprim Ohrentropfen", "Trimethoprim Augentropfen",
    ],
)  # fmt: skip
def test_drops_for_the_eye_or_ear_and_what_is_for_the_skin_are_not_the_drug_of_the_rule(product: str) -> None:
    assert one(medication(product)).drugs == set()
    tmp = {"coding": [{"system": "http://www.whocc.no/atc", "code": "J01EA01", "display": product}]}
    assert one(medication(None, medicationCodeableConcept=tmp)).drugs == set()


FORMS = [
    "Tablette", "Tabletten", "Filmtablette", "Filmtabletten", "Tabl.", "Kapsel", "Kapseln", "comprimé", "comprimés",
    "gélule", "gélules",
]  # fmt: skip


@pytest.mark.parametrize("drops", ["1 drop", "2 drops"])
@pytest.mark.parametrize(
    "where",
    [
        *(f"{into} {eye}" for into in ("in", "into") for eye in
          ("each eye", "both ears", "affected eye", "the affected eye", "right ear", "left eye")),
        "to affected eye", "to the affected eye", "OU",
    ],
)  # fmt: skip
def test_a_dose_may_say_that_a_drug_is_for_the_eye_or_ear(drops: str, where: str) -> None:
    assert one(medication("Trimethoprim/polymyxin B", f"Instill {drops} {where} QID")).drugs == set()


@pytest.mark.parametrize(
    ("product", "dose", "routes"),
    [
        ("Trimethoprim 100 mg tablet", None, {"oral", "systemic"}), ("Trimethoprim", None, {"unknown"}),
        ("Trimethoprim/polymyxin", None, {"unknown"}), ("Trimethoprim", "10 drops in water", {"unknown"}),
        ("Trimethoprim", "instill by the feeding line", {"unknown"}),
        ("Trimethoprim softgel", None, {"unknown"}), ("Trimethoprim gel capsule", None, {"oral", "systemic"}),
        ("Trimethoprim 100 mg tablet", "1 daily for the infection of both eyes", {"oral", "systemic"}),
        ("Trimethoprim 100 mg tablet", "200 mg bd for otic infection", {"oral", "systemic"}),
        ("Trimethoprim 100 mg tablet", "200 mg bd, 1 drop in each eye of the other bottle", {"oral", "systemic"}),
        ("Trimethoprim", "200 mg bd, 1 drop in each eye of the other bottle", {"unknown"}),
        ("Trimethoprim", "200 mg bd. Continue eye drops in both eyes", {"unknown"}),
        *((f"Trimethoprim 200 mg {form}", "1-0-1", {"oral", "systemic"}) for form in FORMS),
        *(("Trimethoprim 200 mg", f"1 {form} daily", {"oral", "systemic"}) for form in FORMS),
    ],
)  # fmt: skip
def test_a_drug_that_is_swallowed_or_of_no_known_form_stays_the_drug(product: str, dose: Any, routes: set[str]) -> None:
    draft = one(medication(product, dose))
    assert (draft.drugs, draft.routes) == ({"trimethoprim"}, routes)


def test_the_form_of_a_product_is_that_of_its_ingredients() -> None:
    inside = [{"itemCodeableConcept": {"text": "Trimethoprim"}}, {"itemCodeableConcept": {"text": "Polymyxin B"}}]
    product = {"resourceType": "Medication", "id": "m", "ingredient": inside}
    whole = medication(None, medicationReference={"reference": "Medication/m"})
    for named in ({"code": {"text": "Product X"}, "form": {"text": "Eye drops"}}, {"code": {"text": "X eye drops"}}):
        assert one(whole, on_file=({**product, **named},)).drugs == set()
    tablet = {**product, "form": {"text": "Tablet"}}
    assert one(whole, on_file=(tablet,)).drugs == {"trimethoprim"}


def folic_acid(text: str, display: str = "folic acid") -> Json:
    """An order that is coded as folic acid, whatever its words say."""
    coding = [{"system": "http://www.whocc.no/atc", "code": "B03BB01", "display": display}]
    return medication(None, "1 tablet daily", medicationCodeableConcept={"coding": coding, "text": text})


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("Folic acid / cyanocobalamin tablet", {"vitamin-b12"}), ("Folic acid-cyanocobalamin", {"vitamin-b12"}),
        ("Folic acid and vitamin B12", {"vitamin-b12"}), ("Folic acid + vitamin B12", {"vitamin-b12"}),
        ("Folic acid 5 mg with cyanocobalamin 1 mg", {"vitamin-b12"}), ("Folic acid & B12", {"vitamin-b12"}),
        ("Folic acid 0.4 mg, iron 100 mg", {"iron"}), ("Methotrexate 2.5 mg tablet", {"methotrexate"}),
        ("Folio forte (folic acid 0.8 mg, vitamin B12 9 mcg)", {"vitamin-b12"}),
        ("Methotrexate2.5mg", {"methotrexate"}),
        ("Folic acid 5 mg", set()), ("Folic acid (take with methotrexate)", set()),
        ("Folic acid with methotrexate", set()), ("Folic acid 5 mg tablet with methotrexate", set()),
        ("Folic acid 5 mg, not with methotrexate", set()), ("Folic acid 5 mg for methotrexate patients", set()),
        ("Folic acid 5 mg the day after methotrexate", set()), ("Folic acid (methotrexate rescue)", set()),
        ("Folic acid 5 mg, take beside methotrexate 15 mg", set()), ("Folic acid without vitamin B12", set()),
        ("Folic acid 5 mg, give beside methotrexate", set()), ("Folic acid 5 mg while methotrexate runs", set()),
        ("Folic acid 5 mg during methotrexate", set()), ("Folic acid 5 mg, never beside methotrexate", set()),
        ("Folic acid 5 mg before methotrexate", set()), ("Folic acid 5 mg, taken beside methotrexate", set()),
        ("Folic acid 5 mg, given beside methotrexate", set()),
        ("Folic acid 5 mg, if methotrexate runs", set()), ("Folic acid 5 mg when methotrexate runs", set()),
        ("Folic acid 5 mg, use beside methotrexate", set()), ("Folic acid 5 mg, avoid trimethoprim", set()),
        ("Folic acid 5 mg on methotrexate", set()), ("Folic acid 5 mg, do not confuse: methotrexate", set()),
    ],
)  # fmt: skip
def test_words_add_the_ingredients_that_a_code_does_not_name_but_not_what_is_said_of_other_drugs(
    text: str, more: set[str]
) -> None:
    assert one(folic_acid(text)).drugs == {"folic-acid"} | more
    assert one(folic_acid("", text)).drugs == {"folic-acid"} | more


def test_an_ingredient_that_stands_in_the_words_alone_has_its_own_dose() -> None:
    draft = one(folic_acid("Folic acid 5 mg / cyanocobalamin 1 mg tablet"))
    assert [draft.dose_of(frozenset([drug])).mg for drug in ("folic-acid", "vitamin-b12")] == [5, 1]


# --- doses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "dose", "mg"),
    [
        (TABLET, structured(5, "mg"), "5"),
        (TABLET, structured(5, "mg", 2), "10"),
        (TABLET, structured(5, "mg", 1, 1, "wk"), "0.714286"),
        (TABLET, structured(400, "ug"), "0.4"),
        (TABLET, structured(1, "tablet"), "5"),
        (TABLET, structured(2, "tablet", 3), "30"),
        (TABLET, structured(0.5, "{tbl}"), "2.5"),
        (TABLET, "1 tablet by mouth twice daily", "10"),
        (TABLET, "2 tablets once a week", "1.429"),
        (TABLET, "5 mg daily", "5"),
        ("Folic acid tablet", "1 tablet daily", None),
        ("Folic acid 400 micrograms tablet", structured(1, "tablet"), "0.4"),
        (TABLET, {"timing": {"code": {"text": "BID"}}, "doseAndRate": [{"doseQuantity": {"value": 1}}]}, "10"),
        (TABLET, {"timing": {"code": coded("QD", "x")}, "text": "1 tablet"}, "5"),
    ],
)
def test_a_dose_a_day_comes_from_numbers_words_or_the_strength_of_a_piece(
    product: str, dose: Any, mg: str | None
) -> None:
    amount = one(medication(product, dose)).amount
    assert amount.mg == (Decimal(mg) if mg else None)
    assert (amount.most, amount.assumed) == (amount.mg, "")


def test_doses_side_by_side_add_up_and_doses_one_after_another_do_not() -> None:
    twice = [structured(5, "mg"), structured(10, "mg")]
    after = [structured(5, "mg", sequence=1), structured(10, "mg", sequence=2)]
    assert one(medication(TABLET, dosageInstruction=twice)).amount.mg == 15
    assert one(medication(TABLET, dosageInstruction=after)).amount.mg == 10


@pytest.mark.parametrize(
    ("product", "dose", "mg", "most", "assumed"),
    [
        ("Zinc sulfate 220 mg capsule (50 mg elemental zinc)", structured(220, "mg", 2), "100", "100", ""),
        ("Zinc sulfate 220 mg capsule (50 mg elemental zinc)", structured(1, "capsule", 2), "100", "100", ""),
        ("Zinc sulfate dispersible tablet, 20 mg elemental zinc", structured(20, "mg"), "20", "20", ""),
        ("Zinc gluconate", structured(50, "mg", text="50 mg elemental zinc daily"), "50", "50", ""),
        ("Zinc sulfate 220 mg capsule", structured(220, "mg"), "50", "220", "by-salt"),
        ("Zinc sulfate 220 mg capsule", structured(220, "mg", 2), "100.1", "440", "by-salt"),
        ("Zinc 25 mg tablet", structured(1, "tablet"), "25", "25", "as-element"),
    ],
)
def test_zinc_is_read_as_the_element_and_what_was_assumed_is_kept(
    product: str, dose: Json, mg: str, most: str, assumed: str
) -> None:
    amount = one(medication(product, dose)).amount
    assert (amount.mg, amount.most, amount.assumed) == (Decimal(mg), Decimal(most), assumed)


# --- length, days of the week, round the clock ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dose", "days"),
    [
        ({"timing": {"repeat": {"boundsDuration": {"value": 10, "unit": "days", "code": "d"}}}}, 10),
        ({"timing": {"repeat": {"boundsDuration": {"value": 2, "code": "wk"}}}}, 14),
        ({"timing": {"repeat": {"boundsPeriod": {"start": "2026-06-15", "end": "2026-06-24"}}}}, 10),
        ("20 mg daily for 10 days", 10),
        ("20 mg daily for 2 weeks", 14),
        ("20 mg daily for 3 days, then 10 mg", None),
        ("20 mg daily", None),
    ],
)
def test_the_length_of_a_course_is_read_where_it_is_stated(dose: Any, days: int | None) -> None:
    found = one(medication("Zinc 20 mg tablet", dose)).days
    assert found == (None if days is None else Decimal(days))


@pytest.mark.parametrize(
    ("dose", "often"),
    [
        (structured(2.5, "mg"), 7),
        (structured(15, "mg", 1, 1, "wk"), 1),
        ("15 mg once a week", 1),
        ("2.5 mg daily", 7),
        ("as directed", None),
    ],
)
def test_the_days_of_a_week_are_read(dose: Any, often: int | None) -> None:
    assert one(medication("Methotrexate 2.5 mg tablet", dose)).days_per_week == often


def test_the_days_of_a_week_are_kept_by_name() -> None:
    monday = {"timing": {"repeat": {"dayOfWeek": ["mon"]}}}
    doses: list[Json] = [monday, {"text": "15 mg on Thursdays"}]
    assert one(medication("Methotrexate 2.5 mg tablet", dosageInstruction=doses)).named == {"mon", "thu"}
    assert one(medication("Methotrexate 2.5 mg tablet", "15 mg once weekly")).named == set()


@pytest.mark.parametrize(
    ("dose", "scheduled"),
    [
        (structured(1, "g", 1, 6, "h"), True),
        (structured(1, "g", 1, 6, "h", asNeededBoolean=True), False),
        (structured(1, "g", 1, 6, "h", asNeededCodeableConcept={"text": "pain"}), False),
        ("1 g every 6 hours", True),
        ("1 g every 6 hours as needed", False),
        ("1 g q6h PRN", False),
        ("1 g once daily", False),
        ("1 g, scheduled", True),
        ("1 g", False),
    ],
)
def test_round_the_clock_is_told_from_as_needed(dose: Any, scheduled: bool) -> None:
    assert one(medication("Paracetamol 500 mg tablet", dose)).scheduled is scheduled

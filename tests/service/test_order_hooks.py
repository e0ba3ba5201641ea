"""order-select and order-sign over HTTP: drafts as EHRs send them, what is looked at, when something is missing."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from flask.testing import FlaskClient
from requests_of import PATIENT, bundle, call, observation, patient

from service import contract, order_checks
from service.app import create_app
from service.settings import Settings

SELECT, SIGN = "neutropenia-order-select", "neutropenia-order-sign"
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
PG = {"valueQuantity": {"value": 110, "unit": "pg/mL", "system": "http://unitsofmeasure.org", "code": "pg/mL"}}
B12_LOW = observation("2132-9", **PG)
LOW = {"patient": patient(), "count": bundle(observation(value=0.9)), "nutrients": bundle(B12_LOW)}
Json = dict[str, Any]


@cache
def client(clozapine: str = "") -> FlaskClient:
    settings = Settings(clozapine=clozapine)
    return create_app(settings, clock=lambda: NOON).test_client()


def drug(text: str = "Folic acid 5 mg tablet", id: str = "d1", **changes: Any) -> Json:
    order = {
        "resourceType": "MedicationRequest", "id": id, "status": "draft", "intent": "order",
        "subject": {"reference": f"Patient/{PATIENT}"}, "medicationCodeableConcept": {"text": text},
        "dosageInstruction": [{"text": "1 tablet by mouth once daily"}],
        **changes,
    }  # fmt: skip
    return {name: value for name, value in order.items() if value is not ...}


FOLIC, AZATHIOPRINE = drug(), drug("Azathioprine 50 mg tablet", "d2")
LORATADINE = drug("Loratadine 10 mg tablet", "d9")


def asked(*drafts: Json, hook: str = "order-sign", prefetch: Json | None = None, **changes: Any) -> Json:
    """A call with drafted orders; order-select with its selections among the changes of the context."""
    orders = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in drafts]}
    context = {"userId": "Practitioner/d-1", "patientId": PATIENT, "draftOrders": orders, **changes}
    return call(LOW if prefetch is None else prefetch, hook=hook, context=context)


def answer(body: Json, clozapine: str = "") -> Any:
    service = SELECT if body["hook"] == "order-select" else SIGN
    return client(clozapine).post(f"/cds-services/{service}", json=body)


def cards(body: Json, clozapine: str = "") -> list[Json]:
    got = answer(body, clozapine)
    assert got.status_code == 200, got.get_data(as_text=True)
    contract.validator("HookResponse").validate(got.json)
    assert set(got.json) == {"cards"}
    return list(got.json["cards"])


def rules(body: Json) -> list[str]:
    return [card["extension"]["org.neutropenia-cds.card"]["rule"] for card in cards(body)]


def said(card: Json) -> Json:
    """A card without the names that are new each time."""
    plain = copy.deepcopy(card)
    for part in (plain, *plain.get("suggestions", [])):
        part.pop("uuid")
    for suggestion in plain.get("suggestions", []):
        for action in suggestion["actions"]:
            action.get("resource", {}).pop("authoredOn", None)
    return plain


# --- what is looked at ------------------------------------------------------------------------------------------------


def test_discovery_offers_both_beside_the_review() -> None:
    found = client().get("/cds-services").json
    assert found
    offered = {one["id"]: one["hook"] for one in found["services"]}
    assert offered == {"neutropenia-review": "patient-view", SELECT: "order-select", SIGN: "order-sign"}


def test_signing_checks_every_draft_the_gravest_first() -> None:
    assert rules(asked(AZATHIOPRINE, FOLIC)) == ["O1", "O9"]


@pytest.mark.parametrize(
    ("selections", "expected"),
    [
        (["MedicationRequest/d1"], ["O1"]),
        (["MedicationRequest/d2"], ["O9"]),
        (["MedicationRequest/d1", "MedicationRequest/d2"], ["O1", "O9"]),
        (["MedicationRequest/d9"], []),
        (["MedicationRequest/elsewhere"], ["O1", "O9"]),
        (["https://ehr.example.org/fhir/MedicationRequest/d2/_history/3"], ["O9"]),
        ([], ["O1", "O9"]),
    ],
)
def test_selecting_checks_what_was_selected_and_all_when_that_is_none(
    selections: list[str], expected: list[str]
) -> None:
    body = asked(FOLIC, AZATHIOPRINE, LORATADINE, hook="order-select", selections=selections)
    assert rules(body) == expected


@pytest.mark.parametrize("id", ["10*9/L", "a/b", "x" * 65, ""])
def test_a_draft_whose_id_is_none_in_fhir_is_checked_but_its_removal_cannot_be_offered(id: str) -> None:
    """Found by fuzzing: the card that was to remove it could not be made, and the call was a 500."""

    def removed(card: Json) -> list[str]:
        actions = [action for suggestion in card.get("suggestions", []) for action in suggestion["actions"]]
        return [action["resourceId"] for action in actions if action["type"] == "delete"]

    (named,), (nameless,) = cards(asked(AZATHIOPRINE)), cards(asked(drug("Azathioprine 50 mg tablet", id)))
    assert removed(named) == ["MedicationRequest/d2"]
    assert removed(nameless) == []
    assert nameless["summary"] == named["summary"]


def test_what_lies_beside_the_selected_draft_still_counts() -> None:
    b12 = drug("Cyanocobalamin 1 mg tablet", "d3")
    assert rules(asked(FOLIC, b12, hook="order-select", selections=["MedicationRequest/d1"])) == []


def test_two_drafts_of_one_check_share_a_card_with_a_removal_each() -> None:
    (card,) = cards(asked(AZATHIOPRINE, drug("Dapsone 100 mg tablet", "d4")))
    assert "azathioprine" in card["summary"].lower() and "dapsone" in card["summary"].lower()
    removed = [a["resourceId"] for s in card["suggestions"] for a in s["actions"] if a["type"] == "delete"]
    assert sorted(removed) == ["MedicationRequest/d2", "MedicationRequest/d4"]


def test_the_card_names_the_conflict_offers_the_mend_and_reasons_to_go_on() -> None:
    (card,) = cards(asked(FOLIC))
    assert card["indicator"] == "critical"
    assert card["summary"].startswith("Folic acid 5 mg/day: B12 deficiency (110 pg/mL, 14 Jun)")
    actions = [a for s in card["suggestions"] for a in s["actions"]]
    assert {"type": "delete", "resourceId": "MedicationRequest/d1"}.items() <= actions[0].items()
    assert actions[1]["resource"]["resourceType"] == "ServiceRequest"
    assert 1 <= len(card["overrideReasons"]) <= 6
    assert "Observation" not in card["summary"]


def test_of_several_vaccines_each_card_names_its_own() -> None:
    cvx = "http://hl7.org/fhir/sid/cvx"
    vaccines = [("03", "MMR vaccine"), ("19", "BCG vaccine")]
    codes = [{"coding": [{"system": cvx, "code": code}], "text": text} for code, text in vaccines]
    recommended = {
        "resourceType": "ImmunizationRecommendation", "id": "i", "patient": {"reference": f"Patient/{PATIENT}"},
        "recommendation": [{"vaccineCode": [code]} for code in codes],
    }  # fmt: skip
    said = [(c["extension"]["org.neutropenia-cds.card"]["rule"], c["summary"]) for c in cards(asked(recommended))]
    assert [(rule, summary[:11]) for rule, summary in said] == [("O12", "BCG vaccine"), ("O13", "MMR vaccine")]


def test_an_order_without_an_id_gets_a_card_without_removal() -> None:
    (card,) = cards(asked(drug(id=...)))
    assert all(a["type"] == "create" for s in card.get("suggestions", []) for a in s["actions"])


def test_a_draft_that_the_chart_holds_already_is_not_yet_taken() -> None:
    clozapine = drug("Clozapine 25 mg tablet", "c1", status="active", authoredOn="2026-06-15")
    count = {**LOW, "count": bundle(observation(value=1.2)), "nutrients": None, "medications": None}
    (new,) = cards(asked(clozapine, prefetch=count))
    (same,) = cards(asked(clozapine, prefetch={**count, "medications": bundle(clozapine)}))
    running = drug("Clozapine 25 mg tablet", "c0", status="active", authoredOn="2026-01-15")
    (renewed,) = cards(asked(clozapine, prefetch={**count, "medications": bundle(running)}))
    (signed_again,) = cards(asked(running, prefetch={**count, "medications": bundle(running)}))
    prior = {"reference": "MedicationRequest/c0"}
    (prolonged,) = cards(asked({**clozapine, "priorPrescription": prior}, prefetch={**count, "medications": None}))
    assert new["indicator"] == same["indicator"] == "warning"
    assert renewed["indicator"] == signed_again["indicator"] == prolonged["indicator"] == "info"


def test_signing_again_does_not_hide_the_emergency_of_the_drug() -> None:
    running = drug("Carbimazole 10 mg tablet", "c0", status="active", authoredOn="2026-04-15")
    prefetch = {**febrile(), "count": None, "medications": bundle(running)}
    assert not rules(asked(running, prefetch=prefetch))[0].startswith("O")


@pytest.mark.parametrize(
    ("product", "dose", "treated"),
    [
        ("Cyanocobalamin 1000 mcg tablet", "1 tablet by mouth daily", True),
        ("Cyanocobalamin 1000 mcg tablet", "1000 mcg by mouth daily", True),
        ("Cyanocobalamin 25 mcg tablet", "1 tablet by mouth daily", False),
        ("Cyanocobalamin tablet", "1 tablet by mouth daily", False),
    ],
)
def test_treatment_on_file_is_known_by_the_strength_of_the_product_too(product: str, dose: str, treated: bool) -> None:
    b12 = drug(product, "b1", status="active", authoredOn="2026-06-10", dosageInstruction=[{"text": dose}])
    (card,) = cards(asked(FOLIC, prefetch={**LOW, "medications": bundle(b12)})) or ({"indicator": "none"},)
    assert (card["indicator"] != "critical") is treated


def test_a_treatment_on_file_that_is_dosed_in_two_ways_is_not_known_to_treat() -> None:
    dose = {"text": "1 tablet by mouth daily", "additionalInstruction": [{"text": "once every 3 months"}]}
    b12 = drug("Cyanocobalamin 1000 mcg tablet", "b1", status="active", authoredOn="2026-06-10")
    (card,) = cards(asked(FOLIC, prefetch={**LOW, "medications": bundle({**b12, "dosageInstruction": [dose]})}))
    assert card["indicator"] == "critical"


NORMAL = {
    "patient": patient(), "count": bundle(observation(value=3.0)), "nutrients": bundle(), "medications": bundle()
}  # fmt: skip


def weekly(id: str, day: str, **more: Any) -> Json:
    return drug("Methotrexate 2.5 mg tablet", id, dosageInstruction=[{"text": f"15 mg once weekly on {day}", **more}])


def test_weekly_drafts_on_two_days_are_more_than_once_a_week_and_the_card_says_why() -> None:
    assert cards(asked(weekly("m1", "Monday"), weekly("m2", "Monday"), prefetch=NORMAL)) == []
    (card,) = cards(asked(weekly("m1", "Monday"), weekly("m2", "Thursday"), prefetch=NORMAL))
    assert card["indicator"] == "critical"
    assert card["detail"].count("they name different days of the week") == 2
    assert {a["resourceId"] for s in card["suggestions"] for a in s["actions"]} == {
        "MedicationRequest/m1", "MedicationRequest/m2",
    }  # fmt: skip


def test_a_dose_that_says_in_two_ways_how_often_is_shown_as_it_was_read() -> None:
    (card,) = cards(asked(weekly("m1", "Monday", additionalInstruction=[{"text": "take daily"}]), prefetch=NORMAL))
    assert card["indicator"] == "critical"
    assert "the larger is counted" in card["detail"]
    b12_open = drug(dosageInstruction=[{"text": "5 mg daily", "additionalInstruction": [{"text": "once weekly"}]}])
    assert "mg/day" not in cards(asked(b12_open))[0]["summary"]


# --- an emergency -----------------------------------------------------------------------------------------------------


def febrile() -> Json:
    cel = {"value": 38.8, "unit": "Cel", "system": "http://unitsofmeasure.org", "code": "Cel"}
    fever = observation("8310-5", valueQuantity=cel, effectiveDateTime="2026-06-15T08:00:00Z")
    count = observation(value=0.3, effectiveDateTime="2026-06-15T08:00:00Z")
    return {"patient": patient(), "count": bundle(count), "nutrients": bundle(B12_LOW), "vitals": bundle(fever)}


def test_an_emergency_is_said_once_and_silences_no_check() -> None:
    got = rules(asked(FOLIC, LORATADINE, prefetch=febrile()))
    assert len(got) == 2 and got[1] == "O1"
    assert not got[0].startswith("O")


def test_without_a_draft_the_emergency_alone_is_said() -> None:
    (rule,) = rules(asked(prefetch=febrile()))
    assert not rule.startswith("O")
    assert rules(asked(LORATADINE)) == []


# --- what is missing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draft", "missing", "lacks"),
    [
        (FOLIC, "nutrients", "nutrients"),
        (AZATHIOPRINE, "count", "count"),
        (FOLIC, "count", None),
        (AZATHIOPRINE, "nutrients", None),
        (LORATADINE, "count", None),
        (drug("Metformin 500 mg tablet"), "nutrients", None),
        (drug("", "d1", medicationCodeableConcept=...), "count", None),
    ],
)
def test_only_what_a_check_of_the_draft_cannot_do_without_is_asked_for(
    draft: Json, missing: str, lacks: str | None
) -> None:
    without = {key: value for key, value in LOW.items() if key != missing}
    failed = {**LOW, missing: {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "x"}]}}
    for prefetch in (without, failed):
        got = answer(asked(draft, prefetch=prefetch))
        assert got.status_code == (412 if lacks else 200)
        if lacks:
            assert got.json["issue"][0]["expression"] == [f"prefetch.{lacks}"]
    assert answer(asked(draft, prefetch={**LOW, missing: None})).status_code == 200


def test_a_critical_card_is_not_lost_for_what_another_check_lacks() -> None:
    without = {key: value for key, value in LOW.items() if key != "count"}
    (card,) = cards(asked(FOLIC, AZATHIOPRINE, prefetch=without))
    assert card["extension"]["org.neutropenia-cds.card"]["rule"] == "O1"
    assert "lood count" in card["detail"].partition("#### Not known")[2]


def test_drugs_that_were_not_sent_or_could_not_be_had_are_said_on_the_card() -> None:
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "x"}]}
    for prefetch in (LOW, {**LOW, "medications": failed}):
        (card,) = cards(asked(FOLIC, prefetch=prefetch))
        assert "Medications were not sent or could not be fetched" in card["detail"]
        assert "edications" in card["detail"].partition("#### Not known")[2]
    (card,) = cards(asked(FOLIC, prefetch={**LOW, "medications": None}))
    assert "Medications were not sent" not in card["detail"]


def test_a_pair_of_drugs_is_not_judged_without_the_drugs_on_file() -> None:
    trimethoprim = drug("Trimethoprim 200 mg tablet")
    normal = {"patient": patient(), "count": bundle(observation(value=4.2)), "nutrients": None}
    got = answer(asked(trimethoprim, prefetch=normal))
    assert (got.status_code, got.json["issue"][0]["expression"]) == (412, ["prefetch.medications"])
    methotrexate = drug("Methotrexate 2.5 mg tablet", "m1", status="active", authoredOn="2026-03-01")
    charted = {**normal, "medications": bundle(methotrexate), "count": LOW["count"]}
    (_, card) = cards(asked(trimethoprim, prefetch=charted))
    assert "On file: methotrexate, since 1 Mar" in card["detail"]


def test_what_was_not_selected_asks_for_nothing() -> None:
    body = asked(FOLIC, AZATHIOPRINE, hook="order-select", selections=["MedicationRequest/d2"])
    body["prefetch"] = {key: value for key, value in LOW.items() if key != "nutrients"}
    assert answer(body).status_code == 200


# --- drafts as they come ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "draft",
    [
        drug(intent=...),
        drug(id="10*9/L"), drug(id=""), drug(id="a/b"),
        drug("", medicationCodeableConcept=..., dosageInstruction=..., intent=...),
        drug(medicationCodeableConcept={}), drug(medicationCodeableConcept={"coding": [{}]}),
        drug(medicationReference={"reference": "Medication/lost"}, medicationCodeableConcept=...),
        drug(dosageInstruction=[{}]), drug(dosageInstruction=[{"timing": {}, "doseAndRate": [{}]}]),
        drug(dosageInstruction="wrong"), drug(dosageInstruction=[{"doseAndRate": [{"doseQuantity": {"value": 1e30}}]}]),
        drug(dosageInstruction=[{"timing": {"repeat": {"period": 0, "periodUnit": "d"}},
                                 "doseAndRate": [{"doseQuantity": {"value": 5, "unit": "mg"}}]}]),
        drug(dosageInstruction=[{"timing": {"repeat": {"boundsDuration": {"value": 1e12, "code": "a"}}}}]),
        drug(dosageInstruction=[{"timing": {"repeat": {"boundsPeriod": {"start": "2026-06-15", "end": "0001"}}}}]),
        drug(authoredOn="9999-12-31", dosageInstruction=[{"text": "5 mg daily for 9999 years"}]),
        drug(subject=...), drug(status=...), drug(status="bogus"), drug(subject={}), drug(reasonCode=[{}]),
        drug(reasonCode="wrong"),
        {"resourceType": "ServiceRequest"}, {"resourceType": "NutritionOrder"}, {"resourceType": "Unheard"}, {},
        {"resourceType": "ImmunizationRecommendation", "recommendation": [{}]},
        {"resourceType": "VisionPrescription", "id": "v"},
    ],
    ids=lambda draft: str(sorted(draft))[:60],
)  # fmt: skip
def test_unfinished_and_odd_drafts_are_answered(draft: Json) -> None:
    for hook in ("order-sign", "order-select"):
        selected = {"selections": ["MedicationRequest/d1"]} if hook == "order-select" else {}
        body = asked(draft, hook=hook, **selected)
        assert all(card["summary"] for card in cards(body))


@pytest.mark.parametrize(
    "orders",
    [
        {"resourceType": "Bundle"}, {"resourceType": "Bundle", "entry": []}, {"resourceType": "Bundle", "entry": [{}]},
        {"resourceType": "Bundle", "entry": None},
    ],
)  # fmt: skip
def test_a_bundle_without_type_or_entries_is_answered(orders: Json) -> None:
    assert rules(asked(draftOrders=orders)) == []
    untyped = {"resourceType": "Bundle", "entry": [{"resource": FOLIC}]}
    assert rules(asked(draftOrders=untyped)) == ["O1"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"draftOrders": None}, "context.draftOrders"),
        ({"draftOrders": {"resourceType": "List"}}, "context.draftOrders"),
        ({"draftOrders": {"resourceType": "Bundle", "entry": 5}}, "context.draftOrders.entry"),
        ({"selections": "x"}, "context.selections"),
        ({"selections": [5]}, "context.selections"),
        ({"userId": f"Patient/{PATIENT}"}, "context.userId"),
    ],
)
def test_a_faulty_context_is_a_400_that_names_the_place(change: Json, path: str) -> None:
    got = answer(asked(FOLIC, hook="order-select", **{"selections": ["MedicationRequest/d1"], **change}))
    assert got.status_code == 400
    assert got.json["issue"][0]["expression"] == [path]
    assert "Folic" not in got.get_data(as_text=True)


# --- laws -------------------------------------------------------------------------------------------------------------


def test_the_assessment_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = order_checks.conclude
    monkeypatch.setattr(order_checks, "conclude", lambda case: calls.append(1) or real(case))
    assert rules(asked(FOLIC, AZATHIOPRINE, prefetch=febrile()))[0:1]
    assert calls == [1]


def test_drafts_of_another_patient_are_passed_over_and_logged_without_their_names(
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = drug(subject={"reference": "Patient/someone-else"})
    assert rules(asked(other)) == []
    (line,) = (record.getMessage() for record in caplog.records)
    assert "1 drafts of another patient" in line
    assert "someone" not in line and PATIENT not in line and "Folic" not in line

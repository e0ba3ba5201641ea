"""The page of a card: all that it rests on stands there, nobody sees it without the link of that card."""

from __future__ import annotations

import html
import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from kept import BASE, KNOWLEDGE, LINKS, READ, app_with, cards, client, noon, page, stored

from service import contract
from service.app import create_app
from service.evidence import Received, Stored
from service.settings import Settings
from service.stories import names
from service.web.links import SHIFT, Links

STORY = "chronic-pancytopenia-nutrients-sufficient"
ORDER = "order-folic-acid-before-b12"
WITH_CARDS = [name for name in names() if cards(name)]
HTML, JSON = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}, {"Accept": "application/json"}
ALL = pytest.mark.parametrize("name", WITH_CARDS)


def words(part: str) -> str:
    inline = re.sub(r"</?(?:strong|time|code|a|span)\b[^>]*>", "", part)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", inline)).split())


# --- what stands there ------------------------------------------------------------------------------------------------


@ALL
def test_every_result_with_its_value_its_band_and_its_observation(name: str) -> None:
    said = words(page(name))
    kept = stored(name).assessment
    assert kept is not None
    evidence = [e for e in kept["lineages"] if "value" in e]
    evidence += [e for nutrient in kept["nutrients"] for e in nutrient["evidence"] if e.get("value")]
    for one in evidence:
        assert f"{one.get('comparator', '')}{one['value']}" in said
        assert one["observation"] in said
        assert one["level"] and one["citation"]
    for count in (kept["anc"], kept.get("ungraded")):
        assert count is None or all(reference in said for reference in (str(count["value"]), *count["observations"]))


def listed(name: str, **changes: Any) -> list[str]:
    """Observations in the table of results, one for each time that they are named."""
    (table,) = re.findall(r'<table class="results">.*?</table>', page(name, **changes), re.DOTALL)
    return re.findall(r"<code>([^<]+)</code>", table)


@ALL
def test_every_result_stands_once(name: str) -> None:
    if 'class="results"' in page(name):
        assert len(listed(name)) == len(set(listed(name)))


def test_a_result_beside_the_count_that_speaks_of_a_nutrient_too_stands_once() -> None:
    kept: dict[str, Any] = dict(stored(STORY).assessment or {})
    first, *others = kept["nutrients"]
    twice = {**first, "evidence": [*first["evidence"], kept["lineages"][0]]}
    assert listed(STORY, assessment={**kept, "nutrients": [twice, *others]}) == listed(STORY)


@ALL
def test_every_row_that_matched_and_every_source_that_is_numbered(name: str) -> None:
    text, said = page(name), words(page(name))
    for row in (one["row"] for one in stored(name).explanation if one.get("row")):
        assert f"<code>{row['row']}</code>" in text
        assert " ".join(KNOWLEDGE.citations[row["citation"]].text.split()) in said
    assert set(re.findall(r'href="#(source-\d+)"', text)) == set(re.findall(r'id="(source-\d+)"', text))


@ALL
def test_whatever_was_missing_and_why(name: str) -> None:
    said = words(page(name)).lower()
    kept = stored(name).assessment
    assert kept is not None
    for gap in kept["gaps"]:
        assert KNOWLEDGE.wording.get(f"gap.{gap['reason']}", gap["reason"].replace("-", " ")).lower() in said
    unmeasured = [n["nutrient"] for n in kept["nutrients"] if "not-measured" in n["reasons"]]
    assert all(next(n.name for n in KNOWLEDGE.nutrients if n.id == one).lower() in said for one in unmeasured)


@ALL
def test_knowledge_thresholds_sign_off_and_the_words_of_the_card(name: str) -> None:
    said, card = words(page(name)), cards(name)[0]
    assert f"Judged with knowledge {KNOWLEDGE.version}, thresholds nice-ng239" in said
    assert "Not yet signed off by a clinician" in said
    assert card["summary"] in said
    assert all(one["label"] in said for one in card.get("suggestions", []))


def test_a_card_judged_by_other_knowledge_says_so() -> None:
    said = words(page(STORY, version="2025.1.1"))
    assert f"Judged with knowledge 2025.1.1, thresholds nice-ng239 (the service now has {KNOWLEDGE.version})" in said


def test_each_nutrient_that_was_measured_stands_on_its_scale() -> None:
    text = page(STORY)
    drawn = re.findall(r'<svg[^>]*class="scale">', text)
    kept = stored(STORY).assessment or {}
    assert len(drawn) == len([n for n in kept["nutrients"] if any("value" in e for e in n["evidence"])]) > 1
    assert text.index("<h2>What it rests on</h2>") < text.index("<h2>Nutrients</h2>") < text.index("<h2>Why</h2>")


def test_a_card_judged_by_other_knowledge_claims_no_scale_and_nothing_unmeasured() -> None:
    text = page(STORY, version="2025.1.1", scales=None, explanation=())
    assert 'class="chart"' in text and 'class="limit"' in text
    assert 'class="scale"' not in text and "<h2>Nutrients</h2>" not in text and "<h2>Why</h2>" not in text


def test_an_old_result_says_that_it_is_old() -> None:
    assert "not assessable; result is old" in words(page("stale-results"))


def test_a_preliminary_count_says_that_it_is_one() -> None:
    assert "preliminary result" in words(page("preliminary-severe-count"))


def test_the_card_of_an_order_check_shows_the_draft_and_its_row() -> None:
    text = page(ORDER)
    assert "What was being ordered Folic acid 5 mg" in words(text)
    (place,) = re.findall(r'href="(/checks/[^"]+)"', text)
    assert create_app(Settings()).test_client().get(place.partition("#")[0]).status_code == 200
    assert place == "/checks/O1#folic-acid-b12-deficient"


FATES: dict[str, tuple[dict[str, Any], str]] = {
    "left_out": ({"fate": "left-out"}, "This card was left out until 16 Jun 2026, 12:00, because it was overridden."),
    "lowered": ({"fate": "lowered"}, "This card was lowered to information until 16 Jun 2026, 12:00, because"),
    "silent": (
        {"fate": "silent", "until": None, "reason": ""},
        "This card was not shown: the service runs in silent mode.",
    ),
}


@pytest.mark.parametrize(("change", "expected"), FATES.values(), ids=FATES.keys())
def test_what_became_of_a_card_that_was_not_shown_as_it_is(change: dict[str, Any], expected: str) -> None:
    told = {"reason": "it was overridden", "until": noon(STORY) + timedelta(days=1), **change}
    assert expected in words(page(STORY, **told))
    assert "This card was" not in words(page(STORY))


def test_feedback_is_shown() -> None:
    received = Received("overridden", noon(STORY), "Known, being followed")
    assert "overridden: Known, being followed, 15 Jun 2026, 12:00" in words(page(STORY, feedback=(received,)))


GONE: dict[str, Any] = {"assessment": None, "explanation": (), "drafts": (), "card": None}


def test_after_the_retention_it_says_so_and_shows_what_remains() -> None:
    said = words(page(STORY, **GONE, fate="left-out", reason="it came today"))
    for part in (
        "The results behind this card are deleted",
        "neutropenia-review",
        "15 Jun 2026",
        "it came today",
        "nice-ng239",
    ):
        assert part in said
    assert "0.8" not in said


def test_after_the_retention_of_the_results_alone_the_card_is_still_there() -> None:
    said = words(page(STORY, **{**GONE, "card": stored(STORY).card}))
    assert cards(STORY)[0]["summary"] in said
    assert "The results behind this card are deleted" in said


# --- what is in it is no markup ---------------------------------------------------------------------------------------


def test_texts_of_a_chart_are_no_markup_and_fetch_nothing() -> None:
    bad = "<script>alert(1)</script><img src=x>"
    table = f"| a | b |\n|---|---|\n| 1 | {bad} |"
    detail = f"{bad} ![x](https://evil.example/x.png) [y](javascript:alert(1)) **bold**\n\n{table}"
    card = {**cards(STORY)[0], "summary": bad, "detail": detail, "suggestions": [{"label": bad}]}
    kept: dict[str, Any] = {**(stored(STORY).assessment or {}), "gaps": [{"what": bad, "reason": bad, "detail": bad}]}
    text = page(STORY, card=card, assessment=kept, drafts=(bad,), reason=bad, fate="silent", version=bad)
    assert "<script" not in text and "<img" not in text and "javascript:" not in re.sub(r"\[y\]\(javascript", "", text)
    assert "<strong>bold</strong>" in text and "<td>1</td>" in text


def test_the_page_holds_no_script_and_takes_nothing_from_elsewhere() -> None:
    asking, address = client(STORY)
    answer = asking.get(address, headers=HTML)
    text = answer.get_data(as_text=True)
    assert "<script" not in text and "style=" not in text
    assert not re.search(r'<(?:link|img|iframe)[^>]*(?:href|src)="(?!(?:\.\./)+static/)', text)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


# --- the same as JSON -------------------------------------------------------------------------------------------------


@ALL
def test_json_is_the_card_and_the_assessment_as_the_contract_says(name: str) -> None:
    asking, address = client(name)
    answer = asking.get(address, headers=JSON)
    body = READ.decode(answer.get_data())
    contract.validator("CardEvidence").validate(answer.json)
    assert answer.mimetype == "application/json"
    assert (body["card"], body["assessment"]) == (stored(name).card, stored(name).assessment)
    assert "subject" not in body["assessment"]


def test_json_tells_what_became_of_the_card_also_after_the_retention() -> None:
    received = Received("accepted", noon(STORY))
    told = {"fate": "left-out", "reason": "it came today", "until": noon(STORY), "feedback": (received,)}
    asking, address = client(STORY, **GONE, **told)
    body = asking.get(address, headers=JSON).json
    contract.validator("CardEvidence").validate(body)
    assert body is not None
    assert body["fate"] == {"is": "left-out", "reason": "it came today", "until": "2026-06-15T12:00:00Z"}
    assert (body["card"], body["assessment"], body["feedback"][0]["outcome"]) == (None, None, "accepted")


FORMS = {
    "browser": (HTML, "", "text/html"),
    "program": (JSON, "", "application/json"),
    "whatever": ({"Accept": "*/*"}, "", "application/json"),
    "format_wins": (HTML, "&format=json", "application/json"),
    "format_page": (JSON, "&format=html", "text/html"),
}


@pytest.mark.parametrize(("accept", "more", "kind"), FORMS.values(), ids=FORMS.keys())
def test_a_person_gets_the_page_and_a_program_json(accept: dict[str, str], more: str, kind: str) -> None:
    asking, address = client(STORY)
    assert asking.get(address + more, headers=accept).mimetype == kind


def test_another_format_is_refused_without_being_repeated() -> None:
    asking, address = client(STORY)
    answer = asking.get(f"{address}&format=secret")
    assert answer.status_code == 400
    assert "format" in answer.get_data(as_text=True) and "secret" not in answer.get_data(as_text=True)


# --- who may see it ---------------------------------------------------------------------------------------------------


def doors() -> dict[str, tuple[str, timedelta]]:
    """Addresses that must not open, and how long after the card they are called."""
    one, other = (cards(name)[0]["uuid"] for name in (STORY, ORDER))
    good = LINKS.link_to(one, "", noon(STORY))
    token = good.partition("?t=")[2]
    now = timedelta(0)
    return {
        "without_token": (f"/cards/{one}", now),
        "empty_token": (f"/cards/{one}?t=", now),
        "of_another_card": (f"/cards/{other}?t={token}", now),
        "of_a_card_that_is_not_there": (LINKS.link_to("6b1e7e0e-0000-4000-8000-000000000000", "", noon(STORY)), now),
        "expired": (good, SHIFT + timedelta(seconds=1)),
        "from_the_future": (good, timedelta(hours=-1)),
        "changed": (good[:-20] + ("A" if good[-20] != "A" else "B") + good[-19:], now),
        "cut": (good[:-5], now),
        "signed_with_another_key": (Links(b"x" * 32).link_to(one, "", noon(STORY)), now),
        "no_token_at_all": (f"/cards/{one}?t=%00%ff..é", now),
        "two_ids_in_one": (f"/cards/{one[:8]}?t={one[9:]}.{token}", now),
    }


@pytest.mark.parametrize("door", doors())
@pytest.mark.parametrize("accept", [HTML, JSON], ids=["page", "json"])
def test_whoever_has_no_link_of_this_card_gets_one_and_the_same_answer(door: str, accept: dict[str, str]) -> None:
    address, later = doors()[door]
    asked: list[str] = []
    kept = {cards(name)[0]["uuid"]: stored(name) for name in (STORY, ORDER)}

    class Watched(dict[str, Stored]):
        def get(self, key: str, default: Any = None) -> Any:
            asked.append(key)
            return super().get(key, default)

    answer = app_with(Watched(kept), noon(STORY) + later).test_client().get(address, headers=accept)
    never = app_with({}, noon(STORY)).test_client().get("/cards/x", headers=accept)
    assert (answer.status_code, answer.data, answer.mimetype) == (404, never.data, never.mimetype)
    assert not asked or door == "of_a_card_that_is_not_there"


def test_a_link_opens_its_card_for_a_whole_shift() -> None:
    asking, address = client(STORY, later=SHIFT)
    assert asking.get(address).status_code == 200


def test_a_dot_in_an_id_does_not_open_another() -> None:
    now = datetime(2026, 6, 15, 12, tzinfo=UTC)
    token = LINKS.link_to("a.b", "", now).partition("?t=")[2]
    assert LINKS.allows("a.b", token, now)
    assert not LINKS.allows("a", f"b.{token}", now)


def test_the_callers_gate_opens_without_a_token() -> None:
    uuid = cards(STORY)[0]["uuid"]
    app = app_with(
        {uuid: stored(STORY)}, noon(STORY), may=lambda asked: asked.headers.get("Authorization") == "Bearer ok"
    )
    assert app.test_client().get(f"/cards/{uuid}", headers={"Authorization": "Bearer ok"}).status_code == 200
    assert app.test_client().get(f"/cards/{uuid}", headers={"Authorization": "Bearer no"}).status_code == 404


def test_the_link_is_absolute_and_holds_the_id_and_a_signature_alone() -> None:
    uuid = str(UUID(int=7))
    address = LINKS.link_to(uuid, f"{BASE}/here", noon(STORY))
    assert re.fullmatch(rf"{re.escape(BASE)}/here/cards/{uuid}\?t=[A-Za-z0-9_-]{{6}}\.[A-Za-z0-9_-]{{43}}", address)


def test_a_refusal_and_a_view_leave_no_token_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    asking, address = client(STORY)
    asking.get(address, headers=HTML)
    asking.get(address[:-1], headers=HTML)
    assert address.partition("?t=")[2][:-1] not in caplog.text


def test_the_service_has_the_route_and_keeps_no_card_yet() -> None:
    answer = create_app(Settings()).test_client().get("/cards/6b1e7e0e-0000-4000-8000-000000000000")
    assert answer.status_code == 404
    contract.validator("OperationOutcome").validate(answer.json)

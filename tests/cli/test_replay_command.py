"""`cds replay` on evidence that real calls left, on both databases."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from filling import Json, Site, fill
from sqlalchemy import select, update

from service.clinical.knowledge.loader import FOLDER, load
from service.store import Store
from service.store.audit import broken
from service.store.tables import audit, card_issued
from service.stories import find, names

HEAD = '[overlay]\nname = "st-elsewhere"\napproved_by = "Dr. A. Clinician"\napproved_on = 2026-11-01\n'
B12 = """
[[citation]]
id = "st-elsewhere-laboratory"
text = "St. Elsewhere, laboratory handbook, 2026"

[[scale]]
fact = "b12"
analyte = "vitamin-b12"
unit = "pg/mL"
when = { profile = "nice-ng239", b12-age-group = ["adult", "unknown"] }
bands = [
  { level = "very-low", side = "low", below = 60 },
  { level = "deficient", side = "low", below = 90 },
  { level = "indeterminate", side = "middle", upto = 350 },
  { level = "sufficient", side = "ok", upto = 1000 },
  { level = "high", side = "ok" },
]
citation = "st-elsewhere-laboratory"
"""


@pytest.fixture
def site(url: str, tmp_path: Path) -> Site:
    return Site(url, tmp_path)


def overlay(folder: Path, text: str = B12) -> str:
    file = folder / "overlay.toml"
    file.write_text(HEAD + text, "utf-8")
    return str(file)


def replay(site: Site, knowledge: str, *options: str, **settings: str) -> Json:
    result = site.run("replay", "--knowledge", knowledge, "--json", *options, **settings)
    assert result.exit_code == 0, result.output
    told: Json = json.loads(result.stdout)
    return told


def some(told: Json, *names: str) -> list[Any]:
    return [told[name] for name in names]


def test_an_overlay_that_changes_nothing_changes_no_card(site: Site, tmp_path: Path) -> None:
    fill(site)
    told = replay(site, overlay(tmp_path, ""))
    assert some(told, "calls", "cards", "judged", "same") == [6, 6, 6, 6]
    assert some(told, "changed", "gone", "new", "unreadable", "purged") == [0, 0, 0, 0, 0]
    assert told["changes"] == []
    assert told["other"] == f"{load().version}+st-elsewhere"


def test_every_story_is_judged_again_as_it_was(site: Site, tmp_path: Path) -> None:
    cards = [card for name in names() for card in site.call(name)]
    site.settled()
    told = replay(site, overlay(tmp_path, ""))
    assert told["judged"] == told["same"] == told["cards"] >= len(cards) > 20


def test_a_limit_of_vitamin_b12_changes_the_cards_that_rest_on_it(site: Site, tmp_path: Path) -> None:
    b12, _, order, *_ = fill(site)
    told = replay(site, overlay(tmp_path))
    assert some(told, "judged", "changed", "gone", "new") == [6, 3, 0, 0]
    changes = {one["card"]: one for one in told["changes"]}
    assert changes[order["uuid"]] | {"at": ""} == {
        "card": order["uuid"], "at": "", "service": "neutropenia-order-sign", "topic": "O1", "what": "changed",
        "before": {"rows": ["folic-acid-b12-deficient"], "indicator": "critical", "severity": "not-assessable"},
        "after": {"rows": ["folic-acid-b12-indeterminate"], "indicator": "warning", "severity": "not-assessable"},
        "differ": {
            "rows": ["folic-acid-b12-deficient", "folic-acid-b12-indeterminate"], "indicator": ["critical", "warning"],
        },
        "wording": True,
    }  # fmt: skip
    differ = changes[b12["uuid"]]["differ"]
    assert differ["status of vitamin-b12"] == ["deficient", "indeterminate"]
    assert differ["rows"] == ["vitamin-b12-deficient", "vitamin-b12-indeterminate"]


def test_no_result_of_a_patient_and_no_pseudonym_is_told(site: Site, store: Store, tmp_path: Path) -> None:
    fill(site)
    printed = site.run("replay", "--knowledge", overlay(tmp_path)).output
    with store.read() as connection:
        pseudonyms = set(connection.scalars(select(card_issued.c.pseudonym)))
    for text in (printed, json.dumps(replay(site, overlay(tmp_path)))):
        assert "folic-acid-b12-indeterminate" in text
        assert [one for one in ("110", "0.80", "0.8 ", "story-", *pseudonyms) if one in text] == []


def version(folder: Path, changes: dict[str, tuple[str, str]]) -> str:
    """A copy of the knowledge in which texts are replaced: file -> (old, new)."""
    copy = folder / "knowledge"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for name, (old, new) in {"knowledge.toml": (f'"{load().version}"', '"next"'), **changes}.items():
        text = (copy / name).read_text("utf-8")
        assert old in text
        (copy / name).write_text(text.replace(old, new), "utf-8")
    return str(copy)


def test_a_folder_with_another_version_of_the_knowledge_is_judged_by_too(site: Site, tmp_path: Path) -> None:
    fill(site)
    told = replay(site, version(tmp_path, {}))
    assert some(told, "other", "judged", "same", "changes") == ["next", 6, 6, []]


def test_a_card_that_would_not_come_is_gone_and_one_that_would_come_beside_is_new(site: Site, tmp_path: Path) -> None:
    (card,) = site.call("order-zinc-with-low-copper")
    site.settled()
    told = replay(site, version(tmp_path, {"order_checks_copper.toml": ('about = "O3"', 'about = "O5"')}))
    assert some(told, "changed", "gone", "new") == [0, 1, 1]
    shown = [
        (one["what"], one["topic"], one["card"], bool(one["before"]), bool(one["after"])) for one in told["changes"]
    ]
    assert shown == [("gone", "O3", card["uuid"], True, False), ("new", "O5", None, False, True)]


def test_the_overlay_of_the_site_stays_on_a_folder_and_a_site_keeps_its_limits_on_clozapine(
    site: Site, tmp_path: Path
) -> None:
    fill(site)
    site.call("order-clozapine-start")
    site.settled()
    other, own = version(tmp_path, {}), overlay(tmp_path)
    told = replay(site, other, CDS_KNOWLEDGE_OVERLAY=own)
    assert some(told, "in_force", "other", "judged", "same", "changes") == [
        f"{load().version}+st-elsewhere", "next+st-elsewhere", 7, 4, [],
    ]  # fmt: skip
    told = replay(site, other, CDS_CLOZAPINE="uk")
    assert some(told, "judged", "changes") == [7, []]


def test_knowledge_with_faults_is_refused_with_all_of_them(site: Site, tmp_path: Path) -> None:
    result = site.run("replay", "--knowledge", overlay(tmp_path, "[limits]\nstrange = 1\nalso-strange = 2\n"))
    assert result.exit_code == 2
    assert "strange: is no limit" in result.stderr and "also-strange: is no limit" in result.stderr
    folder = tmp_path / "empty"
    folder.mkdir()
    result = site.run("replay", "--knowledge", str(folder))
    assert (result.exit_code, "has no knowledge.toml" in result.stderr) == (2, True)


def test_evidence_that_cannot_be_read_or_is_gone_is_counted(site: Site, store: Store, tmp_path: Path) -> None:
    b12, _, order, *_ = fill(site)
    with store.write() as connection:
        for uuid, content in ((b12["uuid"], None), (order["uuid"], b"\x01 of another key, or of another version")):
            connection.execute(update(card_issued).where(card_issued.c.uuid == uuid).values(evidence=content))
    told = replay(site, overlay(tmp_path, ""))
    assert some(told, "cards", "judged", "unreadable", "purged") == [6, 4, 1, 1]
    key = tmp_path / "other.key"
    key.write_text("x" * 64)
    told = replay(site, overlay(tmp_path, ""), CDS_KEY_FILE=str(key))
    assert some(told, "judged", "unreadable") == [0, 5]
    assert "5  with evidence that cannot be read" in site.run(
        "replay", "--knowledge", overlay(tmp_path, ""), CDS_KEY_FILE=str(key)
    ).output  # fmt: skip


def test_evidence_of_another_form_is_unreadable_and_stops_nothing(site: Site, store: Store, tmp_path: Path) -> None:
    from service.store import Sealing

    (card,) = site.call("b12-deficient-positive-antibody")
    site.settled()
    sealed = Sealing(site.key.read_bytes()).seal(b'{"facts": 1}', card["uuid"])
    with store.write() as connection:
        connection.execute(update(card_issued).values(evidence=sealed))
    assert some(replay(site, overlay(tmp_path)), "judged", "unreadable") == [0, 1]


def test_only_the_cards_of_the_period_are_judged(site: Site, tmp_path: Path) -> None:
    fill(site)
    assert find("b12-deficient-positive-antibody").as_of.isoformat() == "2026-06-15"
    assert replay(site, overlay(tmp_path), "--since", "2026-06-15")["judged"] == 6
    assert replay(site, overlay(tmp_path), "--since", "2026-06-16")["cards"] == 0
    assert replay(site, overlay(tmp_path), "--until", "2026-06-14")["cards"] == 0


def test_a_replay_is_told_in_the_audit_trail(site: Site, store: Store, tmp_path: Path) -> None:
    fill(site)
    replay(site, overlay(tmp_path))
    with store.read() as connection:
        row = connection.execute(select(audit).where(audit.c.action == "replay")).one()
        assert broken(connection) is None
    assert (row.actor, row.about, row.outcome) == ("cds replay", f"{load().version}+st-elsewhere", "judged 6, differ 3")


def test_the_table_joins_equal_changes_and_names_a_card(site: Site, tmp_path: Path) -> None:
    _, again, order, *_ = fill(site)
    printed = site.run("replay", "--knowledge", overlay(tmp_path)).output
    assert "\x1b[" not in printed
    assert f"Knowledge {load().version} -> {load().version}+st-elsewhere" in printed
    assert "3  would change" in printed
    assert again["uuid"] in printed and order["uuid"] in printed
    assert "indicator: critical -> warning" in printed


def test_a_silent_service_left_evidence_to_judge(url: str, tmp_path: Path) -> None:
    site = Site(url, tmp_path, silent=("*",))
    assert site.call("b12-deficient-positive-antibody") == []
    site.settled()
    assert some(replay(site, overlay(tmp_path)), "judged", "changed") == [1, 1]


def test_help_names_every_member_of_the_json(site: Site, tmp_path: Path) -> None:
    fill(site)
    said = site.run("replay", "--help").output
    told = replay(site, overlay(tmp_path))
    for name in (*told, *told["changes"][0]):
        assert name in said, name


def test_of_order_select_only_the_checks_that_led_to_a_card_are_compared(site: Site, tmp_path: Path) -> None:
    story = find("order-folic-acid-before-b12").request
    select_orders = {**story, "hook": "order-select", "context": {**story["context"], "selections": []}}
    bundle = story["context"]["draftOrders"]
    select_orders["context"]["selections"] = [
        f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in bundle["entry"]
    ]
    site.call("normal-count-no-card")  # sets the clock
    answer = site.client.post("/cds-services/neutropenia-order-select", json=select_orders)
    assert answer.status_code == 200 and answer.json and len(answer.json["cards"]) == 1
    site.settled()
    checks = (FOLDER / "order_checks_b12.toml").read_text("utf-8")
    row = checks[checks.index('id = "folic-acid-b12-deficient"') :].partition("[[")[0]
    told = replay(site, version(tmp_path, {"order_checks_b12.toml": (row, row.replace('"O1"', '"O4"', 1))}))
    assert [(one["what"], one["topic"]) for one in told["changes"]] == [("changed", "O1")]

"""What is in force and who answers for it: `cds doctor`, its list of thresholds, and a site's overlay everywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from requests_of import bundle, call, observation, patient

from service.app import create_app
from service.cli import main
from service.clinical.knowledge import load, profiles
from service.settings import Settings

OVERLAY = """
[overlay]
name = "st-elsewhere"
approved_by = "Dr. A. Clinician"
approved_on = 2026-11-01

[[scale]]
fact = "egfr"
analyte = "egfr"
unit = "mL/min/{1.73_m2}"
bands = [{ level = "low", side = "low", below = 45 }, { level = "not-low", side = "ok" }]
citation = "st-elsewhere-2026"

[[citation]]
id = "st-elsewhere-2026"
text = "St. Elsewhere, laboratory handbook, 2026"
"""
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(OVERLAY, "utf-8")
    return path


def doctor(*options: str, **settings: str) -> str:
    result = CliRunner(env=settings).invoke(main, ["doctor", *options])
    assert result.exit_code == 0, result.output
    return result.output


def entries(listed: str) -> dict[str, list[str]]:
    """The scales of the list: "egfr (estimated ...)" -> the lines below, of all scales of that heading."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in listed.splitlines()[1:]:
        if line.startswith("  "):
            found[heading].append(line.strip())
        else:
            heading = line
            found.setdefault(heading, [])
    return found


@pytest.mark.parametrize("profile", profiles())
def test_the_doctor_says_the_profile_and_that_nobody_has_signed(profile: str) -> None:
    said = doctor(CDS_THRESHOLDS=profile)
    assert f"thresholds {profile};" in said
    assert not load(profile).signed_off_by
    assert "signed off by nobody yet" in said
    assert "overlay" not in said


def test_the_doctor_says_what_the_overlay_changes(overlay: Path) -> None:
    said = doctor(CDS_KNOWLEDGE_OVERLAY=str(overlay))
    assert "overlay site.toml changes egfr\n" in said
    assert f"knowledge {load().version}+st-elsewhere" in said
    overlay.write_text(OVERLAY + "\n[limits]\nfever-celsius = 38.3\n", "utf-8")
    assert "overlay site.toml changes egfr, fever-celsius\n" in doctor(CDS_KNOWLEDGE_OVERLAY=str(overlay))
    overlay.write_text(OVERLAY.partition("[[scale]]")[0], "utf-8")
    assert "overlay site.toml changes nothing\n" in doctor(CDS_KNOWLEDGE_OVERLAY=str(overlay))


@pytest.mark.parametrize("profile", profiles())
def test_every_scale_is_listed_with_its_bands_and_its_source(profile: str) -> None:
    said, knowledge = doctor("--thresholds", CDS_THRESHOLDS=profile), load(profile)
    headings, listed = [line for line in said.splitlines()[1:] if not line.startswith("  ")], entries(said)
    assert len(headings) == sum(map(len, knowledge.scales.values()))
    for fact, scales in knowledge.scales.items():
        of_fact = {heading: lines for heading, lines in listed.items() if heading.startswith(f"{fact} (")}
        shown = [line for lines in of_fact.values() for line in lines]
        for scale in scales:
            assert ", ".join(f"{band.level} {band.label}" for band in scale.bands) in shown, fact
            for band in scale.bands:
                assert f"{band.citation}: {knowledge.citations[band.citation].text}" in shown, fact
            whom = [f"{name} {' or '.join(sorted(levels))}" for name, levels in scale.when.items()]
            assert any(all(part in heading for part in whom) for heading in of_fact), (fact, whom)


def test_the_list_names_the_version_and_the_profile_and_no_other_profiles_bands() -> None:
    said = doctor("--thresholds")
    assert said.startswith(f"knowledge {load().version}, thresholds nice-ng239\n")
    shown = " ".join(line for heading, lines in entries(said).items() if heading.startswith("b12 (") for line in lines)
    ours, theirs = ({b.label for s in load(name).scales["b12"] for b in s.bands} for name in ("nice-ng239", "aafp"))
    assert all(f" {label}" in shown for label in ours)
    assert theirs - ours and not [label for label in theirs - ours if f" {label}" in shown]


def test_the_list_has_the_band_and_the_source_of_the_overlay_in_place_of_ours(overlay: Path) -> None:
    ours, theirs = (
        next(lines for heading, lines in entries(said).items() if heading.startswith("egfr ("))
        for said in (doctor("--thresholds"), doctor("--thresholds", CDS_KNOWLEDGE_OVERLAY=str(overlay)))
    )
    unit = "mL/min/{1.73_m2}"
    assert theirs == [
        f"low <45 {unit}, not-low ≥45 {unit}", "st-elsewhere-2026: St. Elsewhere, laboratory handbook, 2026",
    ]  # fmt: skip
    assert ours[0] == f"low <60 {unit}, not-low ≥60 {unit}"
    assert "st-elsewhere" not in ours[1]


def client(overlay: Path | None) -> FlaskClient:
    return create_app(Settings(knowledge_overlay=overlay), clock=lambda: NOON).test_client()


def test_the_overlay_is_named_on_the_card_in_discovery_and_in_the_assessment(overlay: Path) -> None:
    chart = {"patient": patient(), "count": bundle(observation(value=0.9))}
    for path, version in ((overlay, f"{load().version}+st-elsewhere"), (None, load().version)):
        asked = client(path)
        answer = asked.post("/cds-services/neutropenia-review", json=call(chart)).json
        assert answer
        footer = answer["cards"][0]["detail"].replace("\\", "").rpartition("\n\n")[2]
        assert footer.startswith(f"Knowledge {version}, not yet signed off by a clinician, thresholds nice-ng239;")
        assert answer["cards"][0]["extension"]["org.neutropenia-cds.card"]["knowledge"] == version
        found = asked.get("/cds-services").json
        assert found
        service = found["services"][0]
        told = f"Knowledge {version}, thresholds nice-ng239, signed off by no clinician yet."
        assert told in service["usageRequirements"]
        assert service["extension"]["org.neutropenia-cds.service"]["knowledge"] == version
        assessed = asked.post("/assess", json=observation(value=0.9)).json
        assert assessed and assessed["knowledge"]["version"] == version


def test_the_list_of_checks_names_each_check_with_its_rows() -> None:
    said, knowledge = doctor("--checks"), load()
    rows = knowledge.tables["check"]
    for about in {row.then["about"] for row in rows}:
        assert f"\n{about} {knowledge.wording[f'check-title.{about}']}\n" in said
    assert all(row.then["summary"][0] in said for row in rows if "summary" in row.then)


def test_the_queries_to_paste_are_those_of_discovery_with_the_codes_of_the_site(tmp_path: Path) -> None:
    codes = tmp_path / "codes.toml"
    codes.write_text('["urn:oid:2.999.1"]\nNEUT = "neutrophils"\n', "utf-8")
    printed = dict(line.split("\t") for line in doctor("--prefetch", CDS_LOCAL_CODES=str(codes)).splitlines())
    client = create_app(Settings(local_codes={("urn:oid:2.999.1", "NEUT"): "neutrophils"})).test_client()
    discovery = client.get("/cds-services").json
    assert discovery
    assert printed == discovery["services"][0]["prefetch"]
    assert "urn:oid:2.999.1|NEUT" in printed["count"]

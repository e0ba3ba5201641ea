"""Builders of Assessments and of as much knowledge as words them."""

from __future__ import annotations

import dataclasses
import tomllib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from service.clinical import knowledge as knowledge_package
from service.clinical.assessment import (
    Assessment,
    Cause,
    Count,
    Evidence,
    NutrientStatus,
    SuggestedOrder,
)
from service.clinical.facts import Gap, Moment
from service.clinical.interval import Interval
from service.clinical.knowledge.model import Citation, Knowledge, Nutrient

AS_OF = datetime(2026, 6, 15, 12, tzinfo=UTC)
FOLDER = Path(knowledge_package.__file__ or "").parent
CITATIONS = {
    "nice-ng239": Citation(
        "nice-ng239", "NICE NG239, Vitamin B12 deficiency in over 16s, 2024", "https://www.nice.org.uk/guidance/ng239"
    ),
    "bnf": Citation("bnf", "British National Formulary"),
    "who-folate": Citation("who-folate", "WHO, Serum and red blood cell folate concentrations, 2015"),
    "espen": Citation("espen", "ESPEN micronutrient guideline, 2022"),
    "who-2024": Citation("who-2024", "WHO guideline on haemoglobin cutoffs, 2024"),
    "asco-idsa": Citation("asco-idsa", "ASCO/IDSA, Outpatient management of fever and neutropenia, 2018"),
}


def _nutrient(name: str) -> Nutrient:
    empty: dict[str, Any] = dict.fromkeys(("status", "reason", "feature", "specific", "cap"), ())
    id = name.replace(" ", "-").lower()
    return Nutrient(id, name, id, (), **empty, cause=f"{id}-deficiency")


CAUSAL = tuple(map(_nutrient, ("vitamin B12", "folate", "copper")))


def wording() -> dict[str, str]:
    tables = tomllib.loads((FOLDER / "wording.toml").read_text(encoding="utf-8"))
    return {f"{table}.{key}": text for table, texts in tables.items() for key, text in texts.items()}


def knowledge() -> Knowledge:
    """As much of the knowledge as cards read: wording and citations."""
    empty: dict[str, Any] = {field.name: {} for field in dataclasses.fields(Knowledge)}
    return Knowledge(
        **{
            **empty,
            "version": "1.0.0",
            "profile": "nice-ng239",
            "nutrients": CAUSAL,
            "causal": CAUSAL,
            "citations": CITATIONS,
            "wording": wording(),
        }
    )


def on(day: str) -> Moment:
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return Moment(start, start + timedelta(hours=23, minutes=59, seconds=59), day)


def exact(value: str) -> Interval:
    return Interval.exact(Decimal(value))


def count(value: str | Interval, day: str = "2026-06-14", status: str = "final", derivation: str = "measured") -> Count:
    shown = exact(value) if isinstance(value, str) else value
    return Count(shown, on(day), derivation, ("Observation/anc",), status)


def result(
    name: str,
    value: str,
    unit: str,
    level: str = "",
    band: str = "",
    day: str = "2026-06-14",
    citation: str = "nice-ng239",
) -> Evidence:
    return Evidence(
        name.replace(" ", "-").lower(),
        name,
        citation,
        f"Observation/{name.replace(' ', '-')}",
        exact(value),
        unit,
        f"{value} {unit}",
        on(day),
        level,
        band,
    )


def nutrient(name: str, status: str, *evidence: Evidence, reasons: tuple[str, ...] = ()) -> NutrientStatus:
    ids = {"vitamin B12": "vitamin-b12"}
    return NutrientStatus(ids.get(name, name), name, status, reasons, evidence, f"{name}-row")


def unmeasured(*names: str) -> tuple[NutrientStatus, ...]:
    return tuple(nutrient(name, "not-assessable", reasons=("not-measured",)) for name in names)


def cause(
    id: str,
    certainty: str,
    *reasons: str,
    kind: str = "nutritional",
    contributing: tuple[str, ...] = (),
    citation: str = "",
) -> Cause:
    return Cause(id, kind, certainty, reasons, contributing, f"{id}-row", (citation,) if citation else ())


def order(
    id: str,
    group: str,
    reason: str = "It tells more.",
    kind: str = "laboratory",
    priority: str = "routine",
    code: str = "",
    within_days: int | None = None,
) -> SuggestedOrder:
    system = "http://loinc.org" if code else ""
    return SuggestedOrder(id, kind, priority, reason, group, f"{id} as LOINC says", system, code, within_days)


REPEAT = order(
    "cbc-with-manual-differential",
    "repeat",
    "One count proves little: a second one shows the course.",
    code="57782-5",
    within_days=28,
)
WORK_UP = tuple(
    order(id, "work-up", "Not recorded, and a nutritional cause of a low count.", code=code)
    for id, code in (("vitamin-b12", "2132-9"), ("folate", "2284-8"), ("copper", "5631-7"), ("ceruloplasmin", "2064-4"))
)


def patient(**changes: Any) -> Assessment:
    """A mild, isolated, unexplained neutropenia, and what differs from it."""
    standard: dict[str, Any] = {
        "subject": "Patient/p1",
        "as_of": AS_OF,
        "version": "1.0.0",
        "profile": "nice-ng239",
        "count": count("1.20", "2026-06-12"),
        "severity": "mild",
        "severity_band": "1.0 to <1.5 10*9/L",
        "limit": Decimal("1.5"),
        "course": "unknown",
        "indicator": "info",
        "rows": ("mild-isolated",),
        "emergencies": (),
        "febrile": False,
        "beside": "none",
        "flags": (),
        "nutrients": unmeasured("vitamin B12", "folate", "copper"),
        "causes": (),
        "orders": (REPEAT, *WORK_UP),
        "options": (),
        "advice": (),
        "lineages": (
            result("hemoglobin", "14.8", "g/dL", "ok", ">=13.0 g/dL", "2026-06-12", "who-2024"),
            result("platelets", "232", "10*9/L", "ok", ">=150 10*9/L", "2026-06-12", "who-2024"),
        ),
        "lower": None,
        "ungraded": None,
        "history": (),
        "gaps": (Gap("crp", "not-measured"),),
    }
    return Assessment(**{**standard, **changes})


def moderate(**changes: Any) -> Assessment:
    standard = {
        "count": count("0.80"),
        "severity": "moderate",
        "severity_band": "0.5 to <1.0 10*9/L",
        "indicator": "warning",
    }
    return patient(**{**standard, **changes})


def severe(value: str = "0.35", **changes: Any) -> Assessment:
    standard = {
        "count": count(value),
        "severity": "severe",
        "severity_band": "0.2 to <0.5 10*9/L",
        "indicator": "critical",
    }
    return patient(**{**standard, **changes})


def normal(**changes: Any) -> Assessment:
    standard = {
        "count": count("3.10", "2026-06-10"),
        "severity": "normal",
        "severity_band": ">=1.5 10*9/L",
        "orders": (),
        "nutrients": (),
        "gaps": (),
        "lineages": (),
    }
    return patient(**{**standard, **changes})


def ungraded(**changes: Any) -> Assessment:
    standard = {"count": None, "severity": "not-assessable", "severity_band": "", "limit": None, "lineages": ()}
    return patient(**{**standard, **changes})

"""Facts of the person that no single result tells: the Duffy phenotype, weight lost, immature cells, blasts.

In: a Case. Out: levels of facts; never by race, ethnicity, name or birthplace. Source: knowledge A5, B7, H1.4, H2.13,
H4.37.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from service.clinical.ages import days_between
from service.clinical.case import Case
from service.clinical.facts import LabResult
from service.clinical.grading import graded
from service.clinical.scales import UNKNOWN, place

NO, YES = "no", "yes"
ZERO, HUNDRED = Decimal(0), Decimal(100)
BLASTS = ("blasts-percent", "blasts")
SEEN = ("confirmed", "trace")  # levels of blasts that somebody or an analyzer saw, the worst first
CELLS = ("segmented", "neutrophils", "bands", "metamyelocytes", "myelocytes")


def duffy_null(case: Case) -> str:
    """Whether the Duffy-null phenotype is documented: by diagnosis, or Fy(a-b-) in blood of his own (H4.37)."""
    if case["duffy-null-recorded"] == YES:
        return YES
    antigens = [case.newest("duffy-a"), case.newest("duffy-b")]
    return YES if all(a and a.answer == "negative" and _own_cells(case, a) for a in antigens) else NO


def duffy_count(case: Case) -> str:
    """The graded count, or a lower reading of it, on the scale of the Duffy-null phenotype."""
    reading = graded(case)
    if reading is None or reading.alert is None or case["severity"] == "not-assessable":
        return UNKNOWN
    band = place(reading.alert, case.knowledge.scales["duffy-scale"][0].bands)
    return band.level if band else "crossing"


def _own_cells(case: Case, antigen: LabResult) -> bool:
    """Whether the typed red cells were the patient's: no transfusion shortly before, no transplant ever."""
    assert antigen.when
    window = timedelta(days=float(case.limit("transfusion-days")))
    for problem in case.patient.problems:
        given = problem.onset or problem.recorded
        if "stem-cell-transplant" in problem.concepts:
            return False
        if "red-cell-transfusion" in problem.concepts and (
            given is None or antigen.when.earliest - window <= given.latest <= antigen.when.latest
        ):
            return False
    return True


def weight_loss(case: Case) -> str:
    """none | moderate | severe | very-severe by GLIM and NICE: percent lost within six months, or since (B7)."""
    weights = [(r.when, r.value.number) for r in case.results.get("weight", ()) if r.when and r.value]
    if case["age:weight"] != "current" or len(weights) < 2:
        return UNKNOWN
    now, weight = weights[0]
    lost = [(days_between(when, now.latest.date()), (was - weight) * HUNDRED / was) for when, was in weights[1:] if was]
    lately = max((percent for days, percent in lost if days <= case.limit("weight-days")), default=Decimal(0))
    ever = max((percent for days, percent in lost if days <= case.limit("weight-history-days")), default=Decimal(0))
    for level in ("very-severe", "severe", "moderate"):
        if lately > case.limit(f"weight-loss-{level}-percent"):
            return level
    return "moderate" if ever > case.limit("weight-loss-severe-percent") else "none"


def immature_to_total(case: Case) -> str:
    """Whether bands and younger cells make up a large part of a newborn's neutrophils (H2.13)."""
    reading = graded(case)
    for unit in ("-percent", "") if reading else ():
        cells = {c: r.value.number for c in CELLS if reading and (r := reading.specimen.first(c + unit)) and r.value}
        if "bands" in cells and cells.keys() & {"segmented", "neutrophils"}:
            younger = cells.get("metamyelocytes", ZERO) + cells.get("myelocytes", ZERO)
            total = cells["segmented"] + cells["bands"] if "segmented" in cells else cells["neutrophils"]
            immature = cells["bands"] + younger
            high = immature * HUNDRED >= (total + younger) * case.limit("immature-to-total-percent")
            return YES if high and immature else NO
    return UNKNOWN


def blasts(case: Case) -> str:
    """confirmed | trace | suspected (an analyzer's flag alone) | none | unknown: in the last month (H1.4)."""
    found = [(days_between(r.when, case.today), r) for a in BLASTS if (r := case.newest(a)) and r.when]
    last = min((days for days, _ in found), default=None)
    if last is None or last > case.limit("count-recent-days"):
        return UNKNOWN
    seen = [(r.method, _seen(case, r)) for days, r in found if days == last]
    levels = {"suspected" if method == "automated" and level in SEEN else level for method, level in seen}
    return next((level for level in (*SEEN, "suspected", "none") if level in levels), UNKNOWN)


def _seen(case: Case, result: LabResult) -> str:
    """confirmed | trace | none; unknown when a comparator leaves open whether there is any. A count is a share of the
    white cells of its day; without them it alerts as it is."""
    share, white = result.value, _white_cells(case, result)
    if share is None or not share.above(ZERO):
        return "none" if share and share.at_most(ZERO) else UNKNOWN
    if result.analyte == "blasts":
        if not white:
            return "confirmed"
        share = share.scaled(HUNDRED / white)
    band = place(share, case.knowledge.scales["blast-share"][0].bands)
    return band.level if band else "trace"


def _white_cells(case: Case, result: LabResult) -> Decimal | None:
    """The white cell count of the same day."""
    counts = ((w.when, w.value) for w in case.results.get("wbc", ()))
    day = result.when.earliest.date() if result.when else None
    return next((v.number for when, v in counts if when and v and when.earliest.date() == day), None)


def platelets_now(case: Case, limit: str = "count-current-days") -> str:
    """The newest platelets of the last days, also when they stand beside no count (H1.3)."""
    newest = case.newest("platelets")
    days = days_between(newest.when, case.today) if newest and newest.when else None
    fresh = newest if days is not None and days <= case.limit(limit) else None
    return case.place("platelet-level", fresh).level if fresh else UNKNOWN


PERSON = {
    "duffy-null": duffy_null, "duffy-count": duffy_count, "weight-loss": weight_loss, "blasts": blasts,
    "immature-to-total": immature_to_total, "platelets-now": platelets_now,
    "platelets-last": lambda case: platelets_now(case, "count-recent-days"),
}  # fmt: skip

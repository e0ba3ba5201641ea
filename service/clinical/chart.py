"""Facts of the chart that need a calendar or arithmetic: fever, pregnancy, kidneys, drugs taken for long.

In: a Case. Out: levels of facts by name. Source: knowledge H1.2, H3.26-29, H5.38, B2, C2.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from statistics import median

from service.clinical.ages import days_between
from service.clinical.case import Case
from service.clinical.facts import LabResult, Moment
from service.clinical.records import drug_recorded
from service.clinical.scales import UNKNOWN, Finding

PREGNANT = frozenset(["pregnancy"])
SICK = frozenset(["sepsis", "rigors", "hypotension", "fever"])


def _recent(case: Case, analyte: str) -> list[LabResult]:
    """Results of the last day, preliminary ones too; of a date without a time the latest hour counts (H5.38)."""
    since = case.as_of - case.hours("fever-hours")
    return [
        r for r in case.patient.results
        if r.analyte == analyte and r.when and r.value
        and since <= r.when.latest and r.when.earliest.date() <= case.today
    ]  # fmt: skip


def temperature_raised(case: Case) -> str:
    """Whether a temperature of the last day is at or above the limit; not-recorded without one."""
    found = [r.value for r in _recent(case, "temperature") if r.value]
    if not found:
        return "not-recorded"
    return "yes" if any(v.at_least(case.limit("fever-celsius")) for v in found) else "no"


def hottest(case: Case) -> Finding:
    """The highest temperature of the last day on its scale."""
    found = [r for r in _recent(case, "temperature") if r.value and r.value.low is not None]
    highest = max(found, key=lambda r: (r.value.low if r.value else 0, r.reference), default=None)
    return case.place("temperature-level", highest) if highest else Finding("temperature-level", UNKNOWN)


def fever(case: Case) -> str:
    """Fever or its equivalents within a day (H1.2); `not-recorded` when nothing of it was looked at."""
    if case["temperature-raised"] == "yes" or _sick_code(case) or _sick_signs(case):
        return "yes"
    return "no" if case["temperature-raised"] == "no" else "not-recorded"


def _sick_signs(case: Case) -> bool:
    age = case.age("y")
    adult = age is None or age >= case.limit("adult-years")
    return (
        any(r.value.below(case.limit("hypothermia-celsius")) for r in _recent(case, "temperature") if r.value)
        or (adult
        and any(r.value.below(case.limit("hypotension-mm-hg")) for r in _recent(case, "systolic") if r.value))
        or any(r.value.at_least(case.limit("news2")) for r in _recent(case, "news2") if r.value)
        or any(r.value.above(case.limit("lactate-mmol-per-l")) for r in _recent(case, "lactate") if r.value)
    )


def _sick_code(case: Case) -> bool:
    since = case.as_of - case.hours("fever-hours")
    for problem in case.patient.problems:
        if not problem.concepts & SICK or not problem.active or problem.kind != "condition":
            continue
        times = [m.latest for m in (problem.recorded, problem.onset) if m]
        if not times or max(times) >= since:
            return True
    return False


def pregnancy(case: Case) -> str:
    """no | first | second | third | unknown-trimester | postpartum (H3.29)."""
    due, longest = _due(case), case.limit("pregnancy-weeks")
    weeks = _weeks_now(case) if due is None else case.limit("delivery-weeks") - Decimal(due) / 7
    if weeks is None:
        return "unknown-trimester" if _recorded_pregnant(case) else "postpartum" if _lately_pregnant(case) else "no"
    if 0 <= weeks <= longest:
        return _trimester(case, weeks)
    return "postpartum" if 0 < (weeks - longest) * 7 <= case.limit("postpartum-days") else "no"


def _due(case: Case) -> int | None:
    """Days until the expected date of delivery, from its newest result."""
    result = case.newest("delivery-date")
    if result is None or not result.text:
        return None
    try:
        return (date.fromisoformat(result.text[:10]) - case.today).days
    except ValueError:  # a year or a month alone does not date a pregnancy
        return None


def _weeks_now(case: Case) -> Decimal | None:
    """Weeks of gestation today, from the newest gestational age and the time since."""
    result = case.newest("gestational-age")
    if result is None or result.value is None or result.when is None:
        return None
    return result.value.number + Decimal(days_between(result.when, case.today)) / 7


def _trimester(case: Case, weeks: Decimal) -> str:
    if weeks < case.limit("first-trimester-weeks"):
        return "first"
    return "second" if weeks < case.limit("second-trimester-weeks") else "third"


def _recorded_pregnant(case: Case) -> bool:
    longest = timedelta(weeks=float(case.limit("pregnancy-weeks")))
    oldest = (case.as_of - longest).date()
    result = case.newest("pregnancy-status")
    if result and result.answer == "positive" and result.when and result.when.latest.date() >= oldest:
        return True
    return any(
        p.active and p.concepts & PREGNANT and p.kind == "condition" and _since(p.onset or p.recorded, oldest)
        for p in case.patient.problems
    )


def _lately_pregnant(case: Case) -> bool:
    """A pregnancy on record that ended within six weeks, or would have by its length."""
    postpartum = timedelta(days=float(case.limit("postpartum-days")))
    longest = timedelta(weeks=float(case.limit("pregnancy-weeks")))
    for problem in case.patient.problems:
        if not problem.concepts & PREGNANT or problem.kind != "condition":
            continue
        begun, ended = problem.onset or problem.recorded, problem.abatement
        over = ended.latest if ended else begun.earliest + longest if begun and problem.active else None
        if over and case.as_of - postpartum <= over <= case.as_of:
            return True
    return False


def _since(moment: Moment | None, oldest: date) -> bool:
    return moment is None or moment.latest.date() >= oldest


def preterm(case: Case) -> str:
    """Whether the birth was before 37 weeks or below 2,500 g, as far as recorded."""
    weeks, weight = case.newest("gestational-age-at-birth"), case.newest("birth-weight")
    early = weeks and weeks.value and weeks.value.below(case.limit("term-weeks"))
    light = weight and weight.value and weight.value.below(case.limit("low-birth-weight-g"))
    return "yes" if early or light or case["preterm-recorded"] == "yes" else "no"


def mma_reliable(case: Case) -> str:
    """Whether a raised methylmalonic acid can be read: kidneys well, or not measured, young and not ill (H3.27)."""
    if case["egfr"] != UNKNOWN:
        return "yes" if case["age:egfr"] == "current" and case["egfr"] == "not-low" else "no"
    age = case.age("y")
    young = age is not None and age < case.limit("renal-age-years")
    return "yes" if young and case["renal-impairment"] == "no" else "no"


def antibody_draw(case: Case) -> str:
    """Whether an intrinsic factor antibody drawn now or then is valid: no B12 injection in the week before (B2)."""
    result = case.newest("intrinsic-factor-antibody")
    at = result.when.earliest.date() if result and result.when else case.today
    window = int(case.limit("antibody-after-injection-days"))
    given = drug_recorded(case.patient, frozenset(["vitamin-b12"]), at, window)
    injected = [
        d for d in given if d.start and d.route == "injection" and 0 <= (at - d.start.latest.date()).days < window
    ]
    return "too-early" if injected else "valid"


def zinc_draw(case: Case) -> str:
    """morning | later | unknown: the hour of the zinc sample at the site (H6.45)."""
    result = case.newest("zinc")
    if result is None or result.when is None or not result.when.is_instant:
        return UNKNOWN
    return "morning" if result.when.latest.hour < case.limit("noon-hour") else "later"


def mcv_rise(case: Case) -> str:
    """Whether the MCV is well above the patient's own earlier values (C2)."""
    newest = case.choose("mcv")
    if newest is None or newest.value is None or newest.when is None:
        return UNKNOWN
    oldest = newest.when.earliest - timedelta(days=float(case.limit("mcv-baseline-days")))
    own = [r.value.number for r in case.results["mcv"] if r.value and r.when and r.when.latest <= oldest]
    return "yes" if own and newest.value.number - median(own) > case.limit("mcv-rise-fl") else "no"


CHART = {
    "temperature-raised": temperature_raised,
    "fever": fever,
    "pregnancy": pregnancy,
    "preterm": preterm,
    "mma-reliable": mma_reliable,
    "antibody-draw": antibody_draw,
    "zinc-draw": zinc_draw,
    "mcv-rise": mcv_rise,
    "sex": lambda case: case.patient.sex,
}

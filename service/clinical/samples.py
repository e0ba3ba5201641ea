"""What is known about the sample behind a result: its age, the laboratory's range, treatment, inflammation, conflicts.

In: a Case and an analyte. Out: levels of the facts `age:`, `range:`, `sample:`, `conflict:`, `crp:`, `hemolyzed:`,
`biotin:`, `fresh:`. Source: knowledge A6, B, H2.12, H3.22-23, H3.26, H3.30, H6.44, H6.63.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from service.clinical.ages import days_between
from service.clinical.case import Case
from service.clinical.facts import LabResult, Medication, Moment
from service.clinical.knowledge.model import Nutrient
from service.clinical.records import NEVER, RUNNING, ended
from service.clinical.scales import UNKNOWN, against_range
from service.clinical.specimens import STATUS_RANK

HUNDRED = Decimal(100)
HEMOLYZED = ("hemoly", "haemoly")


def sample_age(case: Case, analyte: str) -> str:
    """current | ageing | old by the analyte's own limits; unknown without a result."""
    result = case.choose(analyte)
    if result is None or result.when is None:
        return UNKNOWN
    limits, days = case.knowledge.analytes[analyte], days_between(result.when, case.today)
    if limits.current_days is None or days <= limits.current_days:
        return "current"
    return "ageing" if limits.ageing_days is not None and days <= limits.ageing_days else "old"


def laboratory_range(case: Case, analyte: str) -> str:
    """below | within | above the laboratory's range; none without one, crossing when a comparator leaves it open."""
    result = case.choose(analyte)
    if result is None or result.value is None or result.range is None:
        return "none"
    return against_range(result.value, result.range) or "crossing"


def fresh(case: Case, analyte: str) -> str:
    """Whether the newest result is young enough for a card about an indeterminate value (H2.21)."""
    result = case.choose(analyte)
    young = result and result.when and days_between(result.when, case.today) <= case.limit("indeterminate-days")
    return "yes" if young else "no"


def treatment(case: Case, analyte: str) -> str:
    """after-treatment | before-treatment | untreated: the newest sample against the first dose on file (H3.23)."""
    result = case.choose(analyte)
    if result is None or result.when is None:
        return UNKNOWN
    nutrient = nutrient_of(case, analyte)
    found = [_against(dose, result.when, nutrient) for dose in doses(case, nutrient)]
    if "after-treatment" in found:
        return "after-treatment"
    return "before-treatment" if "before-treatment" in found else "untreated"


def nutrient_of(case: Case, analyte: str) -> Nutrient:
    """The nutrient whose evidence an analyte is."""
    scales = case.knowledge.scales
    return next(n for n in case.knowledge.nutrients if any(scales[f][0].analyte == analyte for f in n.facts))


def doses(case: Case, nutrient: Nutrient) -> Iterator[Medication]:
    """Drugs on file that count as treatment of a nutrient: taken or given, in a dose that treats, begun by today."""
    for drug in case.patient.medications:
        if nutrient.treatment not in drug.concepts or drug.status in NEVER or drug.route == "local":
            continue
        if drug.start and drug.start.earliest.date() > case.today:
            continue
        if (drug.status in RUNNING or drug.is_supply or drug.kind == "statement") and _enough(drug, nutrient):
            yield drug


def _enough(drug: Medication, nutrient: Nutrient) -> bool:
    """Whether the dose treats. An unknown dose counts: a level under it must not pass for a true one."""
    least, dose = nutrient.treatment_mg_per_day, drug.dose_mg_per_day
    return least is None or dose is None or dose >= least or drug.route == "injection"


def _against(drug: Medication, sample: Moment, nutrient: Nutrient) -> str:
    if drug.start and drug.start.latest > sample.earliest:
        return "before-treatment"
    end = ended(drug)
    if end is None:
        return "after-treatment"
    days = (sample.earliest.date() - end.latest.date()).days
    return "after-treatment" if days <= (nutrient.treatment_days or 0) else "untreated"


def conflict(case: Case, analyte: str) -> str:
    """Whether two equal reports of one specimen are far apart and fall in different bands (H6.44)."""
    newest = case.choose(analyte)
    if newest is None:
        return "no"
    fact = next(f for f, scales in case.knowledge.scales.items() if scales[0].analyte == analyte)
    level = case.finding(fact).level
    others = [r for r in case.results[analyte] if r is not newest and _same_report(case, r, newest)]
    return "yes" if any(_far(case, r, newest) and case.place(fact, r).level != level for r in others) else "no"


def _same_report(case: Case, a: LabResult, b: LabResult) -> bool:
    assert a.when and b.when
    if STATUS_RANK[a.status] != STATUS_RANK[b.status]:
        return False
    together = abs(a.when.latest - b.when.latest) <= case.hours("same-specimen-hours")
    return together or (a.specimen is not None and a.specimen == b.specimen)


def _far(case: Case, a: LabResult, b: LabResult) -> bool:
    first, second = a.value, case.in_unit(b, a.unit)
    if first is None or second is None or not first.is_exact or not second.is_exact:
        return False
    high, low = max(first.number, second.number), min(first.number, second.number)
    return (high - low) * HUNDRED > case.limit("results-conflict-percent") * high


def inflammation(case: Case, analyte: str) -> str:
    """raised | not-raised | unknown: CRP within the window of the sample (H3.30)."""
    result = case.choose(analyte)
    if result is None or result.when is None:
        return UNKNOWN
    window = case.hours("crp-window-hours")
    near = [c for c in case.results.get("crp", ()) if c.when and abs(c.when.latest - result.when.latest) <= window]
    levels = [case.place("crp", c).level for c in near]
    return next((level for level in ("raised", "slightly-raised", "not-raised") if level in levels), UNKNOWN)


def hemolyzed(case: Case, analyte: str) -> str:
    """Whether the laboratory calls the sample hemolyzed."""
    result = case.choose(analyte)
    comments = result.comments if result else ()
    return "yes" if any(_says_hemolyzed(c.lower()) for c in comments) else "no"


def _says_hemolyzed(comment: str) -> bool:
    words = comment.split()
    marked = [i for i, w in enumerate(words) if w.startswith(HEMOLYZED)]
    return any(not {"no", "not", "without", "non"} & set(words[max(0, i - 3) : i]) for i in marked)


def biotin(case: Case, analyte: str) -> str:
    """Whether enough biotin to disturb the assay was taken shortly before the sample (H3.26)."""
    result = case.choose(analyte)
    if result is None or result.when is None:
        return "no"
    least, day = case.limit("biotin-mg"), result.when.latest
    for drug in case.patient.medications:
        if "biotin" not in drug.concepts or drug.status in NEVER or (drug.start and drug.start.earliest > day):
            continue
        end = ended(drug)
        recent = end is None or end.latest >= day - case.hours("biotin-hours")
        if recent and drug.dose_mg_per_day is not None and drug.dose_mg_per_day >= least:
            return "yes"
    return "no"


SAMPLES = {
    "age": sample_age,
    "range": laboratory_range,
    "fresh": fresh,
    "sample": treatment,
    "conflict": conflict,
    "crp": inflammation,
    "hemolyzed": hemolyzed,
    "biotin": biotin,
}

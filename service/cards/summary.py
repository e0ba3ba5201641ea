"""The one line that a card begins with: what was found, how grave, how recent, the likeliest cause.

In: Assessment. Out: Headline, the kind of card and the values of its texts; `summary`: the text that fits (CDS Hooks
2.0, Card.summary: fewer than 140 characters). The same values fill the first line of the detail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from service.cards.words import amount, count_text, day, first_words, fitted, joined, known, words
from service.clinical.assessment import Assessment, Cause, Count, NutrientStatus
from service.clinical.counts import COUNT_ANALYTES
from service.clinical.facts import Gap
from service.clinical.knowledge.model import Knowledge

SUMMARY_LIMIT = 140
LOW = frozenset({"mild", "moderate", "severe", "very-severe", "low-for-age", "neutropenia-grade-unknown"})
SERIOUS = frozenset({"severe", "very-severe"})
UNGRADED_ROWS = ("stale-", "history-", "newborn-", "pseudoneutropenia", "count-unreadable")
UNVERIFIED = "pseudoneutropenia-below-0.5"  # the row of a void count that would be severe
SIGNS = "neurological-signs"  # how rows of neurological signs begin: the patient is treated today
FEVER = "fever-below-1.0"  # the row of fever with a count that is no emergency yet
LIKELY = ("established", "probable", "possible")


@dataclass(frozen=True, slots=True)
class Headline:
    """What a card says first: `kind` names the texts in wording.toml, `values` fill them; no value, no entry."""

    kind: str
    values: Mapping[str, str]


def summary(head: Headline, knowledge: Knowledge) -> str:
    """The longest text of this kind that stays under the limit of Card.summary."""
    return fitted(knowledge, "summary", head.kind, head.values, SUMMARY_LIMIT)


def headline(a: Assessment, knowledge: Knowledge) -> Headline:
    """What the main card says first."""
    kinds: tuple[Callable[[Assessment, Knowledge], Headline | None], ...]
    kinds = (_provisional, _low, _ungraded_raised, _nutrient, _ungraded, _unreadable)
    found = (kind(a, knowledge) for kind in kinds)
    return next((head for head in found if head), None) or _plain(a, knowledge)


def emergency_headline(a: Assessment, knowledge: Knowledge) -> Headline:
    """What the emergency card says first: the texts of its row, else of its flag, else the general ones."""
    names = (*a.emergencies[:1], *a.flags)
    kinds = (f"emergency-{name}" for name in names)
    kind = next((k for k in kinds if known(knowledge, "summary", f"{k}-1")), "emergency")
    return Headline(kind, _counted(a.ungraded or a.count, a, knowledge))


def deficient(a: Assessment) -> tuple[NutrientStatus, ...]:
    """The nutrients found deficient."""
    return tuple(n for n in a.nutrients if n.status == "deficient")


def leading_nutrient(a: Assessment) -> NutrientStatus | None:
    """The nutrient that the card is about: the first deficient one, else the first indeterminate one."""
    return next((n for status in ("deficient", "indeterminate") for n in a.nutrients if n.status == status), None)


def likely(a: Assessment) -> tuple[Cause, ...]:
    """Causes that are at least possible, the likeliest first; of equals the nutritional, where nutrition may lead."""
    kinds = ("competing", "nutritional") if others_first(a) else ("nutritional", "competing")
    found = (c for c in a.causes if c.certainty in LIKELY)
    return tuple(sorted(found, key=lambda c: (LIKELY.index(c.certainty), kinds.index(c.kind))))


def others_first(a: Assessment) -> bool:
    """Whether other causes are weighed before nutrition: in infants, severe neutropenia (C5) and emergencies."""
    return a.severity in SERIOUS or "nutrition-not-led" in a.flags or bool(a.emergencies)


def _leading(a: Assessment) -> tuple[Cause, ...]:
    """Causes that may stand in the summary: where others come first, a competing one has to be more than possible."""
    causes = likely(a)
    if not others_first(a):
        return causes
    return tuple(c for c in causes if c.kind == "nutritional" or c.certainty != "possible")


def _values(**found: str | None) -> dict[str, str]:
    return {name: value for name, value in found.items() if value}


def _counted(count: Count | None, a: Assessment, knowledge: Knowledge) -> dict[str, str]:
    if count is None:
        return {}
    shown = count_text(knowledge, count.value)
    if a.lower and count is a.count:
        shown = words(knowledge, "number", "either", lower=count_text(knowledge, a.lower), count=shown)
    return {"count": shown, "date": day(knowledge, count.when, a.as_of)}


def _also(a: Assessment, knowledge: Knowledge) -> dict[str, str]:
    """A deficiency that stands behind the finding which leads; empty text when there is none."""
    names = [n.name for n in deficient(a)]
    return {"also": words(knowledge, "lead", "also", nutrients=joined(knowledge, names)) if names else ""}


def _provisional(a: Assessment, knowledge: Knowledge) -> Headline | None:
    if "provisional" not in a.flags:
        return None
    alerting = next((c for c in (a.ungraded, a.count) if c and c.status == "preliminary"), None)
    return Headline("provisional", _counted(alerting, a, knowledge) | _also(a, knowledge)) if alerting else None


def _low(a: Assessment, knowledge: Knowledge) -> Headline | None:
    if a.severity not in LOW or a.count is None:
        return None
    severity = words(knowledge, "severity", a.severity)
    found = next((f for f in words(knowledge, "headline", "order").split() if f in a.flags or f in a.rows), None)
    named = f"{words(knowledge, 'headline', found)}, {severity}" if found else severity
    kind = "grade-unknown" if a.severity == "neutropenia-grade-unknown" else "low"
    texts = _values(headline=named, severity=severity, first=_first(a, knowledge), lead=_lead(a, knowledge))
    return Headline(kind, _counted(a.count, a, knowledge) | texts)


def _first(a: Assessment, knowledge: Knowledge) -> str | None:
    """What comes before nutrition: fever; in infants and severe neutropenia other causes, unless one already leads."""
    if FEVER in a.rows:
        return words(knowledge, "lead", "first-fever")
    causes = _leading(a)
    if not others_first(a) or (causes and causes[0].kind == "competing"):
        return None
    return words(knowledge, "lead", "first-infant" if "nutrition-not-led" in a.flags else "first")


def _lead(a: Assessment, knowledge: Knowledge) -> str | None:
    causes = _leading(a)
    sure = causes and causes[0].certainty != "possible"
    if "wilson-suspected" in a.flags and not sure:
        return words(knowledge, "lead", "wilson")
    if causes:
        return _named(causes, knowledge)
    if others_first(a):
        return None
    return _open_question(a, knowledge)


def _named(causes: tuple[Cause, ...], knowledge: Knowledge) -> str:
    """The likeliest cause, with another of the same kind and certainty beside it."""
    top = [c for c in causes if (c.kind, c.certainty) == (causes[0].kind, causes[0].certainty)][:2]
    names = joined(knowledge, (_short(c, knowledge) for c in top))
    return words(knowledge, "lead", "cause", cause=names, certainty=words(knowledge, "certainty", top[0].certainty))


def _short(cause: Cause, knowledge: Knowledge) -> str:
    """A cause, with the drug when it is a single one."""
    name = first_words(knowledge, ("cause-short", "cause"), cause.cause)
    concepts = (knowledge.concepts.get(reason) for reason in cause.reasons)
    drugs = [c.name for c in concepts if c and c.kind == "drug"]
    return words(knowledge, "lead", "by", cause=name, behind=drugs[0]) if len(drugs) == 1 else name


def _open_question(a: Assessment, knowledge: Knowledge) -> str:
    nutrient = leading_nutrient(a)
    if nutrient and nutrient.status == "indeterminate":
        test = _test(nutrient, a, knowledge)
        key = "indeterminate-test" if test else "indeterminate"
        return words(knowledge, "lead", key, nutrient=nutrient.name, test=test)
    asked = {n.id for n in knowledge.causal if n.micronutrient}
    missing = [n.name for n in a.nutrients if n.nutrient in asked and "not-measured" in n.reasons]
    if missing:
        return words(knowledge, "lead", "unmeasured", missing=", ".join(missing))
    return words(knowledge, "lead", "unexplained")


def _test(nutrient: NutrientStatus, a: Assessment, knowledge: Knowledge) -> str | None:
    """The first laboratory order that this nutrient asks for, other than itself once more."""
    asked = (o for o in a.orders if o.group == nutrient.nutrient and o.kind == "laboratory")
    orders = (o.order for o in asked if o.order != nutrient.nutrient)
    return next((words(knowledge, "order", order) for order in orders), None)


def _ungraded_raised(a: Assessment, knowledge: Knowledge) -> Headline | None:
    """An ungraded count that raised the indicator, so that it comes before a nutrient."""
    return _ungraded(a, knowledge) if any(row.startswith(UNGRADED_ROWS) for row in a.rows) else None


def _ungraded(a: Assessment, knowledge: Knowledge) -> Headline | None:
    """No graded count, but one that is too old, from a newborn, or unusable."""
    if a.severity != "not-assessable":
        return None
    counted = _counted(a.ungraded, a, knowledge) | _also(a, knowledge)
    if "hour-specific-range-needed" in a.flags and a.ungraded:
        return Headline("newborn", counted)
    if "stale-anc" in a.flags and a.ungraded:
        days = (a.as_of - a.ungraded.when.earliest).days
        return Headline("stale", counted | {"days": str(days)})
    return _unreadable(a, knowledge)


def _unreadable(a: Assessment, knowledge: Knowledge) -> Headline | None:
    """A count that was measured and cannot be read: always said (H2.20)."""
    gap = next(_count_gaps(a), None)
    if gap is None and "pseudoneutropenia" not in a.flags:
        return None
    counted = _counted(a.ungraded, a, knowledge) | _also(a, knowledge)
    taken = {"date": day(knowledge, gap.when, a.as_of)} if gap and gap.when else {}
    reason = words(knowledge, "gap", gap.reason if gap else "pseudoneutropenia")
    if UNVERIFIED in a.rows:
        return Headline("unverified", counted | taken | {"reason": reason})
    return Headline("unreadable", counted | taken | {"reason": reason})


def _count_gaps(a: Assessment) -> Iterator[Gap]:
    """What kept a count from being graded; not what was noted of the graded one, nor that none was ever measured."""
    graded = a.count.observations if a.count else ()
    about = (gap for gap in a.gaps if gap.what in COUNT_ANALYTES and gap.observation not in graded)
    left_out = (gap for gap in a.gaps if gap.what == "Observation" and a.count is None)
    return (gap for gap in (*about, *left_out) if gap.reason != "not-measured")


def _nutrient(a: Assessment, knowledge: Knowledge) -> Headline | None:
    """A count that is not low, or not there: the nutrient leads."""
    nutrient = leading_nutrient(a)
    if nutrient is None:
        return None
    if "wilson-suspected" in a.flags and not deficient(a):
        texts = _values(finding=words(knowledge, "lead", "wilson"), neutrophils=_neutrophils(a, knowledge))
        return Headline("plain", _counted(a.count, a, knowledge) | texts)
    several = len(deficient(a)) > 1
    shown = None if several else next((e for e in nutrient.evidence if e.value and e.when), None)
    names = joined(knowledge, (n.name for n in deficient(a))) if deficient(a) else None
    texts = _values(
        nutrients=names, nutrient=nutrient.name, test=_test(nutrient, a, knowledge),
        value=amount(knowledge, shown.value, shown.unit) if shown and shown.value else None,
        measured=day(knowledge, shown.when, a.as_of) if shown else None,
        neutrophils=_neutrophils(a, knowledge),
    )
    urgent = any(row.startswith(SIGNS) for row in a.rows)
    kind = f"{nutrient.status}-signs" if urgent else nutrient.status
    return Headline(kind, _counted(a.count, a, knowledge) | texts)


def _neutrophils(a: Assessment, knowledge: Knowledge) -> str:
    return first_words(knowledge, ("neutrophils", "severity"), a.severity)


def _plain(a: Assessment, knowledge: Knowledge) -> Headline:
    """Nothing of the above: the row that raised the indicator, or the first flag, beside the count."""
    row = next((r for r in a.rows if known(knowledge, "row", r)), None)
    if row is None and a.severity == "not-assessable":
        return Headline("unreadable", _counted(a.ungraded, a, knowledge) | _also(a, knowledge))
    order = words(knowledge, "headline", "order").split()
    flags = [f for f in order if f in a.flags] + [f for f in a.flags if f not in order]
    finding = first_words(knowledge, ("headline", "flag"), flags[0]) if flags else None
    finding = words(knowledge, "row", row) if row else finding
    severity = words(knowledge, "severity", a.severity)
    texts = _values(finding=finding, neutrophils=_neutrophils(a, knowledge), severity=severity)
    return Headline("plain", _counted(a.count or a.ungraded, a, knowledge) | texts)

"""Which rows of the order checks a drafted order runs into.

In: Drafts, a Case, the rows of the table `check`. Out: Conflicts, the gravest first. Of the rows of one check the
first that fits a draft decides about it: rows of level `none` are exceptions. Source: knowledge part D, H3.22,
H4.34-36, H6.48, H6.67.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from service.clinical.case import Case
from service.clinical.knowledge.model import DraftRule, Row
from service.order_checks.drafts import Draft

LEVELS = ("none", "info", "warning", "critical")
GRAVE = frozenset(["warning", "critical"])
STALE = frozenset(["old"])  # ages of a count at which it weighs one level less
COUNT, MEDICATIONS = "count", "medications"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A draft and the row that it runs into."""

    row: Row
    draft: Draft
    level: str  # info | warning | critical
    assumed: tuple[str, ...] = ()  # ids of what was taken for granted: dose, length, route, by-salt ...

    @property
    def about(self) -> str:
        """The check, e.g. O1."""
        return str(self.row.then["about"])


def conflicts(drafts: Sequence[Draft], among: Sequence[Draft], case: Case) -> tuple[Conflict, ...]:
    """What `drafts` run into, the gravest first; `among` are all that are there, they themselves too."""
    rows = case.knowledge.tables["check"]
    found = _all(drafts, among, case, rows)
    said = {conflict.row.id for conflict in found}
    left = tuple(row for row in rows if said.isdisjoint(row.then.get("covered_by", ())))
    if len(left) < len(rows):  # another card says the same: these rows give way to the next
        found = _all(drafts, among, case, left)
    return tuple(sorted(found, key=lambda c: -LEVELS.index(c.level)))


def _all(drafts: Sequence[Draft], among: Sequence[Draft], case: Case, rows: Sequence[Row]) -> list[Conflict]:
    return [c for draft in drafts for c in _of(draft, [d for d in among if d != draft], case, rows)]


def needs(drafts: Iterable[Draft], rows: Iterable[Row]) -> frozenset[str]:
    """The prefetch keys without which a warning about these drafts could be missed; for an info nobody is refused."""
    given = tuple(drafts)
    grave = (row for row in rows if row.then["level"] in GRAVE)
    concerned = (row for row in grave if any(fits(row.then["draft"], draft) for draft in given))
    return frozenset(key for row in concerned for key in row.then.get("needs", ()))


def _of(draft: Draft, others: Sequence[Draft], case: Case, rows: Sequence[Row]) -> Iterator[Conflict]:
    decided: set[str] = set()
    lacking = _lacking(case)
    for row in rows:
        if row.then["about"] in decided or not _fits_among(row.then["draft"], draft, others):
            continue
        beside = row.then.get("beside", ())
        if not lacking.isdisjoint(row.then.get("needs", ())) or (beside and not _any(beside, others)):
            continue
        if not case.matches(row.when) or _mended(row, (draft, *others)):
            continue
        decided.add(row.then["about"])
        if row.then["level"] != LEVELS[0]:
            level = max(1, LEVELS.index(row.then["level"]) - _lowered(row, draft, case))
            yield Conflict(row, draft, LEVELS[level], tuple(_assumed(row, draft, case)))


def _fits_among(rule: DraftRule, draft: Draft, others: Sequence[Draft]) -> bool:
    """Whether a rule means a draft, by itself or by the days that it and others which the rule means name together."""
    often = rule.days_per_week_above
    if often is None or not draft.named or draft.waits or fits(rule, draft):
        return fits(rule, draft)
    on_any_day = replace(rule, days_per_week_above=None)
    same = [one for one in others if not one.waits and _meet(draft, one) and fits(on_any_day, one)]
    rates = [one.days_per_week or 0 for one in (draft, *same)]
    if sum(rates) <= often and all(rate < often for rate in rates):  # on Mondays and on Tuesdays, each every two weeks
        return False
    return len(draft.named.union(*(one.named for one in same))) > often and fits(on_any_day, draft)


def _meet(one: Draft, other: Draft) -> bool:
    """Whether two drafts are taken at the same time, as far as their days are known."""
    return not any(b and e and b > e for b, e in ((one.begins, other.ends), (other.begins, one.ends)))


def _mended(row: Row, drafts: Iterable[Draft]) -> bool:
    """Whether the corrective order is drafted, in the draft itself or beside it."""
    rules = row.then.get("unless", ())
    return any(mends(rule, draft) for draft in drafts for rule in rules)


def _lacking(case: Case) -> frozenset[str]:
    """Prefetch keys that were not sent or failed: what they would hold is not "never measured"."""
    failed = (gap.what for gap in case.patient.gaps if gap.reason == "query-failed")
    return case.patient.unavailable.union(failed)


def _any(rules: Iterable[DraftRule], drafts: Sequence[Draft]) -> bool:
    return any(fits(rule, draft) for rule in rules for draft in drafts)


def mends(rule: DraftRule, draft: Draft) -> bool:
    """Whether a draft is surely the corrective order: it will be given, in a dose that is stated once (H4.32)."""
    amount = draft.dose_of(rule.drugs)
    stated = amount.mg is not None and not amount.assumed and not draft.disputed
    return draft.firm and (stated or (rule.mg_from is None and rule.mg_above is None)) and fits(rule, draft)


def fits(rule: DraftRule, draft: Draft) -> bool:
    """Whether a rule means a draft. What is not stated counts as the larger dose and the longer course."""
    named = rule.drugs & draft.drugs or rule.orders & draft.orders or not (rule.drugs or rule.orders)
    return bool(
        named
        and (not rule.routes or rule.routes & draft.routes)
        and (not rule.reasons or rule.reasons & draft.reasons)
        and (draft.scheduled or not rule.scheduled)
        and (draft.unread or not rule.unread)
        and _dose_fits(rule, draft)
        and _length_fits(rule, draft)
    )


def _dose_fits(rule: DraftRule, draft: Draft) -> bool:
    most = draft.dose_of(rule.drugs).most
    if most is None:
        return rule.mg_upto is None
    low = (rule.mg_from is None or most >= rule.mg_from) and (rule.mg_above is None or most > rule.mg_above)
    return low and (rule.mg_upto is None or most <= rule.mg_upto)


def _length_fits(rule: DraftRule, draft: Draft) -> bool:
    often = rule.days_per_week_above
    if often is not None and (draft.days_per_week is None or draft.days_per_week <= often):
        return False
    if draft.days is None:
        return rule.days_upto is None
    return (rule.days_above is None or draft.days > rule.days_above) and (
        rule.days_upto is None or draft.days <= rule.days_upto
    )


def _route_open(row: Row, draft: Draft, case: Case) -> bool:
    """Whether the drug harms by a systemic route alone and nothing says by which it is given, and the row minds."""
    if "unknown" in row.then["draft"].routes:
        return False
    concepts = (case.knowledge.concepts[drug] for drug in draft.drugs & row.then["draft"].drugs)
    return "unknown" in draft.routes and draft.kind == "MedicationRequest" and any(c.systemic_only for c in concepts)


def _lowered(row: Row, draft: Draft, case: Case) -> int:
    """By how many levels: for a route that is not known, and for a count of more than a month ago."""
    stale = COUNT in row.then.get("shows", ()) and case["count-age"] in STALE
    return _route_open(row, draft, case) + stale


def _assumed(row: Row, draft: Draft, case: Case) -> Iterator[str]:
    """What was taken for granted where the order or the call does not say it."""
    rule: DraftRule = row.then["draft"]
    if not fits(rule, draft):
        yield "together"
    by_dose = rule.mg_from is not None or rule.mg_above is not None
    if draft.disputed and (by_dose or rule.days_per_week_above is not None):
        yield "disputed"
    if by_dose:
        amount = draft.dose_of(rule.drugs)
        if amount.most is None:
            yield "dose"
        elif amount.assumed:
            yield amount.assumed
    if rule.days_above is not None and draft.days is None:
        yield "length"
    if _route_open(row, draft, case):
        yield "route"
    if COUNT in row.then.get("shows", ()) and case["count-age"] in STALE:
        yield "stale-count"
    if MEDICATIONS in _lacking(case) and _asks_for_drugs(row, case):
        yield "no-medications"


def _asks_for_drugs(row: Row, case: Case) -> bool:
    """Whether the state of the row rests on drugs on file, directly or by facts made of others."""
    facts, asked = case.knowledge.facts, [*row.when]
    while asked:
        fact = facts.get(asked.pop())
        if fact and fact.kind == "medication":
            return True
        asked += [name for _, when in (fact.choices if fact else ()) for name in when]
    return any(name.startswith(("status:", "sample:")) for name in row.when)

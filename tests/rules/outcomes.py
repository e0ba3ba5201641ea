"""The outputs of a rule table, compared with what the core concludes.

severity, course, indicator, emergency, derivation, anc, limit      one value; `none` where there is none
b12, folate, copper, zinc                                           status of the nutrient
row b12, reasons b12                                                its decision row; all of its reasons
cause b12, features b12, specific b12, cause pernicious-anemia      certainty; all reasons; all contributing causes
ground b12                                                          the row of the certainty table
flags, causes                                                       flags: all of them; causes: these are among them
orders, options, advice, rows, gaps, urgent, stat                   these are among them; `none`: there is none at all
not orders, not options, not advice, not rows, not flags ...         none of these
option copper-replacement                                           words that its text or caution holds
reason holotranscobalamin                                           words that the reason of the order holds
repeat in                                                           days within which the count is to be repeated
fact hemoglobin                                                     the level of any fact of the knowledge
checks, check rows                                  all that the drafts run into: `O1:critical, O7:warning`, or `none`
mends                                               orders that the cards of the checks offer, all of them
assumed                                             what a check took for granted about the drafts
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from cells import AS_OF, CellError
from drafted import asked_of, drafts_of, waiting
from tables import TableRow, knowledge_of

from service.clinical.assess import assess, case_of
from service.clinical.assessment import Assessment, Cause
from service.clinical.facts import PatientFacts
from service.clinical.interval import Interval
from service.clinical.knowledge.model import Knowledge, Nutrient
from service.clinical.suggestions import suggested
from service.order_checks.conflicts import conflicts

REPEAT = "cbc-with-manual-differential"
NUTRIENTS = {"b12": "vitamin-b12"}


def shown(value: Interval) -> str:
    """An interval as the tables write it."""
    if value.is_exact:
        return f"{value.number.normalize():f}"
    if value.low and value.high is not None:
        return f"{value.low.normalize():f}-{value.high.normalize():f}"
    return f"{value.comparator}{value.number.normalize():f}"


def _nutrient(knowledge: Knowledge, name: str) -> Nutrient:
    return next(n for n in knowledge.nutrients if n.id == NUTRIENTS.get(name, name))


def _cause(a: Assessment, knowledge: Knowledge, name: str) -> Cause | None:
    wanted = NUTRIENTS.get(name, name)
    wanted = next((n.cause for n in knowledge.nutrients if n.id == wanted), wanted)
    return next((c for c in a.causes if c.cause == wanted), None)


ONE: dict[str, Callable[[Assessment], str | None]] = {
    "severity": lambda a: a.severity,
    "course": lambda a: a.course,
    "indicator": lambda a: a.indicator,
    "emergency": lambda a: next(iter(a.emergencies), None),
    "derivation": lambda a: a.count.derivation if a.count else None,
    "anc": lambda a: shown(a.count.value) if a.count else None,
    "limit": lambda a: f"{a.limit.normalize():f}" if a.limit is not None else None,
    "repeat in": lambda a: next((str(o.within_days) for o in a.orders if o.order == REPEAT), None),
}
MANY: dict[str, Callable[[Assessment], set[str]]] = {
    "flags": lambda a: set(a.flags),
    "causes": lambda a: {c.cause for c in a.causes},
    "orders": lambda a: {o.order for o in a.orders},
    "options": lambda a: {o.order for o in a.options},
    "rows": lambda a: set(a.rows),
    "gaps": lambda a: {g.reason for g in a.gaps},
    "urgent": lambda a: {o.order for o in a.orders if o.priority == "urgent"},
    "advice": lambda a: {x.id for x in a.advice},
    "stat": lambda a: {o.order for o in a.orders if o.priority == "stat"},
}
WHOLE = ("flags",)  # compared with all that is there


def differences(row: TableRow, knowledge: Knowledge | None = None) -> list[str]:
    """What the core concludes otherwise than the row says."""
    facts, rules = row.facts(), knowledge or knowledge_of(row.profile)
    rules = replace(rules, clozapine=row.inputs.get("clozapine rules", "unset"))
    judged = [name for name in row.outputs if name not in CHECKED]
    assessment, found = assess(facts, rules, AS_OF) if judged else None, []
    for name, expected in row.outputs.items():
        if assessment is None or name in CHECKED:
            difference = _sets(set(_checked(name, row, facts, rules)), _words(expected), whole=True)
        else:
            difference = _difference(name, expected, assessment, facts, rules)
        if difference is not None:
            found.append(f"{name}: expected {expected}, found {difference}")
    return found


CHECKED = ("checks", "check rows", "mends", "assumed")


def _checked(name: str, row: TableRow, facts: PatientFacts, rules: Knowledge) -> Iterator[str]:
    """What the drafts of a row run into."""
    drafts = drafts_of(row.inputs.get("drafts", ""))
    case = case_of(replace(facts, orders=facts.orders + waiting(drafts)), rules, AS_OF)
    for conflict in conflicts(asked_of(row.inputs.get("drafts", "")), drafts, case):
        if name == "checks":
            yield f"{conflict.about}:{conflict.level}"
        elif name == "check rows":
            yield conflict.row.id
        elif name == "assumed":
            yield from conflict.assumed
        elif "order" in conflict.row.then:
            yield from (order.order for order in suggested(case, (conflict.row,)))


def _difference(name: str, expected: str, a: Assessment, facts: PatientFacts, knowledge: Knowledge) -> str | None:
    """What was found in place of the expected; None when they agree."""
    if name in ONE:
        return _unless(ONE[name](a) or "none", expected)
    if name in MANY:
        return _sets(MANY[name](a), _words(expected), whole=name in WHOLE)
    kind, _, of = name.partition(" ")
    if kind == "not" and of in MANY:
        return ", ".join(sorted(MANY[of](a) & _words(expected))) or None
    if kind == "fact":
        return _unless(case_of(facts, knowledge, AS_OF)[of], expected)
    if kind == "option":
        texts = [f"{o.text} {o.caution}" for o in a.options if o.order == of]
        return None if any(expected in t for t in texts) else "; ".join(texts) or "none"
    if kind == "reason":
        reason = next((o.reason for o in a.orders if o.order == of), "none")
        return None if expected in reason else reason
    if kind in ("cause", "ground", "features", "specific"):
        cause = _cause(a, knowledge, of)
        if kind == "ground":
            return _unless(cause.row if cause else "none", expected)
        if kind == "cause" or cause is None:
            return _unless(cause.certainty if cause else "none", expected)
        return _sets(set(cause.reasons if kind == "features" else cause.contributing), _words(expected), whole=True)
    return _of_nutrient(kind, of, expected, a, knowledge)


def _of_nutrient(kind: str, of: str, expected: str, a: Assessment, knowledge: Knowledge) -> str | None:
    known = {*NUTRIENTS, *(n.id for n in knowledge.nutrients)}
    if (of or kind) not in known or (of and kind not in ("row", "reasons")):
        raise CellError(f"there is no output {kind} {of}".rstrip())
    nutrient = _nutrient(knowledge, of or kind)
    status = next(n for n in a.nutrients if n.nutrient == nutrient.id)
    if kind == "reasons":
        return _sets(set(status.reasons), _words(expected), whole=True)
    return _unless(status.row if kind == "row" else status.status, expected)


def _unless(found: str, expected: str) -> str | None:
    return None if found == expected else found


def _words(cell: str) -> set[str]:
    return set() if cell == "none" else {part.strip() for part in cell.split(",")}


def _sets(found: set[str], expected: set[str], *, whole: bool) -> str | None:
    agrees = found == expected if whole or not expected else expected <= found
    return None if agrees else ", ".join(sorted(found)) or "none"

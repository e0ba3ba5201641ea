"""Kept cards, judged again: what another version of the knowledge would say of the same evidence.

In: the cards of a call with their evidence, two grounds. Out: Changes; what was a patient's result stays inside. An
order check is judged on the drafts that were kept; selections were not, so of order-select only the checks that led to
a card are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from cds_hooks.cards import Card
from service.cards import cards
from service.clinical.assess import assess
from service.clinical.assessment import Assessment
from service.ground import Ground
from service.hooks import HOOKS
from service.memory.records import Evidence, read_evidence, said_of, topic_of
from service.order_checks import Drafted
from service.store import Sealing
from service.store.sealed import Kept

# The card of a count is about its nutrient when one is deficient: it is the same card all the same.
SAME = {"nutrient": "neutropenia"}
HOOK_OF = {one.id: one.hook for one in HOOKS}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a card says, without a result."""

    topic: str
    rows: tuple[str, ...]
    indicator: str
    severity: str
    summary: str  # holds results: compared, never shown
    levels: Mapping[str, str] = field(default_factory=dict)  # status of each nutrient, certainty of each cause


@dataclass(frozen=True, slots=True)
class Change:
    """A card that the other knowledge judges otherwise; one that it has not, or alone has."""

    kept: Kept  # the card; of a new one the first card of its call
    before: Verdict | None
    after: Verdict | None

    @property
    def what(self) -> str:
        """changed | gone | new"""
        return "new" if self.before is None else "gone" if self.after is None else "changed"


@dataclass(slots=True)
class Replayed:
    """What became of the calls so far: judged, same (as it was kept), changed, gone, new, unreadable."""

    counts: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)


def replay(call: Sequence[Kept], sealed: Mapping[str, bytes], sealing: Sealing, grounds: tuple[Ground, Ground],
           found: Replayed) -> None:  # fmt: skip
    """Judge one call by the knowledge in force and by the other, and add what differs."""
    opened = {card.uuid: one for card in call if (one := _opened(card, sealed, sealing))}
    evidence = next(iter(opened.values()), None)
    if evidence is None:
        found.counts["unreadable"] += len(call)
        return
    before, after = (_judged(evidence, call, ground) for ground in grounds)
    found.counts["judged"] += len(call)
    kept = {_slot(card.topic): card for card in call}
    found.counts["same"] += sum(
        _is_as_kept(card, opened.get(card.uuid), before.get(slot)) for slot, card in kept.items()
    )
    for slot in dict.fromkeys((*before, *after)):
        if before.get(slot) != after.get(slot):
            change = Change(kept.get(slot, call[0]), before.get(slot), after.get(slot))
            found.changes.append(change)
            found.counts[change.what] += 1


def _opened(card: Kept, sealed: Mapping[str, bytes], sealing: Sealing) -> Evidence | None:
    """The evidence of a card; None when another key sealed it, or another version wrote it in another form."""
    content = sealing.open(sealed[card.uuid], card.uuid) if card.uuid in sealed else None
    try:
        return read_evidence(content) if content else None
    except msgspec.DecodeError:
        return None


def _judged(evidence: Evidence, call: Sequence[Kept], ground: Ground) -> dict[str, Verdict]:
    """What the cards of a call say by some knowledge, each in the slot of its topic."""
    as_of, facts = evidence.as_of.astimezone(ground.site.zone), evidence.facts
    hook = HOOK_OF.get(call[0].service, "patient-view")
    if hook == "patient-view":
        assessment = assess(facts, ground.knowledge, as_of)
        found = _verdicts(cards(assessment, ground.knowledge), assessment.rows)
        whole = next(reversed(found), "")  # the card of an emergency comes first, and leaves nutrients to the other
        return found | {whole: replace(found[whole], levels=_levels(assessment))} if found else {}
    drafted = Drafted(evidence.drafts, evidence.drafts, frozenset())
    found = _verdicts(ground.checks.judge(drafted, facts, as_of)[0])
    asked = {_slot(card.topic) for card in call}
    return found if hook == "order-sign" else {slot: one for slot, one in found.items() if slot in asked}


def _verdicts(found: Iterable[Card], rows: tuple[str, ...] = ()) -> dict[str, Verdict]:
    verdicts = {}
    for card in found:
        said, topic = said_of(card), topic_of(card)
        own = (said.row, *(row for row in rows if row != said.row))
        verdicts[_slot(topic)] = Verdict(topic, own, card.indicator, said.severity, card.summary)
    return verdicts


def _levels(assessment: Assessment) -> dict[str, str]:
    status = {f"status of {one.nutrient}": one.status for one in assessment.nutrients}
    return status | {f"cause {one.cause}": one.certainty for one in assessment.causes}


def _slot(topic: str) -> str:
    return SAME.get(topic, topic)


def _is_as_kept(card: Kept, evidence: Evidence | None, judged: Verdict | None) -> bool:
    """Whether a verdict is that of the card; its summary is known where its own evidence can be read."""
    if judged is None or (evidence and evidence.card["summary"] != judged.summary):
        return False
    told = (card.topic, card.row, card.indicator, card.severity)
    return told == (judged.topic, judged.rows[0], judged.indicator, judged.severity)


def differ(before: Verdict | None, after: Verdict | None) -> dict[str, tuple[str, str]]:
    """What differs, name -> (before, after): levels and names of rows, "-" where there is none."""
    old, new = _told(before), _told(after)
    both = {name: (old.get(name, "-"), new.get(name, "-")) for name in {**old, **new}}
    rows = {"rows": _rows(before, after)} if before and after and before.rows != after.rows else {}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]} | rows


def _rows(before: Verdict, after: Verdict) -> tuple[str, str]:
    """The rows that one has and the other has not; all of them when they stand in another order."""
    own = [[row for row in one.rows if row not in other.rows] for one, other in ((before, after), (after, before))]
    old, new = own if any(own) else (before.rows, after.rows)
    return ", ".join(old) or "-", ", ".join(new) or "-"


def _told(verdict: Verdict | None) -> dict[str, str]:
    if verdict is None:
        return {}
    said = {"topic": verdict.topic, "rows": ", ".join(verdict.rows), "indicator": verdict.indicator}
    return {**said, "severity": verdict.severity, **verdict.levels}

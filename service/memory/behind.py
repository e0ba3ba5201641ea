"""What stands behind a card that was written down, as its page shows it.

In: the id of a card. Out: Stored; None when there is no such card. What it rests on opens with the key, until its
days are over; the rows are explained again by the knowledge, when that is still the same.
"""

from __future__ import annotations

import logging
from datetime import datetime, tzinfo
from typing import cast

import msgspec

from service.cards.words import known, words
from service.clinical.knowledge.model import Knowledge
from service.evidence import Fate, Received, Stored
from service.explain import as_json, explain
from service.memory import Memory
from service.memory.policy import OVERRIDE
from service.memory.records import Evidence, read_evidence
from service.placed import placed
from service.store.audit import Act, append
from service.store.cards_issued import Issued, find
from service.store.feedback import of_card
from service.store.sealed import newest

log = logging.getLogger("service")


def behind(memory: Memory, uuid: str, client: str, knowledge: Knowledge, now: datetime) -> Stored | None:
    """The card of a client ("": of any), with its evidence; that it was looked at stands in the audit trail."""
    assert now.tzinfo
    issued = find(memory.store, uuid)
    if issued is None or (client and issued.client != client):
        return None
    with memory.store.write() as connection:
        append(connection, Act(client or "-", "view", uuid, issued.fate), now)
    content = memory.sealing.open(issued.evidence, uuid) if issued.evidence else None
    return _stored(memory, issued, _read(content) if content else None, knowledge, now.tzinfo)


def key_fits(memory: Memory) -> bool:
    """Whether the newest evidence opens: it does not when another key was put in place; StoreDown as ever."""
    found = newest(memory.store)
    return found is None or memory.sealing.open(found[1], found[0]) is not None


def _read(content: bytes) -> Evidence | None:
    try:
        return read_evidence(content)
    except msgspec.DecodeError:
        log.warning("evidence in a form of another version cannot be read")
        return None


def _stored(memory: Memory, issued: Issued, found: Evidence | None, knowledge: Knowledge, zone: tzinfo) -> Stored:
    same = (issued.knowledge, issued.profile) == (knowledge.version, knowledge.profile)
    told = of_card(memory.store, issued.uuid)
    judged = (found.facts, knowledge, found.as_of.astimezone(zone)) if found and same else None
    return Stored(
        issued.at.astimezone(zone),
        issued.service,
        issued.knowledge,
        issued.profile,
        cast(Fate, issued.fate),
        card=found.card if found else None,
        assessment=found.assessment if found else None,
        explanation=tuple(as_json(explain(*judged))) if judged else (),
        scales=placed(*judged) if judged else None,
        drafts=tuple(draft.label for draft in found.drafts if draft.label) if found else (),
        reason=_because(issued.because, knowledge),
        until=issued.until.astimezone(zone) if issued.until else None,
        feedback=tuple(Received(one.outcome, one.at.astimezone(zone), _reason(one.reason, knowledge)) for one in told),
    )


def _because(because: str, knowledge: Knowledge) -> str:
    """Why a card was held back, in words."""
    if not because:
        return ""
    kind, _, reason = because.partition(":")
    said = _reason(reason, knowledge)
    key = f"{kind}-reason" if kind == OVERRIDE and said else kind
    return words(knowledge, "held-back", key, reason=said)


def _reason(reason: str, knowledge: Knowledge) -> str:
    """A reason of ours in words; another as it was sent."""
    code = reason.rpartition("|")[2]
    return words(knowledge, "override", code) if known(knowledge, "override", code) else code

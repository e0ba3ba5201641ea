"""What is remembered of cards, and what follows: repeats, reminders that come once, silent services.

In: an answer, whose call it is. Out: the cards to send. Each card is written down with what became of it before it is
sent; when the store does not answer in time all cards come, and the writing is done behind the answer. Source:
CDS Hooks 2.0; knowledge H4.36; design section 2.

    SettingsError    the database or the key cannot be used
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy.engine import make_url

from cds_hooks.cards import Card
from service.clinical.knowledge.model import Knowledge
from service.hooks import Answered
from service.memory.policy import Fate, Key, Rules, fate
from service.memory.records import days_of, evidence, fingerprint, gist, judged_of, said_of, topic_of
from service.memory.sending import Told, as_sent
from service.settings import Settings, SettingsError
from service.store import NewerTables, Pseudonyms, Refused, Sealing, Store, StoreDown, open_store, read_keys
from service.store.cards_issued import (
    Calls,
    Earlier,
    Issued,
    count_calls,
    earlier,
    remember,
    set_evidence,
)
from service.store.database import MOST_WAITING, SLOW
from service.store.keys import NO_KEY
from service.store.quick import Transaction
from service.store.retention import Limits, purge

WAIT = 0.05  # seconds that an answer waits for the store
AT_ONCE = 8  # cards that are sealed before whoever waits for the store has his turn
LONGEST_PERIOD = timedelta(days=367)

log = logging.getLogger("service")


@dataclass(frozen=True, slots=True)
class Call:
    """Whose cards, by which service, when."""

    service: str
    client: str  # name in CDS_CLIENTS; "" without authentication
    server: str  # to whom the patient's id belongs: issuer or FHIR base, "" where neither is known
    patient: str
    now: datetime  # in the time zone of the site
    on_order: bool


class Memory:
    """A store, the keys of what is in it, and what the site wants of repeats."""

    def __init__(self, store: Store, keys: Sequence[bytes], rules: Rules, limits: Limits) -> None:
        self.store, self.names, self.sealing = store, Pseudonyms(keys[0]), Sealing(*keys)
        self.link_keys = tuple(bytes.fromhex(Pseudonyms(key).digest(b"links")) for key in keys)  # as keys: in use first
        self.rules, self.limits = rules, limits
        self._purged: date | None = None
        self._lock, self._calls = threading.Lock(), Counter[Calls]()
        self._unwritten = deque[_Writing](maxlen=MOST_WAITING)
        self._unsealed = deque[tuple[Card, Answered]](maxlen=MOST_WAITING)
        self._left = False  # whether the store has been asked to write them

    def settle(self, answered: Answered, call: Call, knowledge: Knowledge, *, silent: bool = False) -> tuple[Card, ...]:
        """The cards to send. A silent service sends none, whatever the store does."""
        if answered.assessment is None:
            return ()
        self.tidy(call.now)
        counted = Calls(call.now.date(), call.service, call.client, answered.assessment.version)
        if not answered.cards:
            self.leave([counted])
            return ()
        writing = _Writing(self, answered, call, knowledge, silent)
        written = self._wait_for(writing)
        # After the cards: whoever is woken up for it keeps nobody waiting.
        self.leave([counted], [(card, answered) for card in answered.cards if written])
        if not written or writing.given_up:
            return () if silent else answered.cards
        told = Told(knowledge, call.now)
        return tuple(sent for card in answered.cards if (sent := as_sent(card, writing.fates[card.uuid], told)))

    def _wait_for(self, writing: _Writing) -> bool:
        """Whether the cards are written, or will be behind the answer."""
        try:
            self.store.within(WAIT, writing.run)
        except StoreDown as fault:
            log.warning("%s: store: %s", writing.call.service, fault)
            if str(fault) != SLOW:
                return False
            writing.give_up()
        except Exception as fault:  # noqa: BLE001  whatever is wrong with what is remembered, the cards come
            log.error("%s: memory: %s", writing.call.service, type(fault).__name__)
            return False
        return True

    def leave(self, calls: Iterable[Calls] = (), unsealed: Iterable[tuple[Card, Answered]] = ()) -> None:
        """Leave for later what no answer waits for: calls to count, cards to seal with what they rest on."""
        with self._lock:
            self._calls.update(calls)
            self._unsealed.extend(unsealed)
            if not self._left:
                self._left = self.store.later(self.write_behind)

    def leave_unwritten(self, writing: _Writing) -> None:
        """Have cards that were sent written with what comes next."""
        with self._lock:
            self._unwritten.append(writing)

    def write_behind(self) -> None:
        """Write what was left, some of it at a time. When the store is away it is written with what comes next."""
        while self._write_some() and not self.store.later(self.write_behind):
            pass  # nobody else comes to it any more

    def _write_some(self) -> bool:
        """Write some in one transaction; whether there is more."""
        with self._lock:
            counted, self._calls = self._calls, Counter()
            unwritten = [self._unwritten.popleft() for _ in range(min(AT_ONCE, len(self._unwritten)))]
            unsealed = [self._unsealed.popleft() for _ in range(min(AT_ONCE, len(self._unsealed)))]
        try:
            while unwritten:
                self._write_late(unwritten[0])
                del unwritten[0]
            sealed = {card.uuid: self.sealing.seal(evidence(card, of), card.uuid) for card, of in unsealed}
            with self.store.quick() as transaction:
                set_evidence(transaction, sealed)
                count_calls(transaction, counted)
        except StoreDown:
            with self._lock:
                self._calls += counted
                self._unwritten.extendleft(reversed(unwritten))
                self._unsealed.extendleft(reversed(unsealed))
                self._left = False
            raise
        with self._lock:
            self._left = bool(self._unwritten or self._unsealed or self._calls)
            return self._left

    def _write_late(self, writing: _Writing) -> None:
        """Write a card that was sent; one that the store takes in no form holds up no other."""
        try:
            writing.write()
        except Refused as fault:
            log.error("%s: store: a card that was sent cannot be written: %s", writing.call.service, fault)

    def tidy(self, now: datetime) -> None:
        """Once a day, behind an answer, remove what is too old."""
        if self._purged != now.date():
            self._purged = now.date()
            self.store.later(lambda: purge(self.store, self.limits, now, "retention"))


class _Writing:
    """The writing of one answer: it may be given up until it is decided."""

    def __init__(self, memory: Memory, answered: Answered, call: Call, knowledge: Knowledge, silent: bool) -> None:
        self._memory, self._answered, self.call, self._silent = memory, answered, call, silent
        self._knowledge = knowledge
        self._lock, self.given_up = threading.Lock(), False  # whether the caller sends all cards: then they say so
        self.fates: dict[str, Fate] = {}
        self._whose = memory.names.of(call.server, call.patient)

    def give_up(self) -> None:
        """Send all cards, unless it has just been decided what becomes of them."""
        with self._lock:
            self.given_up = not self.fates

    def run(self) -> None:
        """Write; what nobody waits for any more and cannot be written now is left for later."""
        try:
            self.write()
        except StoreDown:
            if self.given_up:
                self._memory.leave_unwritten(self)
            raise

    def write(self) -> None:
        """Decide and write, in one transaction."""
        judged = judged_of(self._answered)
        keys = {card.uuid: self._key(card, judged) for card in self._answered.cards}
        with self._memory.store.quick(lasting=False) as transaction:
            remember(transaction, self._decided(transaction, keys))

    def _decided(self, within: Transaction, keys: Mapping[str, Key]) -> list[Issued]:
        now, period = self.call.now, timedelta(hours=self._memory.rules.hours)
        before = () if self._silent else earlier(within, self._whose, now - period, now - LONGEST_PERIOD)
        found = {uuid: self._fate(key, before) for uuid, key in keys.items()}
        with self._lock:
            given_up = self.given_up and not self._silent
            self.fates = {uuid: Fate() for uuid in found} if given_up else found
        return [self._issued(card, keys[card.uuid]) for card in self._answered.cards]

    def _key(self, card: Card, judged: bytes) -> Key:
        said = said_of(card)
        mark = fingerprint(card, judged, self._memory.names)
        a, facts = self._answered.assessment, self._answered.facts
        days = days_of(card, a, self._knowledge) if a else 0
        if a and facts and days and not self.call.on_order:
            mark = gist(a, facts, self._memory.names)
        return Key(topic_of(card), card.indicator, said.severity, mark, days, self.call.on_order)

    def _fate(self, key: Key, before: Iterable[Earlier]) -> Fate:
        return Fate("silent") if self._silent else fate(key, before, self._memory.rules, self.call.now)

    def _issued(self, card: Card, key: Key) -> Issued:
        said, became = said_of(card), self.fates[card.uuid]
        profile = self._answered.assessment.profile if self._answered.assessment else ""
        return Issued(
            card.uuid, self.call.now, self._whose, self.call.service, self.call.client, key.topic, said.row,
            card.indicator, said.severity, key.fingerprint, said.knowledge, profile, key.period_days,
            became.fate, became.because, became.earlier, became.until,
        )  # fmt: skip


def open_memory(chosen: Settings) -> Memory | None:
    """The memory that the settings name, None when it is off; SettingsError when it cannot be had."""
    if not chosen.database_url:
        return None
    address = make_url(chosen.database_url)
    embedded = address.get_backend_name() == "sqlite"
    if not (chosen.key_file or embedded):
        raise SettingsError([f"CDS_KEY_FILE: {NO_KEY}"])
    path = chosen.key_file or Path(f"{address.database}.key")
    try:
        store = open_store(chosen.database_url)
        keys = read_keys(path, make=chosen.key_file is None)
    except ValueError as fault:
        raise SettingsError([f"CDS_KEY_FILE: {fault}"]) from None
    except NewerTables as fault:
        raise SettingsError([f"CDS_DATABASE_URL: {fault}"]) from None
    except StoreDown as fault:
        remedy = "name one that this process may write, or say off"
        raise SettingsError([f"CDS_DATABASE_URL: the database cannot be opened ({fault}): {remedy}"]) from None
    limits = Limits(chosen.evidence_days, chosen.cards_days)
    return Memory(store, keys, Rules(chosen.repeats, chosen.repeat_hours, chosen.repeat_severe), limits)

"""How often, on how many days of a week and for how long the doses of a drafted order are taken.

In: Dosages. Out: numbers; None where neither the timing nor the words say it. Where they contradict each other, the
more frequent counts: a weekly drug that is ordered daily by mistake must not be missed. Source: FHIR R4 Timing;
knowledge H4.36.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from service.clinical.facts import Medication
from service.clinical.knowledge.vocabulary import Reading
from service.fhir import resources as fhir
from service.fhir.medications import DAYS, timing_words
from service.fhir.quantities import is_number
from service.order_checks.phrases import DIGITS, WEEK, Often, Phrases, days_of, most_often, weighed
from service.order_checks.sent import Dosage, Repeat, Supply, Timing

SECONDS_PER_DAY = 86400
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EARLIER = timedelta(days=6)


class Schedule:
    """Ways of writing how often, indexed once."""

    def __init__(self, reading: Reading, said: Mapping[str, Any], phrases: Phrases) -> None:
        clock = said["round_the_clock"]
        self._clock, self._as_needed, self._often = clock["words"], clock["as_needed"], Decimal(clock["times_a_day"])
        self._lengths = {word: Decimal(days) for word, days in said["lengths"].items()}
        self._week = frozenset(said["week"])
        self._phrases = phrases
        self._meals, self._meal_codes = Decimal(said["meals"]["a_day"]), frozenset(said["meals"]["codes"])

    def often(self, dose: Dosage) -> Often:
        """One dose by its timing, code, words and further instructions; of those that differ the most frequent."""
        texts = [text for text in (timing_words(dose), dose.words, *dose.notes) if text]
        found = weighed((self._stated(dose.timing), *map(self._phrases.often, texts)))
        sure = {round(one.per_day, DIGITS) for one in found if one.per_day is not None and not one.weak}
        often, rates = most_often(found), {one.per_day for one in found if one.per_day is not None}
        if often.per_day is None and often.days is None and any(map(self._phrases.at_meals, texts)):
            return Often(self._meals, WEEK, assumed=True)
        return replace(often, disputed=len(sure) > 1, assumed=self._by_meals(dose.timing) and len(rates) == 1)

    def _stated(self, timing: Timing | None) -> Often:
        repeat = timing.repeat if timing else None
        if timing is None or repeat is None:
            return _on_events(timing.event) if timing else Often()
        named = frozenset(day.casefold() for day in repeat.dayOfWeek) & self._week
        stated = [Decimal(n) for n in (repeat.frequency, repeat.frequencyMax) if n and n > 0]
        span = _span(repeat)
        times = max(stated, default=None) or self._events(repeat, span) or Decimal(len(set(repeat.timeOfDay)))
        if named:
            a_day = times / span if times and span and span < WEEK else Decimal(1)
            per_week = max(max(a_day, Decimal(1)) * len(named), times if span == WEEK else a_day)
            rarely = min(Decimal(1), WEEK / span) if span else Decimal(1)  # every two weeks on Monday
            return Often(per_week * rarely / WEEK, len(named) * rarely, named)
        if span is None or not (times or repeat.period):
            return Often()
        rate = (times or 1) / span
        return Often(rate, days_of(rate)) if is_number(rate) else Often()

    def _by_meals(self, timing: Timing | None) -> bool:
        """Whether a timing says how often by meals alone."""
        repeat = timing.repeat if timing else None
        return bool(repeat and not (repeat.frequency or repeat.period) and self._meal_codes.intersection(repeat.when))

    def _events(self, repeat: Repeat, span: Decimal | None) -> Decimal:
        """How many times of a day a timing names; "with meals" is all meals of the day."""
        meals = self._meals if span == 1 else Decimal(1)
        return sum((meals if code in self._meal_codes else Decimal(1) for code in set(repeat.when)), Decimal(0))

    def disputed(self, doses: Sequence[Dosage]) -> bool:
        """Whether a dose says in more than one way how often."""
        return any(self.often(dose).disputed for dose in doses)

    def days_per_week(self, doses: Sequence[Dosage]) -> Decimal | None:
        """Of doses side by side all the days that they name together; else the most of any."""
        sides = ([self.often(dose) for dose in doses if dose.sequence == each] for each in {d.sequence for d in doses})
        return max((often.days for often in map(most_often, sides) if often.days), default=None)

    def named(self, doses: Sequence[Dosage]) -> frozenset[str]:
        """All days of a week that the doses name."""
        return frozenset[str]().union(*(self.often(dose).named for dose in doses))

    def unread(self, doses: Sequence[Dosage]) -> bool:
        """Whether there are words for a dose, and none of them says how often."""
        said = any(dose.words.strip() for dose in doses) and self.days_per_week(doses) is None
        return said and not any(self._phrases.is_single(dose.words) for dose in doses)

    def span(self, doses: Sequence[Dosage], known: Medication | None) -> tuple[date | None, date | None]:
        """The first and the last day; of single days also those before, which fall into one week with them."""
        given = [event for dose in doses if dose.timing for event in dose.timing.event]
        if days := sorted(day for event in given if (day := _day(event))):
            return max(days[0], date.min + EARLIER) - EARLIER, days[-1]
        start, end = (known.start, known.end) if known else (None, None)
        return start.earliest.date() if start else None, end.latest.date() if end else None

    def as_needed(self, doses: Sequence[Dosage]) -> bool:
        """Whether a dose is taken only when it is needed."""
        texts = [f" {dose.words.casefold()} " for dose in doses]
        coded = any(d.asNeededBoolean or d.asNeededCodeableConcept for d in doses)
        return coded or any(word in text for text in texts for word in self._as_needed)

    def scheduled(self, doses: Sequence[Dosage]) -> bool:
        """Whether it is given round the clock, not as needed."""
        if self.as_needed(doses):
            return False
        named = any(word in f" {dose.words.casefold()} " for dose in doses for word in self._clock)
        return named or any((rate := self.often(dose).per_day) and rate >= self._often for dose in doses)

    def length(self, doses: Sequence[Dosage], known: Medication | None, supply: Supply | None) -> Decimal | None:
        """Days of the course: by its bounds, its number of doses, its words, else by what is dispensed."""
        periods = any(d.timing and d.timing.repeat and d.timing.repeat.boundsPeriod for d in doses)
        if periods and known and known.start and known.end:
            return Decimal(round((known.end.latest - known.start.earliest).total_seconds() / SECONDS_PER_DAY))
        stated = [(dose.sequence, self._bound(dose)) for dose in doses]
        if not stated or any(days is None for _, days in stated):
            return self._supplied(supply)
        longest: dict[int | None, Decimal] = {}
        for number, days in stated:
            longest[number] = max(longest.get(number, Decimal(0)), days or Decimal(0))
        return sum(longest.values(), Decimal(0))

    def _bound(self, dose: Dosage) -> Decimal | None:
        repeat = dose.timing.repeat if dose.timing else None
        longest = repeat.boundsRange.high if repeat and repeat.boundsRange else None
        if days := self._duration(repeat.boundsDuration or longest if repeat else None):
            return days
        rate = self.often(dose).per_day
        if repeat and repeat.count and is_number(repeat.count) and rate:
            return repeat.count / rate if repeat.count > 0 else None
        return self._phrases.length(dose.words)

    def _supplied(self, supply: Supply | None) -> Decimal | None:
        days = self._duration(supply.expectedSupplyDuration) if supply else None
        repeats = supply.numberOfRepeatsAllowed if supply else None
        return days * (1 + (repeats if repeats and is_number(repeats) and repeats > 0 else 0)) if days else None

    def _duration(self, length: fhir.Quantity | None) -> Decimal | None:
        if length is None or length.value is None or not is_number(length.value) or length.value < 0:
            return None
        unit = DAYS.get(length.code or "") or self._lengths.get((length.unit or length.code or "").casefold())
        return length.value * unit if unit else None


def _span(repeat: Repeat) -> Decimal | None:
    """The days over which the frequency counts; of times of a day alone, one day."""
    unit = DAYS.get(repeat.periodUnit or "")
    if repeat.period is None:
        return unit or (Decimal(1) if (repeat.when or repeat.timeOfDay) and not repeat.periodUnit else None)
    return repeat.period * unit if unit and is_number(repeat.period) and repeat.period > 0 else None


def _on_events(events: Iterable[str]) -> Often:
    """The most days within one week, by their names where it is always the same ones."""
    days = sorted({day for event in events if (day := _day(event))})
    most = max((sum(1 for d in days if 0 <= (d - first).days < WEEK) for first in days), default=None)
    named = frozenset(NAMES[day.weekday()] for day in days)
    return Often(None, Decimal(most), named if len(named) == most else frozenset()) if most else Often()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None

"""The words of a dose: how often, on which days of a week, how much, how long.

In: the text of a Dosage, or what the code of its Timing says. Out: numbers; None where the words say none. The phrases
are those of knowledge/reading.toml and of reading.toml beside this file. Source: FHIR R4 Dosage.text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from service.clinical.knowledge.vocabulary import Reading
from service.fhir.medications import first_number, number_of

WEEK, DAY = Decimal(7), Decimal(1)
HOURS = Decimal(24)
DIGITS = 6  # of a rate
MOST_LETTERS = 2000  # no dose is longer
_HALF = re.compile(r"\b(?:(\d+)(?: and)? )?1[/⁄]2\b")
CLAUSE = re.compile(r"[;\n]|(?i:(?<!max))\.\s")  # "max. 2" is one
_PART = re.compile(r"[,()]")
_WORD = re.compile(r"[^\W\d_]+")
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
_NUMBER = re.compile(r"\d(?:[.,]\d+)?")


@dataclass(frozen=True, slots=True)
class Often:
    """How often a dose is taken."""

    per_day: Decimal | None = None  # doses a day, on average
    days: Decimal | None = None  # days of a week
    named: frozenset[str] = frozenset()  # those days, where they are named
    disputed: bool = False  # parts of the dose contradict each other
    assumed: bool = False  # it says "with meals" alone, which may be three a day
    sure: bool = True  # it speaks of this dose and of nothing else
    weak: bool = False  # it names times of a day alone, "in the evening": beside "once weekly" no other frequency


@dataclass(frozen=True, slots=True)
class Scheme:
    """Pieces in the morning, at noon, in the evening and at night: "1-0-1"."""

    times: Decimal  # a day
    pieces: Decimal  # at once, on average
    before: str  # the words around it
    after: str


class Phrases:
    """Phrases of doses, indexed once."""

    def __init__(self, reading: Reading, said: Mapping[str, Any]) -> None:
        self._times, self._parts = reading.dose_times, said["parts_of_a_day"]
        weak = {word for words in self._parts.values() for word in words}
        self._periods = {words: days for words, days in reading.dose_periods.items() if words not in weak}
        self._daily = _any_of(words for words, days in self._periods.items() if days == 1)
        self._single = _any_of(reading.single_doses)
        self._part_words = {part: _any_of(words) for part, words in self._parts.items()}
        self._numbers = {words: str(number) for words, number in said["numbers"].items()}
        self._number = _any_of(self._numbers)
        self._numbers |= said["short_days"]
        self.patterns = {name: re.compile(pattern) for name, pattern in said["patterns"].items()}
        self._units: Mapping[str, int] = said["lengths"]
        self._names = {word: code for code, words in said["week"].items() for word in words}
        self._week = tuple(said["week"])
        self._groups = {word: said["weeks"][word] for word in said["weeks"] if word != "links"}
        self._links = frozenset(said["weeks"]["links"])
        self._meals, self._meals_a_day = _any_of(said["meals"]["words"]), Decimal(said["meals"]["a_day"])
        told = [*self._times, *self._periods, *weak, *said["numbers"].values(), *self._names, *self._groups]
        told += [*self._links, *self._units, *said["meals"]["words"], *said["asides"]["little"]]
        self._known = frozenset(word for words in told for word in _WORD.findall(words))
        self._day = _any_of([*self._names, *self._groups])
        link = self.patterns["range"].pattern
        self._range = re.compile(f"{self._day.pattern}{link}{self._day.pattern}")
        self._list = re.compile(f"{self._day.pattern}(?:{link}{self._day.pattern}){{2,}}")

    def normal(self, text: str) -> str:
        """A text in lower case with single blanks and with digits for number words; new lines stay."""
        apart = text[:MOST_LETTERS].replace("½", " ½")  # "1½"
        said = unicodedata.normalize("NFKC", apart).casefold().replace("⁄", "/").translate(_DASHES)
        said = "\n".join(" ".join(self.patterns["supplied"].sub(" ", line).split()) for line in said.splitlines())
        said = _HALF.sub(lambda half: f"{half[1] or 0}.5", said)
        said = self.patterns["short_days"].sub(lambda days: _WORD.sub(lambda day: self._numbers[day[0]], days[0]), said)
        said = self.patterns["other_scheme"].sub(lambda one: re.sub(r"[ /]", "-", one[0]), said)
        daily = "" if self.patterns["not_daily"].search(said) else " a day"
        said = self.patterns["by_times"].sub(rf"\2 tablet \1 times{daily}", said)
        said = self.patterns["slash"].sub(" per ", self._number.sub(lambda word: self._numbers[word[0]], said))
        return self.patterns["article"].sub(" ", said)

    def often(self, text: str) -> Often:
        """How often, as all the clauses of a text say it: on the most days that they name."""
        said = self.patterns["denied"].sub(" ", self.normal(text))
        often = most_often(weighed(self._clause(clause) for clause in self._clauses(said)))
        return replace(often, per_day=None) if self._single.search(said) else often

    def _clauses(self, said: str) -> Iterator[str]:
        """The clauses, without what they say of a first day, of a blood count, of other things to be done."""
        for clause in CLAUSE.split(self.patterns["begins"].sub(" ", said)):
            yield from self.patterns["next_dose"].split(",".join(map(self._of_the_dose, _PART.split(clause))))

    def _of_the_dose(self, part: str) -> str:
        aside = self.patterns["aside"].search(part)
        if aside is None:
            return part
        dose = self.patterns["taken"].search(part, aside.end()) or self.patterns["scheme"].search(part, aside.end())
        before, after = part[: aside.start()], part[dose.start() :] if dose else ""
        own = self.patterns["beside"].sub("", before)  # "1-0-0 weekly blood count"
        kept = own if self._clause(own).days is not None or not self.patterns["taken"].search(own) else before
        return f"{kept} {after}"

    def _is_sure(self, said: str) -> bool:
        """Whether a clause surely speaks of the dose: it names an amount, or nothing but when it is taken."""
        words = _WORD.findall(self.patterns["reason"].sub("", said))
        return self._known.issuperset(words) or bool(self.patterns["taken"].search(said))

    def at_meals(self, text: str) -> bool:
        """Whether it is taken with the meals of a day, and not once only."""
        said = self.normal(text)
        return bool(self._meals.search(said)) and not self._single.search(said)

    def scheme(self, said: str) -> Scheme | None:
        """How much at which time of the day, as numbers alone say it."""
        hit = self.patterns["scheme"].search(said)
        taken = [pieces for one in _NUMBER.findall(hit[0]) if (pieces := number_of(one))] if hit else []
        if hit is None or not taken:
            return None
        times = Decimal(len(taken))
        return Scheme(times, sum(taken, Decimal(0)) / times, said[: hit.start()], said[hit.end() :])

    def is_single(self, text: str) -> bool:
        """Whether it is given once only."""
        return bool(self._single.search(self.normal(text)))

    def _clause(self, said: str) -> Often:
        return replace(self._said(said), sure=self._is_sure(said))

    def _said(self, said: str) -> Often:
        scheme = self.scheme(said)
        said, times = (f"{scheme.before} {scheme.after}", scheme.times) if scheme else (said, Decimal(0))
        named, counted = self._named(said), self.patterns["days_a_week"].search(said)
        rates = [*self._rates(said)]
        if named or counted:
            days = Decimal(len(named)) if named else Decimal(counted[2] or counted[1]) if counted else WEEK
            a_day = max((rate for rate in (*rates, times) if rate >= 1), default=DAY)
            rarely = round(min(DAY, max(rates, default=DAY) * WEEK), DIGITS)  # every two weeks on Monday
            return Often(a_day * min(days, WEEK) * rarely / WEEK, min(days, WEEK) * rarely, named)
        if not rates:
            parts = times or Decimal(sum(1 for words in self._part_words.values() if words.search(said)))
            parts += self._meals_a_day if parts and self.patterns["meals_and"].search(said) else 0
            return Often(parts, WEEK, weak=not self.patterns["recurring"].search(said)) if parts else Often()
        pulses = self.patterns["hours"].search(said) and min(rates) < DAY <= max(rates)
        return Often() if pulses else Often(_together(rates[0], times), days_of(max(rates)))

    def _rates(self, said: str) -> Iterator[Decimal]:
        """Doses a day in every way in which a clause says it, the first first."""
        for hours in self.patterns["hours"].finditer(said):
            if number := Decimal(hours[1] or hours[2]):
                yield HOURS / number
        for rate in self.patterns["rate"].finditer(said):
            yield Decimal(rate[1]) / self._days_of(rate[2])
        times = first_number(said, self._times)
        for interval in self.patterns["interval"].finditer(said):
            if number := Decimal(interval[1]):
                yield (times or DAY) / (number * self._days_of(interval[2]))
        periods = sorted({hit for words, hit in self._periods.items() if first_number(said, {words: hit})})
        if first := first_number(said, self._periods):
            yield from ((times or DAY) / days for days in sorted(periods, key=lambda days: days != first))
        elif times is not None and times > 1:
            yield times

    def _days_of(self, unit: str) -> Decimal:
        known = self._units.get(unit) or self._units.get(unit.removesuffix("ly"))
        return Decimal(known or 1)

    def _named(self, said: str) -> frozenset[str]:
        """The days of the week that a clause names; none when it says "daily" of something else."""
        first, daily = self._day.search(said), self._daily.search(said)
        if first is None:
            return frozenset()
        if daily and daily.end() <= first.start():
            between = re.findall(r"\w+", said[daily.end() : first.start()])
            if not self._links.issuperset(between):
                return frozenset()
        without = self.patterns["except"].search(said)
        kept, left = (said[: without.start()], said[without.end() :]) if without else (said, "")
        named = self._days_in(kept) or (frozenset(self._week) if left else frozenset[str]())
        return named - self._days_in(left)

    def _days_in(self, said: str) -> frozenset[str]:
        found = {day for hit in self._day.findall(said) for day in self._groups.get(hit, [self._names.get(hit)])}
        for start, end in self._range.findall(self._list.sub(" ", said)):  # "Mon-Wed-Fri" is a list
            if start in self._names and end in self._names:
                first, last = (self._week.index(self._names[one]) for one in (start, end))
                found |= {*(self._week * 2)[first : last + 1 + (len(self._week) if last < first else 0)]}
        return frozenset(day for day in found if day)

    def length(self, text: str) -> Decimal | None:
        """Days of a course: "for 10 days", "x 2 weeks"; none where something follows it."""
        said = self.normal(text)
        hit = None if self.patterns["then"].search(said) else self.patterns["length"].search(said)
        if hit is None:
            return None
        return Decimal(hit[3]) if hit[3] else Decimal(hit[1] or 1) * self._days_of(hit[2])


def weighed(found: Iterable[Often]) -> list[Often]:
    """What says how often: times of a day alone do not, beside less than daily."""
    ways = list(found)
    rarely = any(one.days is not None and one.days < WEEK and one.sure for one in ways)
    return [one for one in ways if not (rarely and one.weak)]


def most_often(found: Sequence[Often]) -> Often:
    """Of all that is said the most doses, and the most days: those that are named add up."""
    said = [one for one in found if one.days is not None]
    days = max((one.days for one in said if one.days is not None), default=None)
    named = frozenset[str]().union(*(one.named for one in said if one.days == days and one.sure))
    rate = max((one.per_day for one in found if one.per_day is not None), default=None)
    most = max(days, Decimal(len(named))) if days is not None and days >= 1 else days
    weak, sure = all(one.weak for one in said), any(one.sure for one in said)
    return Often(rate, most, named, weak=weak, sure=sure)


def _together(rate: Decimal, times: Decimal) -> Decimal:
    """Doses a day by a rate and by a scheme: "1-0-1 once weekly" is two a week."""
    return rate * max(times, DAY) if rate < DAY else max(rate, times)


def days_of(rate: Decimal) -> Decimal:
    """The days of a week on which so many doses a day are taken."""
    return round(min(WEEK, WEEK * rate), DIGITS).normalize()


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Any of the words as a whole, the longest first."""
    either = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<!\w)({either})(?!\w)")

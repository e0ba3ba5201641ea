"""Drugs on file: which concepts, since when, by which route, how much a day.

In: decoded Medication resources. Out: facts.Medication, or the Gap that says that a drug could not be read.
Source: knowledge G, H4.32, H4.34, H6.47.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal

from service.clinical.facts import Gap, Medication, Moment
from service.clinical.knowledge.model import Knowledge
from service.clinical.knowledge.vocabulary import Reading, Vocabulary
from service.clinical.units import normal
from service.fhir import resources as fhir
from service.fhir.concepts import Matcher, texts_of, words_of
from service.fhir.decoding import decode
from service.fhir.moments import Moments
from service.fhir.quantities import is_number
from service.fhir.references import short

NEVER = frozenset(["entered-in-error", "draft", "not-taken", "not-done", "cancelled", "declined", "preparation"])
NO_ORDER = frozenset(["proposal", "option"])
KINDS = {
    "MedicationRequest": "request",
    "MedicationStatement": "statement",
    "MedicationAdministration": "administration",
    "MedicationDispense": "dispense",
}
DAYS = {"s": Decimal(1) / 86400, "min": Decimal(1) / 1440, "h": Decimal(1) / 24, "d": Decimal(1), "wk": Decimal(7),
        "mo": Decimal(30), "a": Decimal(365)}  # fmt: skip
MOST_MILLIGRAMS, LONGEST_TEXT = Decimal(10) ** 9, 1_000  # no dose is more, no instruction says it later
THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d{1,12})?")
AMOUNT = re.compile(rf"(?<![\w.,/-])({THOUSANDS.pattern}|\d{{1,12}}(?:[.,]\d{{1,12}})?)\s*([a-zµμà-ÿ]+)(?!\w)")
PART = re.compile(r"[;,\n(]|\.\s")


class MedicationReader:
    """Drug concepts, routes and ways of writing a dose, indexed once."""

    def __init__(self, vocabulary: Vocabulary | Knowledge) -> None:
        self._concepts = vocabulary.concepts
        self._reading = vocabulary.reading
        self._matcher = Matcher(vocabulary, "drug", "both")
        self._words = {route: _padded(words) for route, words in vocabulary.reading.route_words.items()}
        self._sources = _padded(vocabulary.reading.local_sources)

    def read(
        self, use: fhir.MedicationUse, reference: str, drugs: Mapping[str, fhir.Medication], moments: Moments
    ) -> Medication | Gap | None:
        """A drug that the knowledge speaks of; None for others and for what was never taken."""
        if use.status in NEVER or use.doNotPerform or use.intent in NO_ORDER:
            return None
        return self.describe(use, reference, drugs, moments)

    def describe(
        self, use: fhir.MedicationUse, reference: str, drugs: Mapping[str, fhir.Medication], moments: Moments
    ) -> Medication | Gap | None:
        """The same of any use, taken or only drafted."""
        drug = drug_of(use, drugs)
        if isinstance(drug, str):
            return Gap(use.resourceType, drug, reference)
        label = use.medicationReference.display if use.medicationReference else None
        concepts, by_name = self._matcher.match(drug.code, label)
        if not concepts:
            return None
        doses = doses_of(use)
        route = self._route([*texts_of(drug.code), *texts_of(drug.form), label or ""], doses)
        if route == "local":
            concepts = frozenset(c for c in concepts if not self._concepts[c].systemic_only)
        if not concepts:
            return None
        start, end = _span(use, doses, moments)
        dose = next((mg for d in doses if (mg := dose_per_day(d, self._reading)) is not None), None)
        often = next((days for d in doses if (days := days_per_week(d, self._reading)) is not None), None)
        kind = KINDS[use.resourceType]
        return Medication(concepts, reference, kind, use.status, start, end, route, dose, by_name, often)

    def _route(self, drug: list[str], doses: list[fhir.Dosage]) -> str | None:
        """systemic, local or injection: by code, else by the words of drug, form and dose; None when none says it."""
        codes = [c.code or "" for dose in doses if dose.route for c in dose.route.coding]
        coded = next((route for code in codes if (route := self._reading.routes.get(code))), None)
        if coded:
            return coded
        routes, own = [t for d in doses for t in texts_of(d.route)], [d.text and _of_the_dose(d.text) for d in doses]
        said = ["".join(_padded(texts)) for texts in (drug, routes, [text or "" for text in own])]
        if any(word in one for one in said for word in self._sources):
            return None
        ways = ((route, one, words) for one in said for route, words in self._words.items())
        return next((route for route, one, words in ways if any(word in one for word in words)), None)


def _of_the_dose(text: str) -> str:
    """The part of an instruction that holds the amount, not "continue eye drops"; all of it when none does."""
    return next((part for part in PART.split(text) if AMOUNT.search(part.casefold())), text)


def _padded(words: Iterable[str]) -> list[str]:
    return [f" {' '.join(words_of(word))} " for word in words]


def drug_of(use: fhir.MedicationUse, drugs: Mapping[str, fhir.Medication]) -> fhir.Medication | str:
    """The drug, in the resource or behind its reference; else the reason of the Gap (H6.47)."""
    if use.medicationCodeableConcept is not None:
        return fhir.Medication(code=use.medicationCodeableConcept)
    reference = use.medicationReference
    if reference is None:
        return "medication-not-readable"
    key = reference.reference or ""
    found = _contained(use, key[1:]) if key.startswith("#") else drugs.get(key) or drugs.get(short(key))
    if found:
        return found
    return fhir.Medication() if reference.display else "medication-not-readable"


def _contained(use: fhir.MedicationUse, id: str) -> fhir.Medication | None:
    for raw in use.contained:
        found = decode("Medication", raw)
        if isinstance(found, fhir.Medication) and (found.id or "").removeprefix("#") == id:
            return found
    return None


def doses_of(use: fhir.MedicationUse) -> list[fhir.Dosage]:
    more = use.dosage if isinstance(use.dosage, list) else [use.dosage] if use.dosage else []
    return [*use.dosageInstruction, *more]


def _span(use: fhir.MedicationUse, doses: list[fhir.Dosage], moments: Moments) -> tuple[Moment | None, Moment | None]:
    """When the use began and, when it is known, ended: with several doses, when the last of them ends."""
    validity = use.dispenseRequest.validityPeriod if use.dispenseRequest else None
    bounds = next((r.boundsPeriod for d in doses if (r := _repeat(d)) and r.boundsPeriod), None)
    begins = [p.start for p in (use.effectivePeriod, bounds, validity) if p]
    start = moments.first(
        use.effectiveDateTime, use.whenHandedOver, *begins[:1], use.authoredOn, *begins, use.whenPrepared
    )
    stated = moments.first(use.effectivePeriod.end) if use.effectivePeriod else None
    ends = [end for dose in doses if (end := _end(dose, start, moments))]
    last = max(ends, key=lambda end: end.latest) if ends and len(ends) == len(doses) else None
    return start, stated or last


def _repeat(dose: fhir.Dosage) -> fhir.Repeat | None:
    return dose.timing.repeat if dose.timing else None


def _end(dose: fhir.Dosage, start: Moment | None, moments: Moments) -> Moment | None:
    """The end that the bounds of a dose state; its words are not read: "for 7 days, then ..." ends nothing."""
    repeat = _repeat(dose)
    if repeat and repeat.boundsPeriod:
        return moments.first(repeat.boundsPeriod.end)
    length = repeat.boundsDuration if repeat else None
    if start and length and length.value is not None and is_number(length.value) and length.code in DAYS:
        try:
            days = timedelta(days=float(length.value * DAYS[length.code]))
            return Moment(start.earliest + days, start.latest + days, start.text)
        except OverflowError:  # beyond the calendar: no end that anyone lives to see
            return None
    return None


def dose_per_day(dose: fhir.Dosage, reading: Reading) -> Decimal | None:
    """Milligrams a day, from the structured dose, else from its text; None when neither says it."""
    amount = next((d.doseQuantity for d in dose.doseAndRate if d.doseQuantity), None)
    repeat = _repeat(dose)
    if amount and repeat and amount.value is not None and is_number(amount.value):
        factor = reading.dose_units.get(normal(amount.code or amount.unit or "").casefold())
        days = DAYS.get(repeat.periodUnit or "")
        if factor is not None and days and repeat.period and is_number(repeat.period):
            return _rounded(amount.value * factor * (repeat.frequency or 1) / (repeat.period * days))
    if amount and amount.value is not None and is_number(amount.value) and (coded := timing_words(dose)):
        return _dose_in_words(f"{amount.value:f} {amount.code or amount.unit} {coded}", reading)
    return _dose_in_words(dose.text, reading) if dose.text else None


def days_per_week(dose: fhir.Dosage, reading: Reading) -> Decimal | None:
    """On how many days of a week a dose is taken; None when neither the timing nor the text says it for sure."""
    repeat = _repeat(dose)
    if repeat and repeat.dayOfWeek:
        return Decimal(len(set(repeat.dayOfWeek)))
    days = DAYS.get(repeat.periodUnit or "") if repeat else None
    if repeat and days and repeat.period and is_number(repeat.period):
        return min(Decimal(7), 7 * (repeat.frequency or 1) / (repeat.period * days))
    said = timing_words(dose) or dose.text
    return _days_in_words(said, reading) if said else None


def timing_words(dose: fhir.Dosage) -> str:
    """What the code of a timing says: its texts, and "=qd" for the code QD."""
    code = dose.timing.code if dose.timing else None
    return " ".join([*texts_of(code), *(f"={c.code}" for c in code.coding if c.code)]) if code else ""


def number_of(digits: str) -> Decimal:
    """The number as written: "2,5" is two and a half, "1,000" a thousand."""
    return Decimal(digits.replace(",", "" if THOUSANDS.fullmatch(digits) else "."))


def _days_in_words(text: str, reading: Reading) -> Decimal | None:
    """The same of a text: 7 for "2.5 mg daily", 2 for "twice a week"; None beside a second frequency or named days."""
    said = f" {' '.join(text[:LONGEST_TEXT].casefold().split())} "
    periods, times = _numbers(said, reading.dose_periods), _numbers(said, reading.dose_times)
    named, counted = (any(_whole(w, said) for w in words) for words in (reading.named_days, reading.counted_days))
    daily = periods <= {1}
    unsure = named if daily else len(times) > 1 or ((named or counted) and not times)
    if len(periods) > 1 or unsure:
        return None
    if daily:
        return Decimal(7) if periods or (times and min(times) > 1) else None
    return min(Decimal(7), 7 * next(iter(times), Decimal(1)) / next(iter(periods)))


def _numbers(said: str, table: Mapping[str, Decimal]) -> set[Decimal]:
    """The numbers of all phrases that stand in the text."""
    return {value for words, value in table.items() if _whole(words, said)}


def _dose_in_words(text: str, reading: Reading) -> Decimal | None:
    """ "220 mg twice a day" -> 440; "1000 ug once a week" -> 0.142857; None without an amount or a frequency."""
    said = f" {' '.join(text[:LONGEST_TEXT].casefold().split())} "
    if any(words in said for words in reading.single_doses):
        return None
    for number, unit in AMOUNT.findall(said):
        factor = reading.dose_units.get(normal(unit).casefold())
        if factor is not None:
            times, days = first_number(said, reading.dose_times), first_number(said, reading.dose_periods)
            if days is None and (times is None or times == 1):
                return None
            return _rounded(number_of(number) * factor * (times or 1) / (days or 1))
    return None


def first_number(said: str, table: Mapping[str, Decimal]) -> Decimal | None:
    """The number of the phrase that stands first in the text, the longest of those."""
    found = [(hit.start(), -len(words), value) for words, value in table.items() if (hit := _whole(words, said))]
    return min(found)[2] if found else None


def _whole(words: str, said: str) -> re.Match[str] | None:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", said)


def _rounded(milligrams: Decimal) -> Decimal | None:
    if not 0 <= milligrams < MOST_MILLIGRAMS:
        return None
    return Decimal(format(round(milligrams, 6).normalize(), "f"))

"""What every judgement rests on, made once at the start: the knowledge in force, the reader of charts, the site.

In: the environment or the settings made of it. Out: Ground; SettingsError or InvalidKnowledge with all faults at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from service import settings
from service.callback import NOBODY, CallBack
from service.clinical.knowledge import InvalidKnowledge, profiles
from service.clinical.knowledge.model import Knowledge
from service.clinical.knowledge.vocabulary import Vocabulary, load_vocabulary
from service.fhir.reader import Reader, Site
from service.fhir_base import Bases
from service.order_checks import OrderChecks
from service.overlay import load_for_site
from service.settings import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class Ground:
    """What every judgement rests on, made once."""

    knowledge: Knowledge
    reader: Reader
    site: Site
    checks: OrderChecks
    callback: CallBack = NOBODY  # whom we call for what a client did not send


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings that an environment makes and the knowledge can follow; SettingsError with all faults, its too."""
    try:
        return settings.read(environment, _against)
    except SettingsError as fault:
        try:
            load_for_site(fault.usable.thresholds, fault.usable.knowledge_overlay)
        except InvalidKnowledge as invalid:
            raise SettingsError((*fault.faults, *invalid.faults), fault.usable) from None
        raise


def _against(chosen: Settings) -> Iterator[tuple[str, str]]:
    """What the knowledge has against settings: field and fault."""
    if chosen.thresholds not in profiles():
        yield "thresholds", f"there is no profile of this name: choose one of {', '.join(profiles())}"
    words = load_vocabulary()
    for name in sorted(set(chosen.local_codes.values()) - words.analytes.keys()):
        yield "local_codes", f"{name} is no analyte: {_likely(name, words)}"
    for system, code in sorted(chosen.local_codes.keys() & words.analyte_of.keys()):
        yield "local_codes", f"{code} of {system} is known already ({words.analyte_of[system, code][0]}): leave it out"


def _likely(name: str, words: Vocabulary) -> str:
    close = get_close_matches(name.lower(), words.analytes, n=3)
    return f"did you mean {' or '.join(close)}?" if close else "`cds doctor --analytes` lists them"


def prepare(chosen: Settings, bases: Bases = ()) -> Ground:
    """The ground that settings describe, and who may be called back; InvalidKnowledge or SettingsError, all faults."""
    if faults := [f"CDS_{field.upper()}: {problem}" for field, problem in _against(chosen)]:
        raise SettingsError(faults)
    knowledge = load_for_site(chosen.thresholds, chosen.knowledge_overlay)
    knowledge = replace(knowledge, clozapine=chosen.clozapine or "unset")
    site = Site(chosen.time_zone, chosen.local_codes)
    reach = CallBack(bases, chosen.fetch_seconds, chosen.max_body)
    return Ground(knowledge, Reader(load_vocabulary(), site), site, OrderChecks(knowledge), reach)

"""What every judgement rests on, made once at the start: the knowledge in force, the reader of charts, the site.

In: the environment or the settings made of it. Out: Ground; SettingsError or InvalidKnowledge with all faults at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from service import clients, settings
from service.clinical.knowledge import InvalidKnowledge, profiles
from service.clinical.knowledge.model import Knowledge
from service.clinical.knowledge.vocabulary import Vocabulary, load_vocabulary
from service.fhir.reader import Reader, Site
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


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings that an environment makes and the knowledge can follow; SettingsError with all faults, its too."""
    try:
        against = (_against, clients.faults, _of_the_store)
        return settings.read(environment, lambda chosen: [fault for one in against for fault in one(chosen)])
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


def _of_the_store(chosen: Settings) -> Iterator[tuple[str, str]]:
    """What the store has against settings; nothing of it is loaded where they name neither server nor key."""
    if chosen.database_url and (chosen.key_file or not chosen.database_url.startswith("sqlite:")):
        from service.store.choices import faults

        yield from faults(chosen)


def _likely(name: str, words: Vocabulary) -> str:
    close = get_close_matches(name.lower(), words.analytes, n=3)
    return f"did you mean {' or '.join(close)}?" if close else "`cds doctor --analytes` lists them"


def prepare(chosen: Settings) -> Ground:
    """The ground that settings describe; InvalidKnowledge or SettingsError with all faults."""
    if faults := [f"CDS_{field.upper()}: {problem}" for field, problem in _against(chosen)]:
        raise SettingsError(faults)
    knowledge = load_for_site(chosen.thresholds, chosen.knowledge_overlay)
    knowledge = replace(knowledge, clozapine=chosen.clozapine or "unset")
    site = Site(chosen.time_zone, chosen.local_codes)
    return Ground(knowledge, Reader(load_vocabulary(), site), site, OrderChecks(knowledge))

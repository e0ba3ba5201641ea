"""A site's own thresholds, laid over ours.

In: the rules, a TOML file signed by a clinician. Out: the same rules with replaced scales and limits. Source: knowledge
H2.12: only a signed site overlay changes bands.

    [overlay]
    name = "st-elsewhere"
    approved_by = "Dr. A. Clinician"
    approved_on = 2026-11-01

    [[scale]]                      # the same fact, analyte, unit and `when` as the scale that it replaces
    fact = "active-b12"
    ...
"""

from __future__ import annotations

import datetime
import re
import tomllib
from decimal import Decimal
from functools import partial
from pathlib import Path

from service.clinical.knowledge.loader import load
from service.clinical.knowledge.model import Knowledge, Scale
from service.clinical.knowledge.rules import Faults, Rules, read_rules

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
KNOWN = frozenset(["overlay", "scale", "limits", "citation"])


def load_for_site(profile: str, overlay: Path | None) -> Knowledge:
    """The knowledge of a profile with a site's overlay, when it has one; InvalidKnowledge says all faults at once."""
    return load(profile, partial(lay_over, overlay) if overlay else None)


def lay_over(path: Path, rules: Rules, faults: Faults) -> str:
    """Replace what the overlay names; its name goes into the version of the knowledge."""
    try:
        content = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        faults.add(path.name, "overlay", f"cannot be read: {fault}")
        return ""
    head = content.get("overlay", {})
    if not NAME.fullmatch(str(head.get("name", ""))):
        faults.add(path.name, "overlay.name", "is missing, or not of small letters, digits and hyphens")
    if not head.get("approved_by") or not isinstance(head.get("approved_on"), datetime.date):
        faults.add(path.name, "overlay", "approved_by and approved_on are missing: only a signed overlay changes bands")
    for table in sorted(content.keys() - KNOWN):
        faults.add(path.name, table, "cannot be overlaid; an overlay holds scales, limits and citations")
    _replace(rules, read_rules([(path.name, content)], faults), path.name, faults)
    return str(head.get("name", ""))


def _replace(rules: Rules, site: Rules, file: str, faults: Faults) -> None:
    rules.citations.update(site.citations)
    for name, value in site.limits.items():
        if name not in rules.limits:
            faults.add(file, name, "is no limit of the knowledge")
        before = rules.limits.get(name, value)
        if not before / 2 <= value <= before * 2:
            faults.add(file, name, f"is more than twice or less than half of ours ({before})")
        rules.limits[name] = value
    for fact, scales in site.scales.items():
        for scale in scales:
            ours = rules.scales.get(fact, [])
            place = next((i for i, s in enumerate(ours) if _key(s) == _key(scale)), None)
            if place is None:
                whens = "; ".join(str({f: sorted(v) for f, v in s.when.items()}) for s in ours if s.unit == scale.unit)
                problem = "replaces none of ours: fact, analyte, unit and when must be the same"
                faults.add(file, f"scale of {fact}", f"{problem}; ours in this unit have when = {whens or 'nothing'}")
                continue
            levels = [b.level for b in ours[place].bands]
            if [b.level for b in scale.bands] != levels:
                faults.add(
                    file, f"scale of {fact} {scale.unit}", f"its levels must be {', '.join(levels)}, in this order"
                )
            if any(b.citation not in site.citations for b in scale.bands):
                faults.add(
                    file, f"scale of {fact} {scale.unit}", "cites no [[citation]] of the overlay: name the site's own"
                )
            ours[place] = scale


def _key(scale: Scale) -> tuple[object, ...]:
    when = tuple(sorted((fact, tuple(sorted(levels))) for fact, levels in scale.when.items()))
    return (scale.analyte, scale.unit, scale.by_range, when)

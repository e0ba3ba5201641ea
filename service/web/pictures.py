"""The pictures of one patient: the neutrophil count over time, and each nutrient on the scales of its tests.

In: an Assessment as service.evidence.recorded makes it, Scales (service.placed), words. Out: Pictures: escaped HTML
with SVG, without script or style; `pictures.css` beside page.css draws them. Pure. What was not measured is said, never
drawn; each SVG says in <title> and <desc> all that it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from service.cards.words import capital
from service.clinical.knowledge.model import Nutrient
from service.placed import OK, Placed, Scales
from service.web import scale
from service.web.drawing import draw
from service.web.svg import element
from service.web.terms import Terms

COUNT, UNMEASURED = "count", "not-measured"
REASSURING = ("sufficient", "high")  # statuses of which a level in range is a part
NOT_ASSESSABLE = "not-assessable"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture; `html` is safe to set into a page as it is."""

    id: str
    title: str
    html: str


def pictures(recorded: Mapping[str, Any], scales: Scales, terms: Terms) -> tuple[Picture, ...]:
    """The count, each nutrient of which there is something to show or to say, and what was not measured."""
    return tuple(_pictures(recorded, scales, terms))


def _pictures(recorded: Mapping[str, Any], scales: Scales, terms: Terms) -> Iterator[Picture]:
    yield Picture(COUNT, terms.said("picture", "count"), _count(recorded, scales, terms))
    rest: list[str] = []
    found = dict(scales.nutrients)
    for nutrient in terms.knowledge.nutrients:
        about = next((n for n in recorded["nutrients"] if n["nutrient"] == nutrient.id), None)
        if about is None:
            continue
        results, gaps = found.get(nutrient.id, ()), _gaps(recorded, nutrient, terms)
        if results or gaps:
            html = _nutrient(recorded, about, results, gaps, terms)
            yield Picture(nutrient.id, capital(nutrient.name), html)
        else:
            rest.append(f"{capital(nutrient.name)}: {_reasons(about, terms)}")
    if rest:
        yield Picture(UNMEASURED, terms.said("picture", "not-measured"), _listed(rest))


# --- the count --------------------------------------------------------------------------------------------------------


def _count(recorded: Mapping[str, Any], scales: Scales, terms: Terms) -> str:
    drawn = draw(recorded, scales.bands, terms, scales.limits)
    notes = [(_limit_said(one.value, one.why, one.asks, terms), one.citation) for one in scales.limits]
    gaps = [f"{capital(terms.missing(g['what']))}: {terms.gap(g['reason'])}" for g in _of(recorded, ("neutrophils",))]
    if not drawn:
        drawn = f"<p>{escape(terms.said('picture', 'no-count'))}</p>"
    lines = [f"{escape(said)} {cited(terms, source)}" for said, source in notes] + [escape(gap) for gap in gaps]
    return f'<figure class="picture">{drawn}{_items(lines)}</figure>'


def _limit_said(value: object, why: str, asks: Sequence[tuple[str, str]], terms: Terms) -> str:
    of = ", ".join(f"{terms.fact(fact)} {terms.level(fact, level)}" for fact, level in asks)
    unit = terms.band("10*9/L")
    return capital(terms.said("limit", why)) + f" {value} {unit}" + (f" ({of})" if of else "")


# --- a nutrient -------------------------------------------------------------------------------------------------------


def _nutrient(
    recorded: Mapping[str, Any], about: Mapping[str, Any], results: Sequence[Placed], gaps: list[str], terms: Terms
) -> str:
    status = terms.said("status", about["status"])
    nutrient = next(n for n in terms.knowledge.nutrients if n.id == about["nutrient"])
    verdict = f'<p class="verdict">{escape(capital(nutrient.name))}: <strong>{escape(status)}</strong></p>'
    drawn = _drawn(about, nutrient, results, terms) if results else ""
    if results:  # what is shown was reported, though no rule may use it
        about = {**about, "reasons": [one for one in about["reasons"] if one != UNMEASURED]}
    notes = [*_notes(recorded, about, nutrient, terms), *((terms.said("picture", "gap"), gap) for gap in gaps)]
    lines = [f"<b>{escape(head)}:</b> {escape(said)}" for head, said in notes]
    sources = dict.fromkeys(one.citation for one in results if one.bands)
    lines += [f"<b>{escape(terms.said('picture', 'source'))}:</b> {cited(terms, one)}" for one in sources]
    return f'<figure class="picture">{verdict}{drawn}{_items(lines)}</figure>'


def _drawn(about: Mapping[str, Any], nutrient: Nutrient, results: Sequence[Placed], terms: Terms) -> str:
    told = [(one, why_not(one, about, nutrient)) for one in results]
    rows = [scale.row(one, why, scale.HIGH * place, terms) for place, (one, why) in enumerate(told)]
    said = " ".join(_told(one, why, terms) for one, why in told)
    title = f"{capital(nutrient.name)}: {terms.said('status', about['status'])}"
    ids = f"picture-{nutrient.id}-title", f"picture-{nutrient.id}-desc"
    text = element("title", escape(title), id=ids[0]) + element("desc", escape(said), id=ids[1])
    box = f"0 0 {scale.WIDTH} {scale.HIGH * len(results)}"
    return element("svg", text, *rows, viewBox=box, role="img", aria_labelledby=" ".join(ids), class_="scale")


def why_not(one: Placed, about: Mapping[str, Any], nutrient: Nutrient) -> str:
    """Why a result does not tell what its band says; "" when it does. A level in range where the status of its nutrient
    is another, or where it proves nothing, does not reassure."""
    if one.unused or one.age == "old":
        return one.unused or scale.TOO_OLD
    if one.result.analyte != nutrient.analyte:
        return ""
    doubted = one.doubted or about["status"] not in (*REASSURING, NOT_ASSESSABLE)
    if scale.side(one) == OK and doubted:
        return scale.NO_REASSURANCE
    return NOT_ASSESSABLE if about["status"] == NOT_ASSESSABLE else ""


def _told(one: Placed, why: str, terms: Terms) -> str:
    """A row in words."""
    name, said = terms.analyte(one.result.analyte), scale.verdict(one, why, terms)
    parts = [f"{name} {scale.shown(one, terms)}, {scale.dated(one, terms)}: {said}."]
    parts += [terms.said("picture", "beyond")] if scale.beyond(one) else []
    bands = scale.bands_said(one, terms)
    parts.append(f"{terms.said('picture', 'bands')}: {bands}." if bands else terms.said("picture", "no-scale") + ".")
    return " ".join(parts)


def _notes(
    recorded: Mapping[str, Any], about: Mapping[str, Any], nutrient: Nutrient, terms: Terms
) -> Iterator[tuple[str, str]]:
    """What bears on the level, what points to the nutrient, what lies behind it."""
    if about["reasons"]:
        yield terms.said("picture", "reasons"), _reasons(about, terms)
    judged = about["status"] != NOT_ASSESSABLE
    for cause in (c for c in recorded["causes"] if judged and nutrient.cause and c["cause"] == nutrient.cause):
        certainty = terms.said("certainty", cause["certainty"])
        for key in (key for key in ("reasons", "contributing") if cause[key]):
            head = terms.said("picture", f"cause-{key}").format(certainty=certainty)
            yield head, "; ".join(map(terms.reason, cause[key]))


def _reasons(about: Mapping[str, Any], terms: Terms) -> str:
    return "; ".join(map(terms.reason, about["reasons"])) or terms.gap("not-measured")


def _gaps(recorded: Mapping[str, Any], nutrient: Nutrient, terms: Terms) -> list[str]:
    analytes = tuple(terms.knowledge.scales[fact][0].analyte for fact in nutrient.facts)
    found = (f"{capital(terms.missing(gap['what']))}, {terms.gap(gap['reason'])}" for gap in _of(recorded, analytes))
    return list(dict.fromkeys(found))


def _of(recorded: Mapping[str, Any], analytes: Sequence[str]) -> list[Mapping[str, Any]]:
    return [gap for gap in recorded["gaps"] if gap["what"] in analytes]


# --- markup -----------------------------------------------------------------------------------------------------------


def cited(terms: Terms, citation: str) -> str:
    """A source, with its address where one is known."""
    source = terms.knowledge.citations.get(citation)
    if source is None:
        return f"<cite>{escape(citation)}</cite>"
    if not source.url.startswith(("https://", "http://")):
        return f"<cite>{escape(source.text)}</cite>"
    return f'<cite><a href="{escape(source.url)}" rel="noreferrer">{escape(source.text)}</a></cite>'


def _items(lines: Iterable[str]) -> str:
    said = "".join(f"<li>{line}</li>" for line in lines)
    return f'<ul class="notes">{said}</ul>' if said else ""


def _listed(lines: Iterable[str]) -> str:
    return f'<figure class="picture">{_items(map(escape, lines))}</figure>'

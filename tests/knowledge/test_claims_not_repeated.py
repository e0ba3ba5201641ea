"""Claims of the lay articles that nobody may read here: part F of the rule base, row by row.

Every text that a user can see is scanned. A word of the vocabulary (filgrastim, albumin, "no neutropenic diet") is no
claim: each claim holds sentences that its expressions catch, and what they let pass.
"""

from __future__ import annotations

import html
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROWS_OF_PART_F = 24
PAGES = (".html", ".js", ".json", ".toml", ".md", ".txt")  # of the files of a web page those that hold words
PARSE: dict[str, Callable[[str], object]] = {".toml": tomllib.loads, ".json": json.loads, ".yaml": yaml.safe_load}
GAP = r"(?:[^.;|]|\.(?=\d)){0,70}?"  # `…` in an expression: anything within the sentence
ANTIMICROBIALS = r"(?:(?:levo|cipro|moxi)floxacin|(?:flu|posa|vori)conazole|(?:val)?ac[iy]clovir|co-?trim\w+|TMP-SMX)"
SUPPLEMENTS = r"(?:vitamin (?:C|D3?)|ascorbic acid|(?:chole|cole)calciferol|selenium|glutamine|fish oil)"
BOOST = r"(?:rais\w+|boost\w*|increas\w+|improv\w+|strengthen\w*|stimulat\w+|treat\w*)"
COUNT = r"(?:ANC|neutrophils?|white (?:blood )?cells?|counts?|marrow|immun\w+)"
ORDINARY = r"(?:common|frequent|usual|ordinary|typical|major|main|leading)"


@dataclass(frozen=True)
class Claim:
    """One row of part F."""

    row: int
    says: str
    expressions: tuple[str, ...]
    caught: tuple[str, ...]  # each by at least one of the expressions; each expression catches at least one
    passes: tuple[str, ...] = ()

    def found_in(self, text: str) -> list[str]:
        """What of a text repeats the claim."""
        return [hit[0] for expression in self.expressions if (hit := compiled(expression).search(text))]


def compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression.replace("…", GAP), re.IGNORECASE)


CLAIMS = (
    Claim(1, "a neutropenic diet protects",
        (r"(?<!no )(?<!not a )(?:neutropenic|low-bacterial|low-microbial|sterile) diet(?! (?:is not|has no|brings no))",
         r"\b(?:avoid|no)\b…\b(?:raw|fresh|unpeeled) (?:fruits?|vegetables|produce|salads?)"),
        ("Follow a neutropenic diet below 0.5.", "Avoid all raw fruit and salad.", "No fresh vegetables."),
        ("Food safety, no neutropenic diet.", "Keep food safe: pasteurized, meat cooked, produce washed.")),
    Claim(2, "isolation, and keep away from people, flowers and exercise",
        (r"\bHEPA\b", r"\b(?:protective|reverse) isolation",
         r"(?<!no need to )\b(?:avoid|shun|(?:stay|keep) away from)\b…"
         r"\b(?:crowd(?:s|ed)\b|flowers|plants|(?:vigorous|strenuous) exercise)"),
        ("A room with HEPA filters.", "Protective isolation below 0.5.", "Avoid large crowds.",
         "Stay away from fresh flowers.", "Avoid vigorous exercise."),
        ("Referral to hepatology.", "No need to avoid crowds.")),
    Claim(3, "antimicrobials are drugs for this disease",
        (rf"\b{ANTIMICROBIALS}\b…\b(?:prophyla\w+|prevents?|to prevent|daily|\d+ ?mg)",
         rf"\bprophyla\w+…\b{ANTIMICROBIALS}", r"(?<!no )\bprophylaxis with\b",
         r"(?<!no )\b(?:antibiotic|antibacterial|antifungal|antiviral|antimicrobial) prophylaxis"),
        ("Levofloxacin prevents infection.", "Fluconazole 400 mg while the count is low.", "TMP-SMX prophylaxis.",
         "Prophylaxis against herpes: aciclovir.", "Prophylaxis with a quinolone.", "Antifungal prophylaxis is given."),
        ("trimethoprim-sulfamethoxazole", "acyclovir", "No antibiotic prophylaxis in nutritional neutropenia.")),
    Claim(4, "posaconazole 300 mg in any form",
        (r"\bposaconazole\b…\b(?:300 ?mg|twice|bid\b|tablets?|suspension)",),
        ("Posaconazole 300 mg bid on day 1, then daily.",), ("posaconazole",)),
    Claim(5, "growth factors until a count",
        (r"\b(?:filgrastim|G-?CSF|growth factors?)\b…\b(?:until|till)\b", r"filgrastim\b…\d ?(?:[uµm]g|mcg)\b",
         rf"\b{BOOST}…(?:filgrastim|sargramostim|GM?-?CSF)\b", rf"(?:filgrastim|sargramostim|GM?-?CSF)\b…\b{BOOST}"),
        ("Filgrastim daily until the ANC is above 1000.", "Filgrastim 5 ug/kg.", "Pegfilgrastim 6 mg once a cycle.",
         "Raise the count with G-CSF.", "GM-CSF stimulates the marrow."),
        ("pegfilgrastim", "sargramostim", "recent G-CSF", "G-CSF is not for nutritional neutropenia.")),
    Claim(6, "newer growth factors and trilaciclib, with wrong doses",
        (r"\b(?:efbemalenograstim|eflapegrastim|trilaciclib)\b", r"\blenograstim\b…(?:\d|\bdose)"),
        ("Efbemalenograstim 6 mg.", "Eflapegrastim 0.075 mg/kg.", "Trilaciclib 30 min before.",
         "Lenograstim 100 ug/m2 daily."),
        ("lenograstim",)),
    Claim(7, "molgramostim, plerixafor, transplants and surgery treat it",
        (r"\b(?:molgramostim|plerixafor)\b", r"\b(?:bypass reversal|revers\w+…\b(?:bypass|bariatric))",
         r"(?<!not )\b(?:treat\w*|cur(?:e|es|ed)|offer|consider)\b…\btransplant",
         r"\btransplant\w*\b…\b(?:treats?|cures?|is an option|restores?)\b"),
        ("Molgramostim, plerixafor.", "Bypass reversal restores copper.", "Reversal of the gastric bypass.",
         "Consider an intestinal transplant.", "Liver transplantation cures the neutropenia."),
        ("stem cell or marrow transplant",)),
    Claim(8, "Wilson disease is a copper-related neutropenia",
        (r"copper-related neutropenia", r"\b(?:Wilson(?:'s)? disease|copper (?:overload|excess|toxicity))\b…"
         r"(?<!not )\b(?:causes|leads to|is a cause of)\b…\bneutropenia"),
        ("Wilson disease is a copper-related neutropenia.", "Copper overload leads to neutropenia."),
        ("Wilson disease (explains the low copper; its spleen or its treatment may lower the count)",)),
    Claim(9, "vitamin C and D, selenium, omega-3, glutamine help",
        (r"\bomega-?3", rf"\b(?:take|add|give|supplement\w*|offer|recommend\w*|consider|start)\b…\b{SUPPLEMENTS}\b",
         rf"\b{SUPPLEMENTS}\b…(?:\d ?(?:[uµm]?g|mcg|IU)\b|\b(?:supports?|helps?|supplement\w*|daily|twice|{BOOST})\b)"),
        ("Omega-3 2 g daily.", "Take selenium with meals.", "Vitamin C 500 mg bid.", "Glutamine 10 g.",
         "Vitamin D supports the marrow."),
        ("High vitamin C may lower copper.", "glutamine")),
    Claim(10, "copper 2 mg a day treats a deficiency",
        (r"\bcopper\b(?:(?!\bintravenous|\bIV\b|\bzinc)[^.;|]){0,40}(?<![\d.,–-])2(?:\.0)? ?mg\b(?! ?/ ?[dm]?L)",
         r"(?<![\d.,–-])2(?:\.0)? ?mg (?:of )?(?:elemental |oral )?copper"),
        ("Copper 2 mg daily by mouth.", "Copper gluconate, 2 mg a day.", "Give 2 mg of elemental copper."),
        ("Copper by mouth 4-8 mg elemental a day; intravenous 2-4 mg a day.", "1 mg copper per 8-15 mg zinc")),
    Claim(11, "vitamin B12 weekly, then monthly, without loading",
        (r"\b(?:cobalamin|B12|(?:cyano|hydroxo)cobalamin)\b(?:(?!\bdaily|\balternate|times a week)[^.;|]){0,60}"
         r"\b(?:weekly|(?:once a|every|each|a) week)\b",),
        ("Cyanocobalamin 1000 ug weekly x4, then monthly.", "Vitamin B12 once a week for a month."),
        ("Hydroxocobalamin 1 mg intramuscular three times a week for 2 weeks, then every 2-3 months",
         "Cyanocobalamin 1000 ug daily for 1 week, weekly for 4 weeks, then monthly")),
    Claim(12, "homocysteine and MMA both rise in B12 or folate deficiency",
        (r"\b(?:homocysteine|MMA|methylmalonic acid) and (?:homocysteine|MMA|methylmalonic acid)\b…"
         r"\b(?:rise|raised|high|elevated|increased?)\b…\b(?:B12|folate) (?:or|and) (?:vitamin )?(?:B12|folate)",
         r"\b(?:MMA|methylmalonic acid)\b…(?<!not )\b(?:rises?|raised|elevated|increases?)\b…\bin folate deficiency"),
        ("Homocysteine and MMA rise in B12 or folate deficiency.", "MMA is raised in folate deficiency."),
        ("Homocysteine is raised in B12 or folate deficiency, methylmalonic acid in B12 deficiency only.",)),
    Claim(13, "the intrinsic factor antibody decides",
        (r"\bintrinsic factor\b…\bhelps?\b…\bdiagnos",
         r"\bnegative\b…\bintrinsic factor\b…(?<!not )\b(?:exclude|rule)s?\b",
         r"\bintrinsic factor\b…\bnegative\b…(?<!not )\b(?:exclude|rule)s?\b"),
        ("Anti-intrinsic factor antibodies help diagnose it.", "A negative intrinsic factor antibody rules it out.",
         "Intrinsic factor antibody negative: excludes pernicious anemia."),
        ("A negative intrinsic factor antibody does not exclude pernicious anemia.",)),
    Claim(14, "albumin or total protein show malnutrition",
        (r"\b(?:albumin|total protein)\b…(?<!not )\b(?:shows?|indicates?|means?|suggests?|(?:marker|sign)s? of)\b…"
         r"\b(?:malnutrition|malnourish\w+|nutritional status|nutrition)\b",
         r"\bmalnutrition\b…(?<!not )\b(?:shown|diagnosed|assessed|confirmed|seen)\b…\b(?:albumin|total protein)\b"),
        ("A low albumin indicates malnutrition.", "Total protein is a marker of nutrition.",
         "Malnutrition is assessed by albumin."),
        ("GLIM criteria of malnutrition; albumin is no nutrition marker", "low albumin distorts the level")),
    Claim(15, "cortisol suppresses the marrow, stress management raises counts",
        (rf"\bcortisol\b…\b(?:suppress|lower|impair|inhibit)\w*…\b{COUNT}", r"\bstress (?:management|reduction|relief)",
         r"\b(?:manag\w+|reduc\w+|less) stress\b", r"\b(?:yoga|meditation|mindfulness)\b"),
        ("Cortisol suppresses the marrow.", "Stress management.", "Reduce stress.", "Yoga raises counts."),
        ("corticosteroid", "Cortisol raises the count.")),
    Claim(16, "smoking lowers neutrophils, stopping raises them",
        (rf"\b(?:smok\w+|tobacco)\b…\b(?:impair|suppress|lower|damage|reduce)\w*…\b{COUNT}",
         rf"\b(?:stop|quit|giv\w+ up)\w*\b…\bsmoking\b…\b{BOOST}"),
        ("Smoking impairs the marrow.", "Stop smoking to raise neutrophils."), ("Former smoker",)),
    Claim(17, "folate deficiency causes tingling",
        (r"\bfolate deficiency\b…(?<!not )(?<!seldom )(?<!rarely )\b(?:causes?|leads to|brings)\b…"
         r"\b(?:tingling|numbness|neuropathy|para?esthesias?)", r"\b(?:tingling|numbness)\b…\bfolate defici"),
        ("Folate deficiency causes tingling.", "Numbness speaks for folate deficiency."),
        ("Folate deficiency seldom causes neuropathy.",)),
    Claim(18, "iron and zinc are ordinary causes of neutropenia",
        (rf"\b(?:iron|zinc)(?: deficiency)? is an? {ORDINARY}",
         rf"\b{ORDINARY} causes? of neutropenia\b…\b(?:iron|zinc)\b"),
        ("Zinc deficiency is a common cause of neutropenia.", "Common causes of neutropenia: B12, folate, iron."),
        ("zinc deficiency is a weak cause of neutropenia",)),
    Claim(19, "no live vaccine below a count of 1000",
        (r"(?<!no need to )(?<!not )\b(?:avoid|withhold|no)\b…\blive(?: virus)? vaccin",
         r"\blive(?: virus)? vaccin\w+…\b(?:contraindicated|avoided|forbidden)…\b(?:1[.,]?0|1000)"),
        ("Avoid live vaccines.", "No live vaccines below 1.0.", "Live vaccines are contraindicated below 1000."),
        ("hepatitis b vaccine",)),
    Claim(20, "neutropenia is below 1500 for everyone",
        (r"\b1[,.]?500\b…\b(?:everyone|anyone|(?:all|every|any) (?:ages?|adults?|people|patients?|person))\b",
         r"\bneutropenia (?:is|means)\b…(?:<|≤|below|less than|under) ?1[,.]?50{0,2}\b"),
        ("Below 1500 for everyone.", "Neutropenia means an ANC below 1500.", "Neutropenia is a count <1.5."),
        ("mild neutropenia", "1.0 to <1.5 x10*9/L")),
    Claim(21, "magnesium causes or prevents neutropenia",
        (r"\b(?:magnesium|hypomagnes\w+)\b…(?<!not )\b(?:causes|can cause|leads to|lowers|explains|is a cause)\b",
         r"\bmagnesium\b…\b(?:prevents?|protects?|reduces?)\b"),
        ("Low magnesium causes neutropenia.", "Magnesium reduces febrile neutropenia."),
        ("low magnesium is no cause of neutropenia", "Magnesium is not a cause.")),
    Claim(22, "isolated neutropenia is not from copper",
        (r"\bisolated neutropenia\b…\b(?:not|unlikely|atypical|excludes?|rules out|speaks against)\b…\bcopper",
         r"\bcopper\b…\b(?:never|not|always)\b…\b(?:isolated neutropenia|with anemia)"),
        ("Isolated neutropenia is not typical of copper deficiency.", "Copper never gives isolated neutropenia."),
        ("Isolated neutropenia is reported in copper deficiency.",)),
    Claim(23, "immunoglobulin treats infants; neutropenia of preeclampsia lasts",
        (rf"\b(?:IVIG|immun(?:o|e )globulins?)\b…\b(?:effective|recommended|{BOOST})\b",
         r"\b(?:give|offer|consider|treat\w* with)\b…\b(?:IVIG|immun(?:o|e )globulin)",
         r"\bpre-?eclampsia\b…\blasts?\b…\b(?:weeks|months)"),
        ("IVIG is effective in infants.", "Give intravenous immunoglobulin.",
         "Neutropenia of preeclampsia lasts for weeks."), ("total IgA", "maternal preeclampsia")),
    Claim(24, "vitamin B12 above 500 protects nerves",
        (r"\bB12\b…(?:>|≥|above|over|more than|at least) ?(?:500|369)\b", r"\bB12\b…\bprotects?\b…\bnerves?"),
        ("Vitamin B12 >500 pg/mL protects nerves.",), ("Vitamin B12 500 pg/mL", "Vitamin B12 >2000 pg/mL")),
)  # fmt: skip


def strings(document: object) -> Iterator[str]:
    """Every string value of a document, keys not among them."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict | list):
        for value in document.values() if isinstance(document, dict) else document:
            yield from strings(value)


def read(path: Path) -> Iterator[str]:
    """The texts of a file: of data its strings, of prose its paragraphs, list items and table rows."""
    text = path.read_text("utf-8", errors="replace")
    parse = PARSE.get(path.suffix)
    for whole in strings(parse(text)) if parse else [text]:
        for part in re.split(r"\n\s*\n|\n(?=\s*[-*|#<])", whole):
            yield " ".join(re.sub(r"[*_`\\]", "", html.unescape(part)).split())


def seen_by_users() -> list[Path]:
    knowledge = sorted((ROOT / "service" / "clinical" / "knowledge").rglob("*.toml"))
    pages = [p for p in sorted((ROOT / "service" / "web").rglob("*")) if p.suffix in PAGES]
    stories = sorted((ROOT / "fixtures" / "fhir" / "stories").glob("*/response.json"))
    return [*knowledge, *pages, *stories, ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "openapi.yaml"]


@pytest.mark.parametrize("path", seen_by_users(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_text_repeats_a_claim_of_part_f(path: Path) -> None:
    assert not [(c.says, hit, text) for text in read(path) for c in CLAIMS for hit in c.found_in(text)]


def test_every_row_of_part_f_has_a_claim() -> None:
    assert [claim.row for claim in CLAIMS] == list(range(1, ROWS_OF_PART_F + 1))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.says)
def test_the_claim_would_be_caught_and_its_vocabulary_not(claim: Claim) -> None:
    assert [sentence for sentence in claim.caught if not claim.found_in(sentence)] == []
    assert [e for e in claim.expressions if not any(compiled(e).search(sentence) for sentence in claim.caught)] == []
    assert [sentence for sentence in claim.passes if claim.found_in(sentence)] == []


def test_treatments_cards_and_pages_are_among_the_texts() -> None:
    texts = " ".join(text for path in seen_by_users() for text in read(path))
    for words in ("Stop zinc products", "Neutropenia review", "Suggested orders and why", "Wilson disease look alike"):
        assert words in texts

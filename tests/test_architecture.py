"""The shape of the code: who may import whom, how long things may be, where clinical numbers live."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for package in ("cds_hooks", "service") for path in (ROOT / package).rglob("*.py"))
CLINICAL = sorted((ROOT / "service" / "clinical").rglob("*.py"))

# From the top down: a part imports only from floors below its own; the last, the ground, imports nothing of ours.
FLOORS = (
    {"service.cli"},
    {"service.app"},
    {"service.workbench"},
    {"service.web", "service.probe"},
    {"service.memory", "service.silence"},
    {"service.hooks", "service.charts"},
    {"service.templates", "service.callers"},
    {"service.ground"},
    {"service.order_checks"},
    {"service.cards", "service.auth", "service.explain", "service.evidence", "service.callback"},
    {"service.placed"},
    {"service.clients"},
    {
        "service.fhir",
        "service.store",
        "service.contract",
        "service.overlay",
        "service.profiles",
        "service.cors",
        "service.stories",
    },
    {
        "service.clinical",
        "cds_hooks",
        "service.settings",
        "service.fhir_base",
        "service.files",
        "service.telemetry",
        "service",
    },
)
FLOOR_OF = {part: floor for floor, parts in enumerate(FLOORS) for part in parts}

# Whatever is not named here may import any third-party package.
THIRD_PARTY = {
    "service.clinical": set(),
    "cds_hooks": {"msgspec"},
    "service.cards": set(),
    "service.probe": {"requests"},
}
KNOWS_FLASK = {"service.app", "service.workbench", "service.web", "service.cli"}

MOST_LINES, MOST_BODY = 260, 30
MOST_CORE = 5_900  # lines of code: no docstring, comment or blank line
MOST_OF_THE_ORDER_CHECKS = 1_420  # a chapter of its own, read after the core
CORE = {"cds_hooks", "service.clinical", "service.fhir", "service.cards", "service.hooks"}

# Counting, the calendar and the decimal system; every other number is clinical and belongs into the knowledge.
STRUCTURAL = {0, 1, 2, 3, 7, 10, 12, 24, 29, 31, 60, 100, 365, 366, 1000, 3600}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def part_of(module: str) -> str:
    """The part of the program, as FLOORS names it, that a module of ours belongs to."""
    names = module.split(".")
    return names[0] if names[0] == "cds_hooks" else ".".join(names[:2])


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full module name of every import, wherever it stands in the file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            assert node.module is not None
            # `from service import files` names a module, `from service.files import find_file` a name inside one.
            whole = node.module == "service"
            yield from ((node.lineno, f"service.{a.name}" if whole else node.module) for a in node.names)


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_every_module_stands_on_a_floor() -> None:
    assert {part_of(module_of(path)) for path in SOURCES} <= FLOOR_OF.keys()


def test_each_part_imports_only_from_the_floors_below() -> None:
    wrong = []
    for path in SOURCES:
        here = part_of(module_of(path))
        for line, module in imports_of(path):
            there = "service" if module == "service.__version__" else part_of(module)
            if there in FLOOR_OF and there != here and FLOOR_OF[there] <= FLOOR_OF[here]:
                wrong.append(f"{place(path, line)}: {here} imports {there}")
    assert not wrong


def test_the_inner_parts_import_no_third_party_package_but_those_named() -> None:
    ours = {"cds_hooks", "service"}
    wrong = [
        f"{place(path, line)}: {module}"
        for path in SOURCES
        for line, module in imports_of(path)
        if (part := part_of(module_of(path))) in THIRD_PARTY
        and module.split(".")[0] not in sys.stdlib_module_names | ours | THIRD_PARTY[part]
    ]
    assert not wrong


def test_the_probe_knows_of_us_only_what_the_specification_says() -> None:
    # Whatever else it took from the service that it looks at would be wrong in both.
    probe = [path for path in SOURCES if part_of(module_of(path)) == "service.probe"]
    known = {module for path in probe for _, module in imports_of(path) if part_of(module) in FLOOR_OF}
    assert {module for module in known if part_of(module) != "service.probe"} == {"cds_hooks.hooks", "cds_hooks.cards"}


def test_only_the_edge_knows_flask() -> None:
    wrong = [
        place(path, line)
        for path in SOURCES
        for line, module in imports_of(path)
        if module.split(".")[0] in {"flask", "werkzeug"} and part_of(module_of(path)) not in KNOWS_FLASK
    ]
    assert not wrong


def test_the_protocol_holds_no_clinical_word_and_no_loinc_code() -> None:
    tables = [tomllib.loads(path.read_text("utf-8")) for path in (ROOT / "service/clinical/knowledge").glob("*.toml")]
    words = {word for table in tables if "nutrient" in table for word in re.split(r"\W+", table["nutrient"]["name"])}
    words = {word.lower() for word in words if len(word) > 3} - {"acid"} | {"neutropenia", "neutrophil", "nutrient"}
    assert {"copper", "folate"} <= words
    clinical = re.compile(rf"\b({'|'.join(sorted(words))})|\b\d{{3,5}}-\d\b", re.IGNORECASE)
    wrong = [
        f"{place(path, number)}: {match[0]}"
        for path in (ROOT / "cds_hooks").rglob("*.py")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (match := clinical.search(line))
    ]
    assert not wrong


def test_the_clinical_core_holds_no_clinical_number() -> None:
    wrong = [
        f"{place(path, node.lineno)}: {number}"
        for path in CLINICAL
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and (number := number_in(node.value)) not in STRUCTURAL | {None}
    ]
    assert not wrong


def number_in(value: object) -> float | None:
    """The number that a literal is, or that Decimal() would make of it ("1.5"); True and False are none."""
    if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_a_file_and_its_functions_are_short_enough_to_read(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = {f.name: length for f in functions if (length := body_length(f)) > MOST_BODY}
    assert not long


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_the_core_can_be_read_in_an_hour_or_two() -> None:
    core = [path for path in SOURCES if part_of(module_of(path)) in CORE]
    assert sum(len(lines_of_code(path)) for path in core) <= MOST_CORE
    checks = [path for path in SOURCES if part_of(module_of(path)) == "service.order_checks"]
    assert 0 < sum(len(lines_of_code(path)) for path in checks) <= MOST_OF_THE_ORDER_CHECKS


def lines_of_code(path: Path) -> set[int]:
    """Lines that hold code: what is left without docstrings, comments and blank lines."""
    source = path.read_text("utf-8")
    aside = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type not in aside]
    code = {line for t in tokens for line in range(t.start[0], t.end[0] + 1)}
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            code -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return code


def test_a_serving_worker_never_loads_the_fhir_models_nor_requests() -> None:
    telling = ("prometheus_client", "structlog", "opentelemetry")  # loaded by `cds serve`, where they are on
    heavy = ("fhir", "pydantic", "requests", "openapi_spec_validator", "ucumvert", *telling)
    program = f"import sys, service.app; print(*sorted(set(sys.modules) & {set(heavy)!r}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []

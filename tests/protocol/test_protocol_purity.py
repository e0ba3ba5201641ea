"""The protocol package serves any service: no medicine in it, no framework under it, and light to import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cds_hooks

PACKAGE = Path(cds_hooks.__file__).parent
MODULES = sorted(PACKAGE.glob("*.py"))
CLINICAL = re.compile(
    r"neutro|copper|\bb12\b|cobalamin|folate|loinc|snomed|an[a]?emia|leukocyte|h[a]?emoglobin|\banc\b|zinc|ceruloplasmin",
    re.IGNORECASE,
)
OURS = {"msgspec", "cds_hooks"}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_no_clinical_word_is_in_the_protocol(module: Path) -> None:
    assert CLINICAL.findall(module.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_the_protocol_imports_msgspec_and_itself_alone(module: Path) -> None:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    assert names - set(sys.stdlib_module_names) <= OURS


def test_importing_the_request_brings_no_framework() -> None:
    heavy = "{'flask', 'requests', 'jsonschema', 'fhir', 'pydantic', 'sqlalchemy', 'service', 'asyncio'}"
    program = f"import sys, cds_hooks.request, cds_hooks.prefetch; print(*({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("module", [path for path in MODULES if path.stem != "__init__"], ids=lambda path: path.stem)
def test_the_map_of_the_package_names_every_module(module: Path) -> None:
    assert re.search(rf"^    {module.stem} +\S", cds_hooks.__doc__ or "", re.MULTILINE)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_module_stays_within_250_lines(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 250

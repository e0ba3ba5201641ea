"""An answer held against the rules: those of `cds check` for what a service answers, and the contract.

In: an answer as JSON, whom it is about, what was drafted. Out: a line per rule that could be looked at (openapi.yaml:
Check). CDS Hooks 2.0, by the numbers of the checklist.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from service import contract

CONTRACT = "openapi.yaml"


def made_ready() -> None:
    """Load what checking needs, so that the first judgement does not wait for it."""
    import service.probe.answers  # noqa: F401  it stays loaded

    contract.validator("HookResponse")


def checks(answer: Any, patient: str, drafted: set[str]) -> list[dict[str, Any]]:
    """The rules that the answer shows something of, each with what was found. `drafted`: Type/id of each draft."""
    return [*_by_the_specification(answer, patient, drafted), *_by_the_contract(answer)]


def _by_the_specification(answer: Any, patient: str, drafted: set[str]) -> Iterator[dict[str, Any]]:
    # Brings `requests` along, which a worker that shows no workbench does without.
    from service.probe import answers
    from service.probe.findings import Verdict, gather
    from service.probe.lines import LINES

    seen = answers.look(answer, "the answer", patient, drafted)
    for one in gather(seen):
        if one.verdict is not Verdict.SKIPPED:
            ok = one.verdict is Verdict.PASS
            found = one.where if ok else f"{one.where}: {one.says}"
            yield {"line": one.line, "level": one.level, "said": LINES[one.line].asks, "ok": ok, "found": found}


def _by_the_contract(answer: Any) -> Iterator[dict[str, Any]]:
    faults = [f"{one.path} {one.problem}" for one in contract.faults("HookResponse", answer)]
    said, found = "the answer is a HookResponse", "; ".join(faults) or "the answer"
    yield {"line": CONTRACT, "level": "MUST", "said": said, "ok": not faults, "found": found}

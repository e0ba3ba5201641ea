"""The examples of `cds report` and `cds replay` in docs/operations.md are what the commands print."""

from __future__ import annotations

from pathlib import Path

import pytest
from filling import Site, fill
from test_replay_command import overlay

OPERATIONS = (Path(__file__).resolve().parents[2] / "docs/operations.md").read_text("utf-8")


@pytest.mark.parametrize("command", ["report --since 2026-06-01 --until 2026-06-30", "replay --knowledge overlay.toml"])
def test_the_example_is_what_is_printed(command: str, tmp_path: Path) -> None:
    site = Site(f"sqlite:///{tmp_path}/store.sqlite", tmp_path)
    fill(site)
    example = OPERATIONS.partition(f"$ ./cds {command}\n")[2].partition("```")[0].splitlines()
    arguments = [overlay(tmp_path) if one == "overlay.toml" else one for one in command.split()]
    printed = [line.rstrip() for line in site.run(*arguments).output.splitlines()]
    assert len(example) > 8
    at = 0
    for line in example:
        wanted = line.rstrip("…").rstrip()
        found = next((n for n, one in enumerate(printed[at:], at) if one.startswith(wanted)), None)
        assert found is not None, f"nothing like {line!r} is printed after line {at}"
        at = found if not wanted else found + 1

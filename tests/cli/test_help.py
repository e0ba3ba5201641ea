"""Help that can be read: groups, examples that parse, no line beyond 80 columns, every way out told."""

from __future__ import annotations

import re
import shlex

import click
import pytest
from click.testing import CliRunner

from service.cli import GROUPS, main

COMMANDS = sorted(main.commands)
EVERY = [[], *([name] for name in COMMANDS)]


def said(*arguments: str, width: int = 80) -> str:
    done = CliRunner().invoke(main, [*arguments, "--help"], terminal_width=width, prog_name="cds")
    assert done.exit_code == 0
    return done.output


@pytest.mark.parametrize("command", EVERY, ids=lambda command: " ".join(command) or "cds")
def test_no_line_is_longer_than_a_terminal(command: list[str]) -> None:
    assert [line for line in said(*command).splitlines() if len(line) > 80] == []


def test_every_command_stands_in_one_group_with_its_whole_sentence() -> None:
    assert sorted(name for _, names in GROUPS for name in names) == COMMANDS
    text = said()
    for heading, names in GROUPS:
        assert f"\n{heading}:\n" in text
        for name in names:
            short = main.commands[name].short_help
            assert short and short.endswith(".") and len(short) <= 60
            assert re.search(rf"^  {name} +{re.escape(short)}$", text, re.MULTILINE), name


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_gives_examples_with_options_that_it_has(name: str) -> None:
    examples = said(name).partition("Examples:\n")[2].partition("\n\n")[0]
    lines = [line.strip() for line in examples.splitlines()]
    assert lines
    for line in lines:
        assert f"cds {name}" in line, line
        called = re.split(r"  +|[|>#]", line[line.index(f"cds {name}") + 4 :])[0]
        given = {word.partition("=")[0] for word in shlex.split(called) if word.startswith("-") and word != "-"}
        command = main.commands[name]
        known = {option for one in command.params if isinstance(one, click.Option) for option in one.opts}
        assert given <= known | {"--help"}, line


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("serve", "story", "completion")])
def test_the_exit_statuses_of_each_command_are_told(name: str) -> None:
    assert "exit status" in " ".join(said(name).lower().split())


def test_the_top_names_the_first_thing_to_do() -> None:
    text = said()
    assert "cds story infant | cds assess -" in text
    assert "cds serve" in text

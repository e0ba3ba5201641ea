"""`cds check`: the conformance probe on the command line.

In: an address and what the options say. Out: a table by section, or one JSON object; exit status 0, 1 (a MUST failed,
or every token was refused) or 2 (nothing could be seen).
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import click
from rich.console import Console
from rich.text import Text

from service import probe
from service.cli import progress
from service.probe.findings import Finding, Report, Verdict
from service.probe.wire import NotReachable

LONGEST_FILE = 4 * 1024 * 1024
PLAIN_WIDTH, MARGIN = 120, 25  # where there is no terminal; before what is said
COLORS = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.WARN: "yellow", Verdict.SKIPPED: "dim"}


def run(target: probe.Target, as_json: bool) -> int:
    """Look at a service and print what was seen; the exit status."""
    try:
        with progress.bar() as steps:
            report = probe.look(target, steps.tell)
    except (NotReachable, probe.UnknownService) as fault:
        click.echo(f"Error: {fault}", err=True)
        return 2
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2))
    else:
        _print(report)
    return report.status


def address(text: str) -> str:
    """The address of a service; BadParameter when it is none."""
    parts = _parts(text)
    if parts is None:
        meant = f"http://{text}"
        near = "://" not in text and _parts(meant)
        if near and near.username is None and not near.query and not near.fragment:  # secrets are not repeated
            raise click.BadParameter(f"write http(s)://host/path: did you mean {meant}?", param_hint="URL")
        raise click.BadParameter("write http(s)://host/path", param_hint="URL")
    if parts.username is not None or parts.query or parts.fragment:
        raise click.BadParameter("leave out user, query and fragment", param_hint="URL")
    return text


def _parts(text: str) -> SplitResult | None:
    """The parts of an address of HTTP; None when it is none."""
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        return None
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts if fits else None


def tokens_of(token: str | None, file: Path | None) -> tuple[str, ...]:
    """The tokens to send: the one given, or the lines of a file."""
    if token is not None and file is not None:
        raise click.UsageError("give --token or --token-file, not both")
    found = [token] if token is not None else _read(file, "--token-file").split() if file is not None else []
    if any(not one or not one.isascii() or not one.isprintable() or " " in one for one in found):
        raise click.BadParameter("a token is ASCII without blanks", param_hint="--token")
    if file is not None and not found:
        raise click.BadParameter("holds no token; write one per line", param_hint="--token-file")
    return tuple(found)


def requests_of(files: tuple[Path, ...]) -> tuple[dict[str, Any], ...]:
    """The hook requests in files."""
    found = []
    for file in files:
        try:
            sent = json.loads(_read(file, "--request"))
        except (ValueError, RecursionError):
            sent = None
        if not isinstance(sent, dict) or not isinstance(sent.get("context"), dict):
            raise click.BadParameter(f"{file} is no hook request: a JSON object with context", param_hint="--request")
        found.append(sent)
    return tuple(found)


def _read(file: Path, option: str) -> str:
    try:
        with click.open_file(str(file), "rb") as opened:
            text: str = opened.read(LONGEST_FILE).decode("utf-8")
            return text
    except (OSError, UnicodeDecodeError):
        raise click.BadParameter(f"{file} cannot be read as text", param_hint=option) from None


def _print(report: Report) -> None:
    console = Console(highlight=False)
    width = console.width if console.is_terminal else PLAIN_WIDTH
    for section, findings in groupby(report.findings, key=lambda one: one.section):
        console.print(Text(section, style="bold"))
        for one in findings:
            console.print(_row(one, width), soft_wrap=True)
        console.print()
    for line in _closing(report):
        console.print(Text(line), soft_wrap=True)


def _row(one: Finding, width: int) -> Text:
    """Line, level, verdict, and what there is to say; where only when something is wrong."""
    is_wrong = one.verdict in (Verdict.FAIL, Verdict.WARN)
    says = _plain(f"{one.where}: {one.says}" if is_wrong else one.says)
    told = textwrap.wrap(says, max(width - MARGIN, MARGIN)) or [""]
    # Text, not markup: a place holds keys of the answer.
    verdict = (f"{one.verdict:<9}", COLORS[one.verdict])
    return Text.assemble(f"  {one.line:<4}{one.level:<10}", verdict, ("\n" + " " * MARGIN).join(told))


def _plain(text: str) -> str:
    """A text with what would steer a terminal made visible: keys of an answer may hold anything."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _closing(report: Report) -> Iterator[str]:
    counts = {verdict: len(report.lines(verdict)) for verdict in Verdict}
    yield f"{report.url}: {', '.join(map(_plain, report.services)) or 'no service that could be called'}"
    if report.not_called:
        yield f"not called (not asked for, or id or hook not usable): {', '.join(map(_plain, report.not_called))}"
    time = f", {report.p50_ms} ms per call by the book (median)" if report.p50_ms is not None else ""
    yield f"{report.calls} calls{time}; access: {report.access}"
    if report.tokens == "refused":
        yield "every token given was refused: is each for these addresses (`aud`), not expired, not used before?"
    yield (
        f"{counts[Verdict.PASS]} lines pass, {counts[Verdict.FAIL]} fail (MUST), {counts[Verdict.WARN]} warn, "
        f"{counts[Verdict.SKIPPED]} skipped"
    )

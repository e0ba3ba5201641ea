"""The command line: serve, assess, story, config, doctor, check, completion; those about what is kept stand in `kept`.

Each command imports what it needs when it runs, so that `cds --help` is quick and a serving worker stays small.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

import service
from service.cli import examples
from service.cli.days import Day
from service.cli.kept import KEPT

HELP = {"help_option_names": ["-h", "--help"]}
# The commands by what they are for; help lists them so.
GROUPS = (
    ("A patient", ("assess", "story")),
    ("The service", ("serve", "config", "doctor", "check")),
    ("What is kept", ("report", "replay", "purge", "audit", "migrate")),
    ("This shell", ("completion",)),
)


class Commands(click.Group):
    """The commands; with settings or knowledge that cannot be used each says all faults, and exits with status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        from service.clinical.knowledge import InvalidKnowledge
        from service.settings import SettingsError

        try:
            return super().invoke(ctx)
        except (SettingsError, InvalidKnowledge) as fault:
            for one in fault.faults:
                click.echo(f"Error: {one}", err=True)
            raise SystemExit(2) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands in their groups, each with its whole sentence."""
        for heading, names in GROUPS:
            with formatter.section(heading):
                width = max(map(len, self.commands)) - max(map(len, names))  # one column for all groups
                said = [(name, self.commands[name].short_help or "") for name in names]
                formatter.write_dl(said, col_spacing=width + 2)


def _stories(ctx: click.Context, param: click.Parameter, begun: str) -> list[str]:
    """The names of stories that a shell can complete."""
    from service.stories import names

    return [name for name in names() if name.startswith(begun)]


@click.group(cls=Commands, context_settings=HELP, epilog=examples.MAIN)
@click.version_option(service.__version__, message="%(prog)s %(version)s", prog_name="neutropenia-cds")
def main() -> None:
    """Neutropenia and its nutritional causes: a CDS Hooks service, and the same judgement on the command line."""


@main.command(epilog=examples.SERVE, short_help="Start the service.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes that answer.")
@click.option(
    "--without-authentication",
    is_flag=True,
    help="Listen for other machines although no call needs a token: whoever reaches the address may call.",
)
def serve(host: str, port: int, workers: int, without_authentication: bool) -> None:
    """Start the service; SIGTERM and Ctrl-C stop it. Settings are environment variables (CDS_*: docs/operations.md)."""
    from service.cli.serve import run

    run(host, port, workers, without_authentication)


@main.command(epilog=examples.ASSESS, short_help="Assess the patients in FHIR files.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--as-of", type=Day(), metavar="DAY", help="Judge as at the end of this day.")
@click.option("--json", "as_json", is_flag=True, help="Print each Assessment as one line of JSON.")
@click.option("--explain", is_flag=True, help="Add why: rows, facts, bounds, sources, and what kept other rows away.")
@click.option("--exit-status", is_flag=True, help="Exit by the worst card: 0 none, 10 info, 11 warning, 12 critical.")
def assess(files: tuple[Path, ...], as_of: date | None, as_json: bool, explain: bool, exit_status: bool) -> None:
    """Assess each patient in FHIR R4 FILES (Bundle, resource or hook request; - is standard input)."""
    from service.cli.assess import run

    raise SystemExit(run(files, as_of, as_json, explain, exit_status))


@main.command(epilog=examples.STORY, short_help="Print the request of a made-up patient.")
@click.argument("name", required=False, shell_complete=_stories)
def story(name: str | None) -> None:
    """Print the request of a made-up patient, with its dates moved to today; without NAME list them."""
    from service.cli.story import run

    run(name)


@main.command(epilog=examples.CONFIG, short_help="List every setting, and what is in force.")
@click.option("--markdown", is_flag=True, help="Print the table of docs/operations.md instead.")
def config(markdown: bool) -> None:
    """List every setting: variable, what is in force (in bold where it was set), default, what it does."""
    from service.cli.config import run

    raise SystemExit(run(markdown))


@main.command(epilog=examples.DOCTOR, short_help="Check settings, knowledge and order templates.")
@click.option("--analytes", is_flag=True, help="List the analytes instead: id, name, units, codes.")
@click.option("--thresholds", is_flag=True, help="List the thresholds in force instead: bands, for whom, source.")
@click.option("--checks", is_flag=True, help="List the order checks instead: what they are about, levels, words.")
@click.option("--orders", is_flag=True, help="List what a click can order instead, as a client's map names it.")
@click.option("--call", is_flag=True, help="Ask instead whether the key and FHIR servers of CDS_CLIENTS answer.")
@click.option("--clinical", is_flag=True, help="Print all that is judged instead, for a clinician to sign.")
@click.option("--prefetch", is_flag=True, help="Print the FHIR queries to paste into an EHR instead.")
def doctor(**asked: bool) -> None:
    """Check settings, clinical knowledge and order templates; exit status 1 when something is wrong."""
    from service.cli.clinical import run as print_clinical
    from service.cli.doctor import call, run
    from service.cli.lists import list_analytes, list_checks, list_orders, list_prefetch, list_thresholds

    lists = {
        "analytes": list_analytes, "thresholds": list_thresholds, "checks": list_checks, "call": call,
        "orders": list_orders, "clinical": print_clinical, "prefetch": list_prefetch,
    }  # fmt: skip
    raise SystemExit(next((lists[name] for name, wanted in asked.items() if wanted), run)())


@main.command(epilog=examples.CHECK, short_help="Check any CDS Hooks service for conformance.")
@click.argument("url")
@click.option("--token", help="A JWT to send. Other users of this machine may see it: --token-file hides it.")
@click.option("--token-file", type=click.Path(path_type=Path, allow_dash=True), help="JWTs, one per line, in turn.")
@click.option("--origin", help="Origin of a browser client that is to be let in.")
@click.option("--service", "services", multiple=True, metavar="ID", help="Look at this service alone (repeatable).")
@click.option(
    "--request",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, allow_dash=True),
    help="A hook request that leads to cards: sent to services of its hook (repeatable).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object (its shape is below).")
@click.option(
    "--timeout", default=10.0, show_default=True, type=click.FloatRange(0.1, 300), help="Seconds for a whole call."
)
def check(
    url: str,
    token: str | None,
    token_file: Path | None,
    origin: str | None,
    services: tuple[str, ...],
    files: tuple[Path, ...],
    as_json: bool,
    timeout: float,
) -> None:
    """Check what can be seen from outside of the CDS Hooks 2.0 service at URL (base or discovery address).

    Sends calls about a patient who does not exist, wrong calls, and feedback on the cards that come, to this origin
    alone: for a system in test, not for one in use. A service that takes each token once needs about 50 tokens per
    CDS service in --token-file, each with all addresses in `aud`.
    """
    from service import probe
    from service.cli.check import address, requests_of, run, tokens_of

    target = probe.Target(address(url), tokens_of(token, token_file), origin, services, timeout, requests_of(files))
    raise SystemExit(run(target, as_json))


@main.command(epilog=examples.COMPLETION, short_help="Print what makes a shell complete `cds`.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script by which bash, zsh or fish completes `cds`."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found
    click.echo(found(main, {}, "cds", "_CDS_COMPLETE").source())


for _command in KEPT:
    main.add_command(_command)

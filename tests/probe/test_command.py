"""`cds check` as its users see it: our own service passes, options are checked, nothing leaks, terminals get colour."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from toy import ORIGIN, Asked, Reply, Toy, mint, serving
from wire import LISTED, Running

from service.cli import main
from service.probe.lines import LINES, Level

ROOT = Path(__file__).resolve().parents[2]
INTEGRATION = (ROOT / "docs/integration.md").read_text("utf-8")
# What our service may have no occasion to show: TLS, systemActions, links, and what a service without tokens lacks.
NOT_SHOWN = {"1", "43", "53", "69", "71", "72", "75", "76"}
STORIES = ("b12-deficient-positive-antibody", "order-folic-acid-before-b12", "order-zinc-with-low-copper")


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(main, ["check", *arguments], input=stdin)


def story(folder: Path, name: str) -> str:
    file = folder / f"{name}.json"
    file.write_text(CliRunner().invoke(main, ["story", name]).output, "utf-8")
    return str(file)


# --- our own service --------------------------------------------------------------------------------------------------


def test_our_own_service_passes_all_that_it_shows(ours: Running, tmp_path: Path) -> None:
    calls = [part for name in STORIES for part in ("--request", story(tmp_path, name))]
    done = run(f"http://127.0.0.1:{ours.port}", "--json", "--origin", LISTED, *calls)
    report = json.loads(done.output)
    assert [one for one in report["findings"] if one["verdict"] in ("fail", "warn")] == []
    assert done.exit_code == 0
    skipped = {one["line"] for one in report["findings"] if one["verdict"] == "skipped"}
    assert skipped <= NOT_SHOWN
    assert len(report["services"]) == 3


def test_the_example_of_the_document_is_what_it_prints(ours: Running, tmp_path: Path) -> None:
    (block,) = re.findall(r"```\n(\$ \./cds story [^\n]*cds check.*?)```", INTEGRATION, re.DOTALL)
    name = re.search(r"cds story (\S+)", block)
    assert name is not None
    printed = run(f"http://127.0.0.1:{ours.port}", "--request", story(tmp_path, name[1])).output
    shown = [line for line in block.splitlines()[1:] if line != "…"]
    said = [without_figures(line) for line in printed.splitlines()]
    assert [line for line in shown if without_figures(line) not in said] == []


def without_figures(line: str) -> str:
    """A line without port and milliseconds, which differ from run to run; how many lines pass does not."""
    return re.sub(r"127\.0\.0\.1:\d+|\d+ ms", "N", line)


# --- the table and the JSON -------------------------------------------------------------------------------------------


def short(asked: Asked, reply: Reply) -> Reply:
    """A toy whose first card says too much, and whose services have no title."""
    if asked.is_call and reply.status == 200:
        reply.body["cards"][0]["summary"] = "x" * 140
    if asked.path == "/cds-services" and reply.body:
        del reply.body["services"][0]["title"]
    return reply


def test_the_table_names_line_level_place_and_remedy() -> None:
    with serving(Toy(closed=False), short) as base:
        done = run(base)
    assert done.exit_code == 1
    rows = " ".join(done.output.split())
    assert re.search(r"46 MUST fail POST /cds-services/toy-view \(every .*?\): cards\[0\]\.summary.*?139 char", rows)
    assert re.search(r"7 SHOULD warn GET /cds-services: services\[0\]\.title: give the service a title", rows)
    assert re.search(r"\d+ lines pass, 1 fail \(MUST\), 1 warn, \d+ skipped", rows)


def test_only_warnings_exit_with_0() -> None:
    with serving(Toy(closed=False), lambda a, r: short(a, r) if a.method == "GET" else r) as base:
        assert run(base).exit_code == 0


def test_the_json_has_the_shape_that_help_tells() -> None:
    with serving(Toy(closed=False), short) as base:
        report = json.loads(run(f"{base}/cds-services/", "--json", "--service", "toy-view").output)
    assert list(report) == [
        "url", "services", "not_called", "calls", "p50_ms", "access", "tokens", "status", "lines", "findings"
    ]  # fmt: skip
    assert (report["url"], report["services"], report["access"]) == (f"{base}/cds-services", ["toy-view"], "open")
    assert report["not_called"] == ["toy-sign"]
    assert report["status"] == 1
    assert list(report["lines"]) == ["pass", "fail", "warn", "skipped"]
    assert {tuple(one) for one in report["findings"]} == {("line", "section", "level", "verdict", "where", "says")}
    assert {one["line"] for one in report["findings"]} == LINES.keys()
    told = run("--help").output
    assert [name for name in (*report, *report["findings"][0], *report["lines"], *Level) if name not in told] == []


@pytest.mark.parametrize("terminal", [True, False])
def test_colour_and_progress_are_for_terminals_alone(terminal: bool) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    with serving(Toy(closed=False), short) as base:
        command = [sys.executable, "-c", "from service.cli import main; main()", "check", base]
        reader, writer = pty.openpty() if terminal else os.pipe()
        with subprocess.Popen(command, stdout=writer, stderr=writer, env=environ | {"TERM": "xterm"}, cwd=ROOT):
            os.close(writer)
            said = b"".join(iter(lambda: chunk(reader), b"")).decode()
        os.close(reader)
    assert "46" in said
    assert ("\x1b[" in said) is terminal
    assert ("\N{BOX DRAWINGS HEAVY HORIZONTAL}" in said) is terminal  # the bar


def chunk(reader: int) -> bytes:
    try:
        return os.read(reader, 65536)
    except OSError:  # how Linux says that a terminal was closed
        return b""


def test_keys_of_an_answer_do_not_steer_the_terminal() -> None:
    def mutation(asked: Asked, reply: Reply) -> Reply:
        if asked.is_call and reply.status == 200:
            reply.body["\x1b[31m[red]"] = None
        return reply

    with serving(Toy(closed=False), mutation) as base:
        said = run(base).output
    assert "\x1b" not in said
    assert "\N{REPLACEMENT CHARACTER}[31m[red]" in said


# --- options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("cds.example.org", "http(s)://host/path"),
        ("ftp://cds.example.org", "http(s)://host/path"),
        ("localhost:8193", "did you mean http://localhost:8193?"),
        ("127.0.0.1:8193/here", "did you mean http://127.0.0.1:8193/here?"),
        ("http://", "http(s)://host/path"),
        ("user:cds-check-word@host", "http(s)://host/path"),
        ("host?key=cds-check-word", "http(s)://host/path"),
        ("http://host:99999", "http(s)://host/path"),
        ("http://ho st", "http(s)://host/path"),
        ("http://user:cds-check-word@host", "leave out user, query and fragment"),
        ("http://host/?key=cds-check-word", "leave out user, query and fragment"),
        ("http://host/#cds-check-word", "leave out user, query and fragment"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str, says: str) -> None:
    done = run(url)
    assert done.exit_code == 2
    assert says in done.output
    assert "cds-check-word" not in done.output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--token", "a b"], "ASCII without blanks"),
        (["--token", ""], "ASCII without blanks"),
        (["--token", "a", "--token-file", "b"], "not both"),
        (["--token-file", "nowhere"], "cannot be read"),
        (["--token-file", "empty"], "holds no token"),
        (["--request", "nowhere"], "cannot be read"),
        (["--request", "empty"], "is no hook request"),
        (["--timeout", "0"], "0.1"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    options: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").touch()
    done = run("http://127.0.0.1:9", *options)
    assert done.exit_code == 2
    assert says in " ".join(done.output.split())


def test_nothing_to_see_exits_with_2() -> None:
    done = run("http://127.0.0.1:9", "--timeout", "2")
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: http://127.0.0.1:9 gave no answer: ")


def test_tokens_of_a_file_are_sent_in_turn_and_shown_nowhere(tmp_path: Path) -> None:
    tokens = [mint() for _ in range(200)]
    (tmp_path / "tokens").write_text("\n".join(tokens) + "\n")
    with serving(Toy(closed=True)) as base:
        done = run(base, "--token-file", str(tmp_path / "tokens"), "--json", "--origin", ORIGIN)
    report = json.loads(done.output)
    assert done.exit_code == 0, [one for one in report["findings"] if one["verdict"] in ("fail", "warn")]
    assert report["access"] == "closed"
    assert [token for token in tokens if token in done.output] == []


def test_a_service_that_refuses_every_token_given_is_not_called_sound(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("\n".join(mint({"exp": 1}) for _ in range(60)) + "\n")
    with serving(Toy(closed=True)) as base:
        plain, told = (run(base, "--token-file", str(tmp_path / "tokens"), *more) for more in ((), ("--json",)))
        without = run(base)
    assert plain.exit_code == json.loads(told.output)["status"] == 1
    assert json.loads(told.output)["tokens"] == "refused"
    said = " ".join(plain.output.split())
    assert "every token given was refused" in said and "`aud`" in said
    assert (without.exit_code, "every token" in without.output) == (2, False)


def test_a_token_that_is_good_for_one_call_counts_as_taken(tmp_path: Path) -> None:
    with serving(Toy(closed=True)) as base:
        done = run(base, "--token", mint(), "--json")
    assert json.loads(done.output)["tokens"] == "taken"

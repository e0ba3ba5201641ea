"""A figure beyond its bound is seen: in the exit status, in the table, in the picture."""

from __future__ import annotations

import json
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from bench import __main__ as command
from bench import peer
from bench.chart import chart, drawn
from bench.figures import Figure, Runs

SVG = "{http://www.w3.org/2000/svg}"
WITHIN = Figure(1, "CPU <per> request & more", 2.0, "x", 2.5)
BEYOND = Figure(4, "p99", 30.0, "ms", 15)
REACHED = Figure(5, "times the peer", 6.0, "x", 5, at_least=True)
MISSED = Figure(5, "times its objects", 2.0, "x", 20, at_least=True)
NONE = Figure(4, "answers but 200", 0, "", 0)
ALONE = Figure(4, "p50", 3.0, "ms")


@pytest.mark.parametrize(
    ("figure", "ok", "share"),
    [
        (WITHIN, True, 0.8),
        (BEYOND, False, 2.0),
        (Figure(4, "p99", 15.0, "ms", 15), True, 1.0),
        (REACHED, True, 5 / 6),
        (Figure(5, "just", 5.0, "x", 5, at_least=True), True, 1.0),
        (MISSED, False, 10.0),
        (NONE, True, None),
        (Figure(4, "answers but 200", 1, "", 0), False, None),
        (ALONE, None, None),
    ],
)
def test_a_figure_is_within_its_bound_or_beyond_it(figure: Figure, ok: bool | None, share: float | None) -> None:
    assert figure.ok is ok
    assert figure.share == (None if share is None else pytest.approx(share))


def run(monkeypatch: pytest.MonkeyPatch, figures: list[Figure], *arguments: str) -> Result:
    def measured(_: Runs) -> Iterator[Figure]:
        yield from figures

    monkeypatch.setitem(command.GOALS, 8, measured)
    return CliRunner().invoke(command.main, ["8", *arguments])


@pytest.mark.parametrize(
    ("figures", "status"),
    [([WITHIN, REACHED, NONE, ALONE], 0), ([WITHIN, BEYOND], 1), ([MISSED], 1), ([Figure(4, "crashes", 1, "", 0)], 1)],
)
@pytest.mark.parametrize("form", ["--json", "--markdown", ""])
def test_the_exit_status_is_1_when_a_figure_is_beyond_its_bound(
    monkeypatch: pytest.MonkeyPatch, figures: list[Figure], status: int, form: str
) -> None:
    assert run(monkeypatch, figures, *filter(None, [form])).exit_code == status


def test_each_form_says_the_figure_its_bound_and_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "| 5 | times its objects | 2 x | ≥ 20 x | beyond |" in run(monkeypatch, [MISSED], "--markdown").output
    (line,) = run(monkeypatch, [BEYOND], "--json").output.splitlines()
    assert json.loads(line) == {
        "goal": 4, "what": "p99", "value": 30.0, "unit": "ms", "bound": 15, "at_least": False, "ok": False,
    }  # fmt: skip
    table = run(monkeypatch, [BEYOND, WITHIN]).output
    assert "30 ms" in table and "15 ms" in table and "beyond" in table and "cores" in table


def test_without_wrk_nothing_is_measured_and_the_goals_that_need_none_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(command.main, [])
    assert done.exit_code == 2
    assert "apt-get install wrk" in done.output
    assert "2 3 6 8 10" in done.output


def test_the_chart_is_well_formed_and_tells_in_words_what_it_shows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "chart.svg"
    run(monkeypatch, [WITHIN, BEYOND, REACHED, MISSED, NONE, ALONE], "--chart", str(file))
    picture = ElementTree.parse(file).getroot()
    assert picture.get("role") == "img"
    assert picture.get("aria-labelledby") == "t d"
    title, description = (picture.find(f"{SVG}{name}") for name in ("title", "desc"))
    assert title is not None and title.text
    assert description is not None and description.text
    assert "2 of 4 are within their bounds. Beyond: 4  p99; 5  times its objects." in description.text
    words = [one.text for one in picture.iter(f"{SVG}text")]
    assert f"1  {WITHIN.what}" in words
    assert "30 ms, 2 x too much" in words
    assert "2 x, 10 x too little" in words


def test_in_the_chart_a_bar_beyond_its_bound_starts_at_the_bound_and_is_hatched() -> None:
    figures = [WITHIN, BEYOND, MISSED, NONE, ALONE]
    assert drawn(figures) == [WITHIN, BEYOND, MISSED]
    picture = ElementTree.fromstring(chart(figures, "a run"))
    bars = {
        kind: [bar for bar in picture.iter(f"{SVG}rect") if bar.get("class") == kind] for kind in ("within", "beyond")
    }
    (bound,) = [float(line.get("x1", "")) for line in picture.iter(f"{SVG}line") if line.get("class") == "bound"]
    ends = [float(bar.get("x", "")) + float(bar.get("width", "")) for bar in bars["within"]]
    assert len(ends) == 1 and ends[0] < bound
    assert [float(bar.get("x", "")) for bar in bars["beyond"]] == [bound, bound]
    lengths = [float(bar.get("width", "")) for bar in bars["beyond"]]
    assert lengths[0] < lengths[1]


def test_a_figure_far_beyond_its_bound_stays_in_the_picture() -> None:
    picture = ElementTree.fromstring(chart([Figure(2, "a", 9_999.0, "x", 1), Figure(2, "b", 1e-9, "x", 1)], "a run"))
    width = float(picture.get("viewBox", "").split()[2])
    for bar in picture.iter(f"{SVG}rect"):
        assert float(bar.get("x", 0)) + float(bar.get("width", 0)) <= width


def test_a_peer_that_cannot_be_installed_is_said_in_a_line_and_leaves_nothing_that_looks_finished(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("./no-such-folder\n", "utf-8")
    monkeypatch.setattr(peer, "REQUIREMENTS", wanted)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(peer.NoPeer, match="no-such-folder"):
        peer.interpreter()
    assert not [*tmp_path.rglob("complete")]


def test_the_environment_of_the_peer_is_made_once_and_another_one_for_other_requirements(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("# nothing\n", "utf-8")
    monkeypatch.setattr(peer, "REQUIREMENTS", wanted)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = peer.interpreter()
    subprocess.run([made, "-c", "import pip"], check=True)
    monkeypatch.setattr(venv, "create", full)
    assert peer.interpreter() == made
    wanted.write_text("# nothing else\n", "utf-8")
    with pytest.raises(peer.NoPeer, match="OSError"):
        peer.interpreter()


def full(*_: object, **__: object) -> None:
    raise OSError

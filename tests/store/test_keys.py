"""Keys and pseudonyms: the same for the same patient, nothing to be read from them, made once."""

from __future__ import annotations

import shutil
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.store import Pseudonyms, read_keys

KEY = b"k" * 32


def test_a_pseudonym_is_the_same_for_the_same_patient_and_another_for_every_other() -> None:
    named = Pseudonyms(KEY)
    pairs = [("https://a.example", "1"), ("https://b.example", "1"), ("https://a.example", "2"), ("", "1")]
    pairs += [("https://a.example1", ""), ("https://a.example/1", "1")]
    found = {named.of(*pair) for pair in pairs}
    assert len(found) == len(pairs)
    assert named.of("https://a.example", "1") == Pseudonyms(KEY).of("https://a.example", "1")
    assert named.of("https://a.example", "1") != Pseudonyms(b"j" * 32).of("https://a.example", "1")
    assert all(len(one) == 64 for one in found)


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.key"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: read_keys(path, make=True), range(16)))
    assert len(keys) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["store.key"]


def test_a_key_that_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(KEY + b"\n")
    assert read_keys(path, make=True) == (KEY,)


def test_a_key_that_is_too_short_or_not_there_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(ValueError, match="openssl rand"):
        read_keys(path)
    for content, amiss in {
        b"k" * 31: "key 1 has fewer than 32 bytes",
        b"": "key 1 has fewer",
        KEY + b"\n" + b"old" * 10: "key 2 has fewer",
        KEY + b"\n" + b"k" * 4097: "key 2 has more than 4096 bytes",
    }.items():
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"{amiss}.*openssl rand"):
            read_keys(path)


@pytest.mark.parametrize(
    "line", [b"# old key of 2025, kept until the 1st of March", KEY + b" # current", b"\xef\xbb\xbf" + KEY, b"#" + KEY]
)
def test_a_line_that_is_more_than_a_key_is_refused_and_not_taken_for_one(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "key"
    for content, number in ((line + b"\n" + KEY, 1), (KEY + b"\n" + line, 2)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"key {number} is no key alone: leave out comments"):
            read_keys(path)


def test_a_key_that_may_not_be_read_is_not_to_be_made_anew(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match="let the user of the service read it") as raised:
        read_keys(tmp_path / "folder")
    assert "openssl" not in str(raised.value)


def test_keys_stand_in_lines_and_the_first_is_in_use(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"new" * 20 + b"\r\n" + KEY + b"\n")
    assert read_keys(path) == (b"new" * 20, KEY)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("end", ["", "\n"], ids=["as-the-service-makes-it", "as-openssl-makes-it"])
def test_the_command_of_the_document_adds_a_key_and_leaves_the_one_in_use(tmp_path: Path, end: str) -> None:
    path = tmp_path / "site.keys"
    path.write_bytes(KEY + end.encode())
    text = (Path(__file__).resolve().parents[2] / "docs/operations.md").read_text("utf-8")
    (command,) = (line for line in text.splitlines() if line.strip().startswith("(echo; openssl"))
    subprocess.run(["sh", "-ec", command.replace("/etc/cds/site.keys", str(path))], check=True)
    first, second = read_keys(path)
    assert (first, len(second)) == (KEY, 64)

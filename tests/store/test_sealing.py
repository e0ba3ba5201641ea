"""What is sealed opens with the same key for the same card alone."""

from __future__ import annotations

import pytest

from service.store import Sealing

KEY, CONTENT = b"k" * 32, b'{"value": 110}'


def test_what_was_sealed_opens_again_and_shows_nothing() -> None:
    sealed = Sealing(KEY).seal(CONTENT, "card")
    assert Sealing(KEY).open(sealed, "card") == CONTENT
    assert b"110" not in sealed
    assert sealed != Sealing(KEY).seal(CONTENT, "card")


@pytest.mark.parametrize("key", [b"j" * 32, b"k" * 33])
def test_another_key_opens_nothing(key: bytes) -> None:
    assert Sealing(key).open(Sealing(KEY).seal(CONTENT, "card"), "card") is None


def test_it_does_not_open_for_another_card_or_when_it_was_changed() -> None:
    sealed = Sealing(KEY).seal(CONTENT, "card")
    assert Sealing(KEY).open(sealed, "another") is None
    for at in (0, 1, 15, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[at] ^= 1
        assert Sealing(KEY).open(bytes(changed), "card") is None
    assert Sealing(KEY).open(b"", "card") is None


def test_what_an_older_key_sealed_opens_as_long_as_that_key_is_known() -> None:
    new = b"n" * 32
    before, after = Sealing(KEY).seal(CONTENT, "card"), Sealing(new, KEY).seal(CONTENT, "card")
    assert Sealing(new, KEY).open(before, "card") == CONTENT
    assert Sealing(new).open(before, "card") is None
    assert Sealing(new).open(after, "card") == CONTENT
    assert Sealing(KEY).open(after, "card") is None
    assert Sealing(new, KEY).open(before, "another") is None

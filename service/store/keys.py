"""The keys of the site, and the pseudonyms: HMAC-SHA256 over who names the patient and how.

In: a file of this machine, a key per line, of which the first is in use and the others were; the server that a
patient's id belongs to, and the id. Out: 64 hexadecimal digits. Who has the key can tell whether a pseudonym is a given
patient's: it is protected as patient data is.

    ValueError    the file cannot be used as a key; the text names the remedy
"""

from __future__ import annotations

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

SHORTEST_KEY, LONGEST_KEY = 32, 4096  # bytes
NO_KEYS = (b"#", b";", b"//", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")  # what a comment begins with, byte order marks
REMEDY = "write each on a line of its own; `openssl rand -hex 32` makes one"
NO_KEY = "is not set, and replicas on one PostgreSQL share a key: name a file (`openssl rand -hex 32` makes one)"


class Pseudonyms:
    """Names that say nothing without the key, the same for the same patient."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod=sha256)  # to be copied: the key is worked in once

    def digest(self, content: bytes) -> str:
        """A mark of some content that says nothing of it without the key."""
        return self._mark(b"digest", content)

    def of(self, server: str, patient: str) -> str:
        """The pseudonym of a patient of a server (FHIR base or issuer; "" where it is not known)."""
        named = b"".join(len(part).to_bytes(4, "big") + part for part in (server.encode(), patient.encode()))
        return self._mark(named)

    def _mark(self, *parts: bytes) -> str:
        marking = self._keyed.copy()
        for part in parts:
            marking.update(part)
        return marking.hexdigest()


def read_keys(path: Path, *, make: bool = False) -> tuple[bytes, ...]:
    """The keys in a file, the one in use first; with `make`, a file that is not there is made, its owner's alone."""
    if make:
        _make(path)
    try:
        lines = [line.strip() for line in path.read_bytes().split(b"\n")]
    except FileNotFoundError as fault:
        raise ValueError(f"the key cannot be read ({fault.strerror}): make one with `openssl rand -hex 32`") from None
    except OSError as fault:  # another key would open nothing of what is kept
        raise ValueError(f"the key cannot be read ({fault.strerror}): let the user of the service read it") from None
    keys = tuple(line for line in lines if line)
    # Passed over, half a key would make the next one the key in use.
    for number, key in enumerate(keys or (b"",), 1):
        if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
            many = "fewer" if len(key) < SHORTEST_KEY else "more"
            bound = SHORTEST_KEY if len(key) < SHORTEST_KEY else LONGEST_KEY
            raise ValueError(f"key {number} has {many} than {bound} bytes: {REMEDY}")
        if key.startswith(NO_KEYS) or len(key.split()) > 1:
            raise ValueError(f"key {number} is no key alone: leave out comments, blanks and byte order marks; {REMEDY}")
    return keys


def _make(path: Path) -> None:
    """Write a new key whole or not at all, in a folder that is there; of several processes that try, one does."""
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_hex(SHORTEST_KEY))
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first: its key is the key
    except OSError as fault:
        raise ValueError(f"a key cannot be written ({fault.strerror}): name a file with CDS_KEY_FILE") from None
    finally:
        draft.unlink(missing_ok=True)

"""Where the keys of a client come from: a file read at the start, or its server, asked as seldom as can be.

In: kid and algorithm of a token. Out: the key, or None when the client has none of this name.

    KeysDown      the keys cannot be had, and none are at hand that are still good
    ValueError    a file of keys cannot be used (at the start)
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from service.auth.fetch import SECONDS, KeysDown, fetch
from service.auth.keys import Key, Keys, read_keys
from service.clients import Client

# Seconds. A client takes a new key into use some time after it has published it, and drops an old one later.
FRESH = 300  # keys are taken as they are
STALE = 4 * 3600  # until then they serve while the server is down
PAUSE = 60  # between two attempts for an unknown kid, or while the server is down
COLD_PAUSE = 5  # between two attempts while there are no keys at all

log = logging.getLogger("service")


class Source(Protocol):
    """The keys of one client."""

    @property
    def count(self) -> str:
        """How many can be used and how many cannot, as far as they are at hand."""

    def find(self, kid: str, algorithm: str) -> Key | None:
        """The key that a token names; KeysDown when that cannot be told now."""


def source_of(client: Client, demo: bool) -> Source:
    """Where the keys of a client are."""
    if client.jwks_file is None:
        return KeyServer(client.name, lambda: read_keys(fetch(client.jku), demo))
    try:
        keys = read_keys(client.jwks_file.read_bytes(), demo)
    except OSError as fault:
        raise ValueError(f"jwks_file of {client.name} cannot be read ({fault.strerror})") from None
    except ValueError as fault:
        raise ValueError(f"jwks_file of {client.name} {fault}") from None
    if not keys.usable:
        raise ValueError(
            f"jwks_file of {client.name} has no key that can be used: give public EC or RSA keys (2048 bits) with kid"
        )
    return keys


@dataclass(frozen=True, slots=True)
class _Held:
    keys: Keys
    at: float


class KeyServer:
    """The keys at a client's jku. One thread at a time asks for them; `clock` gives seconds that never go back."""

    def __init__(self, client: str, get: Callable[[], Keys], clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._get, self._clock = client, get, clock
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._flight: threading.Event | None = None  # set when the fetch that runs is done
        self._tried = self._unknown = float("-inf")  # the last fetch, and the last that an unknown kid has caused

    def find(self, kid: str, algorithm: str) -> Key | None:
        """The key that a token names; KeysDown when there are no keys that are still good."""
        key = self._known(kid, algorithm, FRESH)
        if key is not None:
            return key
        self._refresh(kid, algorithm)
        if not self._younger_than(STALE):
            raise KeysDown("no keys")
        key = self._known(kid, algorithm, STALE)
        if key is None:
            with self._lock:  # what was just fetched has it not: asking again can wait
                self._unknown = max(self._unknown, self._tried)
        return key

    @property
    def count(self) -> str:
        """What was fetched last."""
        return self._held.keys.count if self._held else "none yet"

    def _known(self, kid: str, algorithm: str, age: float) -> Key | None:
        held = self._held
        return held.keys.find(kid, algorithm) if held and self._clock() - held.at < age else None

    def _younger_than(self, age: float) -> bool:
        held = self._held
        return held is not None and self._clock() - held.at < age

    def _refresh(self, kid: str, algorithm: str) -> None:
        """Fetch the keys when it is time to, and wait for them; who has a key that still serves does not wait twice."""
        with self._lock:
            now = self._clock()
            flight, mine = self._flight, False
            if flight is None or now - self._tried >= PAUSE:  # the second: one that hangs is given up
                if now < self._next_attempt():
                    return
                flight, mine = self._start(now), True
            patience = self._tried + SECONDS - now
        if mine or self._known(kid, algorithm, STALE) is None:
            flight.wait(max(0.0, patience))

    def _next_attempt(self) -> float:
        if self._younger_than(FRESH):
            return self._unknown + PAUSE
        return self._tried + (PAUSE if self._younger_than(STALE) else COLD_PAUSE)

    def _start(self, now: float) -> threading.Event:
        if self._younger_than(FRESH):
            self._unknown = now
        self._tried, self._flight = now, threading.Event()
        threading.Thread(target=self._fetch, args=(self._flight,), name="keys", daemon=True).start()
        return self._flight

    def _fetch(self, flight: threading.Event) -> None:
        try:
            keys = self._get()
        except (KeysDown, ValueError) as fault:
            log.warning("client %s: its keys cannot be fetched: %s", self._client, fault)
        else:
            self._held = _Held(keys, self._clock())
            if keys.ignored or not keys.usable:
                log.warning("client %s: keys: %s", self._client, keys.count)
        finally:
            with self._lock:
                if self._flight is flight:
                    self._flight = None
            flight.set()

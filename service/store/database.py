"""The database: one address, two kinds, migrated when it is opened.

In: an SQLAlchemy URL (sqlite, postgresql+psycopg). Out: Store. SQLite: WAL and synchronous=FULL, so that what is
acknowledged outlives a power cut; a writer takes its lock at once, so that none waits in vain half-way.

    StoreDown    whatever keeps a transaction from being done
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from time import monotonic
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine, false
from sqlalchemy.exc import SQLAlchemyError

from service.store.engine import Refused, StoreDown, engine_of, kind_of
from service.store.file import is_current
from service.store.migrating import migrate
from service.store.quick import Quick, Transaction
from service.store.tables import replay
from service.store.worker import Asked, Closed, TooLate, Worker

LOCK_SECONDS: Final = 1  # how long a writer waits for another: who calls has no more patience
MOST_WAITING: Final = 1000  # things to do for the one thread: while the store is away they hold memory
SLOW: Final = "slow"
TOO_MUCH: Final = "too much waits for it"
PAUSE: Final = 0.01  # seconds without a call, after which what was left is done
LONGEST_DELAY: Final = 1.0

Found = TypeVar("Found")

log = logging.getLogger("service")
_NO_CHANGE: Final = replay.update().where(false()).values(expires=replay.c.expires)
LAMENT = "store: what was left for later failed: %s"


class Store:
    """A database that has the tables of this version; safe to use from threads, and to fork before its first use."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._quick = engine, Quick(engine, is_current)
        driver = engine.dialect.loaded_dbapi
        self._fault = driver.Error  # where it is asked without SQLAlchemy
        self._refusals = (driver.IntegrityError, driver.DataError)
        # One thread at the store: whoever cannot wait for it goes on, and what was asked is done behind his back.
        self._worker = Worker("store")
        self._behind = deque[tuple[float, Callable[[], object]]]()  # with the instant from which it is put off no more
        self._lock, self._asked = threading.Lock(), 0
        self._hurry, self._closing = threading.Event(), False  # somebody waits; nobody will
        self.on_fault: Callable[[str], object] = _unheard  # is told each fault: down | slow | full

    @property
    def kind(self) -> str:
        """sqlite | postgresql"""
        return self._engine.dialect.name

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed at its end; StoreDown when it is not."""
        with self._told(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def quick(self, *, lasting: bool = True) -> Iterator[Transaction]:
        """The same for statements that an answer waits for: see service.store.quick."""
        with self._told(), self._quick.transaction(lasting=lasting) as transaction:
            yield transaction

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that changes nothing; StoreDown when it cannot be had."""
        with self._told(), self._engine.connect().execution_options(reads_only=True) as connection:
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Faults of the database as StoreDown."""
        try:
            yield
        except (SQLAlchemyError, self._fault) as fault:
            self.on_fault("down")
            said = getattr(fault, "orig", None) or fault
            raise (Refused if isinstance(said, self._refusals) else StoreDown)(kind_of(fault)) from None

    def within(self, seconds: float, do: Callable[[], Found]) -> Found:
        """What `do` gives, when it is ready in time; StoreDown otherwise: it is done later, or the log says why not."""
        asked = Asked(partial(self._counted, do), _lament)
        with self._lock:
            if self._asked >= MOST_WAITING:
                self.on_fault("full")
                raise StoreDown(TOO_MUCH)
            self._asked += 1
            self._hurry.set()
        self._worker.put(asked)
        try:
            return asked.result(seconds)
        except TooLate:
            self.on_fault("slow")
            raise StoreDown(SLOW) from None

    def _counted(self, do: Callable[[], Found]) -> Found:
        """What `do` gives; whoever waits has one less before him."""
        try:
            return do()
        finally:
            with self._lock:
                self._asked -= 1
                if not self._asked:
                    self._hurry.clear()

    def later(self, do: Callable[[], object]) -> bool:
        """Have something done when nobody waits; when it fails, the log says so and nothing else does.

        False when too much waits already, or when the store closes: it will not be done.
        """
        if len(self._behind) >= MOST_WAITING:
            log.warning(LAMENT, TOO_MUCH)
            self.on_fault("full")
            return False
        self._behind.append((monotonic() + LONGEST_DELAY, do))
        try:
            self._worker.put(self._one_behind)
        except Closed:
            self._behind.pop()
            return False
        return True

    def _one_behind(self) -> None:
        """Do one thing that was left, after a pause in which the answer that it follows gets away.

        Who waits for the store comes first, but for what has been put off for long.
        """
        due, do = self._behind[0]
        if monotonic() < due and self._hurry.wait(PAUSE) and not self._closing:
            with suppress(Closed):  # the thread takes nothing any more: then now
                self._worker.put(self._one_behind)
                return
        self._behind.popleft()
        try:
            do()
        except Exception as fault:  # noqa: BLE001  the thread goes on, whatever was wrong with this
            _lament(fault)

    def check(self) -> None:
        """Whether it could be written now: a change of no row, which takes the lock; StoreDown when it cannot."""
        with self.write() as connection:
            connection.execute(_NO_CHANGE)

    @property
    def waiting(self) -> int:
        """How much was left for later and is not done yet."""
        return len(self._behind)

    def close(self) -> None:
        """Do what is still waiting, and let go of the database."""
        self._closing = True
        self._hurry.set()
        self._worker.close()
        self._quick.close()
        self._engine.dispose()


def _unheard(_: str) -> None:
    """Nobody counts faults."""


def _lament(fault: BaseException) -> None:
    log.warning(LAMENT, fault if isinstance(fault, StoreDown) else type(fault).__name__)


def open_store(url: str) -> Store:
    """The store at an address, migrated to this version; StoreDown when it cannot be had."""
    migrate(url)  # what it opens it closes: nothing is open when a worker is forked
    return Store(engine_of(url, LOCK_SECONDS))

"""A twin's memory between runs: one SQLite file that survives a killed process."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from adapters.common.files import owner_only
from adapters.simulator.exchange.store import StateError
from adapters.simulator.market.candles import FormingBar
from adapters.simulator.market.generated import Past
from adapters.simulator.twins.records import TwinEvent, TwinFill, TwinOrder
from engine.model.instrument import Instrument
from engine.model.market import Bar, Timeframe

_APPLICATION = 0x7477696E
"""Marks the file as a twin's, so that no other practice venue takes it for its own."""
_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (one INTEGER PRIMARY KEY CHECK (one = 1), value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS orders (account TEXT, id INTEGER, value BLOB NOT NULL, PRIMARY KEY (account, id));
CREATE TABLE IF NOT EXISTS fills (account TEXT, id INTEGER, value BLOB NOT NULL, PRIMARY KEY (account, id));
CREATE TABLE IF NOT EXISTS bars (
    symbol TEXT, open_ts INTEGER, open INTEGER, high INTEGER, low INTEGER, close INTEGER, volume INTEGER,
    PRIMARY KEY (symbol, open_ts)
) WITHOUT ROWID;
"""


class TwinMeta(Struct):
    """When and how the twin last stood."""

    now: int
    """Practice time, nanoseconds UTC."""
    speed: float
    seed: int
    terms: dict[str, str]
    """Tick and lot of each instrument, in which everything here is counted."""
    forming: dict[str, FormingBar]
    """The minute under way, by symbol."""


def terms_of(instruments: Iterable[Instrument]) -> dict[str, str]:
    """What may not be another one when a kept market goes on."""
    return {one.symbol: f"{one.tick_size:f} {one.lot_size:f}" for one in instruments}


A = TypeVar("A", bound=Struct)
"""How an account is kept."""


class SavedTwin(NamedTuple, Generic[A]):
    """Everything that an earlier run left."""

    meta: TwinMeta
    accounts: dict[str, tuple[A, list[TwinOrder], list[TwinFill]]]
    bars: dict[str, list[Bar]]

    def past(self, start_ts: int) -> Past:
        """The market up to here; a minute that was under way and is over by `start_ts` counts as a bar."""
        bars = {symbol: list(closed) for symbol, closed in self.bars.items()}
        prices = {symbol: closed[-1].close for symbol, closed in bars.items() if closed}
        for symbol, forming in self.meta.forming.items():
            prices[symbol] = forming.close
            if forming.over(start_ts):
                bars.setdefault(symbol, []).append(forming.bar(symbol))
        return Past(bars, prices)


class TwinStore(Generic[A]):
    """Open until `close`; no other process can have it meanwhile."""

    def __init__(self, path: Path, kept: type[A]) -> None:
        """`kept` is how its accounts are kept. Raises StateError."""
        self._path = path
        self._kept = kept
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(owner_only(path, os.O_RDWR | os.O_CREAT))
            self._db = sqlite3.connect(path, isolation_level=None, timeout=0.5)
        except (OSError, sqlite3.Error) as error:
            raise StateError(f"{path}: {error}") from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._db.close()
            raise StateError(f"{path}: {error}") from error
        except StateError:
            self._db.close()
            raise

    def _prepare(self) -> None:
        db = self._db
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        mark = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if (mark, version) not in ((0, 0), (_APPLICATION, _VERSION)):
            raise StateError(f"{self._path} is no file of this practice venue: move it away to begin anew")
        db.executescript(_SCHEMA)
        db.execute(f"PRAGMA application_id = {_APPLICATION}")
        db.execute(f"PRAGMA user_version = {_VERSION}")

    def load(self) -> SavedTwin[A] | None:
        """What the last run left, or None. Raises StateError if it can't be read."""
        db = self._db
        try:
            row = db.execute("SELECT value FROM meta").fetchone()
            if row is None:
                return None
            meta = msgspec.json.decode(row[0], type=TwinMeta)
            accounts = {
                name: (
                    msgspec.json.decode(value, type=self._kept),
                    [msgspec.json.decode(one, type=TwinOrder) for one in self._rows("orders", name)],
                    [msgspec.json.decode(one, type=TwinFill) for one in self._rows("fills", name)],
                )
                for name, value in db.execute("SELECT name, value FROM accounts").fetchall()
            }
            bars: dict[str, list[Bar]] = {}
            for symbol, *numbers in db.execute("SELECT * FROM bars ORDER BY symbol, open_ts"):
                bars.setdefault(symbol, []).append(Bar(symbol, Timeframe.M1, *numbers))
            return SavedTwin(meta, accounts, bars)
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            raise StateError(f"{self._path}: {error}") from error

    def write(
        self,
        meta: TwinMeta,
        accounts: Mapping[str, A],
        changes: Mapping[str, Sequence[TwinEvent]],
        bars: Iterable[Bar],
    ) -> None:
        """Make changes durable, in one transaction, later ones last. Raises StateError: none of it is."""
        db = self._db
        try:
            db.execute("BEGIN")
            db.execute("INSERT OR REPLACE INTO meta VALUES (1, ?)", (msgspec.json.encode(meta),))
            for name, saved in accounts.items():
                db.execute(
                    "INSERT OR REPLACE INTO accounts VALUES (?, ?)", (name, msgspec.json.encode(saved))
                )
            for name, events in changes.items():
                for event in events:
                    table = "orders" if isinstance(event, TwinOrder) else "fills"
                    row = (name, event.id, msgspec.json.encode(event))
                    db.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", row)
            db.executemany(
                "INSERT OR REPLACE INTO bars VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(b.instrument, b.open_ts, b.open, b.high, b.low, b.close, b.volume) for b in bars],
            )
            db.execute("COMMIT")
        except sqlite3.Error as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise StateError(f"{self._path}: {error}") from error

    def check_terms(self, saved: SavedTwin[A], instruments: Iterable[Instrument]) -> None:
        """Raises StateError where it was kept with other ticks or lots."""
        terms = terms_of(instruments)
        other = [symbol for symbol, was in saved.meta.terms.items() if terms.get(symbol, was) != was]
        if other:
            raise StateError(f"{self._path}: kept with other ticks or lots of {', '.join(other)}")

    def prune(self, before: int) -> None:
        """Forget bars that opened before a time."""
        self._db.execute("DELETE FROM bars WHERE open_ts < ?", (before,))

    def close(self) -> None:
        self._db.close()

    def _rows(self, table: str, account: str) -> list[bytes]:
        found = self._db.execute(f"SELECT value FROM {table} WHERE account = ? ORDER BY id", (account,))
        return [value for (value,) in found]

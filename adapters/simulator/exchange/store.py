"""The practice venue's memory between runs: one SQLite file that survives a killed process."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from adapters.common.files import owner_only
from adapters.simulator.exchange.account_rows import ChangedRows
from adapters.simulator.exchange.loss_limits import LossState
from adapters.simulator.exchange.rows import OrderRow, PositionRow, TradeRow
from adapters.simulator.market.candles import FormingBar
from adapters.simulator.market.contracts import Roll
from adapters.simulator.market.generated import Past
from adapters.simulator.market.hours import NANOS
from engine.model.market import Bar, Timeframe
from engine.model.orders import OrderType
from engine.venue.orders import VenueState

_VERSION = 2
_KEPT_NS = 14 * 86_400 * NANOS
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (one INTEGER PRIMARY KEY CHECK (one = 1), value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (id INTEGER PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
    account INTEGER, id INTEGER, value BLOB NOT NULL, PRIMARY KEY (account, id)
);
CREATE TABLE IF NOT EXISTS trades (
    account INTEGER, id INTEGER, value BLOB NOT NULL, PRIMARY KEY (account, id)
);
CREATE TABLE IF NOT EXISTS bars (
    symbol TEXT, open_ts INTEGER, open INTEGER, high INTEGER, low INTEGER, close INTEGER, volume INTEGER,
    PRIMARY KEY (symbol, open_ts)
) WITHOUT ROWID;
"""
_T = TypeVar("_T")


class StateError(Exception):
    """The state file can't be used; the message says why in one line."""


class SavedAccount(Struct):
    """An account as it is kept between runs, without its order and trade rows."""

    balance_usd: Decimal
    can_trade: bool
    positions: dict[str, PositionRow]
    next_position_id: int
    venue: VenueState
    losses: LossState | None = None


class StoreMeta(Struct):
    """When and how the venue last stood."""

    now: int
    """Practice time, nanoseconds UTC."""
    speed: float
    seed: int
    forming: dict[str, FormingBar]
    """The minute under way, by symbol."""
    rolls: dict[str, Roll] = {}
    """Products whose active contract changed while the venue was running, by symbol."""


class SavedRun(Struct):
    """Everything that an earlier run left."""

    meta: StoreMeta
    accounts: dict[int, SavedAccount]
    orders: dict[int, list[OrderRow]]
    trades: dict[int, list[TradeRow]]
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


class Store:
    """Reads and writes the state file. Only one process may have it open."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. Raises StateError."""
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(owner_only(path, os.O_RDWR | os.O_CREAT))
            self._db = sqlite3.connect(path, isolation_level=None, timeout=0.5)
        except (OSError, sqlite3.Error) as error:
            raise StateError(f"{path}: {error}") from error
        try:
            self._prepare()
        except (sqlite3.Error, msgspec.MsgspecError) as error:
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
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version not in (0, 1, _VERSION):
            text = f"{self._path}: written by another version of the practice venue ({version})"
            raise StateError(text)
        db.executescript(_SCHEMA)
        if version == 1:
            db.execute("BEGIN")
            for account, value in db.execute("SELECT id, value FROM accounts").fetchall():
                db.execute("UPDATE accounts SET value = ? WHERE id = ?", (lifted(value), account))
        db.execute(f"PRAGMA user_version = {_VERSION}")
        if db.in_transaction:
            db.execute("COMMIT")

    def load(self) -> SavedRun | None:
        """What the last run left, or None. Raises StateError if it can't be read."""
        db = self._db
        try:
            row = db.execute("SELECT value FROM meta").fetchone()
            if row is None:
                return None
            meta = msgspec.json.decode(row[0], type=StoreMeta)
            accounts = {
                account: msgspec.json.decode(value, type=SavedAccount)
                for account, value in db.execute("SELECT id, value FROM accounts")
            }
            bars: dict[str, list[Bar]] = {}
            for symbol, *numbers in db.execute("SELECT * FROM bars ORDER BY symbol, open_ts"):
                bars.setdefault(symbol, []).append(Bar(symbol, Timeframe.M1, *numbers))
            return SavedRun(
                meta, accounts, self._rows("orders", OrderRow), self._rows("trades", TradeRow), bars
            )
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            raise StateError(f"{self._path}: {error}") from error

    def write(
        self,
        meta: StoreMeta,
        accounts: Mapping[int, SavedAccount],
        changes: Mapping[int, Sequence[ChangedRows]],
        bars: Iterable[Bar],
    ) -> None:
        """Make changes durable, in one transaction, later ones last. Raises StateError: none of it is."""
        db = self._db
        try:
            db.execute("BEGIN")
            self._write(meta, accounts, changes, bars)
            db.execute("COMMIT")
        except sqlite3.Error as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise StateError(f"{self._path}: {error}") from error

    def _write(
        self,
        meta: StoreMeta,
        accounts: Mapping[int, SavedAccount],
        changes: Mapping[int, Sequence[ChangedRows]],
        bars: Iterable[Bar],
    ) -> None:
        db = self._db
        db.execute("INSERT OR REPLACE INTO meta VALUES (1, ?)", (msgspec.json.encode(meta),))
        for account, saved in accounts.items():
            db.execute("INSERT OR REPLACE INTO accounts VALUES (?, ?)", (account, msgspec.json.encode(saved)))
        for account, changed in ((account, one) for account, found in changes.items() for one in found):
            for table, rows in (("orders", changed.orders), ("trades", changed.trades)):
                db.executemany(
                    f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)",
                    [(account, row.id, msgspec.json.encode(row)) for row in rows],
                )
        db.executemany(
            "INSERT OR REPLACE INTO bars VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(b.instrument, b.open_ts, b.open, b.high, b.low, b.close, b.volume) for b in bars],
        )

    def prune(self, now: int) -> None:
        """Forget bars that no history reaches back to."""
        self._db.execute("DELETE FROM bars WHERE open_ts < ?", (now - _KEPT_NS,))

    def close(self) -> None:
        self._db.close()

    def _rows(self, table: str, kind: type[_T]) -> dict[int, list[_T]]:
        decoder = msgspec.json.Decoder(kind)
        found: dict[int, list[_T]] = {}
        for account, value in self._db.execute(f"SELECT account, value FROM {table} ORDER BY id"):
            found.setdefault(account, []).append(decoder.decode(value))
        return found


def lifted(account: bytes) -> bytes:
    """An account as version 1 kept it, in today's shape: orders hold their spec, and the offsets of a bracket
    stand with its entry. Raises msgspec.DecodeError.
    """
    saved = msgspec.json.decode(account)
    by_id = {order["id"]: order for order in saved["venue"]["orders"]}
    for order in by_id.values():
        parts = {name: order.pop(name, None) for name in ("side", "type", "qty", "limit", "stop")}
        order["spec"] = parts | order.get("spec", {})
        offset = order.pop("offset", None)
        if offset is not None:
            name = "stop_offset" if parts["type"] == OrderType.STOP else "target_offset"
            by_id[order["parent"]].setdefault("spec", {})[name] = offset
    return msgspec.json.encode(saved)

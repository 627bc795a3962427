"""What JSON bots keep in files of their own: trades, orders, the equity curve, a log and the errors in it.

Read on the engine's loop once a second, from the state, the View and the notices; written in a thread. A disk
that is slow or full holds up no order: what can't be written is told once, and tried again.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from adapters.common.files import owner_only, replace_file
from adapters.common.redaction import REDACT, printable
from adapters.store.file_thread import FileThread
from engine.model.market import MINUTE
from engine.model.notices import Notice, Severity
from engine.model.view import View
from engine.ports import EngineHandle
from engine.state.position import Trade
from engine.state.state import Order, State
from tstream.botfiles.model import LoggingPart
from tstream.botfiles.places import symbol_of
from tstream.botfiles.tables import BotTables
from tstream.clock import iso
from tstream.paths import Paths

log = logging.getLogger(__name__)

LOOK_S = 1.0
KEPT_ROWS = 5_000
"""Trades and orders in a file; the journal has all of them (tstream trades)."""
KEPT_LINES = 1_000
"""So many wait for a disk that takes none."""
END_S = 2.0
"""At the end of a run the last look gets so long."""
HEAD = ("time", "balance", "equity", "day", "open", "drawdown")
_LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.GOOD: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.CRITICAL: logging.CRITICAL,
}

Row = dict[str, Any]


@dataclass(slots=True)
class BotFolder:
    """The files of one bot. `keep` is called in a thread; everything else on the engine's loop."""

    bot: str
    book: str
    symbol: str
    folder: Path
    wanted: LoggingPart
    others: frozenset[str] = frozenset()
    """Names of the other bots: what is told of them is not told here."""
    _trades: dict[str, Row] = field(default_factory=dict)
    _orders: dict[str, Row] = field(default_factory=dict)
    _loaded: bool = False
    _seen: tuple[int, int] = (-1, -1)
    """Trades and the newest change of an order, as of which it was looked."""
    _point: tuple[Decimal, Decimal] | None = None
    _point_ts: int = 0
    _failing: str = ""
    _lines: list[str] = field(default_factory=list)
    """What the disk has not taken yet, of the log and of the errors in it."""
    _errors: list[str] = field(default_factory=list)

    def look(self, state: State, view: View, notices: Sequence[Notice]) -> Pieces:
        """What there is to be written now."""
        found = Pieces(self, lines=self._lines, errors=self._errors)
        self._lines, self._errors = [], []
        if self.wanted.save_trades:
            self._look_at_trades(state, found)
        if self.wanted.save_equity_curve:
            found.equity = self._look_at_equity(view)
        for notice in notices:
            if self._concerns(notice):
                line = f"{iso(notice.ts)} {notice.severity.upper():<8} {_clean(notice.text)}\n"
                if self.wanted.log_file and _LEVELS[notice.severity] >= logging.getLevelName(
                    self.wanted.level
                ):
                    found.lines.append(line)
                if notice.severity in (Severity.WARNING, Severity.CRITICAL):
                    found.errors.append(line)
        return found

    def _look_at_trades(self, state: State, found: Pieces) -> None:
        book = state.book(self.book)
        changed = max((order.changed_ts for order in book.orders.values()), default=0)
        if self._seen == (as_of := (len(book.trades), changed)):
            return
        self._seen = as_of
        found.trades = [_trade(state, one) for one in book.trades if one.instrument == self.symbol]
        found.orders = [_order(state, one) for one in book.orders.values() if one.instrument == self.symbol]

    def _look_at_equity(self, view: View) -> Row | None:
        """A line a minute, and none while nothing has changed."""
        book = next((one for one in view.books if one.book == self.book), None)
        if book is None or book.balance_usd is None:
            return None
        point = book.balance_usd, book.open_usd
        if point == self._point or (self._point is not None and view.ts - self._point_ts < MINUTE):
            return None
        self._point, self._point_ts = point, view.ts
        equity = book.balance_usd + book.open_usd
        money = book.balance_usd, equity, book.day_usd, book.open_usd, book.max_drawdown_usd
        return dict(zip(HEAD, (iso(view.ts), *(f"{one:f}" for one in money)), strict=True))

    def _concerns(self, notice: Notice) -> bool:
        if notice.book is not None:
            return notice.book == self.book
        return not any(f"the bot {other} " in notice.text for other in self.others)

    # --- in a thread -----------------------------------------------------------------------------------

    def keep(self, found: Pieces) -> None:
        """Write it. What fails is told once, and is tried again with the next."""
        try:
            self._keep(found)
        except OSError as error:
            told = f"{self.folder}: {error.strerror or error}"
            if told != self._failing:
                log.warning("the files of the bot %s can't be written: %s", self.bot, told)
            self._failing, self._seen = told, (-1, -1)
            self._lines, self._errors = found.lines[-KEPT_LINES:], found.errors[-KEPT_LINES:]
            return
        self._failing = ""

    def _keep(self, found: Pieces) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if found.trades is not None and found.orders is not None:
            self._load()
            _merge(self.folder / "trades.json", self._trades, found.trades)
            _merge(self.folder / "orders.json", self._orders, found.orders)
        if found.equity is not None:
            file = self.folder / "equity.csv"
            lines = io.StringIO()
            writer = csv.DictWriter(lines, HEAD, lineterminator="\n")
            if not file.exists():
                writer.writeheader()
            writer.writerow(found.equity)
            _append(file, lines.getvalue())
        if found.lines:
            _append(self.folder / self.wanted.log_file, "".join(found.lines))
        if found.errors:
            _append(self.folder / "errors.log", "".join(found.errors))

    def _load(self) -> None:
        """What earlier runs have written; a file that can't be read is put aside."""
        if self._loaded:
            return
        for name, into in (("trades.json", self._trades), ("orders.json", self._orders)):
            file = self.folder / name
            try:
                rows = json.loads(file.read_bytes())
                into.update((str(row["id"]), row) for row in rows)
            except FileNotFoundError:
                continue
            except (ValueError, TypeError, KeyError):
                log.warning("%s is no list of ours, and is put aside as %s.before", file, name)
                file.replace(file.with_name(f"{name}.before"))
        self._loaded = True


@dataclass(slots=True)
class Pieces:
    """What one look has found to be written."""

    of: BotFolder
    trades: list[Row] | None = None
    orders: list[Row] | None = None
    equity: Row | None = None
    lines: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.trades is not None or self.equity or self.lines or self.errors)


def folders(files: BotTables, paths: Paths) -> list[BotFolder]:
    """Of the bots of a run, in data/bots/NAME each."""
    names = frozenset(one.name for one in files.bots)
    return [
        BotFolder(
            bot=one.name,
            book=files.book(one.name),
            symbol=symbol_of(one.file.trading.symbol),
            folder=paths.bot(one.name),
            wanted=one.file.logging,
            others=names - {one.name},
        )
        for one in files.bots
    ]


class BotRecords:
    """The files of all JSON bots of a run, from `run` to `close`."""

    def __init__(self, folders: Iterable[BotFolder], engine: EngineHandle, state: State) -> None:
        """`state` is the engine's, to be looked at on its loop."""
        self._folders = tuple(folders)
        self._engine = engine
        self._state = state
        self._told = 0
        self._thread = FileThread("bot files")

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Write what is new."""
        notices = self._engine.notices(self._told)
        view = self._engine.view()
        found = [folder.look(self._state, view, notices) for folder in self._folders]
        if notices:
            self._told = notices[-1].seq
        if pieces := [one for one in found if one]:
            await self._thread.do(partial(_keep_all, pieces))

    async def close(self) -> None:
        """Write the last of it, where the disk takes it in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await self.look()
        self._thread.stop()


def _keep_all(pieces: Sequence[Pieces]) -> None:
    for one in pieces:
        one.of.keep(one)


def _merge(file: Path, known: dict[str, Row], rows: Sequence[Row]) -> None:
    before = dict(known)
    for row in rows:
        known[row["id"]] = row
    for name in list(known)[: max(0, len(known) - KEPT_ROWS)]:
        del known[name]
    if known != before or not file.exists():
        text = ",\n".join(json.dumps(row, ensure_ascii=False) for row in known.values())
        replace_file(file, f"[\n{text}\n]\n".encode() if known else b"[]\n")


def _append(file: Path, text: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(file, "a", encoding="utf-8", errors="backslashreplace", opener=owner_only) as stream:
        stream.write(text)


def _clean(text: str) -> str:
    """On one line, without secrets and signs that steer a terminal."""
    return printable(REDACT(" ".join(text.split())))


def _trade(state: State, one: Trade) -> Row:
    known = state.instruments[one.instrument]
    return {
        "id": f"{one.instrument} {one.opened_ts} {one.closed_ts}",
        "symbol": one.instrument,
        "side": "long" if one.side.sign > 0 else "short",
        "quantity": f"{known.qty(one.qty):f}",
        "entry": f"{known.tick_size * one.entry_sum / one.qty:f}",
        "exit": f"{known.tick_size * one.exit_sum / one.qty:f}",
        "gross": f"{one.gross_usd:f}",
        "costs": f"{one.costs_usd:f}",
        "net": f"{one.net_usd:f}",
        "currency": known.currency,
        "reason": one.reason,
        "opened": iso(one.opened_ts),
        "closed": iso(one.closed_ts),
        "plan": one.plan_id,
    }


def _order(state: State, one: Order) -> Row:
    known = state.instruments[one.instrument]
    return {
        "id": one.client_id,
        "venue_id": one.venue_id,
        "symbol": one.instrument,
        "side": str(one.side),
        "type": str(one.type),
        "for": "" if one.slot is None else str(one.slot),
        "quantity": f"{known.qty(one.qty):f}",
        "filled": f"{known.qty(one.filled_qty):f}",
        "price": None if one.price is None else known.text(one.price),
        "status": str(one.status),
        "reason": _clean(one.reason),
        "made": iso(one.created_ts),
        "changed": iso(one.changed_ts),
        "plan": one.plan_id or "",
    }

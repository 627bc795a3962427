"""Writes the files of a run: looked for on the engine's loop once a second, written in a thread.

A disk that is slow or full holds up nothing: what can't be written is told once, and tried again with the
next.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import msgspec

from adapters.common.files import owner_only, replace_file
from adapters.store.file_thread import FileThread
from engine.model.market import Timeframe
from engine.model.orders import AccountKind
from engine.model.plans import TradePlan
from engine.model.records import IdeaDeclined, IdeaRefused, PlanOpened
from engine.model.view import View
from engine.ports import EngineHandle
from engine.state.position import Trade
from engine.state.state import State
from tstream.clock import iso, wall_ns
from tstream.files import lines, trades
from tstream.files.model import DayTrade, PatternPerformance, PatternRecord, TradesToday
from tstream.files.status import active_contract, status_file

log = logging.getLogger("files")

LOOK_S = 1.0
LOG_BYTES = 5_000_000
"""A log that is longer begins anew; the one before stays beside it, as NAME.1, and NAME.2."""
LOGS_KEPT = 2
DAYS_KEPT, WEEKS_KEPT = 400, 110
PLANS_KEPT = 500
END_S = 2.0
_TIMEFRAME = Timeframe.M15

_encoder = msgspec.json.Encoder(decimal_format="number")


def pretty(content: msgspec.Struct) -> bytes:
    """As it stands in a file: amounts and prices are numbers with all their digits."""
    return msgspec.json.format(_encoder.encode(content), indent=2) + b"\n"


class FileKeeper:
    """All files of one run, from `run` to `close`."""

    def __init__(
        self,
        folder: Path,
        every_s: int,
        engine: EngineHandle,
        state: State,
        wall: Callable[[], int] = wall_ns,
    ) -> None:
        """`state` is the engine's, to be looked at on its loop."""
        self._folder = folder
        self._every_s = every_s
        self._engine = engine
        self._state = state
        self._wall = wall
        self._thread = FileThread("files")
        self._told = 0
        self._signal: object = state.signals[-1] if state.signals else None
        """The newest that has a line; those of earlier runs have theirs."""
        self._plans: dict[str, TradePlan] = {}
        self._rows: dict[str, DayTrade] = {}
        """Today's trades by their ids: what is known of them outlasts a restart."""
        self._seen: dict[str, tuple[Trade | None, int]] = {}
        self._day: date | None = None
        self._loaded = False
        self._next_status = 0.0
        self._failing = ""
        self._unwritten: list[Callable[[], None]] = []

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self, *, alive: bool = True) -> None:
        """Write what is new, and the status where it is due."""
        if not self._loaded:
            self._rows = await self._thread.do(self._load)
            self._loaded = True
        view, jobs = self._engine.view(), list[Callable[[], None]]()
        self._note_plans()
        jobs += self._logs()
        jobs += self._trades(view)
        now = asyncio.get_running_loop().time()
        if now >= self._next_status or not alive:
            self._next_status = now + self._every_s
            jobs += self._status(view, alive)
        if jobs or self._unwritten:
            await self._thread.do(partial(self._write, jobs))

    async def close(self) -> None:
        """Say that the run has ended, where the disk takes it in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await self.look(alive=False)
        self._thread.stop()

    # --- on the engine's loop --------------------------------------------------------------------------

    def _note_plans(self) -> None:
        """A trade's plan is forgotten by the state when it is over."""
        for book in self._state.books.values():
            self._plans.update((name, found.plan) for name, found in book.plans.items())
        for name in list(self._plans)[: max(0, len(self._plans) - PLANS_KEPT)]:
            del self._plans[name]

    def _logs(self) -> list[Callable[[], None]]:
        notices = self._engine.notices(self._told)
        if notices:
            self._told = notices[-1].seq
        news = {
            "trades.log": list(lines.trade_notices(notices)),
            "websocket.log": list(lines.connection_lines(notices)),
            "patterns.log": [lines.pattern_line(one) for one in self._fresh_signals()],
        }
        for one in self._fresh_plans():
            self._plans[one.plan.plan_id] = one.plan
        return [partial(self._append, name, found) for name, found in news.items() if found]

    def _fresh_signals(self) -> Sequence[IdeaRefused | IdeaDeclined | PlanOpened]:
        signals = self._state.signals
        if not signals or signals[-1] is self._signal:
            return ()
        place = next((n for n in range(len(signals) - 1, -1, -1) if signals[n] is self._signal), -1)
        self._signal = signals[-1]
        return signals[place + 1 :]

    def _fresh_plans(self) -> Sequence[PlanOpened]:
        return [one for one in self._state.signals[-20:] if isinstance(one, PlanOpened)]

    def _trades(self, view: View) -> list[Callable[[], None]]:
        """Files of the day and its week, where something has changed in them."""
        day = self._today(view)
        seen = {
            name: (book.trades[-1] if book.trades else None, book.day.recounts)
            for name, book in self._state.books.items()
        }
        if day is None or (day == self._day and seen == self._seen):
            return []
        self._seen, self._day = seen, day
        owned, known = self._between(day, day), self._rows
        self._rows, fresh = {}, list[str]()
        for book, trade in owned:
            row = trades.day_trade(self._state, book, trade, self._plans.get(trade.plan_id))
            before = known.get(row.id)
            if before is None:
                fresh.append(lines.trade_line(row))
            elif trade.plan_id not in self._plans:
                row = trades.with_details(row, before)
            self._rows[row.id] = row
        written = [partial(self._append, "trades.log", fresh)] if fresh else []
        return [*written, *self._performance(view.mode, day, owned)]

    def _today(self, view: View) -> date | None:
        """The trade date of the first book that counts."""
        books = [self._state.book(one.book) for one in view.books if one.kind is view.mode]
        found = next((day for book in books if (day := self._state.day_of(book).trade_date)), "")
        return date.fromisoformat(found) if found else None

    def _between(self, first: date, last: date) -> list[trades.Owned]:
        """Trades that ended on these trade dates, oldest first."""
        found = []
        for book in self._state.books.values():
            for trade in reversed(book.trades):
                day = trades.trade_date_of(book, trade)
                if day < first:
                    break  # they end in their order
                if day <= last:
                    found.append((book, trade))
        return sorted(found, key=lambda one: one[1].closed_ts)

    def _performance(
        self, mode: AccountKind, day: date, owned: Sequence[trades.Owned]
    ) -> list[Callable[[], None]]:
        week, monday = trades.week_of(day), day - timedelta(days=day.weekday())
        of_week = self._between(monday, monday + timedelta(days=6))
        today = trades.trades_today(self._state, mode, day, tuple(self._rows.values()), owned)
        patterns = {name: row.pattern for name, row in self._rows.items()}
        told = trades.daily(self._state, mode, day, owned, patterns)
        weekly = trades.weekly(self._state, mode, week, of_week)
        return [
            partial(self._replace, "trades_today.json", pretty(today)),
            partial(self._replace, f"performance/daily/{day.isoformat()}.json", pretty(told)),
            partial(self._replace, f"performance/weekly/{week}.json", pretty(weekly)),
            partial(self._thin_out, "performance/daily", DAYS_KEPT),
            partial(self._thin_out, "performance/weekly", WEEKS_KEPT),
        ]

    def _status(self, view: View, alive: bool) -> list[Callable[[], None]]:
        active = active_contract(view)
        chart = self._engine.chart(active, _TIMEFRAME) if active else None
        wall = self._wall()
        status = status_file(view, chart, wall, alive=alive)
        learned = PatternPerformance(
            timestamp=iso(wall),
            patterns=tuple(
                PatternRecord(
                    pattern=one.kind.replace("_", " "),
                    timeframe=one.timeframe,
                    contract=one.instrument,
                    regime=one.regime,
                    trades=one.trades,
                    wins=one.wins,
                    win_rate_pct=round(100 * one.win_rate, 1),
                    expectancy_r=round(one.expectancy_r, 3),
                )
                for one in view.patterns
            ),
        )
        return [
            partial(self._replace, "status.json", pretty(status)),
            partial(self._replace, "performance/patterns/patterns.json", pretty(learned)),
        ]

    # --- in the thread ---------------------------------------------------------------------------------

    def _load(self) -> dict[str, DayTrade]:
        """What an earlier run has written of today: its details are in no state any more."""
        file = self._folder / "trades_today.json"
        try:
            found = msgspec.json.decode(file.read_bytes(), type=TradesToday)
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("%s is none of ours, and is written anew: %s", file, type(error).__name__)
            return {}
        return {row.id: row for row in found.trades}

    def _write(self, jobs: Sequence[Callable[[], None]]) -> None:
        """What fails is told once; what was to be appended waits for the next time."""
        waiting, self._unwritten = [*self._unwritten, *jobs], []
        while waiting:
            try:
                waiting[0]()
            except OSError as error:
                told = f"{self._folder}: {error.strerror or error}"
                if told != self._failing:
                    log.warning("the files can't be written: %s", told)
                self._failing = told
                self._unwritten = waiting[-1_000:]
                return
            waiting.pop(0)
        self._failing = ""

    def _replace(self, name: str, content: bytes) -> None:
        replace_file(self._folder / name, content)

    def _append(self, name: str, texts: Sequence[str]) -> None:
        file = self._folder / name
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if file.exists() and file.stat().st_size > LOG_BYTES:
            for number in range(LOGS_KEPT, 0, -1):
                older = file if number == 1 else file.with_name(f"{name}.{number - 1}")
                if older.exists():
                    older.replace(file.with_name(f"{name}.{number}"))
        with open(file, "a", encoding="utf-8", errors="backslashreplace", opener=owner_only) as stream:
            stream.write("".join(texts))

    def _thin_out(self, folder: str, kept: int) -> None:
        files = sorted((self._folder / folder).glob("2*.json"))
        for old in files[: max(0, len(files) - kept)]:
            old.unlink(missing_ok=True)

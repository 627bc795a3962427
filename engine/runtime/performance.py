"""What each book has come to of late: worked out beside the loop's other work, with each trade and at most
once a minute otherwise, never within a step; what takes long goes a little at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from decimal import Decimal
from random import Random

from engine.books.book import Book
from engine.core import Core
from engine.market.calendars.known import calendar_of
from engine.model.view_performance import PerformanceView, RuinView
from engine.portfolio.daily import historical_var
from engine.portfolio.money import banked_usd, day_usd
from engine.portfolio.recent import recent, results_of_days
from engine.portfolio.ruin import RuinPaths, can_tell, floor_in_r
from engine.portfolio.statistics import r_multiples, record_of, statistics

log = logging.getLogger(__name__)

LOOK_S = 1.0
MINUTE_S = 60.0
PATHS_AT_A_TIME = 20
"""Paths to ruin that are walked before the loop's other tasks get their turn: about a millisecond."""
REST_S = 0.02
RUIN_S = 600.0
"""The risk of ruin of a book is worked out no oftener than that: a few seconds of a small share."""
RUIN_TRADES = 1_000
"""The newest trades that it draws from."""

_AsOf = tuple[object, ...]


class Performance:
    """`rows` are for the picture. `run` belongs to the engine's loop."""

    def __init__(self, core: Core, now: Callable[[], int], told: Callable[[PerformanceView], None]) -> None:
        """`now` gives nanoseconds UTC of the engine's clock; `told` hears of each book's new figures."""
        self._core, self._now, self._told = core, now, told
        self._known: dict[str, PerformanceView] = {}
        self._as_of: dict[str, _AsOf] = {}
        self._worked: dict[str, float] = {}
        self._results: dict[str, tuple[_AsOf, list[Decimal]]] = {}
        self._ruins: dict[str, tuple[_AsOf, float, RuinView | None]] = {}
        """As of which trades, when by the loop's clock, and what it was."""

    @property
    def rows(self) -> tuple[PerformanceView, ...]:
        """Of each book, in their order; none before the first look."""
        return tuple(self._known[name] for name in self._core.books if name in self._known)

    async def run(self) -> None:
        """Look at every book again and again."""
        await asyncio.gather(self._watch_figures(), self._watch_ruin())

    async def _watch_figures(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for book in tuple(self._core.books.values()):
                try:
                    self._look(book)
                except Exception:
                    # Figures are for people: a bug in them is logged, and money goes on.
                    log.exception("the figures of %s can't be worked out", book.name)
                await asyncio.sleep(0)

    async def _watch_ruin(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for book in tuple(self._core.books.values()):
                try:
                    await self._walk(book)
                except Exception:
                    log.exception("the risk of ruin of %s can't be worked out", book.name)

    def _stands(self, book: Book) -> _AsOf:
        """What figures follow from, but for the marks of what is held."""
        known = book.state
        account = known.account.id if known.account is not None else ""
        newest = known.trades[-1] if known.trades else None
        day = self._core.state.day_of(known).trade_date
        return account, day, known.day.trades, known.earned_usd, newest, known.day.recounts

    def _look(self, book: Book) -> None:
        """Work a book's figures out anew once a trade has ended, or a minute has passed while it holds."""
        now, as_of = asyncio.get_running_loop().time(), self._stands(book)
        moves = any(position.qty for position in book.state.positions.values())
        due = now - self._worked.get(book.name, -MINUTE_S) >= MINUTE_S
        if as_of == self._as_of.get(book.name) and not (moves and due):
            return
        self._as_of[book.name], self._worked[book.name] = as_of, now
        self._renew(book)

    def _renew(self, book: Book) -> None:
        found = self._known[book.name] = self.figures(book)
        self._told(found)

    def figures(self, book: Book) -> PerformanceView:
        """Everything but the risk of ruin, which is the one that was worked out last."""
        known, state = book.state, self._core.state
        calendar = calendar_of(known.calendar)
        total = day_usd(known, state, self._core.marks)
        late = recent(known, state, calendar, self._wall(), self._opening(book), total)
        told = statistics(late.trades, late.equity, late.start_usd, calendar, late.fall.deepest_usd)
        results = [*self._ended(book), total]
        every = record_of(t for t in known.trades[-RUIN_TRADES:] if state.counts(known, t.instrument)).kelly()
        ruin = self._ruins.get(book.name)
        return PerformanceView(
            book=book.name,
            days=told.days,
            trades=told.trades,
            wins=told.wins,
            net_usd=late.equity[-1][1] - late.start_usd,
            profit_factor=told.profit_factor,
            sharpe=told.sharpe,
            volatility=told.volatility,
            max_drawdown_usd=late.fall.deepest_usd,
            max_drawdown=late.fall.deepest,
            drawdown=late.fall.now,
            run=told.run,
            recovery_factor=told.recovery_factor,
            var_95_usd=historical_var(results, 95),
            var_99_usd=historical_var(results, 99),
            kelly=None if every is None else float(every),
            ruin=None if ruin is None else ruin[2],
        )

    def _wall(self) -> int:
        return self._now() + self._core.turn.wall_offset

    def _opening(self, book: Book) -> Decimal | None:
        """What the account was worth when its trade date began; None where nobody knows."""
        balance = book.orders.balance_usd
        return None if balance is None else balance - banked_usd(book.state, self._core.state)

    def _ended(self, book: Book) -> list[Decimal]:
        """What each trade date that is over came to: worked out once a day."""
        days = book.state.days
        as_of = len(days), days[-1].trade_date if days else "", days[-1].net_usd if days else 0
        known = self._results.get(book.name)
        if known is None or known[0] != as_of:
            known = as_of, results_of_days(book.state, calendar_of(book.state.calendar))
            self._results[book.name] = known
        return known[1]

    async def _walk(self, book: Book) -> None:
        """The risk of ruin, a few paths at a time, where trades have ended since it was worked out
        (docs/statistics.md#risk-of-ruin).
        """
        state, known, now = self._core.state, book.state, asyncio.get_running_loop().time()
        as_of, at, before = self._ruins.get(book.name, (None, now - RUIN_S, None))
        count = len(known.trades), known.earned_usd
        if as_of == count or now - at < RUIN_S or book.name not in self._known:
            return
        self._ruins[book.name] = count, now, before
        trades = [t for t in known.trades[-RUIN_TRADES:] if state.counts(known, t.instrument)]
        floor_usd = (
            book.guards.account().max_loss_usd or max(Decimal(0), self._began(book) or Decimal(0)) / 10
        )
        floor_r, rs = floor_in_r(trades, floor_usd), r_multiples(trades)
        found, at = None, now - RUIN_S
        if floor_r is not None and can_tell(rs, floor_r):
            at = now
            paths = RuinPaths(rs, floor_r, Random(0))
            while paths.go(PATHS_AT_A_TIME):  # noqa: ASYNC110  it is work, not waiting
                await asyncio.sleep(REST_S)
            ruin = paths.result()
            found = RuinView(ruin.probability, ruin.low, ruin.high, floor_usd)
        self._ruins[book.name] = count, at, found
        if found != before:
            self._renew(book)

    def _began(self, book: Book) -> Decimal | None:
        """What the account began with, as far as its finished days tell."""
        opening = self._opening(book)
        return (
            None if opening is None else opening - sum((day.net_usd for day in book.state.days), Decimal(0))
        )

"""A twin without its wire: a market that is played by a clock, and accounts that trade on it.

Synchronous, and the same for every wire. Whoever asks it anything calls `catch_up` first, so that each answer
stands on the market as it is at that instant. It tells one listener, in order, of all that happens.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from adapters.simulator.exchange.clock import Schedule
from adapters.simulator.exchange.store import StateError
from adapters.simulator.market.candles import Candles
from adapters.simulator.market.depth import BookLevel, book
from adapters.simulator.twins.account import KEPT_NS, TwinAccount
from adapters.simulator.twins.config import TwinConfig
from adapters.simulator.twins.records import SavedTwinAccount, TwinEvent, TwinFill, TwinOrder
from adapters.simulator.twins.store import SavedTwin, TwinMeta, TwinStore, terms_of
from engine.model.events import Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, Bar, Timeframe
from engine.ports import Clock, MarketSource
from engine.venue.fill_model import LatestPrices

_TRADES_KEPT = 1_000
_IDS_AN_ACCOUNT = 1_000_000_000
_MILLI = 1_000_000

log = logging.getLogger(__name__)


class TwinTrade(NamedTuple):
    """A print with the venue's number of it: it grows with each trade, over restarts too."""

    id: int
    print: Print


class TwinListener:
    """A wire, as the exchange tells it of what happens at `exchange.now()`. Nothing is done here."""

    def on_quote(self, quote: Quote) -> None:
        """The touch has changed, or was said again."""

    def on_trade(self, trade: TwinTrade) -> None:
        """`exchange.forming(symbol)` counts it already."""

    def on_bar(self, bar: Bar) -> None:
        """A minute is over."""

    def on_order(self, account: TwinAccount, order: TwinOrder) -> None:
        """An order is new, has changed, has filled in part or whole, or is over."""

    def on_fill(self, account: TwinAccount, fill: TwinFill) -> None:
        """An order has filled, in part or whole; `account.orders` and its holdings count that already, and
        `on_order` comes next.
        """

    def flush(self) -> None:
        """Nothing more happens at this instant."""


class TwinExchange:
    """Market, accounts and the passing of practice time."""

    def __init__(
        self,
        config: TwinConfig,
        source: MarketSource,
        clock: Clock,
        store: TwinStore[SavedTwinAccount] | None = None,
        saved: SavedTwin[SavedTwinAccount] | None = None,
    ) -> None:
        self.config = config
        self.instruments: Mapping[str, Instrument] = {one.symbol: one for one in config.instruments}
        """What is listed, by symbol."""
        self.by_root: Mapping[str, Instrument] = {one.root: one for one in config.instruments}
        """The same by the venue's own name."""
        self.schedule = Schedule(self.now)
        """What else shall happen at some instant."""
        self._clock = clock
        self._listener: TwinListener | None = None
        self._source_events: Iterator[Quote | Print] = iter(source.events())
        self._next = next(self._source_events, None)
        self._trade_id = source.start_ts // _MILLI
        self._trades: dict[str, deque[TwinTrade]] = {s: deque(maxlen=_TRADES_KEPT) for s in self.instruments}
        forming = {} if saved is None else saved.meta.forming
        self._candles = {
            symbol: Candles(
                symbol,
                source.history(symbol),
                now if (now := forming.get(symbol)) is not None and not now.over(source.start_ts) else None,
            )
            for symbol in self.instruments
        }
        self._bars_kept = {
            symbol: 0 if saved is None else len(saved.bars.get(symbol, ())) for symbol in self.instruments
        }
        self.accounts: dict[str, TwinAccount] = {}
        """By name."""
        for index, login in enumerate(config.logins):
            account = TwinAccount(
                login,
                self.instruments,
                config.model,
                self.now,
                self._told,
                self._trade_id + index * _IDS_AN_ACCOUNT,
            )
            self.accounts[login.account] = account
            if saved is not None and login.account in saved.accounts:
                account.restore(*saved.accounts[login.account])
        self._store = store
        self._behind = False
        for symbol, candles in self._candles.items():
            if candles.last is not None:
                self._play(self._opening(symbol, candles.last, source.start_ts))

    def connect(self, listener: TwinListener) -> None:
        """From now on this is told of everything."""
        self._listener = listener

    # -- looking ------------------------------------------------------------------------------------------

    @property
    def account(self) -> TwinAccount:
        """The first account."""
        return next(iter(self.accounts.values()))

    def prices(self, symbol: str) -> LatestPrices:
        """Bid, ask and last in ticks; not to be changed."""
        return self.account.venue.prices(symbol)

    def depth(self, symbol: str, levels: int = 10) -> tuple[Sequence[BookLevel], Sequence[BookLevel]]:
        """Bids and asks around the touch, best first. Quotes carry no sizes: they are made up."""
        prices, known = self.prices(symbol), self.instruments[symbol]
        if prices.bid is None or prices.ask is None:
            return (), ()
        unit = max(1, round(1_000 / float(known.notional(prices.bid))))
        return book(prices.bid, prices.ask, self.now(), levels, unit)

    def trades(self, symbol: str, most: int = 100) -> Sequence[TwinTrade]:
        """The newest trades, oldest first."""
        return list(self._trades[symbol])[-most:]

    def forming(self, symbol: str) -> Bar | None:
        """The minute under way; None before its first trade."""
        forming = self._candles[symbol].forming
        return None if forming is None else forming.bar(symbol)

    def bars(
        self,
        symbol: str,
        start: int,
        end: int,
        timeframe: Timeframe = Timeframe.M1,
        *,
        forming: bool = False,
    ) -> Sequence[Bar]:
        """Bars that open in [start, end) on UTC's grid, oldest first; with `forming` the one under way."""
        length = timeframe.nanos
        closed = self._candles[symbol].closed
        first = bisect_left(closed, start - start % length, key=lambda bar: bar.open_ts)
        minutes = [*closed[first:], *([now] if (now := self.forming(symbol)) is not None else [])]
        found: list[Bar] = []
        for minute in minutes:
            opened = minute.open_ts - minute.open_ts % length
            if opened >= end:
                break
            if opened < start:
                continue
            if found and found[-1].open_ts == opened:
                found[-1] = _joined(found[-1], minute)
            else:
                found.append(_as(minute, timeframe, opened))
        if found and found[-1].open_ts + length > self.now() and not forming:
            found.pop()
        return found

    # -- time ---------------------------------------------------------------------------------------------

    def now(self) -> int:
        """Practice time, nanoseconds UTC."""
        return self._clock()

    def shift_clock(self, nanos: int) -> None:
        """Let the clock jump, backwards too."""
        clock = self._clock
        self._clock = lambda: clock() + nanos

    def catch_up(self, most: int | None = None) -> bool:
        """Play everything that is due, at most so many market events; whether all of it was played."""
        now, left, event = self._clock(), most, self._next
        while event is not None and event.ts_venue <= now and left != 0:
            left = None if left is None else left - 1
            self._play(event)
            event = next(self._source_events, None)
        self._next = event
        done = event is None or event.ts_venue > now
        if done:
            self._pass_time(now)
        if self._listener is not None:
            self._listener.flush()
        self.save()
        return done

    def push(self, *events: Quote | Print) -> None:
        """Let the market do something now that its source does not know of, after all that is due."""
        self.catch_up()
        for event in events:
            self._play(event)
        if self._listener is not None:
            self._listener.flush()
        self.save()

    def next_due(self) -> int:
        """When an order, a minute or the schedule needs attention next, nanoseconds."""
        dues = [due for one in self.accounts.values() if (due := one.next_due()) is not None]
        minutes = [c.forming.open_ts + MINUTE for c in self._candles.values() if c.forming is not None]
        return min((*dues, *minutes, self.schedule.next))

    def _play(self, event: Quote | Print) -> None:
        listener = self._listener
        if isinstance(event, Quote):
            for account in self.accounts.values():
                account.take(account.venue.on_quote(event))
            if listener is not None:
                listener.on_quote(event)
            return
        self._trade_id += 1
        trade = TwinTrade(self._trade_id, event)
        self._trades[event.instrument].append(trade)
        closed = self._candles[event.instrument].on_print(event.ts_venue, event.price, event.size)
        for account in self.accounts.values():
            account.take(account.venue.on_print(event))
        if listener is not None:
            if closed is not None:
                listener.on_bar(closed)
            listener.on_trade(trade)

    def _pass_time(self, now: int) -> None:
        for account in self.accounts.values():
            account.advance(now)
        for candles in self._candles.values():
            closed = candles.close_until(now)
            if closed is not None and self._listener is not None:
                self._listener.on_bar(closed)
        self.schedule.advance(now)

    def _told(self, account: TwinAccount, event: TwinEvent) -> None:
        if self._listener is None:
            return
        if isinstance(event, TwinOrder):
            self._listener.on_order(account, event)
        else:
            self._listener.on_fill(account, event)

    def _opening(self, symbol: str, last: int, ts: int) -> Quote:
        """The first quote, so that there are prices before the market has spoken."""
        return Quote(ts_recv=ts, ts_venue=ts, instrument=symbol, bid=last, ask=last + 1, last=last)

    # -- memory -------------------------------------------------------------------------------------------

    def save(self, *, always: bool = False) -> None:
        """Keep what changed in the accounts; `always` keeps the market too. A full disk ends no market."""
        changed = {name: one.changed for name, one in self.accounts.items() if one.changed}
        if self._store is None:
            for account in self.accounts.values():
                account.changed = []
            return
        if not always and (not changed or self._behind):
            return
        now, closed = self.now(), {symbol: one.closed for symbol, one in self._candles.items()}
        bars = [bar for symbol, found in closed.items() for bar in found[self._bars_kept[symbol] :]]
        accounts = {name: one.saved() for name, one in self.accounts.items()}
        forming = {s: one.forming for s, one in self._candles.items() if one.forming is not None}
        terms = terms_of(self.config.instruments)
        meta = TwinMeta(now, self.config.speed, self.config.seed, terms, forming)
        try:
            self._store.write(meta, accounts, changed, bars)
        except StateError as error:
            if not self._behind:
                log.warning("what happens is not being kept: %s", error)
            self._behind = True
            return
        self._behind = False
        self._bars_kept = {symbol: len(found) for symbol, found in closed.items()}
        for account in self.accounts.values():
            account.changed = []
            account.forget(now - KEPT_NS)


def _as(minute: Bar, timeframe: Timeframe, opened: int) -> Bar:
    return Bar(
        minute.instrument,
        timeframe,
        opened,
        minute.open,
        minute.high,
        minute.low,
        minute.close,
        minute.volume,
    )


def _joined(bar: Bar, minute: Bar) -> Bar:
    return Bar(
        bar.instrument,
        bar.timeframe,
        bar.open_ts,
        bar.open,
        max(bar.high, minute.high),
        min(bar.low, minute.low),
        minute.close,
        bar.volume + minute.volume,
    )

"""The practice venue without its wire: market, accounts, contracts, and the passing of practice time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

from msgspec import structs

from adapters.simulator.exchange.account import PracticeAccount
from adapters.simulator.exchange.account_rows import ChangedRows, UserEvent
from adapters.simulator.exchange.clock import Schedule
from adapters.simulator.exchange.config import ExchangeConfig
from adapters.simulator.exchange.order_checks import TradingStatus
from adapters.simulator.exchange.store import SavedRun, StateError, Store, StoreMeta
from adapters.simulator.market.candles import Candles
from adapters.simulator.market.contracts import Listing, Roll
from adapters.simulator.market.hours import session, trade_date
from adapters.simulator.market.ticker import Ticker
from engine.model.errors import RefusedError
from engine.model.events import Print, Quote
from engine.ports import Clock, MarketSource

_SETTLE_NS = 1_000_000_000

log = logging.getLogger(__name__)


class Storage(NamedTuple):
    """Where the exchange keeps its state, and what an earlier run left there."""

    store: Store
    saved: SavedRun | None = None


class MarketListener(Protocol):
    """Tells the world of the market. `now` is practice time, nanoseconds UTC."""

    def add(self, ticker: Ticker) -> None:
        """A contract is traded from now on."""

    def on_quote(self, quote: Quote, now: int) -> None:
        """The ticker shows the quote already."""

    def on_print(self, trade: Print, now: int) -> None:
        """The ticker counts the print afterwards."""

    def flush(self, now: int) -> None:
        """Nothing more happens at this instant."""


class Exchange:
    """Plays a market source by a clock and lets accounts trade on it. Synchronous.

    Whoever asks it anything calls `catch_up` first, so that every answer stands on the market as it is at
    that instant of practice time. It knows nobody above it: `connect` says whom it tells.
    """

    def __init__(
        self,
        config: ExchangeConfig,
        source: MarketSource,
        clock: Clock,
        listing: Listing,
        storage: Storage | None = None,
    ) -> None:
        """Raises StateError."""
        self.config = config
        self.listing = listing
        self.status = TradingStatus()
        self.schedule = Schedule(self.now)
        """What else shall happen at some instant."""
        self._clock = clock
        self._listener: MarketListener | None = None
        self._tell: Callable[[UserEvent], None] | None = None
        now = source.start_ts
        saved = storage.saved if storage is not None else None
        self.tickers: dict[str, Ticker] = {}
        """By venue symbol."""
        for symbol, contract in listing.front.items():
            forming = None if saved is None else saved.meta.forming.get(symbol)
            if forming is not None and forming.over(now):
                forming = None
            self.tickers[symbol] = Ticker(contract, Candles(symbol, source.history(symbol), forming), now)
        self._bars_kept = {s: 0 if saved is None else len(saved.bars.get(s, ())) for s in listing.front}
        self._rolls: dict[str, Roll] = {}
        if saved is not None:
            self._roll_again(saved.meta.rolls)
        self.accounts = {
            spec.id: PracticeAccount(
                spec, listing, config.model, config.rules, self.status, self._emit, index
            )
            for index, spec in enumerate(config.accounts)
        }
        self._events: Iterator[Quote | Print] = iter(source.events())
        self._next = next(self._events, None)
        self._storage = storage
        self._unsaved: dict[int, list[ChangedRows]] = {}
        self._behind = False
        """Something happened that could not be kept yet."""
        self._cut_off = session(trade_date(now)).cut_off
        if storage is not None:
            self._restore(storage, now)

    def connect(self, listener: MarketListener, tell: Callable[[UserEvent], None]) -> None:
        """From now on the listener is told of the market, and `tell` of what happens in the accounts."""
        self._listener, self._tell = listener, tell
        for ticker in self.tickers.values():
            listener.add(ticker)

    def _emit(self, event: UserEvent) -> None:
        if self._tell is not None:
            self._tell(event)

    # -- time --------------------------------------------------------------------------------------

    def now(self) -> int:
        """Practice time, nanoseconds UTC."""
        return self._clock()

    def shift_clock(self, nanos: int) -> None:
        """Let the clock jump, backwards too: stamps of the venue then stand still until it has caught up."""
        clock = self._clock
        self._clock = lambda: clock() + nanos

    def catch_up(self, most: int | None = None) -> bool:
        """Play everything that is due, at most so many market events; whether all of it was played."""
        now = self._clock()
        left = most
        event = self._next
        while event is not None and event.ts_venue <= now:
            if left is not None:
                if not left:
                    break
                left -= 1
            self._play(event, now)
            event = next(self._events, None)
        self._next = event
        done = event is None or event.ts_venue > now
        if done:
            self._pass_time(now)
        self._flush(now)
        self.save(now)
        return done

    def push(self, event: Quote | Print) -> None:
        """Let something happen in the market that its source does not know of, after all that is due."""
        self.catch_up()
        now = self._clock()
        self._play(event, now)
        self._flush(now)
        self.save(now)

    def next_due(self) -> int:
        """When an order or the schedule will need attention next, nanoseconds; market events do not count."""
        dues = [due for a in self.accounts.values() if (due := a.venue.next_due()) is not None]
        return min((*dues, self.schedule.next))

    def _play(self, event: Quote | Print, now: int) -> None:
        if event.ts_venue >= self._cut_off:
            self._end_day(event.ts_venue)
        if isinstance(event, Quote):
            for account in self.accounts.values():
                account.on_quote(event)
            self.tickers[event.instrument].on_quote(event)
            if self._listener is not None:
                self._listener.on_quote(event, now)
        else:
            for account in self.accounts.values():
                account.on_print(event)
            if self._listener is not None:
                self._listener.on_print(event, now)
            self.tickers[event.instrument].on_print(event)
        if self._rolls and (roll := self._rolls.get(event.instrument)) is not None:
            self._play(roll.event(event), now)

    def _flush(self, now: int) -> None:
        if self._listener is not None:
            self._listener.flush(now)

    def _pass_time(self, now: int) -> None:
        if now >= self._cut_off:
            self._end_day(now)
        for account in self.accounts.values():
            account.advance(now)
        self.schedule.advance(now)

    def roll(self, symbol: str, basis: int) -> None:
        """Make the next month of a product the active contract, so many ticks above the present one.

        Orders and positions of the old month stay, and only what reduces them is taken there. Raises
        RefusedError for a product that has rolled already or that is not listed.
        """
        if symbol not in self.listing.following:
            raise RefusedError(f"there is no next month of {symbol} to roll to")
        roll = self._list_next(symbol, basis)
        now, old = self.now(), self.tickers[symbol]
        if old.bid is not None:
            quote = Quote(
                ts_recv=now, ts_venue=now, instrument=symbol, bid=old.bid, ask=old.ask, last=old.figures.last
            )
            self._play(roll.event(quote), now)

    def _list_next(self, symbol: str, basis: int) -> Roll:
        """List the next month and give it a history."""
        contract = self.listing.roll(symbol)
        roll = self._rolls[symbol] = Roll(contract.id, contract.venue_symbol, basis)
        candles = roll.candles(self.tickers[symbol].candles)
        self._bars_kept[contract.venue_symbol] = len(candles.closed)
        ticker = self.tickers[contract.venue_symbol] = Ticker(contract, candles, self.now())
        if self._listener is not None:
            self._listener.add(ticker)
        return roll

    def _roll_again(self, rolls: Mapping[str, Roll]) -> None:
        """Go on after a roll of an earlier run; where the calendar has caught up, the symbol stays known."""
        listing = self.listing
        for symbol, roll in rolls.items():
            following, front = listing.following.get(symbol), listing.front.get(symbol)
            if following is not None and following.id == roll.contract_id:
                self._list_next(symbol, roll.basis)
            elif front is not None and front.id == roll.contract_id:
                listing.by_venue_symbol[roll.venue_symbol] = structs.replace(front, key=roll.venue_symbol)

    def _end_day(self, ts: int) -> None:
        """15:10: no order is taken until the next session, and nobody stays in the market."""
        if self.config.desk_flattens:
            for account in self.accounts.values():
                account.desk_flatten(self._cut_off)
        day = trade_date(ts)
        following = session(day).cut_off
        while following <= ts:
            day = trade_date(following + 86_400_000_000_000)
            following = session(day).cut_off
        self._cut_off = following

    # -- memory ------------------------------------------------------------------------------------

    def save(self, now: int, *, always: bool = False) -> None:
        """Keep what changed in the accounts; `always` keeps the market too.

        A full disk ends no market: what could not be written is kept for the next time with `always`.
        """
        try:
            self._write(now, always)
        except StateError as error:
            if not self._behind:
                log.warning("what happens is not being kept: %s", error)
            self._behind = True
        else:
            if always and self._behind:
                log.warning("what happens is kept again")
                self._behind = False

    def _write(self, now: int, always: bool) -> None:
        """Raises StateError; nothing is lost then."""
        if self._storage is None or (self._behind and not always):
            return
        for account_id, account in self.accounts.items():
            if (changed := account.rows.changes()) is not None:
                self._unsaved.setdefault(account_id, []).append(changed)
        if not self._unsaved and not always:
            return
        forming = {s: t.candles.forming for s, t in self.tickers.items() if t.candles.forming is not None}
        closed = {symbol: ticker.candles.closed for symbol, ticker in self.tickers.items()}
        bars = [bar for symbol, found in closed.items() for bar in found[self._bars_kept[symbol] :]]
        meta = StoreMeta(now, self.config.speed, self.config.seed, forming, self._rolls)
        saved = {account_id: account.saved() for account_id, account in self.accounts.items()}
        self._storage.store.write(meta, saved, self._unsaved, bars)
        self._unsaved = {}
        self._bars_kept = {symbol: len(found) for symbol, found in closed.items()}

    def _restore(self, storage: Storage, now: int) -> None:
        saved = storage.saved
        if saved is not None:
            for account_id, account in self.accounts.items():
                if account_id in saved.accounts:
                    rows, trades = saved.orders.get(account_id, []), saved.trades.get(account_id, [])
                    account.restore(saved.accounts[account_id], rows, trades)
            if trade_date(saved.meta.now) != trade_date(now):
                self._settle(saved)
        storage.store.prune(now)
        self._write(now, always=True)

    def _settle(self, saved: SavedRun) -> None:
        """A new day: what stood at the end of the old one was ended by the desk at the last prices."""
        ts = saved.meta.now
        prices = saved.past(ts).prices
        for account in self.accounts.values():
            for symbol, contract in self.listing.by_venue_symbol.items():
                price = prices.get(symbol, prices.get(contract.symbol))
                account.on_quote(Quote(ts_recv=ts, ts_venue=ts, instrument=symbol, bid=price, ask=price))
            account.desk_flatten(ts)
            account.advance(ts + _SETTLE_NS)

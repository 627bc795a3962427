"""The practice venue without its wire: market, accounts, contracts, and the passing of practice time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec import structs

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.account import PracticeAccount
from adapters.simulator.exchange.account_rows import Changes, UserEvent
from adapters.simulator.exchange.contract_roll import Roll
from adapters.simulator.exchange.contracts import Listing
from adapters.simulator.exchange.hours import session, trade_date
from adapters.simulator.exchange.store import Meta, SavedRun, StateError, Store
from adapters.simulator.exchange.trading_status import Floor
from adapters.simulator.faults.faults import Faults
from adapters.simulator.market.candles import Candles
from adapters.simulator.market.ticker import Ticker
from adapters.simulator.wire.hubs import Hubs, Topic
from adapters.simulator.wire.publisher import Publisher
from adapters.simulator.wire.signalr import Connection
from engine.model.errors import RefusedError
from engine.model.events import Print, Quote
from engine.ports import Clock, MarketSource

_SETTLE_NS = 1_000_000_000

log = logging.getLogger(__name__)


class Kept(NamedTuple):
    """Where the exchange remembers things, and what it remembers."""

    store: Store
    saved: SavedRun | None = None


class Exchange:
    """Plays a market source by a clock and lets accounts trade on it. Synchronous.

    Whoever asks it anything calls `catch_up` first, so that every answer stands on the market as it is at
    that instant of practice time.
    """

    def __init__(
        self,
        config: SimulatorConfig,
        source: MarketSource,
        clock: Clock,
        listing: Listing,
        kept: Kept | None = None,
    ) -> None:
        self.config = config
        self.clock = clock
        self.listing = listing
        self.on_market_subscription: Callable[[], None] = lambda: None
        now = source.start_ts
        seed = config.seed if config.fault_seed is None else config.fault_seed
        self.faults = Faults(config.faults, seed, self.now, now, self._tell)
        self.hubs = Hubs(config.timing, self._greet, self.faults.admits)
        self.floor = Floor(self.faults.objection, self.faults.portion)
        saved = kept.saved if kept is not None else None
        tickers = []
        for symbol, contract in listing.front.items():
            forming = None if saved is None else saved.meta.forming.get(symbol)
            if forming is not None and forming.over(now):
                forming = None
            tickers.append(Ticker(contract, Candles(symbol, source.history(symbol), forming), now))
        self.publisher = Publisher(tickers)
        self._bars_kept = {s: 0 if saved is None else len(saved.bars.get(s, ())) for s in listing.front}
        self._rolls: dict[str, Roll] = {}
        if saved is not None:
            self._roll_again(saved.meta.rolls)
        self.accounts = {
            spec.id: PracticeAccount(
                spec, listing, config.model, config.rules, self.floor, self.faults.tell, index
            )
            for index, spec in enumerate(config.accounts)
        }
        self._events: Iterator[Quote | Print] = iter(source.events())
        self._next = next(self._events, None)
        self._kept = kept
        self._unsaved: dict[int, list[Changes]] = {}
        self._behind = False
        """Something happened that could not be kept yet."""
        self._cut_off = session(trade_date(now)).cut_off
        if kept is not None:
            self._restore(kept, now)

    # -- time --------------------------------------------------------------------------------------

    def now(self) -> int:
        """Practice time, nanoseconds UTC."""
        return self.clock()

    def catch_up(self, most: int | None = None) -> bool:
        """Play everything that is due, at most so many market events; whether all of it was played."""
        now = self.clock()
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
        self.publisher.flush(self.hubs.market, now)
        self.save(now)
        return done

    def push(self, event: Quote | Print) -> None:
        """Let something happen in the market that its source does not know of, after all that is due."""
        self.catch_up()
        now = self.clock()
        self._play(event, now)
        self.publisher.flush(self.hubs.market, now)
        self.save(now)

    def next_due(self) -> int:
        """When an order or a fault will need attention next, nanoseconds; market events do not count."""
        dues = [due for a in self.accounts.values() if (due := a.venue.next_due()) is not None]
        return min((*dues, self.faults.timetable.next))

    def _play(self, event: Quote | Print, now: int) -> None:
        if event.ts_venue >= self._cut_off:
            self._end_day(event.ts_venue)
        if isinstance(event, Quote):
            for account in self.accounts.values():
                account.on_quote(event)
            self.publisher.on_quote(event, self.hubs.market, now)
        else:
            for account in self.accounts.values():
                account.on_print(event)
            self.publisher.on_print(event, self.hubs.market, now)

        if self._rolls and (roll := self._rolls.get(event.instrument)) is not None:
            self._play(roll.event(event), now)

    def _pass_time(self, now: int) -> None:
        if now >= self._cut_off:
            self._end_day(now)
        for account in self.accounts.values():
            account.advance(now)
        self.faults.advance(now)

    def roll(self, symbol: str, basis: int) -> None:
        """Make the next month of a product the active contract, so many ticks above the present one.

        Orders and positions of the old month stay, and only what reduces them is taken there. Raises
        RefusedError for a product that has rolled already or that is not listed.
        """
        if symbol not in self.listing.following:
            raise RefusedError(f"there is no next month of {symbol} to roll to")
        roll = self._begin(symbol, basis)
        now, old = self.now(), self.publisher.tickers[symbol]
        if old.bid is not None:
            quote = Quote(
                ts_recv=now, ts_venue=now, instrument=symbol, bid=old.bid, ask=old.ask, last=old.figures.last
            )
            self._play(roll.event(quote), now)

    def _begin(self, symbol: str, basis: int) -> Roll:
        """List the next month and give it a history."""
        contract = self.listing.roll(symbol)
        roll = self._rolls[symbol] = Roll(contract.id, contract.book, basis)
        candles = roll.candles(self.publisher.tickers[symbol].candles)
        self._bars_kept[contract.book] = len(candles.closed)
        self.publisher.add(Ticker(contract, candles, self.now()))
        return roll

    def _roll_again(self, rolls: Mapping[str, Roll]) -> None:
        """Go on after a roll of an earlier run; where the calendar has caught up, its book stays known."""
        listing = self.listing
        for symbol, roll in rolls.items():
            following, front = listing.following.get(symbol), listing.front.get(symbol)
            if following is not None and following.id == roll.contract_id:
                self._begin(symbol, roll.basis)
            elif front is not None and front.id == roll.contract_id:
                listing.books[roll.book] = structs.replace(front, key=roll.book)

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
        if self._kept is None or (self._behind and not always):
            return
        for account_id, account in self.accounts.items():
            if (changed := account.blotter.changes()) is not None:
                self._unsaved.setdefault(account_id, []).append(changed)
        if not self._unsaved and not always:
            return
        tickers = self.publisher.tickers
        forming = {s: t.candles.forming for s, t in tickers.items() if t.candles.forming is not None}
        closed = {symbol: ticker.candles.closed for symbol, ticker in tickers.items()}
        bars = [bar for symbol, found in closed.items() for bar in found[self._bars_kept[symbol] :]]
        meta = Meta(now, self.config.speed, self.config.seed, forming, self._rolls)
        saved = {account_id: account.saved() for account_id, account in self.accounts.items()}
        self._kept.store.write(meta, saved, self._unsaved, bars)
        self._unsaved = {}
        self._bars_kept = {symbol: len(found) for symbol, found in closed.items()}

    def _restore(self, kept: Kept, now: int) -> None:
        saved = kept.saved
        if saved is not None:
            for account_id, account in self.accounts.items():
                if account_id in saved.accounts:
                    rows, trades = saved.orders.get(account_id, []), saved.trades.get(account_id, [])
                    account.restore(saved.accounts[account_id], rows, trades)
            if trade_date(saved.meta.now) != trade_date(now):
                self._settle(saved)
        kept.store.prune(now)
        self._write(now, always=True)

    def _settle(self, saved: SavedRun) -> None:
        """A new day: what stood at the end of the old one was ended by the desk at the last prices."""
        ts = saved.meta.now
        prices = saved.past(ts).prices
        for account in self.accounts.values():
            for book, contract in self.listing.books.items():
                price = prices.get(book, prices.get(contract.symbol))
                account.on_quote(Quote(ts_recv=ts, ts_venue=ts, instrument=book, bid=price, ask=price))
            account.desk_flatten(ts)
            account.advance(ts + _SETTLE_NS)

    # -- outlets -----------------------------------------------------------------------------------

    def _tell(self, events: Iterable[UserEvent]) -> None:
        self.hubs.tell(events)

    def _greet(self, connection: Connection, topic: Topic) -> None:
        self.on_market_subscription()
        self.publisher.greet(connection, topic, self.clock())

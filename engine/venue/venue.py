"""The one venue in the code: matching, fills, latency and brackets, without any I/O
(docs/semantics.md#fill-model).

The practice venue puts the ProjectX wire around it, a paper book and a replay call it directly. Time is
handed in as integer nanoseconds; the same calls give the same events. It knows orders, not accounts: one
`Venue` per account, and whoever holds it keeps positions, money, and the rules about who may trade when.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec import structs

from engine.model.events import Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import Bar
from engine.model.orders import OrderSpec, OrderType, VenueOrder, VenueStatus
from engine.venue.bar_matching import BarMatching
from engine.venue.fill_model import FillModel, LatestPrices, reaches
from engine.venue.matching import MatchingEngine
from engine.venue.orders import Change, Orders, OrderState, Placed, VenueEvent, VenueState
from engine.venue.refusals import (
    OrderInvalidError,
    OrderNotFoundError,
    check_live,
    check_place,
)
from engine.venue.timers import NEVER, Due
from engine.venue.wallet import Wallet

_NOTHING: tuple[VenueEvent, ...] = ()


class Venue:
    """Matches orders against quotes and prints. Every call gives the events that it caused, in order.

    Calls must come in time order; a `now` before the latest one counts as the latest.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        model: FillModel,
        first_order_id: int = 1,
        first_trade_id: int = 1,
        *,
        brackets: bool = True,
    ) -> None:
        """Without `brackets` it is an account in Position Brackets mode, which refuses native ones."""
        self.brackets = brackets
        self._orders = Orders(instruments, first_order_id)
        self._matching = MatchingEngine(instruments, model, self._orders, first_trade_id)
        self._prices, self._timers = self._matching.prices, self._matching.timers
        self._bars = BarMatching(self._matching, self._pass_time)
        self._now = 0

    def divide_fills(self, portion: Callable[[VenueOrder, int], int]) -> None:
        """Ask before each execution how many of the possible contracts happen; 0 leaves the order waiting."""
        self._matching.portion = portion

    def settle_with(self, wallet: Wallet) -> None:
        """Sell no coin that the account does not have, and buy none that it can't pay."""
        self._matching.wallet = wallet

    # -- requests ----------------------------------------------------------------------------------

    def place(self, instrument: str, spec: OrderSpec, now: int, client_id: str | None = None) -> Placed:
        """Take an order; bracket legs are born suspended with the next ids (stop first, then target).

        Raises OrderInvalidError, BracketsRefusedError.
        """
        if instrument not in self._prices:
            raise OrderInvalidError(f"unknown instrument {instrument}")
        check_place(spec, brackets=self.brackets)
        self._pass_time(now)
        orders = self._orders
        entry = orders.add(client_id, instrument, spec, self._now)
        stop = orders.add_leg(entry, OrderType.STOP, "-SL", spec.stop_offset, self._now)
        target = orders.add_leg(entry, OrderType.LIMIT, "-TP", spec.target_offset, self._now)
        entry.legs = tuple(leg.id for leg in (target, stop) if leg is not None)
        for born in (stop, entry, target):
            if born is not None:
                self._matching.report(born)
        self._timers.set(self._now + self._matching.model.latency_ns, Due.ARRIVE, entry.id)
        return Placed(entry.report(), self._happened())

    def reserve_id(self) -> str:
        """An order id that no order will get, for an order that was refused before it came here."""
        return str(self._orders.take_id())

    def modify(
        self,
        venue_id: str,
        now: int,
        *,
        qty: int | None = None,
        limit: int | None = None,
        stop: int | None = None,
    ) -> Sequence[VenueEvent]:
        """Change quantity or price, some latency later: what does not hold any more by then is dropped, and
        the order told of as it stands. None leaves a field as it is. A moved limit queues anew.

        Raises OrderNotFoundError, OrderClosedError, ChangeRejectedError.
        """
        self._pass_time(now)
        order = check_live(self._orders.find(venue_id), venue_id)
        change = Change(qty, limit, stop)
        self._matching.check(order, change)
        order.changes = (*order.changes, change)
        return self._in_time(Due.CHANGE, order)

    def cancel(self, venue_id: str, now: int) -> Sequence[VenueEvent]:
        """Cancel one order, some latency later. An entry takes along the legs that have nothing to protect; a
        leg goes alone.

        Raises OrderNotFoundError, OrderClosedError.
        """
        self._pass_time(now)
        return self._in_time(Due.CANCEL, check_live(self._orders.find(venue_id), venue_id))

    def withdraw(self, venue_id: str, now: int) -> Sequence[VenueEvent]:
        """The venue itself cancels an order, which takes no time. Raises as `cancel` does."""
        self._pass_time(now)
        self._matching.cancel(check_live(self._orders.find(venue_id), venue_id), self._now)
        return self._happened()

    def adjust(self, venue_id: str, now: int, *, stop: int) -> Sequence[VenueEvent]:
        """The venue itself moves a stop, which takes no time. Raises as `modify` does."""
        self._pass_time(now)
        order, change = check_live(self._orders.find(venue_id), venue_id), Change(stop=stop)
        self._matching.check(order, change)
        order.changes = (change, *order.changes)
        self._matching.change(order, self._now)
        return self._happened()

    def expire(self, now: int, instruments: Collection[str] | None = None) -> Sequence[VenueEvent]:
        """End every live order (of some instruments), as the end of the trading day does."""
        self._pass_time(now)
        for order in self._orders:
            if order.status.live and (instruments is None or order.instrument in instruments):
                self._matching.end(order, VenueStatus.EXPIRED, self._now)
        return self._happened()

    # -- market and time ---------------------------------------------------------------------------

    def on_quote(self, quote: Quote) -> Sequence[VenueEvent]:
        """Take in a new top of book (time is its `ts_recv`)."""
        self._pass_time(quote.ts_recv)
        matching, prices = self._matching, self._prices[quote.instrument]
        prices.bid, prices.ask, prices.ts = quote.bid, quote.ask, quote.ts_recv
        if prices.last is None:
            prices.last = quote.last
        for order in self._orders.in_market(quote.instrument):
            spec = order.spec
            if spec.limit is not None:
                continue
            if spec.stop is None or order.fires is not None:
                matching.fill_at_market(order, self._now)
            elif matching.model.stop_on_touch:
                touch = prices.touch(spec.side)
                if touch is not None and reaches(spec.side, spec.stop, touch):
                    matching.trigger(order, self._now)
        return self._happened()

    def on_print(self, trade: Print) -> Sequence[VenueEvent]:
        """Take in a trade of the market (time is its `ts_recv`)."""
        self._pass_time(trade.ts_recv)
        matching, prices = self._matching, self._prices[trade.instrument]
        prices.last, prices.ts = trade.price, trade.ts_recv
        prices.sizes.append(trade.size)
        left = trade.size
        for order in self._orders.in_market(trade.instrument):
            spec = order.spec
            if spec.limit is not None:
                left -= matching.match_limit(order, spec.limit, trade, left, self._now)
            elif spec.stop is None or order.fires is not None:
                matching.fill_at_market(order, self._now)
            elif reaches(spec.side, spec.stop, trade.price):
                matching.trigger(order, self._now)
        return self._happened()

    def on_open(self, bar: Bar) -> Sequence[VenueEvent]:
        """Take in the first price of a bar, at its open: what is at market fills, and what that price is
        beyond. Nothing else of the bar is looked at.
        """
        self._pass_time(bar.open_ts)
        self._bars.open(bar)
        return self._happened()

    def on_bar(self, bar: Bar) -> Sequence[VenueEvent]:
        """Take in a whole bar, at its close; its open too where that has not been told."""
        if self._prices[bar.instrument].bar != bar.open_ts:
            self._pass_time(bar.open_ts)
            self._bars.open(bar)
        self._pass_time(bar.close_ts)
        self._bars.close(bar)
        return self._happened()

    def passes(self, bar: Bar) -> bool:
        """Take in a whole bar, at its close, that meets no order; False leaves it to `on_open` and `on_bar`.
        Nothing may have been told of the bar yet.
        """
        ts = bar.close_ts
        if self._timers.earliest <= ts or not self._bars.untouched(bar, ts):
            return False
        if ts > self._now:
            self._now = ts
        return True

    def advance(self, now: int) -> Sequence[VenueEvent]:
        """Let time pass: whatever became due until `now` happens at its own due time."""
        self._pass_time(now)
        return self._happened()

    @property
    def earliest(self) -> int:
        """When something happens by itself next, nanoseconds; far away where nothing is due."""
        return self._timers.earliest

    def next_due(self) -> int | None:
        """The same, or None."""
        return None if self.earliest == NEVER else self.earliest

    def _pass_time(self, now: int) -> None:
        timers = self._timers
        while timers.earliest <= now:
            due, _, kind, order_id = timers.pop()
            self._now = max(self._now, due)
            self._matching.due(kind, self._orders[order_id], due)
        if now > self._now:
            self._now = now

    def _in_time(self, kind: Due, order: OrderState) -> Sequence[VenueEvent]:
        """Let what was asked of an order happen after the latency."""
        self._timers.set(self._now + self._matching.model.change_ns, kind, order.id)
        self._pass_time(self._now)
        return self._happened()

    def _happened(self) -> Sequence[VenueEvent]:
        """What has happened since the last time. A request that raised leaves it for the next call."""
        matching = self._matching
        if not matching.events:
            return _NOTHING
        events, matching.events = matching.events, []
        return events

    # -- looking -----------------------------------------------------------------------------------

    @property
    def orders(self) -> tuple[VenueOrder, ...]:
        """Every order that the venue remembers, live or not, by id."""
        return tuple(order.report() for order in self._orders)

    def orders_since(self, since: int) -> tuple[VenueOrder, ...]:
        """Those that live, or have changed since a time in nanoseconds, by id."""
        return tuple(one.report() for one in self._orders if one.ts >= since or one.status.live)

    def order(self, venue_id: str) -> VenueOrder:
        """One order as it stands. Raises OrderNotFoundError."""
        order = self._orders.find(venue_id)
        if order is None:
            raise OrderNotFoundError(f"order {venue_id} does not exist")
        return order.report()

    def prices(self, instrument: str) -> LatestPrices:
        """What is known of an instrument's market; not to be changed."""
        return self._prices[instrument]

    # -- keeping -----------------------------------------------------------------------------------

    def forget(self, before: int) -> None:
        """Remember orders no more that ended before a time, but for the families of live ones."""
        self._timers.replace(self._timers.of(self._orders.forget(before)))

    def forget_prices(self, instrument: str) -> None:
        """Know nothing of an instrument's prices any more: another contract month is quoted from now on."""
        self._prices[instrument] = LatestPrices()

    def state(self) -> VenueState:
        """What must be kept for a restart. Finished orders are left out, but for live orders' families."""
        needed = self._orders.needed()
        return VenueState(
            self._now,
            self._orders.next_id,
            self._matching.next_trade_id,
            [structs.replace(self._orders[order_id]) for order_id in sorted(needed)],
            self._orders.resting_ids(),
            self._timers.of(needed),
        )

    def restore(self, state: VenueState) -> None:
        """Go on where another stopped, in place of everything that this venue knew: no prices either."""
        self._now = state.now
        self._matching.next_trade_id = state.next_trade_id
        self._orders.put_back(state.next_order_id, state.orders, state.resting)
        self._timers.replace(state.timers)
        for symbol in self._prices:
            self._prices[symbol] = LatestPrices()
        self._matching.events = []

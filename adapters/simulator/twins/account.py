"""One account of a twin: orders by client id, fills, positions, coins and money, in engine terms.

Prices are ticks, quantities lots, times nanoseconds UTC of practice time; amounts are in the currency of the
instruments. Orders are matched by `engine.venue.Venue`; what it knows nothing of is here: client ids that may
not be used twice, reduce-only, post-only, immediate-or-cancel, orders that cancel one another, margin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import zip_longest

from msgspec import structs

from adapters.simulator.twins.config import TwinLogin
from adapters.simulator.twins.holdings import TwinHoldings
from adapters.simulator.twins.records import SavedTwinAccount, TwinEvent, TwinFill, TwinOrder
from adapters.simulator.twins.refusals import TwinRefusedError, Why
from engine.model.errors import RefusedError
from engine.model.instrument import Instrument, InstrumentKind
from engine.model.market import Side
from engine.model.orders import Fill, OrderSpec, OrderType, VenueOrder
from engine.venue.fill_model import FillModel
from engine.venue.orders import VenueEvent
from engine.venue.refusals import OrderClosedError, OrderNotFoundError
from engine.venue.timers import NEVER
from engine.venue.venue import Venue

KEPT_NS = 7 * 86_400 * 1_000_000_000
"""Orders that are over, and fills, are told of for so long."""


Tell = Callable[["TwinAccount", TwinEvent], None]


class TwinAccount:
    """Synchronous. Every call that may change something tells `tell` of what it caused, in order."""

    def __init__(
        self,
        login: TwinLogin,
        instruments: Mapping[str, Instrument],
        model: FillModel,
        clock: Callable[[], int],
        tell: Tell,
        first_id: int = 1,
    ) -> None:
        """Ids of orders and of fills count from `first_id`."""
        self.login = login
        self.name = login.account
        self.orders: dict[int, TwinOrder] = {}
        """Every order that is remembered, live or not, by id."""
        self.fills: list[TwinFill] = []
        """Every fill that is remembered, oldest first."""
        self.changed: list[TwinEvent] = []
        """What has happened since somebody emptied it: for whoever keeps it."""
        self.most_filled: Callable[[VenueOrder, int], int] | None = None
        """Says of how many possible lots of an order so many fill now: a fault plugs itself in here."""
        self._instruments = instruments
        self._model = model
        self._clock = clock
        self._tell = tell
        self._by_client: dict[str, int] = {}
        self._linked: list[set[int]] = []
        self._venue = Venue(instruments, model, first_id, first_id, brackets=False)
        self._venue.divide_fills(self._portion)
        self._hold(TwinHoldings(instruments, self._venue.prices, login.money, login.coins))

    def _hold(self, holdings: TwinHoldings) -> None:
        self.holdings = holdings
        """Money, coins and positions."""
        self._venue.settle_with(holdings.wallet)

    # -- requests -----------------------------------------------------------------------------------------

    def place(
        self,
        symbol: str,
        spec: OrderSpec,
        client_id: str | None = None,
        *,
        post_only: bool = False,
        now_or_never: bool = False,
        note: Mapping[str, str] | None = None,
    ) -> TwinOrder:
        """Take an order. `spec.reduces` may only make a position smaller; what is `now_or_never` ends where
        it does not trade at once. Raises TwinRefusedError.
        """
        now = self._clock()
        self._check(symbol, spec, client_id, post_only)
        try:
            placed = self._venue.place(symbol, spec, now, client_id)
        except RefusedError as error:
            raise TwinRefusedError(Why.INVALID, str(error)) from None
        number = int(placed.order.venue_id)
        order = TwinOrder(placed.order, now, dict(note or {}), spec.reduces, now_or_never)
        self.orders[number] = order
        if client_id is not None:
            self._by_client[client_id] = number
        self._take(placed.events)
        return order

    def modify(
        self, order_id: int, *, qty: int | None = None, limit: int | None = None, stop: int | None = None
    ) -> TwinOrder:
        """Change quantity or price. Raises TwinRefusedError."""
        order = self._live(order_id)
        for price in (limit, stop):
            if price is not None and price <= 0:
                raise TwinRefusedError(Why.INVALID, "prices are above 0")
        try:
            events = self._venue.modify(f"{order_id}", self._clock(), qty=qty, limit=limit, stop=stop)
        except RefusedError as error:
            raise TwinRefusedError(_why(error), str(error)) from None
        self._take(events)
        return order

    def cancel(self, order_id: int) -> TwinOrder:
        """Cancel an order. Raises TwinRefusedError."""
        order = self._live(order_id)
        try:
            self._take(self._venue.cancel(f"{order_id}", self._clock()))
        except RefusedError as error:
            raise TwinRefusedError(_why(error), str(error)) from None
        return order

    def cancel_all(self, symbol: str | None = None) -> list[TwinOrder]:
        """Cancel every live order, of one instrument or of all; gives them."""
        found = [one for one in self.live() if symbol in (None, one.order.instrument)]
        return [self.cancel(one.id) for one in found]

    def close(self, symbol: str, client_id: str | None = None) -> TwinOrder | None:
        """Close a position at market; None where there is none. Raises TwinRefusedError."""
        held = self.held(symbol)
        if not held:
            return None
        spec = OrderSpec(Side.SELL if held > 0 else Side.BUY, OrderType.MARKET, abs(held), reduces=True)
        return self.place(symbol, spec, client_id)

    def link(self, *order_ids: int) -> None:
        """From now on the first of these orders that fills or ends lets the others be cancelled (OCO)."""
        self._linked.append(set(order_ids))

    def deposit(self, currency: str, amount: Decimal) -> None:
        """Coins come in from elsewhere, or leave where the amount is negative."""
        self.holdings.wallet.deposit(currency, amount)

    # -- looking ------------------------------------------------------------------------------------------

    def live(self) -> list[TwinOrder]:
        """Orders that are not over, oldest first."""
        return [one for one in self.orders.values() if one.order.status.live]

    def find(self, *, order_id: int | None = None, client_id: str | None = None) -> TwinOrder:
        """An order by its id or by the client's. Raises TwinRefusedError."""
        number = order_id if client_id is None else self._by_client.get(client_id)
        order = None if number is None else self.orders.get(number)
        if order is None:
            raise TwinRefusedError(Why.NOT_FOUND, "there is no such order")
        return order

    def orders_since(self, since: int) -> list[TwinOrder]:
        """Orders that live, or have changed since a time, by id."""
        return [one for one in self.orders.values() if one.order.status.live or one.order.ts_venue >= since]

    def fills_since(self, since: int) -> list[TwinFill]:
        return [one for one in self.fills if one.fill.ts_venue >= since]

    def held(self, symbol: str) -> int:
        """Signed position of what is no coin, lots."""
        return self.holdings.held(symbol)

    # -- market and time, called by the exchange ----------------------------------------------------------

    @property
    def venue(self) -> Venue:
        """The venue itself, to be looked at and told of the market."""
        return self._venue

    def next_due(self) -> int | None:
        """When something happens by itself next, nanoseconds UTC, or None."""
        due = self._venue.next_due()
        ends = [one.placed_ts + self._model.latency_ns for one in self.live() if one.now_or_never]
        return min([*ends, *(() if due is None else (due,))], default=None)

    def take(self, events: Sequence[VenueEvent]) -> None:
        """Take in what the venue did by itself."""
        if events:
            self._take(events)

    def advance(self, now: int) -> None:
        """Let time pass; what is now or never and has not traded ends."""
        self._take(self._venue.advance(now))
        for order in self.live():
            if order.now_or_never and now >= order.placed_ts + self._model.latency_ns:
                self._withdraw(order.id)

    # -- keeping ------------------------------------------------------------------------------------------

    def saved(self) -> SavedTwinAccount:
        holdings = self.holdings
        coins = {one.currency: one.total for one in holdings.balances}
        linked = [sorted(group) for group in self._linked]
        positions = dict(holdings.all_positions)
        return SavedTwinAccount(self._venue.state(), holdings.money, coins, positions, linked)

    def restore(
        self, saved: SavedTwinAccount, orders: Sequence[TwinOrder], fills: Sequence[TwinFill]
    ) -> None:
        """Go on where an earlier run stopped."""
        self._venue.restore(saved.venue)
        self.orders = {one.id: one for one in orders}
        self.fills = list(fills)
        self._by_client = {one.order.client_id: one.id for one in orders if one.order.client_id is not None}
        self._linked = [set(group) for group in saved.linked]
        prices = self._venue.prices
        self._hold(TwinHoldings(self._instruments, prices, saved.money, saved.coins, saved.positions))

    def forget(self, before: int) -> None:
        """Remember nothing any more that was over before a time."""
        self._venue.forget(before)
        kept = {one.id: one for one in self.orders_since(before)}
        gone = self.orders.keys() - kept.keys()
        self._by_client = {name: number for name, number in self._by_client.items() if number not in gone}
        self.orders, self.fills = kept, self.fills_since(before)

    # -- inside -------------------------------------------------------------------------------------------

    def _check(self, symbol: str, spec: OrderSpec, client_id: str | None, post_only: bool) -> None:
        known = self._instruments.get(symbol)
        if known is None:
            raise TwinRefusedError(Why.SYMBOL, f"unknown symbol {symbol}")
        if client_id is not None and client_id in self._by_client:
            raise TwinRefusedError(Why.DUPLICATE, "the client id was used before")
        if spec.qty <= 0 or (spec.price is not None and spec.price <= 0):
            raise TwinRefusedError(Why.INVALID, "quantity and prices are above 0")
        prices = self._venue.prices(symbol)
        if (
            spec.stop is not None
            and prices.last is not None
            and (spec.stop - prices.last) * spec.side.sign <= 0
        ):
            raise TwinRefusedError(Why.INVALID, "the market is through this stop already")
        touch = prices.touch(spec.side)
        crosses = spec.limit is not None and touch is not None and (spec.limit - touch) * spec.side.sign >= 0
        if post_only and crosses:
            raise TwinRefusedError(Why.POST_ONLY, "it would trade at once")
        if spec.reduces and not self._reduces(symbol, spec.side):
            raise TwinRefusedError(Why.REDUCE, "there is no position that it would reduce")
        price = spec.price or touch or prices.last or 0
        worth = known.notional(price, spec.qty)
        if worth < known.least_notional and not (spec.reduces and not self._owns(symbol)):
            least = f"{known.least_notional} {known.currency}"
            raise TwinRefusedError(Why.NOTIONAL, f"the order is worth {worth:f}, at least {least} are taken")
        try:
            self.holdings.wallet.check_place(symbol, spec, self._venue.prices, self._resting, self._model)
        except RefusedError as error:
            raise TwinRefusedError(Why.FUNDS, str(error)) from None
        self._check_margin(known, spec, price)

    def _check_margin(self, known: Instrument, spec: OrderSpec, price: int) -> None:
        if known.kind is InstrumentKind.SPOT or spec.reduces:
            return
        more = spec.qty - max(0, -self.held(known.symbol) * spec.side.sign)
        need = known.margin(price, more) if more > 0 else None
        if need is not None and need > self.holdings.available:
            raise TwinRefusedError(
                Why.FUNDS, f"insufficient margin: {need:f} needed, {self.holdings.available:f} are free"
            )

    def _owns(self, symbol: str) -> bool:
        return self.holdings.wallet.owns(symbol)

    def _resting(self) -> Sequence[VenueOrder]:
        return self._venue.orders_since(NEVER)

    def _live(self, order_id: int) -> TwinOrder:
        order = self.find(order_id=order_id)
        if not order.order.status.live:
            raise TwinRefusedError(Why.OVER, f"order {order_id} is {order.order.status}")
        return order

    def _last(self, symbol: str) -> int | None:
        return self._venue.prices(symbol).last

    def _portion(self, order: VenueOrder, qty: int) -> int:
        """Of what reduces a position no more fills than there is of it."""
        if self.most_filled is not None:
            qty = self.most_filled(order, qty)
        known = self.orders.get(int(order.venue_id))
        if known is None or not known.reduces or self._owns(order.instrument):
            return qty
        return min(qty, max(0, -self.held(order.instrument) * order.side.sign))

    def _take(self, events: Sequence[VenueEvent]) -> None:
        """The venue tells a fill, then the order as it stands after it: whoever hears of the fill finds the
        order so already.
        """
        for event, following in zip_longest(events, events[1:]):
            number = int(event.venue_order_id if isinstance(event, Fill) else event.venue_id)
            order = self.orders.get(number)
            if order is None:
                continue  # it was refused while it was being placed
            if isinstance(event, Fill):
                if isinstance(following, VenueOrder) and following.venue_id == event.venue_order_id:
                    order.order = following
                self._fill(order, event)
            else:
                order.order = event
                self._say(order)
        for event in events:
            if isinstance(event, Fill) or not event.status.live:
                self._end_others(int(event.venue_order_id if isinstance(event, Fill) else event.venue_id))
        if any(isinstance(event, Fill) for event in events):
            self._end_what_reduces_nothing()

    def _fill(self, order: TwinOrder, fill: Fill) -> None:
        self.holdings.take(fill)
        known = self._instruments[fill.instrument]
        order.fill_sum += fill.price * fill.qty
        order.cost += fill.cost_usd
        rested = order.order.type is OrderType.LIMIT
        buys = fill.side is Side.BUY
        fees = fill.cost_usd, fill.fee_base
        maker = rested and fees == known.fees(fill.price, fill.qty, buys=buys, maker=True)
        told = TwinFill(fill, maker)
        self.fills.append(told)
        self._say(told)

    def _say(self, event: TwinEvent) -> None:
        self.changed.append(structs.replace(event) if isinstance(event, TwinOrder) else event)
        self._tell(self, event)

    def _end_others(self, number: int) -> None:
        for group in [group for group in self._linked if number in group]:
            self._linked.remove(group)
            for other in group - {number}:
                self._withdraw(other)

    def _end_what_reduces_nothing(self) -> None:
        for order in self.live():
            if order.reduces and not self._reduces(order.order.instrument, order.order.side):
                self._withdraw(order.id)

    def _reduces(self, symbol: str, side: Side) -> bool:
        """Whether an order of a side can make a position smaller; a coin is only ever sold."""
        return self._owns(symbol) or self.held(symbol) * side.sign < 0

    def _withdraw(self, number: int) -> None:
        order = self.orders.get(number)
        if order is not None and order.order.status.live:
            try:
                self._take(self._venue.withdraw(f"{number}", self._clock()))
            except RefusedError:
                return  # it has just ended


def _why(error: RefusedError) -> Why:
    if isinstance(error, OrderNotFoundError):
        return Why.NOT_FOUND
    return Why.OVER if isinstance(error, OrderClosedError) else Why.INVALID

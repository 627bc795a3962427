"""A broker without a wire: the one venue, and beside it positions and money that it counts by itself
(docs/semantics.md#paper-fills).

A paper book has it inside the core, a replay around one: effects go in, and what a venue would tell comes out
as the very events that an adapter would deliver. Time is handed in; nothing here is random.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import structs

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import CME, calendar_in, calendar_of
from engine.model import effects as fx
from engine.model import events as ev
from engine.model.errors import Cause, RefusedError
from engine.model.instrument import NOTHING, Instrument, InstrumentKind
from engine.model.market import MINUTE, Bar, Side
from engine.model.orders import Account, Capabilities, Fill, OrderSpec, OrderType, VenueOrder, VenuePosition
from engine.state.state import BookState
from engine.venue.fill_model import FillModel, LatestPrices
from engine.venue.orders import VenueEvent, VenueState
from engine.venue.paper_position import PaperPosition
from engine.venue.timers import NEVER
from engine.venue.venue import Venue
from engine.venue.wallet import Wallet

REMEMBERED_NS = 24 * 60 * MINUTE
"""Orders and fills that are over are told of for so long."""


CAPABILITIES = Capabilities(nearest_exit_ticks=4, farthest_exit_ticks=1000, balances=True)
"""As a ProjectX account's (docs/protocols/projectx.md#refusals-of-a-place)."""


class PaperRules:
    """What a paper account refuses, and when its day ends, as a ProjectX account would have it."""

    def __init__(self, *, must_be_flat: bool) -> None:
        """Where nothing has to be flat by 15:10, orders are taken until the close and outlive it."""
        self._must_be_flat = must_be_flat

    def next_cut_off(self, now: int, calendar: Calendar = CME) -> int | None:
        """The next instant, strictly after `now`, at which all orders of a calendar's contracts expire; None
        where they never do.
        """
        at = now
        while self._must_be_flat:
            end = calendar.flat_by(calendar.trade_date(at))
            if end is None or end > now:
                return end
            at = calendar.next_roll(at)
        return None

    def check_place(
        self,
        spec: OrderSpec,
        prices: LatestPrices,
        now: int,
        calendar: Calendar = CME,
        kind: InstrumentKind = InstrumentKind.FUTURE,
    ) -> None:
        """Raises RefusedError."""
        end = calendar.flat_by(calendar.trade_date(now)) if self._must_be_flat else None
        if (end is not None and now >= end) or not calendar.is_open(now):
            raise RefusedError("the market takes no orders now", cause=Cause.CLOSED)
        sign = spec.side.sign
        for price in (spec.limit, spec.stop):
            if price is not None and price <= 0:
                raise RefusedError("price outside the allowed range")
        if spec.stop is not None and prices.last is not None and (spec.stop - prices.last) * sign <= 0:
            raise RefusedError("price outside the allowed range: the market is through this stop already")
        for what, offset, way in (("stop", spec.stop_offset, -sign), ("target", spec.target_offset, sign)):
            if offset is not None and not CAPABILITIES.takes_exit(offset * way, kind):
                raise RefusedError(
                    f"invalid {what}: {offset} ticks from the entry, on the wrong side or too near"
                )

    def check_close(self, now: int, calendar: Calendar = CME) -> None:
        """Closing goes on after the cut-off, while there are prices. Raises RefusedError."""
        if not calendar.is_open(now):
            raise RefusedError("the market is closed", cause=Cause.CLOSED)


class PaperBroker:
    """One account. `execute` takes effects, the rest time and market; `outgoing` has what comes of them.

    Positions and balance are counted here from the fills alone, by other arithmetic than the engine's, so
    that a mistake in either shows when the two are compared. Only after a restart do both begin with what the
    journal knows: nothing else is kept.
    """

    def __init__(
        self,
        account: Account,
        book: str,
        instruments: Mapping[str, Instrument],
        model: FillModel,
        *,
        brackets: bool = True,
        rules: PaperRules | None = None,
    ) -> None:
        """`account` has the balance to begin with. Without `rules` orders are taken around the clock, as a
        recording of any year needs it; without `brackets` native ones are refused.
        """
        self._identity = account
        self._book = book
        self._instruments = instruments
        self._model = model
        self._rules = rules
        self._venue = Venue(instruments, model, brackets=brackets)
        self.wallet = Wallet(instruments, account.balance_usd)
        """What the account has of coins, and to buy them with."""
        self._venue.settle_with(self.wallet)
        self._fees: dict[str, Decimal] = {}
        """What fees have taken out of the coins of a purchase, by order id."""
        self.outgoing: deque[ev.AnyEvent] = deque()
        """What the venue's side has said and nobody has taken yet, oldest first; to be emptied."""
        self._fills: list[Fill] = []
        self._positions: dict[str, PaperPosition] = {}
        self._balance = account.balance_usd
        self._cut_offs: dict[str, int] = {}
        """When all orders of a calendar's contracts expire next, by its name."""
        self._cut_off: int | None = None
        """The first of them."""
        self._forgets_ts = 0
        """Where no day ends, what is over is forgotten from then on."""
        self.now = 0

    def restore(self, state: VenueState, book: BookState) -> None:
        """Go on where an earlier run stopped. `book` is what the journal knows: nothing else is kept."""
        self._venue.restore(state)
        held = [p for p in book.positions.values() if p.qty]
        self._positions = {}
        for position in held:
            entered, left = (position.open_qty, position.open_sum), (position.exit_qty, position.exit_sum)
            bought, sold = (entered, left) if position.qty > 0 else (left, entered)
            self._positions[position.instrument] = PaperPosition(
                self._instruments[position.instrument], *bought, *sold
            )
        self._fees = {order.venue_id: order.fee_base for order in book.live_orders() if order.venue_id}
        costs = sum((position.costs_usd for position in held), Decimal(0))
        self._balance = self._identity.balance_usd + book.earned_usd - costs
        self.wallet = Wallet(self._instruments, self._balance)
        for symbol, had in self._positions.items():
            if self.wallet.owns(symbol):
                self.wallet.money -= had.paid_usd()
                self.wallet.deposit(had.instrument.base, had.instrument.qty(had.qty))
        for symbol, dust in book.dust.items():
            known = self._instruments.get(symbol)
            if known is not None:
                self.wallet.money -= dust.worth_usd
                self.wallet.deposit(known.base, known.qty(dust.qty))
        self._venue.settle_with(self.wallet)
        self.now = state.now
        if self._rules is not None:
            self._plan_cut_offs(self.now)

    # -- looking ------------------------------------------------------------------------------------------

    @property
    def venue(self) -> Venue:
        """The venue itself, to be looked at."""
        return self._venue

    @property
    def account(self) -> Account:
        """As it stands now: what partial exits have won is in the balance, as at a real venue."""
        running = sum((p.running_usd() for p in self._positions.values() if p.qty), Decimal(0))
        return structs.replace(self._identity, balance_usd=self._balance + running)

    def held(self, instrument: str) -> int:
        """Signed position as the venue's side counts it."""
        position = self._positions.get(instrument)
        return position.qty if position is not None else 0

    def next_due(self) -> int | None:
        """When something happens by itself next, nanoseconds UTC, or None."""
        due = self._venue.next_due()
        if due is None or self._cut_off is None:
            return due if self._cut_off is None else self._cut_off
        return min(due, self._cut_off)

    @property
    def earliest(self) -> int:
        """When its venue does something by itself next, nanoseconds UTC; far away where nothing is due."""
        return self._venue.earliest

    @property
    def cut_off(self) -> int | None:
        """When orders expire next, nanoseconds UTC; None where they don't."""
        return self._cut_off

    def ending(self, now: int) -> frozenset[str]:
        """Instruments whose orders expire by `now`, nanoseconds UTC, and did not before."""
        over = {name for name, at in self._cut_offs.items() if at <= now}
        return frozenset(s for s, instrument in self._instruments.items() if instrument.calendar in over)

    # -- time and market ----------------------------------------------------------------------------------

    def advance(self, now: int) -> None:
        """Let time pass: whatever became due happens at its own time, the end of a trading day as well."""
        self.now = max(self.now, now)
        if self._rules is not None:
            while self._cut_off is not None and self._cut_off <= now:
                self._report(self._venue.expire(self._cut_off, self.ending(self._cut_off)))
                self._forget(self._cut_off - REMEMBERED_NS)
                self._plan_cut_offs(self._cut_off)
        self._report(self._venue.advance(now))

    def _plan_cut_offs(self, now: int) -> None:
        assert self._rules is not None
        self._cut_offs = {}
        for name in {instrument.calendar for instrument in self._instruments.values()}:
            at = self._rules.next_cut_off(now, calendar_of(name))
            if at is not None:
                self._cut_offs[name] = at
        self._cut_off = min(self._cut_offs.values(), default=None)

    def _calendar(self, instrument: str) -> Calendar:
        return calendar_in(self._instruments, instrument)

    def on_quote(self, quote: ev.Quote) -> None:
        events = self._venue.on_quote(quote)
        if events:
            self._report(events)

    def on_print(self, trade: ev.Print) -> None:
        events = self._venue.on_print(trade)
        if events:
            self._report(events)

    def on_open(self, bar: Bar) -> None:
        """The first price of a bar, at its open."""
        events = self._venue.on_open(bar)
        if events:
            self._report(events)

    def on_bar(self, bar: Bar) -> None:
        """A whole bar, at its close."""
        events = self._venue.on_bar(bar)
        if events:
            self._report(events)

    def _forget(self, before: int) -> None:
        self._venue.forget(before)
        self._fills = [fill for fill in self._fills if fill.ts_venue >= before]

    # -- requests -----------------------------------------------------------------------------------------

    def execute(self, effect: fx.AnyEffect) -> None:
        """Do what the core wants done; the answer is an event like all others."""
        if isinstance(effect, fx.TakeSnapshot):
            self._snapshot(effect)
            return
        try:
            venue_id = _REQUESTS[type(effect)](self, effect)
        except RefusedError as error:
            answer = ev.reply(effect, self.now, ev.Outcome.REFUSED, str(error), error.cause)
        else:
            answer = ev.reply(effect, self.now, ev.Outcome.ACCEPTED, venue_id=venue_id)
        self.outgoing.append(answer)

    def _report(self, events: Sequence[VenueEvent]) -> None:
        for event in events:
            if isinstance(event, Fill):
                self._count(event)
                self.outgoing.append(
                    ev.FillReported(ts_recv=self.now, ts_venue=event.ts_venue, book=self._book, fill=event)
                )
            else:
                self.outgoing.append(
                    ev.OrderReported(ts_recv=self.now, ts_venue=event.ts_venue, book=self._book, order=event)
                )

    def _count(self, fill: Fill) -> None:
        self._fills.append(fill)
        position = self._positions.get(fill.instrument)
        if position is None:
            position = self._positions[fill.instrument] = PaperPosition(self._instruments[fill.instrument])
        known, fees = position.instrument, self._fees.get(fill.venue_order_id, NOTHING)
        taken = known.fee_lots(fees + fill.fee_base) - known.fee_lots(fees)
        if fill.fee_base:
            self._fees[fill.venue_order_id] = fees + fill.fee_base
        earned = position.take(fill, taken) - fill.cost_usd - known.notional(fill.price, taken)
        self._balance += earned
        if not self.wallet.owns(fill.instrument):
            self.wallet.money += earned

    def _place(self, order: fx.PlaceOrder) -> str:
        self.wallet.check_place(
            order.instrument, order.spec, self._venue.prices, self._live_orders, self._model
        )
        if self._rules is not None:
            prices, calendar = self._venue.prices(order.instrument), self._calendar(order.instrument)
            kind = self._instruments[order.instrument].kind
            self._rules.check_place(order.spec, prices, self.now, calendar, kind)
        placed = self._venue.place(order.instrument, order.spec, self.now, order.client_id)
        self._report(placed.events)
        return placed.order.venue_id

    def _live_orders(self) -> Sequence[VenueOrder]:
        return self._venue.orders_since(NEVER)

    def _modify(self, change: fx.ModifyOrder) -> None:
        limit, stop = change.limit, change.stop
        self._report(self._venue.modify(change.venue_id, self.now, qty=change.qty, limit=limit, stop=stop))

    def _cancel(self, order: fx.CancelOrder) -> None:
        self._report(self._venue.cancel(order.venue_id, self.now))

    def _close(self, order: fx.ClosePosition) -> None:
        self._report(self._closing(order))

    def _closing(self, order: fx.ClosePosition) -> Sequence[VenueEvent]:
        """A position that is not there is closed already. Of coins no more is sold than is asked for."""
        symbol = order.instrument
        qty = self.held(symbol)
        if self.wallet.owns(symbol):
            qty = min(order.qty, self.wallet.lots(symbol)) if order.qty > 0 else order.qty
        if not qty:
            return ()
        if self._rules is not None:
            self._rules.check_close(self.now, self._calendar(symbol))
        out = OrderSpec(Side.SELL if qty > 0 else Side.BUY, OrderType.MARKET, abs(qty))
        if self.wallet.owns(symbol):
            self.wallet.check_place(symbol, out, self._venue.prices, self._live_orders, self._model)
        return self._venue.place(symbol, out, self.now, order.client_id or None).events

    def _snapshot(self, query: fx.TakeSnapshot) -> None:
        if self._cut_off is None and self.now >= self._forgets_ts:  # no day ends by itself here
            self._forget(min(query.since, self.now - REMEMBERED_NS))
            self._forgets_ts = self.now + REMEMBERED_NS // 4
        self.outgoing.append(
            ev.SnapshotTaken(
                ts_recv=self.now,
                book=self._book,
                since=query.since,
                account=self.account,
                orders=self._venue.orders_since(query.since),
                fills=tuple(f for f in self._fills if f.ts_venue >= query.since),
                positions=tuple(
                    VenuePosition(symbol, position.qty, position.average_price())
                    for symbol, position in self._positions.items()
                    if position.qty and not self.wallet.owns(symbol)
                ),
                balances=self.wallet.balances(),
            )
        )


_REQUESTS: dict[type, Callable[[PaperBroker, Any], str | None]] = {
    fx.PlaceOrder: PaperBroker._place,
    fx.ModifyOrder: PaperBroker._modify,
    fx.CancelOrder: PaperBroker._cancel,
    fx.ClosePosition: PaperBroker._close,
}

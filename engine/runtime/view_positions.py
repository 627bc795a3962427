"""Open positions, as the View shows them."""

from __future__ import annotations

from decimal import Decimal

from engine.books.book import Book
from engine.core import Core
from engine.execution.desired import target_of
from engine.model.instrument import Instrument
from engine.model.orders import Slot
from engine.model.view import PositionView
from engine.portfolio.money import Marks, open_usd
from engine.state.position import Position, usd
from engine.state.state import Order, State

_R = Decimal("0.01")


def position_view(core: Core, book: Book, position: Position) -> PositionView:
    """What is open of one contract in one book, with what is at risk and what it has made of that."""
    instrument = core.state.instruments[position.instrument]
    stops = [o for o in _exits(book, position) if o.slot is Slot.STOP and not o.suspended]
    targets = [o for o in _exits(book, position) if o.slot is Slot.TARGET and not o.suspended]
    prices = [o.stop for o in stops if o.stop is not None]
    nearest = (max(prices) if position.qty > 0 else min(prices)) if prices else None
    mark = core.marks.mark(position)
    mae, mfe = core.marks.excursions(book.name, position)
    entry = position.average
    gone = 0 if mark is None else (mark - entry) * (1 if position.qty > 0 else -1)
    plans = [p.plan for p in book.state.plans.values() if p.plan.instrument == position.instrument]
    return PositionView(
        book=book.name,
        kind=book.kind,
        instrument=position.instrument,
        qty=position.qty,
        entry=instrument.tick_size * entry.numerator / entry.denominator,
        mark=None if mark is None else instrument.price(mark),
        open_usd=open_usd(core.state, position, core.marks),
        open_ticks=Decimal(gone.numerator) / gone.denominator,
        mae_usd=mae,
        mfe_usd=mfe,
        stop=None if nearest is None else instrument.price(nearest),
        targets=tuple(instrument.price(o.limit) for o in targets if o.limit is not None)
        or _watched(book, instrument),
        protected_qty=sum(o.open_qty for o in stops if o.stands),
        strategy=plans[0].strategy if len(plans) == 1 else ", ".join(dict.fromkeys(p.owner for p in plans)),
        opened_ts=position.opened_ts,
        contract=month_of(core, book, position.instrument),
        risk_usd=_risk(instrument, position, stops, mark),
        r_now=_r_now(instrument, position, core.state, core.marks),
        plan=position.plan_id,
    )


def _risk(instrument: Instrument, position: Position, stops: list[Order], mark: int | None) -> Decimal | None:
    """What would be lost from the mark to the stops, and what getting out costs, USD; None where they do not
    cover all that is held. Without a mark it is from the entry."""
    standing = [(o.stop, o.open_qty) for o in stops if o.stands and o.stop is not None]
    if sum(lots for _, lots in standing) < abs(position.qty):
        return None
    at, sign, left, total = position.entry if mark is None else mark, position.side.sign, abs(position.qty), 0
    costs = Decimal(0)
    for stop, lots in sorted(standing, key=lambda one: one[0] * sign):  # where more would be lost, first
        lots = min(lots, left)
        left -= lots
        total += max(0, (at - stop) * sign) * lots
        costs += instrument.cost(stop, lots)
    return instrument.usd(total) + costs


def _r_now(instrument: Instrument, position: Position, state: State, marks: Marks) -> Decimal | None:
    """The running trade in units of what it risked at its first stops, if it were closed now, net of all
    costs; None where nobody knows that. What the finished trade's R is, before slippage."""
    mark = marks.mark(position)
    if not position.risk_sum or mark is None:
        return None
    gross = usd(instrument, position.realized_ticks()) + open_usd(state, position, marks)
    net = gross - position.costs_usd - instrument.cost(mark, abs(position.qty))
    return (net / instrument.usd(position.risk_sum)).quantize(_R)


def _watched(book: Book, instrument: Instrument) -> tuple[Decimal, ...]:
    """Targets for which no order can rest (docs/semantics.md#spot)."""
    if not book.orders.context.watches_target(instrument.symbol):
        return ()
    prices = [
        target_of(found.plan, k, done)
        for found in book.state.plans.values()
        if found.plan.instrument == instrument.symbol
        for k, done in enumerate(found.legs)
        if done.open_qty > 0
    ]
    return tuple(instrument.price(price) for price in prices if price is not None)


def month_of(core: Core, book: Book, symbol: str) -> str:
    """The month in which a book holds a contract, or would: while something is held in an old one, nothing
    is entered in the active one."""
    return book.state.held_months.get(symbol) or core.state.month(symbol, book.config.venue)[1]


def _exits(book: Book, position: Position) -> list[Order]:
    return [o for o in book.state.live_orders(position.instrument) if o.slot is not Slot.ENTRY]

"""The part of `apply` that is about days: rolls, open trades split by their mark, end-of-day balances."""

from __future__ import annotations

from decimal import Decimal

from msgspec import structs

from engine.model import records as r
from engine.model.events import ClockFault
from engine.model.market import MINUTE
from engine.model.orders import Fill
from engine.model.restrictions import TradingState
from engine.model.view import EquityPoint
from engine.state.carry import carried_gross_usd, carry
from engine.state.days import CURVES_KEPT, DAYS_KEPT, BalanceMark, DayResult, DayStats, thinned
from engine.state.position import Position, Trade
from engine.state.state import NO_DAY, TRADES_KEPT, BookState, Order, State, TradingDay

_NOTHING = Decimal(0)

MAY_BE_TOLD_NS = 60 * MINUTE
"""After the end of an order a late fill of it is still known for ours."""


def day_rolled(state: State, record: r.DayRolled) -> None:
    ended = state.days.get(record.calendar, NO_DAY).trade_date
    state.days[record.calendar] = TradingDay(record.trade_date, record.day_open_ts)
    for key, restriction in list(state.restrictions.items()):
        now = max(record.ts, record.day_open_ts)  # records' own times may lag behind a clock that was set
        whose = state.books.get(key.partition("/")[0])
        if whose is not None and whose.calendar != record.calendar:
            continue
        over = restriction.until is not None and restriction.until <= now
        if restriction.state is TradingState.LOCKED and over:
            del state.restrictions[key]
    for book in state.books.values():
        if book.calendar != record.calendar or not ended:
            continue  # of another calendar, or of this one from now on: its day goes on
        carried = record.carried.get(book.book, {})
        net = book.day.gross_usd - book.day.costs_usd
        net += sum((_gross(state, symbol, part) for symbol, part in carried.items()), _NOTHING)
        net -= sum((_gross(state, symbol, part) for symbol, part in book.carried.items()), _NOTHING)
        day = book.day
        curve = thinned(day.curve)
        book.days.append(DayResult(ended, net, day.high_usd, day.low_usd, day.max_drawdown_usd, curve))
        for older in book.days[-CURVES_KEPT - 1 : -CURVES_KEPT]:
            older.curve = []
        book.peak_usd = max(book.peak_usd, day.high_usd) - net
        del book.days[:-DAYS_KEPT]
        book.carried = dict(carried)
        book.day = DayStats()
        book.orders = {cid: o for cid, o in book.orders.items() if _of_use(book, o, record.ts)}
        book.venue_ids = {o.venue_id: cid for cid, o in book.orders.items() if o.venue_id}
        book.unfinished = [cid for cid in book.unfinished if cid in book.orders]


def clock_found(state: State, record: r.ClockFound) -> None:
    """What a clock was set by, or was not seen to go on by, is doubted until something confirms it: days
    don't go by that.
    """
    if record.fault in (ClockFault.SET, ClockFault.LATER_DAY):
        state.clock_set_ns += record.by_ns
    elif record.fault is ClockFault.CONFIRMED:
        state.clock_set_ns = 0


def _of_use(book: BookState, order: Order, now: int) -> bool:
    """Orders of a day that is over matter where they live, their trade does, or fills may yet be told."""
    recent = now - order.changed_ts < MAY_BE_TOLD_NS
    return order.live or order.plan_id in book.plans or bool(order.inferred) or recent


def day_marked(state: State, record: r.DayMarked) -> None:
    book = state.kept_book(record.book)
    before = book.carried.get(record.instrument)
    if before is not None:
        _recarry(state, book, record.instrument, before, structs.replace(before, mark=record.mark))


def balance_marked(state: State, record: r.BalanceMarked) -> None:
    book = state.kept_book(record.book)
    known = book.balance
    same = known is not None and known.account_id == record.account_id
    high = max(known.high_usd, record.balance_usd) if known is not None and same else record.balance_usd
    book.balance = BalanceMark(
        record.account_id, record.trade_date, record.balance_usd, record.start_usd, high
    )


def equity_noted(state: State, record: r.EquityNoted) -> None:
    book = state.kept_book(record.book)
    book.peak_usd = max(book.peak_usd, record.high_usd)
    day = book.day
    day.high_usd = max(day.high_usd, record.high_usd)
    day.low_usd = min(day.low_usd, record.low_usd)
    day.max_drawdown_usd = max(day.max_drawdown_usd, record.drawdown_usd)
    day.add_point(EquityPoint(record.ts, record.total_usd))


def is_late(state: State, book: BookState, fill: Fill) -> bool:
    """A fill of an earlier trade date of the book that is only learnt of in this one."""
    return 0 < fill.ts_venue < state.day_of(book).open_ts


def count_cost(book: BookState, cost_usd: Decimal, late: bool) -> None:
    if late and book.days:
        add_to_ended(book, -cost_usd)
    else:
        book.day.costs_usd += cost_usd


def book_trade(state: State, book: BookState, trade: Trade, late: bool = False) -> None:
    """A trade is over: the day gets its part, or the day before, if it ended there; but no sum of the book
    gets anything of another currency.
    """
    book.trades.append(trade)
    del book.trades[:-TRADES_KEPT]
    if not state.counts(book, trade.instrument):
        return
    book.earned_usd += trade.net_usd
    part = book.carried.pop(trade.instrument, None)
    gross = _NOTHING if part is None else _gross(state, trade.instrument, part)
    if late and book.days:
        add_to_ended(book, trade.gross_usd - gross)
        return
    book.day.book_trade(
        trade,
        gross_before_usd=gross,
        costs_before_usd=_NOTHING if part is None else part.costs_usd,
        taken_before_usd=_NOTHING if part is None else part.taken_usd,
    )


def carry_late(state: State, book: BookState, position: Position) -> None:
    """A late fill has changed what was open at the boundary."""
    before = book.carried.get(position.instrument)
    if position.qty and book.days and state.counts(book, position.instrument):
        mark = None if before is None else before.mark
        after = carry(state.instruments[position.instrument], position, mark)
        _recarry(state, book, position.instrument, before, after)


def _recarry(
    state: State, book: BookState, instrument: str, before: r.Carried | None, after: r.Carried
) -> None:
    book.carried[instrument] = after
    if book.days:
        earlier = _NOTHING if before is None else _gross(state, instrument, before)
        add_to_ended(book, _gross(state, instrument, after) - earlier)


def add_to_ended(book: BookState, usd: Decimal) -> None:
    """The trade date that is over came to so much more than was known, so this one begins so much higher."""
    book.days[-1].net_usd += usd
    book.peak_usd -= usd


def _gross(state: State, instrument: str, part: r.Carried) -> Decimal:
    return carried_gross_usd(state.instruments[instrument], part)

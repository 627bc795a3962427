"""Single rows, of what the state has of a trade, an order, a position, a book."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.market.calendars.known import calendar_of
from engine.model.history import KeptAlert, KeptFill, KeptOrder, KeptPosition, KeptRisk, KeptTrade, When
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Side
from engine.model.notices import Notice
from engine.model.orders import Fill
from engine.model.plans import TradePlan
from engine.portfolio.daily import days_a_year, historical_var, sharpe, volatility
from engine.portfolio.money import realized_usd
from engine.state.position import Position, Trade, usd
from engine.state.state import BookState, Order, State
from tstream.history.ledger import Ledger
from tstream.reports.patterns import pattern_of

_DIGITS = 6
"""Of an average that lies between two ticks, behind those of the tick."""


def order_row(state: State, book: BookState, order: Order, /, **stamp: Any) -> KeptOrder:
    known = state.instruments[order.instrument]
    return KeptOrder(
        **stamp,
        client_id=order.client_id,
        venue_id=order.venue_id,
        kind=money_kind(book),
        symbol=order.instrument,
        side=order.side.value,
        type=order.type.value,
        quantity=known.qty(order.qty),
        filled_quantity=known.qty(order.filled_qty),
        limit_price=None if order.limit is None else known.price(order.limit),
        stop_price=None if order.stop is None else known.price(order.stop),
        status=order.status.value,
        changed=When(order.changed_ts),
        slot=order.slot.value if order.slot is not None else "",
        plan_id=order.plan_id or "",
        reason=order.reason,
    )


def fill_row(known: Instrument, fill: Fill, trade_id: str, client_id: str, /, **stamp: Any) -> KeptFill:
    return KeptFill(
        **stamp,
        trade_id=trade_id,
        client_id=client_id,
        venue_order_id=fill.venue_order_id,
        symbol=fill.instrument,
        side=fill.side.value,
        quantity=known.qty(fill.qty),
        price=known.price(fill.price),
        cost_usd=fill.cost_usd,
        inferred=False,
        settled_quantity=known.qty(0),
    )


def trade_row(
    state: State, book: BookState, trade: Trade, number: int, plans: Mapping[str, TradePlan], /, **stamp: Any
) -> KeptTrade:
    known, plan = state.instruments[trade.instrument], plans.get(trade.plan_id)
    r = trade.r
    ticks = (Decimal(trade.exit_sum - trade.entry_sum) * trade.side.sign / trade.qty).quantize(
        Decimal("0.0001")
    )
    return KeptTrade(
        **stamp,
        id=number,
        kind=money_kind(book),
        currency=known.currency,
        symbol=trade.instrument,
        side=side_word(trade.side),
        quantity=known.qty(trade.qty),
        entry_price=average(known, trade.entry_sum, trade.qty),
        exit_price=average(known, trade.exit_sum, trade.qty),
        pnl_usd=trade.net_usd,
        gross_usd=trade.gross_usd,
        costs_usd=trade.costs_usd,
        pnl_ticks=ticks,
        opened=When(trade.opened_ts),
        duration_s=(trade.closed_ts - trade.opened_ts) / NANOS,
        reason=trade.reason,
        strategy=plan.owner if plan is not None else "",
        plan_id=trade.plan_id,
        pattern=pattern_of(plan),
        score=plan.score_tenths / 10 if plan is not None and plan.score_tenths else None,
        mae_usd=trade.mae_usd,
        mfe_usd=trade.mfe_usd,
        risk_usd=trade.risk_usd,
        r_multiple=None if r is None else round(r, 4),
    )


def position_row(
    state: State,
    book: BookState,
    held: Position,
    number: int,
    plans: Mapping[str, TradePlan],
    /,
    **stamp: Any,
) -> KeptPosition:
    """Of one that is open."""
    known, plan = state.instruments[held.instrument], plans.get(held.plan_id)
    return KeptPosition(
        **stamp,
        id=number,
        kind=money_kind(book),
        currency=known.currency,
        symbol=held.instrument,
        side=side_word(held.side),
        status="open",
        quantity=known.qty(abs(held.qty)),
        entry_price=average(known, held.open_sum, held.open_qty),
        realized_usd=usd(known, held.realized_ticks()),
        costs_usd=held.costs_usd,
        pnl_usd=None,
        mae_usd=held.mae_usd,
        mfe_usd=held.mfe_usd,
        opened=When(held.opened_ts),
        closed=None,
        strategy=plan.owner if plan is not None else "",
        plan_id=held.plan_id,
    )


def closed_row(
    state: State, book: BookState, trade: Trade, number: int, plans: Mapping[str, TradePlan], /, **stamp: Any
) -> KeptPosition:
    known, plan = state.instruments[trade.instrument], plans.get(trade.plan_id)
    return KeptPosition(
        **stamp,
        id=number,
        kind=money_kind(book),
        currency=known.currency,
        symbol=trade.instrument,
        side=side_word(trade.side),
        status="closed",
        quantity=known.qty(0),
        entry_price=average(known, trade.entry_sum, trade.qty),
        realized_usd=trade.gross_usd,
        costs_usd=trade.costs_usd,
        pnl_usd=trade.net_usd,
        mae_usd=trade.mae_usd,
        mfe_usd=trade.mfe_usd,
        opened=When(trade.opened_ts),
        closed=When(trade.closed_ts),
        strategy=plan.owner if plan is not None else "",
        plan_id=trade.plan_id,
    )


def risk_row(state: State, book: BookState, ledger: Ledger, /, **stamp: Any) -> KeptRisk:
    day_usd = realized_usd(book, state)
    shares, a_year = ledger.shares(), days_a_year(calendar_of(book.calendar))
    nets = [day.net_usd for day in book.days]
    record = ledger.record
    kelly = record.kelly()
    return KeptRisk(
        **stamp,
        kind=money_kind(book),
        currency=currency_of(state, book),
        trade_date=state.day_of(book).trade_date,
        equity_usd=ledger.worth(day_usd),
        day_pnl_usd=day_usd,
        day_drawdown_usd=book.day.max_drawdown_usd,
        drawdown_usd=max(Decimal(0), book.peak_usd - day_usd),
        open_positions=sum(bool(position.qty) for position in book.positions.values()),
        trades=record.trades,
        win_rate=record.win_rate,
        profit_factor=record.profit_factor,
        losses_in_a_row=book.day.losses_in_a_row,
        kelly=None if kelly is None else float(kelly),
        sharpe=sharpe(shares, a_year),
        volatility=volatility(shares, a_year),
        var_95_usd=historical_var(nets, 95),
        var_99_usd=historical_var(nets, 99),
    )


def alert_row(notice: Notice, /, **stamp: Any) -> KeptAlert:
    return KeptAlert(
        **stamp,
        severity=notice.severity.value,
        kind=notice.kind.value,
        symbol=notice.instrument or "",
        message=notice.text,
        room="",
        author="",
        verdict="",
    )


def money_kind(book: BookState) -> str:
    """Whose money it is: live, practice, paper, unknown."""
    return book.account.kind.value if book.account is not None else "unknown"


def currency_of(state: State, book: BookState) -> str:
    """In which the book counts."""
    if book.account is not None and book.account.currency:
        return book.account.currency
    traded = [state.instruments[trade.instrument].currency for trade in book.trades[:1]]
    return traded[0] if traded else "USD"


def side_word(side: Side) -> str:
    return "long" if side is Side.BUY else "short"


def average(known: Instrument, total: int, qty: int) -> Decimal:
    """Average price, exact to some digits behind those of the tick."""
    exact = known.tick_size * total / qty
    return exact.quantize(Decimal(1).scaleb(-known.decimals - _DIGITS)).normalize() + Decimal(0)

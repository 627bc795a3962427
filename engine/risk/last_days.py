"""Trades of a contract month that is about to be settled or delivered (docs/semantics.md#contract-months)."""

from __future__ import annotations

from engine.market.calendars.known import calendar_in
from engine.market.expiry import last_day
from engine.model.notices import NoticeKind, Severity
from engine.risk.guarded import Guarded
from engine.risk.market_hours import MarketHours


def leave(book: Guarded, hours: MarketHours) -> None:
    """Close what trades of ours hold in a month before its last day, whatever is carried otherwise."""
    turn, state = book.turn, book.state
    ours = {found.plan.instrument for found in state.plans.values() if found.open_qty}
    for symbol in sorted(ours - state.flattening.keys()):
        calendar = calendar_in(turn.state.instruments, symbol)
        contract, name = turn.state.month(symbol, state.venue)
        if symbol in state.held_ids:
            contract, name = state.held_ids[symbol], state.held_months[symbol]
        last = last_day(symbol, contract, calendar.trade_date(turn.wall))
        if last is not None and hours.must_leave(turn.wall, calendar, last):
            text = f"{name or symbol} has its last day on {last}: closing it before"
            turn.say(NoticeKind.RISK, Severity.WARNING, text, symbol, book=book.book)
            book.flatten((symbol,), "expiry")

"""The clock reaches a new trade date: missed days roll in order, open trades are split by their mark."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from engine.market import sessions
from engine.model import records as r
from engine.model.market import Bar
from engine.portfolio.money import Marks
from engine.state.carry import carry
from engine.state.turn import Turn

LONGEST_ABSENCE = timedelta(days=400)
"""Of a longer one only the last days are rolled one by one."""


def roll(turn: Turn, marks: Marks) -> None:
    """Write down every trade date that began since the last one known. Nothing when none did."""
    state = turn.state
    today = sessions.trade_date(turn.wall)
    if state.trade_date == today.isoformat():
        return
    if not state.trade_date:
        turn.commit(_rolled(turn, today, {}))
        return
    day = max(date.fromisoformat(state.trade_date), today - LONGEST_ABSENCE)
    while day < today:
        day += timedelta(days=1)
        turn.commit(_rolled(turn, day, _carried(turn, marks)))


def mark_boundary(turn: Turn, instrument: str, bars: Sequence[Bar]) -> None:
    """History tells what a trade was worth at a roll that nobody was there for."""
    waiting = [
        book
        for book in turn.state.books.values()
        if (part := book.carried.get(instrument)) is not None
        and part.mark is None
        and instrument not in book.held_months
    ]
    if not waiting:
        return
    before = [bar for bar in bars if bar.close_ts <= turn.state.day_open_ts]
    if before:
        last = max(before, key=lambda bar: bar.close_ts)
        for book in waiting:
            turn.commit(r.DayMarked(ts=turn.now, book=book.book, instrument=instrument, mark=last.close))


def _rolled(turn: Turn, day: date, carried: dict[str, dict[str, r.Carried]]) -> r.DayRolled:
    opened = sessions.session_bounds(day)[0]
    return r.DayRolled(ts=turn.now, trade_date=day.isoformat(), day_open_ts=opened, carried=carried)


def _carried(turn: Turn, marks: Marks) -> dict[str, dict[str, r.Carried]]:
    found: dict[str, dict[str, r.Carried]] = {}
    for name, book in turn.state.books.items():
        parts = {
            symbol: carry(turn.state.instruments[symbol], position, marks.mark(position))
            for symbol, position in sorted(book.positions.items())
            if position.qty
        }
        if parts:
            found[name] = parts
    return found

"""The clock reaches a new trade date: missed days roll in order, open trades are split by their mark."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import CME
from engine.model import records as r
from engine.model.market import Bar
from engine.portfolio.money import Marks
from engine.state.carry import carry
from engine.state.state import NO_DAY
from engine.state.turn import Turn

LONGEST_ABSENCE = timedelta(days=400)
"""Of a longer one only the last days are rolled one by one."""


def roll(turn: Turn, marks: Marks, calendar: Calendar = CME, *, main: bool = True) -> None:
    """Write down every trade date of a calendar that began since the last one known. Nothing when none did.

    `main`: it is the calendar of the run's first book.
    """
    last = turn.state.days.get(calendar.name, NO_DAY).trade_date
    today = calendar.trade_date(turn.day_time)
    if last == today.isoformat():
        return
    if not last:
        _rolled(turn, calendar, today, {}, main)
        return
    day = max(date.fromisoformat(last), today - LONGEST_ABSENCE)
    while day < today:
        day += timedelta(days=1)
        _rolled(turn, calendar, day, _carried(turn, marks, calendar), main)


def mark_boundary(turn: Turn, instrument: str, bars: Sequence[Bar]) -> None:
    """History tells what a trade was worth at a roll that nobody was there for."""
    for book in turn.state.books.values():
        part = book.carried.get(instrument)
        if part is None or part.mark is not None or instrument in book.held_months:
            continue
        opened = turn.state.day_of(book).open_ts
        last = max(
            (bar for bar in bars if bar.close_ts <= opened), key=lambda bar: bar.close_ts, default=None
        )
        if last is not None:
            turn.commit(r.DayMarked(ts=turn.now, book=book.book, instrument=instrument, mark=last.close))


def _rolled(
    turn: Turn, calendar: Calendar, day: date, carried: dict[str, dict[str, r.Carried]], main: bool
) -> None:
    opened = calendar.day_bounds(day)[0]
    turn.commit(
        r.DayRolled(
            ts=turn.now,
            trade_date=day.isoformat(),
            day_open_ts=opened,
            carried=carried,
            calendar=calendar.name,
            main=main,
        )
    )


def _carried(turn: Turn, marks: Marks, calendar: Calendar) -> dict[str, dict[str, r.Carried]]:
    found: dict[str, dict[str, r.Carried]] = {}
    for name, book in turn.state.books.items():
        if book.calendar != calendar.name:
            continue
        parts = {
            symbol: carry(turn.state.instruments[symbol], position, marks.mark(position))
            for symbol, position in sorted(book.positions.items())
            if position.qty and turn.state.counts(book, symbol)
        }
        if parts:
            found[name] = parts
    return found

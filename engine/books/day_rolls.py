"""Trade dates of all calendars that books go by: when the next begins, and what is to be told about it
(docs/semantics.md#sessions-and-trade-dates).
"""

from __future__ import annotations

from datetime import timedelta

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import calendar_of
from engine.model.config import EngineConfig
from engine.model.market import NANOS
from engine.model.notices import NoticeKind, Severity
from engine.portfolio import day_roll
from engine.portfolio.money import Marks
from engine.state.turn import Turn

DOUBT_NS = 30 * NANOS
"""So long after the machine's clock has passed a roll people are told that nothing confirms it."""

NEVER = 1 << 63

HOLIDAYS_NEEDED = timedelta(days=60)
"""So long before a calendar's data end people are told."""


class DayRolls:
    """Looks by `Turn.day_time`: a clock that was set forward, or is on a later day at a start, rolls no day
    before something confirms it.
    """

    def __init__(self, turn: Turn, marks: Marks, config: EngineConfig) -> None:
        """In practice time days of any year may be played: nobody is told that holidays end."""
        self._turn = turn
        self._marks = marks
        self._configured = [config.calendar(book) for book in (*config.books, *config.templates)]
        self._traded = {instrument.calendar for instrument in config.instruments}
        self._tells = not config.practice_time
        self._next: dict[str, int] = {}
        """When the next trade date of a calendar begins."""
        self._doubted: int | None = None
        """The roll that is waited for, though the wall's time is past it."""
        self._tell_at = NEVER

    def roll(self) -> int:
        """Write down every trade date that has begun; gives the core's now at which the next one does."""
        turn = self._turn
        now, rolled = turn.day_time, False
        names = self._calendars()
        for name in names:
            calendar = calendar_of(name)
            if now >= self._next.get(name, 0):
                day_roll.roll(turn, self._marks, calendar, main=name == names[0])
                self._next[name] = calendar.next_roll(now)
                rolled = True
        if rolled and self._tells:
            for name in sorted({*names, *self._traded}):
                self._tell_end(calendar_of(name))
        first = min(self._next[name] for name in names)
        if turn.wall < first:
            self._tell_at = NEVER
        elif self._doubted != first:
            self._doubted, self._tell_at = first, turn.now + DOUBT_NS
        elif turn.now >= self._tell_at:
            self._tell_at = NEVER
            turn.say(
                NoticeKind.RISK,
                Severity.WARNING,
                "by this machine's clock the trade date is over, but nothing confirms that clock yet: the "
                "new one begins, and locks end, once the venue's own times agree or so much time has passed",
            )
        return min(turn.now + first - now, self._tell_at)

    def _calendars(self) -> list[str]:
        """By name, that of the first book first."""
        known = [book.calendar for book in self._turn.state.books.values()]
        first = self._configured[0] if self._configured else known[0] if known else "cme"
        if known.count(first) == len(known):
            return [first]
        return list(dict.fromkeys((first, *known)))

    def _tell_end(self, calendar: Calendar) -> None:
        end = calendar.known_until
        today = calendar.trade_date(self._turn.day_time)
        if end is not None and timedelta() <= end - today < HOLIDAYS_NEEDED:
            self._turn.say(
                NoticeKind.RISK,
                Severity.WARNING,
                f"holidays of the calendar {calendar.name} are known until {end}: update tstream before, or "
                "nothing is entered from then on",
            )

"""Clocks that disagree: the machine's is set, the machine sleeps, the journal is from the future, the venue's
is another one (docs/semantics.md#time).

The core's now only ever goes on, by the time that has passed. The calendar and the world outside go by the
wall's time (`Turn.wall`), which may be set. Here is kept how the two stand to each other.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.books.book import Book
from engine.market.bars import MinuteBars
from engine.market.calendars.known import calendar_of
from engine.model import events as ev
from engine.model import records as r
from engine.model.events import ClockFault
from engine.model.market import MINUTE, NANOS
from engine.state.turn import Turn

STEP_NS = 2 * NANOS
"""A difference up to this is followed and not told: clocks are steered all the time."""

_NO_LAG = 1 << 62


class Clocks:
    """Begins every turn, at the right time."""

    def __init__(
        self, turn: Turn, books: Mapping[str, Book], bars: MinuteBars, *, practice_time: bool = False
    ) -> None:
        """In practice time the clock is the venue's own: nobody has to confirm it."""
        self.lead = 0
        """By how much the core's now is ahead of what events call `ts_recv`, nanoseconds."""
        self._turn = turn
        self._books = books
        self._bars = bars
        self._practice_time = practice_time
        self._last_ts = 0
        """When the run before wrote its last record."""
        self._newest = 0
        """The latest `ts_recv` of an event. Events may overtake each other on their way, no timer does."""
        self._offset = 0
        """From `ts_recv` to the wall's time, as last compared."""
        self._lag, self._lag_until = _NO_LAG, 0
        """The least by which prices of this minute were stamped earlier than they came, and when it ends."""

    def start(self, ts: int) -> None:
        """Begin the first turn of a run; where the journal is from the future, after its last record."""
        self._last_ts = self._turn.state.last_ts
        self.lead = max(0, self._last_ts - ts)
        self._newest = ts
        self._turn.begin(ts + self.lead)
        self._compare()

    def started(self) -> None:
        """The run is written down: what is odd about its time is, too."""
        if self.lead >= STEP_NS:
            self._found(ClockFault.JOURNAL_AHEAD, self.lead)
        state, turn = self._turn.state, self._turn
        if self._last_ts and not self._practice_time:
            by = turn.wall - self._last_ts - min(0, state.clock_set_ns)
            days = [(calendar_of(name), day.trade_date) for name, day in state.days.items()]
            if any(calendar.trade_date(turn.day_time).isoformat() > last for calendar, last in days):
                self._found(ClockFault.LATER_DAY, by)

    def begin(self, event: ev.AnyEvent) -> None:
        """Begin the turn of an event."""
        ts = event.ts_recv
        back = self._newest - ts
        if (
            back >= STEP_NS and type(event) is ev.TimeAdvanced
        ):  # whoever stamps events goes by a clock that is set
            self.lead += back
            self._newest = ts
            self._turn.begin(ts + self.lead)
            self._compare()
            self._set(-back)
            return
        if back < 0:
            self._newest = ts
        self._turn.begin(ts + self.lead)

    def on_checked(self, event: ev.ClockChecked) -> None:
        """The wall's clock was compared with the one that stamps events."""
        by, self._offset = event.offset_ns - self._offset, event.offset_ns
        self._compare()
        if abs(by) >= STEP_NS:
            self._set(by)
        if event.stood_still_ns:
            self._found(ClockFault.STOOD_STILL, event.stood_still_ns)

    def confirm(self, stamped: int) -> None:
        """A price of the market has come, stamped by the venue's clock, or the venue has told what that
        shows, nanoseconds UTC: if it is nearer to our clock as it is now than to the one before, nobody has
        to wait for the day any longer.
        """
        set_by = self._turn.state.clock_set_ns
        if set_by > 0 and abs(self._turn.wall - stamped) < min(set_by // 2, MINUTE):
            self._found(ClockFault.CONFIRMED, set_by)

    def on_print(self, event: ev.Print) -> None:
        """Trades of the market are stamped by the venue's clock, and come a moment later."""
        self.confirm(event.ts_venue)
        now = self._turn.now
        if now >= self._lag_until:
            self._venue()
            self._lag, self._lag_until = _NO_LAG, now + MINUTE
        self._turn.price_lag = self._lag = min(self._lag, now + self._turn.wall_offset - event.ts_venue)

    def _venue(self) -> None:
        """A minute of prices is over: whether their stamps differ from our time by more than they should."""
        if self._lag is _NO_LAG:
            return
        lag = self._lag if abs(self._lag) >= STEP_NS else 0
        if abs(lag - self._turn.venue_lag) >= STEP_NS:
            self._found(ClockFault.VENUE, -lag)
        self._turn.venue_lag = lag

    def _compare(self) -> None:
        self._turn.wall_offset = self._offset - self.lead
        self._bars.clock_offset = self._offset

    def _set(self, by_ns: int) -> None:
        self._lag, self._lag_until = _NO_LAG, 0  # stamps are compared anew
        self._found(ClockFault.SET, by_ns)

    def _found(self, fault: ClockFault, by_ns: int) -> None:
        """Written down, told, and the venue's own word is asked for: whatever happened meanwhile counts."""
        turn = self._turn
        turn.commit(r.ClockFound(ts=turn.now, fault=fault, by_ns=by_ns, wall_ts=turn.wall))
        for book in self._books.values():
            book.orders.look(0)

"""A market of the past that has gone silent: nothing trades (docs/semantics.md#hours-of-a-recording)."""

from __future__ import annotations

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import CME
from engine.market.calendars.part_of_day import PartOfDay
from engine.model.errors import Cause, RefusedError
from engine.model.instrument import InstrumentKind
from engine.model.market import MINUTE
from engine.model.orders import OrderSpec
from engine.venue.fill_model import LatestPrices
from engine.venue.paper import PaperRules

SILENT_NS = 10 * MINUTE
"""So long after the last bar the market counts as closed; after its hours have begun, too."""


class SilentMarket(PaperRules):
    """Takes orders around the clock, as recordings of all years need it, and closes nothing in a silence:
    where nothing trades, a close would be repeated until somebody does. What lies ahead is not looked at.
    """

    def __init__(self) -> None:
        super().__init__(must_be_flat=False)
        self.heard_ts = 0
        """The end of the newest bar, nanoseconds UTC; 0 while none was told."""
        self.held_over = 0
        """How often something was held over a silence that the market itself does not have."""

    def over(self, open_ts: int, calendar: Calendar) -> None:
        """The next bar opens, and something is held."""
        whole = calendar.whole if isinstance(calendar, PartOfDay) else calendar
        if self.heard_ts and open_ts - self.heard_ts > SILENT_NS and whole.is_open(self.heard_ts):
            self.held_over += 1

    def check_place(
        self,
        spec: OrderSpec,
        prices: LatestPrices,
        now: int,
        calendar: Calendar = CME,
        kind: InstrumentKind = InstrumentKind.FUTURE,
    ) -> None:
        """What rests waits for the next bar."""

    def check_close(self, now: int, calendar: Calendar = CME) -> None:
        """Raises RefusedError."""
        if not self.heard_ts or now - self.heard_ts <= SILENT_NS:
            return
        if calendar.is_open(now) and not calendar.is_open(now - SILENT_NS):
            return  # it has just begun
        raise RefusedError("the recording has no prices now", cause=Cause.CLOSED)

"""The next contract month: what it costs more than the one before, and its market made from that one's."""

from __future__ import annotations

from msgspec import Struct, structs

from adapters.simulator.market.candles import Candles, Forming
from engine.model.events import Print, Quote
from engine.model.market import Bar


class Roll(Struct, frozen=True):
    """A product whose active contract has changed while the venue was running."""

    contract_id: str
    """The month that is active since."""
    book: str
    """The name under which the venue keeps that month's market and orders."""
    basis: int
    """What it costs more than the month before, ticks; the two move together."""

    def event(self, event: Quote | Print) -> Quote | Print:
        """What happens in the new month when this happens in the old one."""
        if isinstance(event, Print):
            return structs.replace(event, instrument=self.book, price=event.price + self.basis)
        return structs.replace(
            event,
            instrument=self.book,
            bid=self._moved(event.bid),
            ask=self._moved(event.ask),
            last=self._moved(event.last),
        )

    def candles(self, old: Candles) -> Candles:
        """The new month's history."""
        closed = (self._bar(bar) for bar in old.closed)
        return Candles(self.book, closed, None if old.forming is None else self._forming(old.forming))

    def _moved(self, price: int | None) -> int | None:
        return None if price is None else price + self.basis

    def _bar(self, bar: Bar) -> Bar:
        moved = {name: getattr(bar, name) + self.basis for name in ("open", "high", "low", "close")}
        return structs.replace(bar, instrument=self.book, **moved)

    def _forming(self, forming: Forming) -> Forming:
        moved = {name: getattr(forming, name) + self.basis for name in ("open", "high", "low", "close")}
        return structs.replace(forming, **moved)

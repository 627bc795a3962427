"""A cockpit before a real core whose venue does what it is asked: a person's whole tasks, in virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from textual.pilot import Pilot

from engine.model.chart import ChartView
from engine.model.commands import AnyCommand
from engine.model.market import Timeframe
from engine.model.notices import LogLine, Notice
from engine.model.orders import OrderType, Slot
from engine.model.view import HealthView, View
from engine.runtime.view_builder import KeptRows, picture
from tests.support.manual_venue import ManualVenue
from tests.tui.cockpit import Cockpit
from tests.tui.fake_engine import FakeEngine
from tui.app import TStreamApp


class HandsOn(FakeEngine):
    """Over a core; what is asked is answered at once."""

    def __init__(self, venue: ManualVenue | None = None) -> None:
        super().__init__()
        self.venue = venue if venue is not None else ManualVenue()
        self.venue.connect()
        self._kept, self._version = KeptRows(), 1

    def view(self) -> View:
        self._version += 1
        return picture(self.venue.core, self._version, HealthView(ok=True), self._kept)

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        return None

    def ask(self, command: AnyCommand) -> Future[Notice]:
        if not getattr(command, "dry_run", False):
            self.sent.append(command)
        answer: Future[Notice] = Future()
        answer.set_result(self.venue.ask(command))
        return answer

    def notices(self, after_seq: int) -> Sequence[Notice]:
        return [n for n in self.venue.notices if n.seq > after_seq]

    def lines(self, after_seq: int) -> Sequence[LogLine]:
        return []

    def settle(self, seconds: float = 2.0) -> None:
        """The venue does what it was asked: orders at market fill, closes close."""
        venue = self.venue
        venue.obey(0.4)
        for order in list(venue.book.live_orders()):
            if order.type is OrderType.MARKET and order.venue_id and venue.orders[order.venue_id].status.live:
                self.fill(order.client_id)
        if venue.positions.get("MNQ") and venue.book.flattening:
            venue.close_all()
        venue.obey(seconds)

    def fill(self, client_id: str) -> None:
        """An order fills where it stands, at the market's price if it is at market."""
        venue, order = self.venue, self.venue.order(client_id)
        assert order.venue_id is not None
        price = order.limit if order.limit is not None else order.stop
        quote = venue.core.market.quotes["MNQ"]
        market = quote.ask if order.side.sign > 0 else quote.bid
        assert market is not None
        venue.tell_fill(venue.execute(order.venue_id, market if price is None else price))
        venue.tell(order.venue_id)

    @property
    def entries(self) -> list[str]:
        """Client ids of entries that stand."""
        return [o.client_id for o in self.venue.book.live_orders() if o.slot is Slot.ENTRY]


class HandsOnCockpit(Cockpit):
    """The cockpit of one."""

    def __init__(self, engine: HandsOn, **options: Any) -> None:
        super().__init__(**options)
        self.hands = engine
        options = {"clock": self.clock, "cpu": lambda: 0.0, "key_age": lambda _: 0.0, **options}
        self.app = TStreamApp(engine, engine, **options)

    async def do(self, pilot: Pilot[Any], *keys: str) -> None:
        """Keys with a frame after each: what was asked is answered, and painted, before the next."""
        for key in keys:
            await self.press(pilot, key)
            await self.later(pilot, 0.4)
            await self.later(pilot, 0.4)

    async def settle(self, pilot: Pilot[Any], seconds: float = 2.0) -> None:
        """The venue does what it was asked, and the screen shows it."""
        self.hands.settle(seconds)
        await self.later(pilot)

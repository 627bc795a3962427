"""Order books and tapes for whoever looks: asked for at the venue meanwhile, and let go afterwards."""

from __future__ import annotations

from typing import Any

from engine.model import events as ev
from engine.model.depth import QueuePlace
from engine.model.market import Side, Timeframe
from engine.model.orders import OrderSpec, OrderStatus, OrderType, Slot
from engine.runtime.looking import AGAIN_S, LOOKED_S, TAPE_S, LookedAtMarkets
from engine.state.state import Order
from tests.market.feed import T0
from tests.support.engine_fakes import FakedEngine, adopted, resolved

BID = 80_000
M5 = Timeframe.M5


class Feed:
    """Remembers what it is asked to tell."""

    def __init__(self) -> None:
        self.asked: list[frozenset[str]] = []

    def watch_depth(self, instruments: frozenset[str]) -> None:
        self.asked.append(instruments)

    async def run(self, sink: Any) -> None: ...

    async def history(self, *_: Any) -> Any: ...


class Bench:
    def __init__(self) -> None:
        self.core = FakedEngine().core
        self.core.start(T0)
        for event in (resolved(), adopted()):
            self.core.step(event)
        self.seconds = 100.0
        self.feed = Feed()
        self.looked = LookedAtMarkets(self.core, {"": self.feed}, lambda: self.seconds)

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds
        self.looked.renew(T0)

    def book(self, bids: Any = ((BID, 20), (BID - 1, 9)), **more: Any) -> None:
        self.core.step(
            ev.Depth(ts_recv=T0, instrument="MNQ", bids=bids, asks=((BID + 1, 8), (BID + 2, 9)), **more)
        )


def test_a_book_is_subscribed_while_somebody_looks_and_no_longer() -> None:
    at = Bench()
    at.pass_(1)
    assert at.feed.asked == []
    assert at.looked.depth("MNQ") is None
    at.pass_(1)
    assert at.feed.asked == [frozenset({"MNQ"})]
    depth = at.looked.depth("MNQ")
    assert depth is not None
    assert (depth.broken, depth.untold) == ("no book has come", False)
    at.book()
    at.pass_(1)
    depth = at.looked.depth("MNQ")
    assert depth is not None
    assert (depth.bids, depth.broken) == (((BID, 20), (BID - 1, 9)), "")
    assert at.looked.depth("MNQ") is depth  # drawn once
    assert at.looked.depth("NONE") is None
    at.pass_(LOOKED_S + 1)
    at.pass_(1)
    assert at.feed.asked[-1] == frozenset()
    assert at.core.market.books.newest == {}
    assert not at.looked._depths


def test_what_a_strategy_wants_is_asked_for_without_anybody_looking() -> None:
    at = Bench()
    at.core.market.board.depth("MNQ")
    at.pass_(1)
    assert at.feed.asked == [frozenset({"MNQ"})]


def test_a_book_that_stays_broken_is_subscribed_anew() -> None:
    at = Bench()
    at.looked.depth("MNQ")
    at.pass_(1)
    at.book(broken="lost")
    for _ in range(int(AGAIN_S) + 2):
        at.looked.depth("MNQ")
        at.pass_(1)
    assert at.feed.asked == [frozenset({"MNQ"}), frozenset(), frozenset({"MNQ"})]


def test_a_market_without_books_says_so() -> None:
    at = Bench()
    at.looked = LookedAtMarkets(at.core, {}, lambda: at.seconds)
    at.looked.depth("MNQ")
    at.pass_(1)
    depth = at.looked.depth("MNQ")
    assert depth is not None
    assert depth.untold


def test_a_tape_goes_on_for_a_while_after_somebody_looked() -> None:
    at = Bench()
    at.looked.tape("MNQ", M5)
    at.pass_(1)
    for n in range(3):
        at.core.step(
            ev.Print(
                ts_recv=T0, ts_venue=T0, instrument="MNQ", price=BID, size=n + 1, aggressor=Side.BUY, seq=n
            )
        )
    at.pass_(1)
    tape = at.looked.tape("MNQ", M5)
    assert tape is not None
    assert (tape.delta, [one.size for one in tape.prints]) == (6, [1, 2, 3])
    at.pass_(LOOKED_S + 2)
    assert "MNQ" in at.core.market.tapes
    at.pass_(TAPE_S)
    assert not at.core.market.tapes


def test_the_place_in_the_queue_is_counted_down_by_what_is_traded_and_bounded_by_what_is_there() -> None:
    at = Bench()
    order = _resting(at)
    at.looked.depth("MNQ")
    at.pass_(1)
    at.book()
    places: list[QueuePlace] = []
    for traded, size in ((0, 20), (5, 20), (5, 12), (9, 11), (40, 9)):
        at.book(bids=((BID, size),), traded=((BID, 100 + traded),))
        at.looked.depth("MNQ")
        at.pass_(0.1)
        depth = at.looked.depth("MNQ")
        assert depth is not None
        places += depth.queue
    assert places == [QueuePlace(order, ahead) for ahead in (18, 13, 10, 6, 0)]


def _resting(at: Bench) -> str:
    """A limit order of ours for two at the bid, at work."""
    (book,) = at.core.books.values()
    spec = OrderSpec(Side.BUY, OrderType.LIMIT, 2, limit=BID)
    order = Order("ts-1", book.name, "MNQ", spec, None, 0, Slot.ENTRY, T0, OrderStatus.WORKING)
    book.state.orders["ts-1"] = order
    book.state.unfinished.append("ts-1")
    return order.client_id

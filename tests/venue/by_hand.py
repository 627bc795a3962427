"""Short ways to give a venue orders, quotes and prints, and to read what it tells."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.events import Print, Quote
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side
from engine.model.orders import Fill, OrderSpec, OrderType, VenueOrder, VenueStatus
from engine.venue.fill_model import FillModel
from engine.venue.orders import Placed, VenueEvent
from engine.venue.venue import Venue

MS = 1_000_000
MODEL = FillModel(
    latency_ns=8 * MS,
    bracket_activation_ns=18 * MS,
    oco_delay_ns=13 * MS,
    slippage_ticks=1,
    queue_multiple=2,
)


def venue(model: FillModel = MODEL) -> Venue:
    return Venue(CME_FUTURES, model, first_order_id=100, first_trade_id=900)


def quote(ms: int, bid: int | None, ask: int | None, last: int | None = None) -> Quote:
    return Quote(ts_recv=ms * MS, ts_venue=ms * MS, instrument="MNQ", bid=bid, ask=ask, last=last)


def trade(ms: int, price: int, size: int = 1) -> Print:
    return Print(ts_recv=ms * MS, ts_venue=ms * MS, instrument="MNQ", price=price, size=size)


def order(
    side: Side = Side.BUY,
    kind: OrderType = OrderType.MARKET,
    qty: int = 1,
    limit: int | None = None,
    stop: int | None = None,
    stop_offset: int | None = None,
    target_offset: int | None = None,
) -> OrderSpec:
    return OrderSpec(side, kind, qty, limit, stop, stop_offset, target_offset)


def place(v: Venue, spec: OrderSpec, now: int, client_id: str | None = "ts-1") -> Placed:
    return v.place("MNQ", spec, now, client_id)


def limit(side: Side, price: int, qty: int = 1) -> OrderSpec:
    return order(side, OrderType.LIMIT, qty, limit=price)


def stop(side: Side, price: int, qty: int = 1) -> OrderSpec:
    return order(side, OrderType.STOP, qty, stop=price)


def fills(events: Sequence[VenueEvent]) -> list[tuple[int, int]]:
    return [(e.price, e.qty) for e in events if isinstance(e, Fill)]


def statuses(events: Sequence[VenueEvent]) -> list[tuple[str, VenueStatus]]:
    return [(e.venue_id, e.status) for e in events if isinstance(e, VenueOrder)]


def bracket(qty: int = 1, kind: OrderType = OrderType.MARKET, price: int | None = None) -> OrderSpec:
    return order(Side.BUY, kind, qty, limit=price, stop_offset=-10, target_offset=20)


def in_position(qty: int = 1, model: FillModel = MODEL) -> Venue:
    v = venue(model)
    v.on_quote(quote(0, 400, 402))
    place(v, bracket(qty), 0)
    v.advance(26 * MS)
    return v

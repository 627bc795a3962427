"""Prints and the quotes around them, from trades of which only time, price and size are recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from adapters.tapes.walk import Point
from engine.model.events import Print, Quote
from engine.model.market import MINUTE, NANOS, Side

HEARTBEAT = 5 * NANOS
"""A quote that stands is repeated so often, as a venue's feed would."""
QUIET = 5 * MINUTE
"""A longer silence of the recording is a closed or halted market: nothing is quoted in it."""


def prints(instrument: str, points: Iterable[Point]) -> Iterator[Print]:
    """The trades as prints; the aggressor is inferred by the tick rule.

    Tick rule: a price above the last different one was a buyer's, below it a seller's; the first is a
    buyer's.
    """
    side = Side.BUY
    last: int | None = None
    for seq, (ts, price, size) in enumerate(points, 1):
        if last is not None and price != last:
            side = Side.BUY if price > last else Side.SELL
        last = price
        yield Print(
            ts_recv=ts, ts_venue=ts, instrument=instrument, price=price, size=size, aggressor=side, seq=seq
        )


def quoted(trades: Iterable[Print]) -> Iterator[Quote | Print]:
    """The prints, each preceded by the quote that it took, one tick wide, where that differs from the last.

    A buyer's print happened at the ask, a seller's at the bid.
    """
    quote: Quote | None = None
    for trade in trades:
        price = trade.price
        bid = price - 1 if trade.aggressor is Side.BUY else price
        if quote is None or quote.bid != bid or quote.last != price:
            quote = Quote(
                ts_recv=trade.ts_recv,
                ts_venue=trade.ts_venue,
                instrument=trade.instrument,
                bid=bid,
                ask=bid + 1,
                last=price,
            )
            yield quote
        yield trade


def steady(events: Iterable[Quote | Print]) -> Iterator[Quote | Print]:
    """The events, with the standing quote repeated every HEARTBEAT in silences of at most QUIET."""
    quote: Quote | None = None
    now: int | None = None
    for event in events:
        ts = event.ts_venue
        if now is not None and quote is not None and HEARTBEAT < ts - now <= QUIET:
            for beat in range(now + HEARTBEAT, ts, HEARTBEAT):
                yield replace(quote, ts_recv=beat, ts_venue=beat)
        if type(event) is Quote:
            quote = event
        now = ts
        yield event

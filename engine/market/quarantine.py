"""A price that can hardly be true waits until what follows bears it out
(docs/semantics.md#prices-that-can-hardly-be).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple

from msgspec import Struct, structs

from engine.model.events import AnyEvent, BarReported, HistoryLoaded, Print, Quote, TimeAdvanced
from engine.model.market import Bar

FAR = 20
"""A price more than a twentieth away from the last one is far from it."""

FAR_WITHIN = 5
"""A bar of the past that reaches more than a fifth beyond where it began and ended is not believed: its
prices can't be seen one by one any more.
"""

LEAST_TICKS = 10
"""So near is near at any price, ticks: of something that costs little one tick is more than a twentieth."""

ABSURD = "absurd prices"
"""What was never borne out, among the counted oddities."""

Sifted = tuple[Print | Quote | BarReported | TimeAdvanced, ...]


class Absurd(NamedTuple):
    """A price that was dropped, ticks."""

    instrument: str
    venue: str
    price: int
    last: int | None
    """The one that was believed instead."""


class _Market(Struct, gc=False):
    """The newest prices of one instrument that are believed, ticks, and what waits for its proof."""

    last: int | None = None
    bid: int | None = None
    ask: int | None = None
    ts_venue: int = 0
    """Of the newest believed print, nanoseconds UTC."""
    print: Print | None = None
    quote: Quote | None = None
    odd_ts: int = 0
    """Open time of the newest bar of the past that was dropped."""
    bar_close: int | None = None
    """Of the newest bar of the feed, where it was dropped, ticks."""


class Quarantine:
    """Stands before bars, signals, marks and paper books: none of them hears of a price that waits here."""

    def __init__(self, counts: Counter[str]) -> None:
        """What is dropped is counted in `counts`."""
        self._markets: dict[str, _Market] = {}
        self._counts = counts
        self.tell: Callable[[Absurd], None] | None = None
        """Hears of the first of each venue and instrument."""
        self._told: set[tuple[str, str]] = set()

    def sift(self, event: AnyEvent) -> Sequence[AnyEvent]:
        """What is to be taken in now: mostly the event itself. In the place of a price that has to wait only
        time goes by; one that bears out what has waited comes after it.
        """
        kind = type(event)
        if kind is Print:
            return self._print(self._known(event.instrument), event)  # type: ignore[union-attr, arg-type]
        if kind is Quote:
            return self._quote(self._known(event.instrument), event)  # type: ignore[union-attr, arg-type]
        if kind is BarReported:
            return self._bar(self._known(event.bar.instrument), event)  # type: ignore[union-attr, arg-type]
        if kind is HistoryLoaded:
            return (self._history(self._known(event.instrument), event),)  # type: ignore[union-attr, arg-type]
        return (event,)

    def would_believe(self, bar: Bar) -> bool:
        """What `sift` would say of a bar now; changes nothing."""
        return _fits_in(self._known(bar.instrument), bar)

    def _known(self, instrument: str) -> _Market:
        known = self._markets.get(instrument)
        if known is None:
            known = self._markets[instrument] = _Market()
        return known

    def forget(self, instrument: str) -> None:
        """Another contract month from now on: its prices are others."""
        self._markets.pop(instrument, None)

    def _history(self, known: _Market, event: HistoryLoaded) -> HistoryLoaded:
        """The past without bars that can hardly be. Where it ends later than the last
        print, the market was there.
        """
        bars = event.bars
        odd = _odd(bars)
        if odd:
            for bar in odd.values():
                if bar.open_ts > known.odd_ts:  # the same past is loaded again and again
                    known.odd_ts = bar.open_ts
                    self._dropped(event, max(bar.high, -bar.low, key=abs), None)
            bars = tuple(bar for n, bar in enumerate(bars) if n not in odd)
            event = structs.replace(event, bars=bars)
        if bars and bars[-1].close_ts > known.ts_venue:
            known.last, known.ts_venue = bars[-1].close, bars[-1].close_ts
        return event

    def _bar(self, known: _Market, event: BarReported) -> Sifted:
        """A bar more than a fifth away from the last price, or from its own ends, is dropped; where the next
        one is near it, the market has moved there.
        """
        bar = event.bar
        if _fits_in(known, bar):
            known.last, known.ts_venue, known.bar_close = bar.close, event.ts_venue, None
            return (event,)
        known.bar_close = bar.close
        self._dropped(event, max(bar.high, -bar.low, key=abs), known.last)
        return (TimeAdvanced(ts_recv=event.ts_recv),)

    def _dropped(
        self, event: Print | Quote | BarReported | HistoryLoaded, price: int | None, last: int | None
    ) -> None:
        self._counts[ABSURD] += 1
        key = event.venue, event.instrument
        if self.tell is not None and key not in self._told and price is not None:
            self._told.add(key)
            self.tell(Absurd(event.instrument, event.venue, price, last))

    def _print(self, known: _Market, event: Print) -> Sifted:
        price, waits = event.price, known.print
        last = known.last
        if (last is not None and -last <= (price - last) * FAR <= last) or _believed(known, price):
            known.last, known.ts_venue = price, event.ts_venue
            if waits is None and known.quote is None:
                return (event,)
            return self._settled(known, event)
        if waits is not None and _again(waits, event):
            return (TimeAdvanced(ts_recv=event.ts_recv),)
        if (waits is not None and near(price, waits.price)) or _agree(event, known.quote):
            known.last, known.ts_venue = price, event.ts_venue
            return self._settled(known, event)
        if waits is not None:
            self._dropped(waits, waits.price, last)
        known.print = event
        return (TimeAdvanced(ts_recv=event.ts_recv),)

    def _quote(self, known: _Market, event: Quote) -> Sifted:
        waits = known.quote
        bid, ask = event.bid, event.ask
        if waits is None and known.print is None and _close(bid, known.bid) and _close(ask, known.ask):
            known.bid, known.ask = bid, ask
            return (event,)
        if _fits(known, bid, known.bid, ask) and _fits(known, ask, known.ask, bid):
            _quoted(known, event)
            if waits is None and known.print is None:
                return (event,)
            return self._settled(known, event)
        if waits is not None and _again(waits, event):
            return (TimeAdvanced(ts_recv=event.ts_recv),)
        if (waits is not None and _alike(waits, event)) or _agree(known.print, event):
            _quoted(known, event)
            return self._settled(known, event)
        if waits is not None:
            self._dropped(waits, _far_side(known, waits), known.last)
        known.quote = event
        return (TimeAdvanced(ts_recv=event.ts_recv),)

    def _settled(self, known: _Market, event: Print | Quote) -> Sifted:
        """An event is believed: what waits is taken before it where the two agree. Where they don't, one of
        its own kind was wrong, and one of the other goes on waiting.
        """
        taken: list[Print | Quote] = []
        trade, quote = known.print, known.quote
        if trade is not None:
            right = near(trade.price, event.price) if isinstance(event, Print) else _agree(trade, event)
            if right:
                taken.append(trade)
            elif isinstance(event, Print):
                self._dropped(trade, trade.price, event.price)
            if right or isinstance(event, Print):
                known.print = None
        if quote is not None:
            right = _alike(quote, event) if isinstance(event, Quote) else _agree(event, quote)
            if right:
                taken.append(quote)
            elif isinstance(event, Quote):
                self._dropped(quote, _far_side(known, quote), known.last)
            if right or isinstance(event, Quote):
                known.quote = None
        for one in taken:
            if isinstance(one, Print) and isinstance(event, Quote):
                known.last, known.ts_venue = one.price, one.ts_venue
            elif isinstance(one, Quote) and isinstance(event, Print):
                _quoted(known, one)
        return (*sorted(taken, key=attrgetter("ts_recv")), event)


def _close(price: int | None, last: int | None) -> bool:
    """Certainly near: what nearly all prices are, at little cost."""
    return price is not None and last is not None and -last <= (price - last) * FAR <= last


def near(price: int, last: int, share: int = FAR) -> bool:
    """Whether a price can have become the other in a moment, whichever came first."""
    return abs(price - last) <= max(abs(last) // share, abs(price) // share, LEAST_TICKS)


def _odd(bars: Sequence[Bar]) -> dict[int, Bar]:
    """Bars of the past, by their place, whose prices neither the bar before nor the one after bears out. The
    first has only what follows, and goes by a fifth.
    """
    found: dict[int, Bar] = {}
    before: int | None = None
    for n, bar in enumerate(bars):
        if before is None:
            after = [one.open for one in bars[n + 1 : n + 3]]
            right = not after or any(near(bar.close, one, FAR_WITHIN) for one in after)
        elif (bar.high - before) * FAR <= before and (before - bar.low) * FAR <= before:
            right = True
        else:
            right = any(near(bar.close, one) for one in (before, *(one.open for one in bars[n + 1 : n + 2])))
            right = right and (near(bar.open, before) or near(bar.open, bar.close, FAR_WITHIN))
        if right and _in_one_piece(bar):
            before = bar.close
        else:
            found[n] = bar
    return found


def _fits_in(known: _Market, bar: Bar) -> bool:
    """A bar of the feed is near what was last believed, or near what was not."""
    last = known.last
    if (
        last is not None
        and known.bar_close is None
        and (bar.high - last) * FAR_WITHIN <= last
        and (last - bar.low) * FAR_WITHIN <= last
    ):
        return True
    before = [one for one in (last, known.bar_close) if one is not None]
    return _in_one_piece(bar) and (not before or any(near(bar.open, one, FAR_WITHIN) for one in before))


def _in_one_piece(bar: Bar) -> bool:
    """Whether it stays within a fifth of where it began and ended."""
    high, low = (bar.open, bar.close) if bar.open > bar.close else (bar.close, bar.open)
    return near(bar.high, high, FAR_WITHIN) and near(bar.low, low, FAR_WITHIN)


def _believed(known: _Market, price: int) -> bool:
    """Near the last print, or near the quote on both its sides."""
    if known.last is not None and near(price, known.last):
        return True
    bid, ask = known.bid, known.ask
    return bid is not None and ask is not None and near(price, bid) and near(price, ask)


def _fits(known: _Market, price: int | None, before: int | None, other: int | None = None) -> bool:
    """One side of a quote: near where it was, or near the last print. The first price of all is held against
    the `other` side.
    """
    if price is None or price == before:
        return True
    if before is None and known.last is None:
        return other is not None and near(price, other)
    return any(near(price, one) for one in (before, known.last) if one is not None)


def _far_side(known: _Market, quote: Quote) -> int | None:
    """The price of a quote that made it wait, as far as one of them did."""
    return quote.ask if _fits(known, quote.bid, known.bid, quote.ask) else quote.bid


def _again(waits: Print | Quote, event: Print | Quote) -> bool:
    """The very same word, delivered twice: nothing is proved by that."""
    return structs.replace(waits, ts_recv=event.ts_recv) == event


def _alike(one: Quote, other: Quote) -> bool:
    pairs = ((one.bid, other.bid), (one.ask, other.ask))
    return all(a is None or b is None or near(a, b) for a, b in pairs)


def _agree(trade: Print | None, quote: Quote | None) -> bool:
    """A print and a quote, each by itself far from what was known, say the same."""
    if trade is None or quote is None or quote.bid is None or quote.ask is None:
        return False
    return near(trade.price, quote.bid) and near(trade.price, quote.ask)


def _quoted(known: _Market, event: Quote) -> None:
    known.bid = known.bid if event.bid is None else event.bid
    known.ask = known.ask if event.ask is None else event.ask

"""The order books that somebody looks at, as the venues tell them: bounded, and none that can't be true."""

from __future__ import annotations

from collections import Counter

from msgspec import structs

from engine.market.quarantine import FAR, LEAST_TICKS
from engine.model.events import Depth, Quote
from engine.model.market import DEPTH_LEVELS

CROSSED = "crossed books"
ABSURD = "absurd books"
"""Among the counted oddities: books that were not taken (docs/ladder.md#depth)."""

APART_NS = 5_000_000_000
"""A book whose best prices are not the quote's for so long is not the market's any more."""

Levels = tuple[tuple[int, int], ...]


class OrderBooks:
    """The newest book of each instrument. Nothing that trades by itself reads it unless its strategy asks."""

    def __init__(self, counts: Counter[str]) -> None:
        """What is not taken is counted in `counts`."""
        self.newest: dict[str, Depth] = {}
        self._apart: dict[str, int] = {}
        """Since when a book's best prices are not the quote's, nanoseconds of the core's now."""
        self._counts = counts

    def take(self, told: Depth, quote: Quote | None, last: int | None) -> None:
        """Keep a book. One that can't be true, or of which the venue says so, leaves the one before, which is
        marked as broken.
        """
        symbol = told.instrument
        why = told.broken
        if not why and (why := _wrong(told, last)):
            self._counts[CROSSED if why is _CROSSED else ABSURD] += 1
        if why:
            before = self.newest.get(symbol)
            told = structs.replace(told, bids=(), asks=()) if before is None else before
            told = structs.replace(told, broken=why)
        elif len(told.bids) > DEPTH_LEVELS or len(told.asks) > DEPTH_LEVELS:
            told = structs.replace(told, bids=told.bids[:DEPTH_LEVELS], asks=told.asks[:DEPTH_LEVELS])
        self.newest[symbol] = told
        self.compare(symbol, quote, told.ts_recv)

    def compare(self, symbol: str, quote: Quote | None, now: int) -> None:
        """Look whether the best prices of a book are the quote's."""
        book = self.newest.get(symbol)
        if book is None or quote is None:
            return
        same = not (
            (book.bids and quote.bid is not None and book.bids[0][0] != quote.bid)
            or (book.asks and quote.ask is not None and book.asks[0][0] != quote.ask)
        )
        if same:
            self._apart.pop(symbol, None)
        else:
            self._apart.setdefault(symbol, now)

    def broken(self, symbol: str, now: int) -> str:
        """Why the book of an instrument is not to be believed now, in words; empty where it is."""
        book = self.newest.get(symbol)
        if book is None:
            return "no book has come"
        since = self._apart.get(symbol)
        if not book.broken and since is not None and now - since > APART_NS:
            return "its best prices are not the quote's"
        return book.broken

    def forget(self, symbol: str) -> None:
        """Nobody looks at it any more, or its prices are another market's."""
        self.newest.pop(symbol, None)
        self._apart.pop(symbol, None)


_CROSSED = "a book came whose sides cross"
_ODD = "a book came that can't be"
_AWAY = "a book came that is far from the market"


def _wrong(told: Depth, last: int | None) -> str:
    bids, asks = told.bids, told.asks
    if bids and asks and bids[0][0] >= asks[0][0]:
        return _CROSSED
    if not _ordered(bids, -1) or not _ordered(asks, 1):
        return _ODD
    if last is not None:
        most = max(abs(last) // FAR, LEAST_TICKS)
        if any(side and abs(side[0][0] - last) > most for side in (bids, asks)):
            return _AWAY
    return ""


def _ordered(levels: Levels, sign: int) -> bool:
    before: int | None = None
    for price, size in levels[:DEPTH_LEVELS]:
        if size <= 0 or (before is not None and sign * (price - before) <= 0):
            return False
        before = price
    return True

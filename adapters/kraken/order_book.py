"""The books that quotes are read from: of v2 with its checksum, of v1 with its sequence numbers. Pure.

A book that is broken says so (BrokenBook), is dropped, and subscribed anew (docs/protocols/kraken.md#books).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from heapq import nlargest, nsmallest
from zlib import crc32

from adapters.common.book_side import Levels
from adapters.kraken.mapping import ProductGrid
from adapters.kraken.v1_wire import V1BookDelta, V1BookSnapshot, V1Level
from adapters.kraken.wire import UwsBookRow, UwsLevel
from engine.model.market import DEPTH_LEVELS

DEPTH = 25
"""Levels that are subscribed: of ten none would be left over for the check when one goes."""
_CHECKED = 10
Top = tuple[int | None, int | None]
"""Best bid and ask, ticks."""
_Side = dict[int, tuple[bytes, bytes]]
"""By price in ticks, how price and quantity are written."""


class BrokenBook(Exception):
    """What is known of a book is not the venue's any more; the text says why."""


class CheckedBook:
    """One product's book of v2, `DEPTH` levels a side. Of lost messages the checksum alone tells."""

    def __init__(self, grid: ProductGrid, digits: tuple[int, int] | None = None) -> None:
        """`digits` after the point of price and quantity: how numbers are rendered for the check where they
        are not checked as they are sent.
        """
        self._grid = grid
        self._digits = digits
        self._rendered: bool | None = None
        """Whether the check is of rendered numbers; None before the first one."""
        self._bids: _Side = {}
        self._asks: _Side = {}
        self.complete = False

    def snapshot(self, row: UwsBookRow) -> Top:
        """Raises BrokenBook, KrakenWireError."""
        self._bids.clear()
        self._asks.clear()
        self.complete = True
        return self.update(row)

    def update(self, row: UwsBookRow) -> Top:
        """Raises BrokenBook, KrakenWireError."""
        if not self.complete:
            raise BrokenBook("an update before its snapshot")
        self._put(self._bids, row.bids)
        self._put(self._asks, row.asks)
        if len(self._bids) > DEPTH:
            for price in sorted(self._bids)[: len(self._bids) - DEPTH]:
                del self._bids[price]
        if len(self._asks) > DEPTH:
            for price in sorted(self._asks)[DEPTH:]:
                del self._asks[price]
        if row.checksum is not None:
            self._check(row.checksum)
        bid, ask = max(self._bids, default=None), min(self._asks, default=None)
        if bid is not None and ask is not None and bid >= ask:
            raise self._broken("bid and ask cross")
        return bid, ask

    def depth(self) -> tuple[Levels, Levels]:
        """Bids and asks with their sizes in lots, the best first."""
        lots = self._grid.lots
        return (
            tuple((price, lots[self._bids[price][1]]) for price in sorted(self._bids, reverse=True)),
            tuple((price, lots[self._asks[price][1]]) for price in sorted(self._asks)),
        )

    def _put(self, side: _Side, levels: Iterable[UwsLevel]) -> None:
        ticks, lots = self._grid.ticks, self._grid.lots
        for level in levels:
            price, qty = bytes(level.price), bytes(level.qty)
            if lots[qty]:
                side[ticks[price]] = price, qty
            else:
                side.pop(ticks[price], None)

    def _check(self, told: int) -> None:
        if self._rendered is None and self.checksum(rendered=False) != told:
            # Whether numbers carry their trailing zeros is not known: the first check decides.
            self._rendered = self._digits is not None and self.checksum(rendered=True) == told
            if not self._rendered:
                self._rendered = None
                raise self._broken("the checksum differs")
        elif self._rendered is None:
            self._rendered = False
        elif self.checksum(rendered=self._rendered) != told:
            raise self._broken("the checksum differs")

    def checksum(self, *, rendered: bool = False) -> int:
        """CRC-32 of the ten best asks, then the ten best bids: price and quantity of each without point and
        leading zeros.
        """
        parts: list[bytes] = []
        for price in sorted(self._asks)[:_CHECKED]:
            parts += self._texts(self._asks[price], rendered)
        for price in sorted(self._bids, reverse=True)[:_CHECKED]:
            parts += self._texts(self._bids[price], rendered)
        return crc32(b"".join(parts))

    def _texts(self, level: tuple[bytes, bytes], rendered: bool) -> tuple[bytes, bytes]:
        if not rendered or self._digits is None:
            return _digits_of(level[0]), _digits_of(level[1])
        price, qty = (
            f"{Decimal(text.decode().strip(chr(34))):.{digits}f}".encode()
            for text, digits in zip(level, self._digits, strict=True)
        )
        return _digits_of(price), _digits_of(qty)

    def _broken(self, why: str) -> BrokenBook:
        self.complete = False
        return BrokenBook(why)


def _digits_of(text: bytes) -> bytes:
    return text.replace(b".", b"").strip(b'"').lstrip(b"0")


class SequencedBook:
    """One product's whole book of v1: every message has the number after the one before it."""

    def __init__(self, grid: ProductGrid) -> None:
        self._grid = grid
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}
        """Lots by price in ticks."""
        self._bid: int | None = None
        self._ask: int | None = None
        self.seq: int | None = None
        """Of the newest message; None before a snapshot and after a gap."""

    def snapshot(self, row: V1BookSnapshot) -> Top:
        """Replaces everything. Raises KrakenWireError."""
        self._bids = self._levels(row.bids)
        self._asks = self._levels(row.asks)
        self._bid, self._ask = max(self._bids, default=None), min(self._asks, default=None)
        self.seq = row.seq
        return self._bid, self._ask

    def delta(self, row: V1BookDelta) -> Top | None:
        """None for one that the snapshot has already. Raises BrokenBook, KrakenWireError."""
        before = self.seq
        if before is None:
            raise BrokenBook("an update before its snapshot")
        if row.seq <= before:
            return None
        if row.seq != before + 1:
            self.seq = None
            raise BrokenBook(f"{row.seq - before - 1} messages of it are missing")
        self.seq = row.seq
        price, lots = self._grid.ticks[bytes(row.price)], self._grid.lots[bytes(row.qty)]
        if row.side == "buy":
            if lots:
                self._bids[price] = lots
                if self._bid is None or price > self._bid:
                    self._bid = price
            elif self._bids.pop(price, None) is not None and price == self._bid:
                self._bid = max(self._bids, default=None)
        elif lots:
            self._asks[price] = lots
            if self._ask is None or price < self._ask:
                self._ask = price
        elif self._asks.pop(price, None) is not None and price == self._ask:
            self._ask = min(self._asks, default=None)
        return self._bid, self._ask

    def depth(self) -> tuple[Levels, Levels]:
        """Bids and asks with their sizes in lots, the best first: as many as are told."""
        best, worst = nlargest(DEPTH_LEVELS, self._bids), nsmallest(DEPTH_LEVELS, self._asks)
        return tuple((p, self._bids[p]) for p in best), tuple((p, self._asks[p]) for p in worst)

    def _levels(self, levels: Iterable[V1Level]) -> dict[int, int]:
        ticks, lots = self._grid.ticks, self._grid.lots
        found = ((ticks[bytes(level.price)], lots[bytes(level.qty)]) for level in levels)
        return {price: count for price, count in found if count}

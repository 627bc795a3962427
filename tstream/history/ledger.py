"""What the rows of a book need that its state does not keep: which record opened what, and days in all."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from msgspec.structs import replace

from engine.model.history import KeptFill
from engine.state.position import Trade
from engine.state.state import TRADES_KEPT, BookState
from engine.state.track_record import TrackRecord


@dataclass(slots=True)
class Ledger:
    """Of one account in one book."""

    start_usd: Decimal = Decimal(0)
    """Balance when it was first known; 0 where nobody says it."""
    trades: list[tuple[int, int]] = field(default_factory=list)
    """Beside the book's own list of trades: the record that ended each, and the one that opened it."""
    positions: dict[str, int] = field(default_factory=dict)
    """Instrument to the record that opened what is held of it."""
    inferred: dict[str, list[tuple[KeptFill, int]]] = field(default_factory=dict)
    """By order, concluded fills that were not told yet, oldest first, with how many lots of them are left."""
    record: TrackRecord = field(default_factory=TrackRecord)
    """How all trades have ended, of those in the book's currency."""
    _days: dict[str, Decimal] = field(default_factory=dict)
    _before_usd: Decimal = Decimal(0)

    def ended(self, symbol: str, seq: int, trade: Trade, *, counts: bool) -> int:
        """A trade is over by a record; gives the one that opened it. `counts`: it is in the book's
        currency.
        """
        opened = self.positions.pop(symbol, seq)
        self.trades.append((seq, opened))
        del self.trades[:-TRADES_KEPT]
        if counts:
            self.record = self.record.with_trade(trade.net_usd)
        return opened

    def mended(self, before: Trade, after: Trade) -> None:
        """A trade that is over has another result than was known."""
        if before.net_usd > 0:
            less = replace(
                self.record, wins=self.record.wins - 1, won_usd=self.record.won_usd - before.net_usd
            )
        else:
            less = replace(
                self.record, losses=self.record.losses - 1, lost_usd=self.record.lost_usd + before.net_usd
            )
        self.record = less.with_trade(after.net_usd)

    def count_days(self, book: BookState) -> None:
        """Take in the newest day that is over; it may have been counted again."""
        if book.days and self._days.get(book.days[-1].trade_date) != book.days[-1].net_usd:
            newest = book.days[-1]
            self._before_usd += newest.net_usd - self._days.get(newest.trade_date, Decimal(0))
            self._days[newest.trade_date] = newest.net_usd

    def worth(self, day_usd: Decimal) -> Decimal | None:
        """Of the account, with what this trade date has come to; None where nobody knows what it began
        with.
        """
        return self.start_usd + self._before_usd + day_usd if self.start_usd else None

    def shares(self) -> list[float]:
        """The days' results as shares of what each began with, oldest first; empty where that is not
        known.
        """
        worth, found = self.start_usd, list[float]()
        for net in self._days.values():
            if worth <= 0:
                return []
            found.append(float(net / worth))
            worth += net
        return found

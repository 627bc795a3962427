"""Prices between which nothing of what is held changes: no new extreme, no stop to move.

Most ticks are of that kind. They are compared with what all books together can stand, and cost the same
whether one book holds an instrument or ten do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from engine.model.market import Side
from engine.portfolio.money import Marks
from engine.state.position import Position
from engine.state.state import State

Room = tuple[Decimal, Decimal]
"""How much may be lost and gained before something is to be done, USD."""

ENDLESS = 1 << 62
_NOTHING = Decimal(0)


class Bounds:
    """Of one instrument, in ticks, both ends included. They hold as long as no record is written.

    What is not known yet lies outside of any bound.
    """

    __slots__ = ("_asks", "_bids", "_longs_to", "_shorts_from", "_until")

    def __init__(self) -> None:
        self._bids = self._asks = (-ENDLESS, ENDLESS)
        self._longs_to: int | None = None
        self._shorts_from: int | None = None
        self._until = ENDLESS

    def keep_mark(self, qty: int, low: int, high: int) -> None:
        """A position of so many lots stands nothing but marks from `low` to `high`."""
        least, most = self._bids if qty > 0 else self._asks
        kept = least if least > low else low, most if most < high else high
        if qty > 0:
            self._bids = kept
        else:
            self._asks = kept

    def keep_reached(self, side: Side, price: int) -> None:
        """A plan of this side is to be looked at when the market reaches more than this in its favour."""
        if side is Side.BUY:
            self._longs_to = price if self._longs_to is None else min(self._longs_to, price)
        else:
            self._shorts_from = price if self._shorts_from is None else max(self._shorts_from, price)

    def keep_until(self, ts: int) -> None:
        """They hold no longer than to this time, nanoseconds UTC."""
        self._until = min(self._until, ts)

    def keep_all(self, other: Bounds) -> None:
        """Hold nowhere where others don't."""
        for least, most, qty in ((*other._bids, 1), (*other._asks, -1)):
            self.keep_mark(qty, least, most)
        if other._longs_to is not None:
            self.keep_reached(Side.BUY, other._longs_to)
        if other._shorts_from is not None:
            self.keep_reached(Side.SELL, other._shorts_from)
        self.keep_until(other._until)

    def hold_within(self, low: int, high: int, now: int) -> bool:
        """Whether nothing changes wherever between two prices the market is, at this time in nanoseconds."""
        bids, asks = self._bids, self._asks
        return (
            bids[0] <= low
            and high <= bids[1]
            and asks[0] <= low
            and high <= asks[1]
            and now < self._until
            and (self._longs_to is None or high <= self._longs_to)
            and (self._shorts_from is None or low >= self._shorts_from)
        )

    def hold(self, marks: Marks, instrument: str, now: int) -> bool:
        """Whether nothing changes at what the market is at, at this time in nanoseconds UTC."""
        if now >= self._until:
            return False
        low, high = self._bids
        if low > -ENDLESS and ((price := marks.bid(instrument)) is None or not low <= price <= high):
            return False
        low, high = self._asks
        if low > -ENDLESS and ((price := marks.ask(instrument)) is None or not low <= price <= high):
            return False
        if self._longs_to is not None:
            reached = marks.reached(instrument, Side.BUY)
            if reached is None or reached > self._longs_to:
                return False
        if self._shorts_from is not None:
            reached = marks.reached(instrument, Side.SELL)
            if reached is None or reached < self._shorts_from:
                return False
        return True


def keep_between(bounds: Bounds, state: State, position: Position, marks: Marks, usd: Room) -> None:
    """Bound the marks of a position so that it loses and gains no more than `usd` from here, what closing it
    costs included. Nothing holds where one of both is passed already.
    """
    mark = marks.mark(position)
    less, more = usd
    if mark is None or less < 0 or more < 0:
        bounds.keep_until(0)
        return
    known = state.instruments[position.instrument]
    each = known.usd(abs(position.qty))
    if known.taker_rate:
        each *= 1 + known.taker_rate
    if position.open_sum % position.open_qty:
        # What a broken average makes of a mark is rounded, at both ends.
        less, more = max(_NOTHING, less - known.cent), max(_NOTHING, more - known.cent)
    lose, win = int(less // each), int(more // each)
    down, up = (lose, win) if position.qty > 0 else (win, lose)
    bounds.keep_mark(position.qty, mark - down, mark + up)


def keep_total(
    bounds: Mapping[str, Bounds], held: Sequence[Position], state: State, marks: Marks, usd: Room,
    own: tuple[Position, Room] | None = None,
) -> None:  # fmt: skip
    """Bound the instruments among `bounds` so that all that a book holds together loses and gains no more
    than `usd`. Each has an equal share of it: they may move at once. One may have less room of its `own`.
    """
    if len(held) > 1:
        usd = usd[0] / len(held), usd[1] / len(held)
    for position in held:
        bound = bounds.get(position.instrument)
        if bound is not None:
            room = usd
            if own is not None and own[0] is position:
                (less, more), (least, most) = usd, own[1]
                room = less if less < least else least, more if more < most else most
            keep_between(bound, state, position, marks, room)

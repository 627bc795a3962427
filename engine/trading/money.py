"""Marks and the money they make: open P&L, the day's P&L, what the stops would still cost."""

from __future__ import annotations

from decimal import Decimal

from engine.model.orders import Slot
from engine.model.plans import Leg, PlanStatus
from engine.trading.position import Position, usd
from engine.trading.state import BookState, LegState, State


class Marks:
    """What positions could be closed at (longs at the bid, shorts at the ask), and how far they have been.

    Excursions are worst and best open P&L since the entry in USD: MAE is never above, MFE never below zero.
    """

    def __init__(self) -> None:
        self._bids: dict[str, int] = {}
        self._asks: dict[str, int] = {}
        self._excursions: dict[tuple[str, str], tuple[int, Decimal, Decimal]] = {}

    def quote(self, instrument: str, bid: int | None, ask: int | None) -> None:
        if bid is not None:
            self._bids[instrument] = bid
        if ask is not None:
            self._asks[instrument] = ask

    def bid(self, instrument: str) -> int | None:
        return self._bids.get(instrument)

    def ask(self, instrument: str) -> int | None:
        return self._asks.get(instrument)

    def mark(self, position: Position) -> int | None:
        """Ticks at which the position could be closed now."""
        side = self._bids if position.qty >= 0 else self._asks
        return side.get(position.instrument)

    def excursion(self, book: BookState, state: State, instrument: str) -> None:
        """Note a new worst or best; called at every quote, so it returns early without a position."""
        position = book.positions.get(instrument)
        if position is None or not position.qty:
            return
        mark = self.mark(position)
        if mark is None:
            return
        now = usd(state.instruments[instrument], position.open_ticks(mark))
        key = book.book, instrument
        opened, worst, best = self._excursions.get(key, (0, Decimal(0), Decimal(0)))
        if opened != position.opened_ts:
            worst = best = Decimal(0)
        self._excursions[key] = position.opened_ts, min(worst, now), max(best, now)

    def excursions(self, book: str, position: Position) -> tuple[Decimal, Decimal]:
        """MAE and MFE of the open position, USD."""
        opened, worst, best = self._excursions.get((book, position.instrument), (0, Decimal(0), Decimal(0)))
        return (worst, best) if opened == position.opened_ts else (Decimal(0), Decimal(0))


def open_usd(state: State, position: Position, marks: Marks) -> Decimal:
    """Unrealized gross P&L, USD; zero while there is no mark."""
    mark = marks.mark(position) if position.qty else None
    if mark is None:
        return Decimal(0)
    return usd(state.instruments[position.instrument], position.open_ticks(mark))


def realized_usd(book: BookState, state: State) -> Decimal:
    """Realized P&L of the day, net of all costs of the day, USD."""
    partial = sum(
        (
            usd(state.instruments[p.instrument], p.realized_ticks())
            for p in book.positions.values()
            if p.exit_qty
        ),
        Decimal(0),
    )
    return book.day.gross_usd + partial - book.day.costs_usd


def day_usd(book: BookState, state: State, marks: Marks) -> Decimal:
    """Net P&L of the day, USD: realized, and open positions at what they could be closed for."""
    return realized_usd(book, state) + sum(
        (open_usd(state, position, marks) for position in book.positions.values()), Decimal(0)
    )


def open_risk_usd(book: BookState, state: State, marks: Marks) -> Decimal:
    """What the plans of a book could still lose, USD, never negative.

    From the mark (the entry, while there is none) to the stop for what is held, wherever the stop stands or
    should stand; from entry to stop, and the costs of both sides, for what is still being entered: ideas of
    the same instant must not each be given the whole of what the daily limit leaves.
    """
    total = Decimal(0)
    for found in book.plans.values():
        plan = found.plan
        known = state.instruments[plan.instrument]
        mark = marks.mark(book.position(plan.instrument))
        for leg, done in zip(plan.legs, found.legs, strict=True):
            if done.open_qty > 0:
                stop = _stop_of(book, leg, done)
                at = mark if mark is not None else done.entered_sum // done.entered
                total += known.usd(max(0, (at - stop) * plan.side.sign)) * done.open_qty
            coming = leg.qty - done.entered
            entry = book.orders.get(done.slots.get(Slot.ENTRY, ""))
            if coming > 0 and plan.status is PlanStatus.OPEN and (entry is None or entry.live):
                total += (known.usd(abs(leg.stop_offset)) + 2 * known.cost_usd) * coming
    return total


def _stop_of(book: BookState, leg: Leg, done: LegState) -> int:
    """Where a leg would be stopped out, ticks."""
    order = book.orders.get(done.slots.get(Slot.STOP, ""))
    if order is not None and order.live and order.stop is not None:
        return order.stop
    return leg.stop if leg.stop is not None else done.entered_sum // done.entered + leg.stop_offset

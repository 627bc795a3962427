"""Marks and the money they make: open P&L, the day's P&L, what the stops would still cost."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import TypeVar

from engine.model.alerts import room_of
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Side
from engine.model.orders import Slot
from engine.model.plans import Leg, PlanStatus, TradePlan
from engine.model.rooms import AlertRoom
from engine.state.carry import carried_open_usd
from engine.state.legs import LegState
from engine.state.position import Position, usd
from engine.state.state import BookState, PlanState, State

Figure = TypeVar("Figure", int, Decimal)

LATE_NS = NANOS
"""A print that is older than a quote by more than this says nothing about what is worth what now."""


FAR = 20
"""A price more than a twentieth away from the last one is believed once the next one says so too: nothing is
sold because of one wrong figure.
"""


class Marks:
    """What positions could be closed at (longs at the bid, shorts at the ask), and how far they have been.

    Of quotes and prints the newer one counts (docs/semantics.md#profit-and-loss). Excursions are worst and
    best open P&L since the entry in USD: MAE is never above, MFE never below zero.
    """

    def __init__(self) -> None:
        self._bids: dict[str, int] = {}
        self._asks: dict[str, int] = {}
        self._excursions: dict[tuple[str, str], tuple[int, Decimal, Decimal]] = {}
        self._lasts: dict[str, int] = {}
        self._far: tuple[dict[str, int], dict[str, int], dict[str, int]] = {}, {}, {}
        """Bids, asks and prints that are far from the one before, and not believed yet."""
        self._quoted: dict[str, int] = {}
        """By instrument the venue's time of the newest quote, nanoseconds UTC."""
        self._printed: set[str] = set()
        """Instruments that have traded since their newest quote."""
        self._frozen: set[str] = set()
        self.version = 0
        """Grows with every change: what was worked out from marks is right while it stands."""

    def quote(
        self, instrument: str, bid: int | None, ask: int | None, ts_venue: int = 0, *, old: bool = False
    ) -> None:
        """`old`: of the month that is held, where that is not the active one any more."""
        if old is (instrument in self._frozen):
            self._printed.discard(instrument)
            self._quoted[instrument] = ts_venue
            self._put(instrument, bid, ask)

    def trade(self, instrument: str, price: int, ts_venue: int = 0, *, old: bool = False) -> None:
        """A print of the market; one that comes late, behind newer quotes, says nothing.

        Beyond the quote it shows that the quote has not caught up: nothing can be closed there any more.
        """
        late = ts_venue + LATE_NS < self._quoted.get(instrument, 0)
        if late or old is not (instrument in self._frozen):
            return
        if not _believed(self._lasts, self._far[2], instrument, price):
            return
        self._lasts[instrument] = price
        self._printed.add(instrument)
        bid, ask = self._bids.get(instrument), self._asks.get(instrument)
        if bid is None or ask is None or not bid <= price <= ask:
            self._put(instrument, price, price)

    def bar(self, instrument: str, close: int, ts_venue: int) -> None:
        """The same where bars alone are told; whoever tells them has looked whether they can be."""
        if self._bids.get(instrument) == close == self._asks.get(instrument) == self._lasts.get(instrument):
            return
        if instrument in self._frozen or ts_venue + LATE_NS < self._quoted.get(instrument, 0):
            return
        self._bids[instrument] = self._asks[instrument] = self._lasts[instrument] = close
        self._printed.add(instrument)
        self.version += 1

    def _put(self, instrument: str, bid: int | None, ask: int | None) -> None:
        for known, far, price in ((self._bids, self._far[0], bid), (self._asks, self._far[1], ask)):
            if price is None or not _believed(known, far, instrument, price):
                continue
            if known.get(instrument) != price:
                known[instrument] = price
                self.version += 1

    def reached(self, instrument: str, side: Side) -> int | None:
        """Where the market has been and a position of this side could be closed, ticks: where it trades, as
        long as no newer quote says otherwise; then the worse of both, as stops trigger on trades.
        """
        mark = (self._bids if side is Side.BUY else self._asks).get(instrument)
        last = self._lasts.get(instrument, mark)
        if mark is None or last is None or instrument in self._printed:
            return last
        return min(mark, last) if side is Side.BUY else max(mark, last)

    def freeze(self, instrument: str) -> None:
        """Another month is active from now on: what is held in the old one goes by that one's prices."""
        self._frozen.add(instrument)

    def of_old_month(self, instrument: str) -> bool:
        """What is held goes by the prices of a month that is not the active one any more."""
        return instrument in self._frozen

    @property
    def frozen(self) -> bool:
        """Something goes by the prices of an old month."""
        return bool(self._frozen)

    def thaw(self, held: Collection[str]) -> None:
        """Go by the active month again, all but those of instruments that are still `held` in an old one."""
        for instrument in self._frozen.difference(held):
            self._frozen.discard(instrument)
            self.version += 1
            for known in (self._bids, self._asks, self._lasts, self._quoted):
                known.pop(instrument, None)

    def bid(self, instrument: str) -> int | None:
        return self._bids.get(instrument)

    def ask(self, instrument: str) -> int | None:
        return self._asks.get(instrument)

    def mark(self, position: Position) -> int | None:
        """Ticks at which the position could be closed now."""
        side = self._bids if position.qty >= 0 else self._asks
        return side.get(position.instrument)

    def excursion(
        self, book: str, state: State, position: Position, known: tuple[Decimal, Decimal]
    ) -> tuple[Decimal, Decimal, Decimal]:
        """Note a new worst or best of what is held, beyond what is known; gives its open P&L and these two,
        USD.
        """
        now = open_usd(state, position, self)
        worst, best = known
        if (now < worst or now > best) and self.mark(position) is not None:
            worst, best = now if now < worst else worst, now if now > best else best
            self._excursions[book, position.instrument] = position.opened_ts, worst, best
        return now, worst, best

    def excursions(self, book: str, position: Position) -> tuple[Decimal, Decimal]:
        """MAE and MFE of the open position, USD."""
        found = self._excursions.get((book, position.instrument))
        if found is None or found[0] != position.opened_ts:
            return position.mae_usd, position.mfe_usd  # as an earlier run has written them down
        return found[1], found[2]


def _believed(known: dict[str, int], far: dict[str, int], instrument: str, price: int) -> bool:
    """Whether a price may be so: near the last one, or near one that came before and was too far from it."""
    before = far.pop(instrument, None)
    if near(price, known.get(instrument, price)) or (before is not None and near(price, before)):
        return True
    far[instrument] = price
    return False


def near(figure: Figure, last: Figure) -> bool:
    """Whether a price, or a balance, can have become the other in a moment."""
    return abs(figure - last) * FAR <= abs(last)


def open_usd(state: State, position: Position, marks: Marks) -> Decimal:
    """Unrealized gross P&L, USD; zero while there is no mark."""
    mark = marks.mark(position) if position.qty else None
    if mark is None:
        return Decimal(0)
    known = state.instruments[position.instrument]
    # Ten times a second while a trade is open: whole numbers where they will do, as averages mostly are.
    ticks, rest = divmod((mark * position.open_qty - position.open_sum) * position.qty, position.open_qty)
    return usd(known, position.open_ticks(mark)) if rest else known.usd(ticks)


def realized_usd(book: BookState, state: State) -> Decimal:
    """Realized P&L of the day, net of all costs of the day, USD. Here and below positions count whose money
    is in the book's currency (docs/semantics.md#currencies).
    """
    partial = Decimal(0)
    for symbol, p in book.positions.items():
        if p.exit_qty and state.counts(book, symbol):
            partial += usd(state.instruments[symbol], p.realized_ticks()) - _taken_before(book, symbol)
    return book.day.gross_usd + partial - book.day.costs_usd


def day_usd(book: BookState, state: State, marks: Marks) -> Decimal:
    """Net P&L of the day, USD: realized, and what open positions have gained since it began.

    Longs count at the bid and shorts at the ask.
    """
    total = realized_usd(book, state)
    for symbol, position in book.positions.items():
        if position.qty and state.counts(book, symbol):
            total += _gained_today(book, state, position, marks)
    return total


def _gained_today(book: BookState, state: State, position: Position, marks: Marks) -> Decimal:
    """Unrealized P&L since the day began or the position was opened; zero while there is no mark."""
    if not position.qty or marks.mark(position) is None:
        return Decimal(0)
    part = book.carried.get(position.instrument)
    before = Decimal(0) if part is None else carried_open_usd(state.instruments[position.instrument], part)
    return open_usd(state, position, marks) - before


def _taken_before(book: BookState, instrument: str) -> Decimal:
    part = book.carried.get(instrument)
    return Decimal(0) if part is None else part.taken_usd


def banked_usd(book: BookState, state: State) -> Decimal:
    """What closed contracts and costs have done to the balance since the day began, USD."""
    running = Decimal(0)
    for symbol, p in book.positions.items():
        if p.qty and state.counts(book, symbol):
            running += usd(state.instruments[symbol], p.realized_ticks()) - _taken_before(book, symbol)
    return book.day.banked_usd + running - book.day.costs_usd


def exit_costs_usd(book: BookState, state: State, marks: Marks) -> Decimal:
    """Estimated costs of closing everything that is held, USD: at the mark, or at the entry without one."""
    total = Decimal(0)
    for symbol, position in book.positions.items():
        if position.qty and state.counts(book, symbol):
            mark = marks.mark(position)
            at = position.entry if mark is None else mark
            total += state.instruments[symbol].cost(at, abs(position.qty))
    return total


def equity_usd(book: BookState, state: State, marks: Marks, balance_usd: Decimal) -> Decimal:
    """What the account would be worth if everything were closed now, USD, in the frame of its balance.

    Of the balance that the venue reports and the one that our own fills give since the day began the lower
    one counts: a report may be late.
    """
    known = book.balance
    if known is not None and known.trade_date == state.day_of(book).trade_date:
        balance_usd = min(balance_usd, known.opening_usd + banked_usd(book, state))
    return balance_usd + held_usd(book, state, marks) - exit_costs_usd(book, state, marks)


def held_usd(book: BookState, state: State, marks: Marks) -> Decimal:
    """Unrealized gross P&L of everything that is held, USD."""
    total = Decimal(0)
    for symbol, position in book.positions.items():
        if position.qty and state.counts(book, symbol):
            total += open_usd(state, position, marks)
    return total


def fall_usd(book: BookState, day: Decimal) -> Decimal:
    """How far the book is below the highest it has been, of all days, what was open included, USD; `day` is
    the total of this one now (docs/semantics.md#drawdown-limit).
    """
    return max(Decimal(0), book.peak_usd - day, book.day.high_usd - day)


def exposed_usd(book: BookState, state: State, marks: Marks, *, by_value: bool = False) -> Decimal:
    """What all that is held, at its mark, and being entered, at its entry, is worth together, USD; `by_value`
    of coins and perpetuals alone.
    """
    total = Decimal(0)
    for symbol, position in book.positions.items():
        known = state.instruments.get(symbol)
        if position.qty and known is not None and state.counts(book, symbol) and known.by_value >= by_value:
            mark = marks.mark(position)
            at = position.entry if mark is None else mark
            total += known.notional(at, position.qty)
    for plan, lots in coming(book):
        known = state.instruments[plan.instrument]
        if known.by_value >= by_value:
            total += known.notional(plan.entry_price, lots)
    return total


def exposed_micros(book: BookState, state: State) -> int:
    """Contracts held or being entered over all instruments, a mini counted as ten micros."""
    held = sum(abs(p.qty) * state.instruments[symbol].minis for symbol, p in book.positions.items() if p.qty)
    return held + sum(qty * state.instruments[plan.instrument].minis for plan, qty in coming(book))


def coming(book: BookState) -> Iterator[tuple[TradePlan, int]]:
    """Lots that may yet be entered, by plan; a plan comes once for each of its legs."""
    return ((plan, lots) for plan, _, _, lots in _legs(book))


def _legs(book: BookState) -> Iterator[tuple[TradePlan, Leg, LegState, int]]:
    """Every leg of every plan, as planned and as it stands, with the contracts that may yet be entered."""
    for found in book.plans.values():
        for k, (leg, done) in enumerate(zip(found.plan.legs, found.legs, strict=True)):
            yield found.plan, leg, done, _coming(book, found, k)


def _coming(book: BookState, found: PlanState, leg: int) -> int:
    """Contracts of a leg that may yet be entered."""
    done = found.legs[leg]
    entry = book.orders.get(done.slots.get(Slot.ENTRY, ""))
    if found.plan.status is not PlanStatus.OPEN or not (entry is None or entry.live):
        return 0
    return max(0, found.plan.legs[leg].qty - done.entered)


def open_risk_usd(book: BookState, state: State, marks: Marks) -> Decimal:
    """What the plans of a book could still lose, USD, never negative.

    From the mark (the entry, while there is none) to the stop for what is held, wherever the stop stands or
    should stand; from entry to stop, and the costs of both sides, for what is still being entered: ideas of
    the same instant must not each be given the whole of what the daily limit leaves.
    """
    total = Decimal(0)
    for plan, leg, done, coming in _legs(book):
        known = state.instruments[plan.instrument]
        if done.open_qty > 0:
            mark = marks.mark(book.position(plan.instrument))
            at = mark if mark is not None else done.average
            total += known.usd(max(0, (at - _stop_of(book, leg, done)) * plan.side.sign)) * done.open_qty
        total += _at_stop(known, plan, leg) * coming
    return total


def room_headroom_usd(book: BookState, state: State, room: AlertRoom) -> Decimal | None:
    """What trades of an alert room may still lose on this trade date, USD; None without a limit.

    Closed trades count net, open ones and those being entered as if they were stopped out.
    """
    if room.max_loss_usd <= 0:
        return None
    left = room.max_loss_usd + book.room_usd.get(room.name, Decimal(0))
    for plan, leg, done, coming in _legs(book):
        if room_of(plan.origin) != room.name:
            continue
        known = state.instruments[plan.instrument]
        if done.open_qty > 0:
            stop = _stop_of(book, leg, done)
            lost = known.usd(max(0, (done.average - stop) * plan.side.sign))
            left -= (lost + known.round_trip(done.average, stop)) * done.open_qty
        left -= _at_stop(known, plan, leg) * coming
    return left


def _at_stop(instrument: Instrument, plan: TradePlan, leg: Leg) -> Decimal:
    """What one contract that is yet to be entered would lose at its stop, costs of both sides included."""
    entry = plan.entry_price
    return instrument.usd(abs(leg.stop_offset)) + instrument.round_trip(entry, entry + leg.stop_offset)


def _stop_of(book: BookState, leg: Leg, done: LegState) -> int:
    """Where a leg would be stopped out, ticks."""
    order = book.orders.get(done.slots.get(Slot.STOP, ""))
    if order is not None and order.live and order.stop is not None:
        return order.stop
    return leg.stop if leg.stop is not None else done.average + leg.stop_offset

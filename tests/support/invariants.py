"""What must be true after every event, whatever the venue did (faults: invariants)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil

from msgspec import structs

from engine.core import Core
from engine.model import effects as fx
from engine.model import records as r
from engine.model.market import NANOS
from engine.model.orders import Fill, OrderStatus, Slot
from engine.state.fold import apply
from engine.state.position import Position
from engine.state.state import BookState, State

PROTECTED_WITHIN_NS = 4 * NANOS
"""A stop that is not seen is replaced after a grace and a retry pause; longer than this nothing is naked."""


SETTLED_WITHIN_NS = 5 * NANOS
"""The venue ends a filled leg's sibling by itself; where it does not, we do, and look whether it is done."""

_CENT = Decimal("0.01")

_MONEY = (r.FillApplied, r.FillSettled, r.PositionAdjusted)


class Invariants:
    """Watches one core from outside: folds its records a second time and counts its fills by itself."""

    def __init__(self, journal: Sequence[r.AnyRecord] = ()) -> None:
        self.state = State()
        self.journal: list[r.AnyRecord] = []
        self._net: Counter[tuple[str, str]] = Counter()
        self._cash: Counter[tuple[str, str]] = Counter()
        """Ticks x contracts that came in and went out."""
        self._costs: dict[str, Decimal] = {}
        self._fees: dict[str, Decimal] = {}
        """Coins that fees took, by the order's client id."""
        self._seen: set[tuple[str, str]] = set()
        self._inferred: dict[str, list[Fill]] = {}
        """Fills that were concluded and not told yet, by the order's client id."""
        self._accounts: dict[str, str] = {}
        self._intended: set[str] = set()
        self._placed: set[str] = set()
        self._naked_since: dict[tuple[str, str], int] = {}
        self._excess_since: dict[tuple[str, str, Slot], int] = {}
        self.protection_due = True
        """Off in scenarios in which the venue takes no orders at all."""
        self._was_due = False
        for record in journal:
            self._take(record)

    def _take(self, record: r.AnyRecord) -> None:
        assert record.ts >= self.state.last_ts, "the journal goes back in time"
        apply(self.state, r.decode(r.encode(record)))
        self.journal.append(record)
        match record:
            case r.OrderIntended():
                assert record.client_id not in self._intended, "a client id was given out twice"
                self._intended.add(record.client_id)
            case r.OrderAdopted():
                assert record.client_id not in self._intended, "an order of ours was taken for the venue's"
            case r.AccountKnown(book=book, account=account):
                if self._accounts.setdefault(book, account.id) != account.id:
                    self._begin_anew(book, account.id)
            case r.FillApplied(fill=fill):
                key = record.book, fill.trade_id
                assert key not in self._seen, "a fill was counted twice"
                self._seen.add(key)
                taken, worth = self._taken(record)
                self._trade(record.book, fill.instrument, fill.side.sign * fill.qty - taken, fill.price)
                self._costs[record.book] = self._costs.get(record.book, Decimal(0)) + fill.cost_usd + worth
                if record.inferred:
                    self._inferred.setdefault(record.client_id, []).append(fill)
            case r.FillSettled(fill=fill):
                key = record.book, record.trade_id
                assert key not in self._seen, "a counted fill was settled once more"
                self._seen.add(key)
                if fill is not None:
                    self._settle(record.book, record.client_id, fill)
            case r.DustLeft():
                self._trade(record.book, record.instrument, -record.qty, record.price)
            case r.PositionAdjusted():
                self._trade(record.book, record.instrument, record.delta, record.price)
            case _:
                pass

    def _taken(self, record: r.FillApplied) -> tuple[int, Decimal]:
        """Lots that fees took out of a purchase, those begun by its order whole, and what they cost."""
        fill, known = record.fill, self.state.instruments[record.fill.instrument]
        before = self._fees.get(record.client_id, Decimal(0))
        after = self._fees[record.client_id] = before + fill.fee_base
        taken = ceil(after / known.lot_size) - ceil(before / known.lot_size)
        return taken, taken * fill.price * known.tick_value_usd

    def _begin_anew(self, book: str, account_id: str) -> None:
        """Another account: what was counted in the one before is none of its money."""
        self._accounts[book] = account_id
        for counted in (self._net, self._cash):
            for key in [key for key in counted if key[0] == book]:
                del counted[key]
        self._costs.pop(book, None)

    def _settle(self, book: str, client_id: str, fill: Fill) -> None:
        """What was concluded gives way to what was told, contract by contract."""
        left = fill.qty
        while left:
            then = self._inferred[client_id].pop(0)
            qty = min(left, then.qty)
            share = then.cost_usd * qty / then.qty
            if then.qty > qty:
                rest = structs.replace(then, qty=then.qty - qty, cost_usd=then.cost_usd - share)
                self._inferred[client_id].insert(0, rest)
            self._cash[book, fill.instrument] -= fill.side.sign * qty * (fill.price - then.price)
            self._costs[book] += fill.cost_usd * qty / fill.qty - share
            left -= qty

    def _trade(self, book: str, instrument: str, signed: int, price: int) -> None:
        self._net[book, instrument] += signed
        self._cash[book, instrument] -= signed * price

    def after(self, core: Core, records: Sequence[r.AnyRecord], effects: Sequence[fx.AnyEffect]) -> None:
        running = self._naked_since or self._excess_since or self.protection_due is not self._was_due
        if not (records or effects or running):
            return  # the state is what it was, and no time runs out
        self._was_due = self.protection_due
        for record in records:
            self._take(record)
        for effect in effects:
            if isinstance(effect, fx.PlaceOrder):
                assert effect.client_id in self._intended, "an order without its intent in the journal"
                assert effect.client_id not in self._placed, "an order was sent twice"
                self._placed.add(effect.client_id)
        _forget_untouched(self.state)
        _forget_untouched(core.state)
        assert self.state == core.state, "the journal folds to another state than the one that ran"
        for name, book in core.state.books.items():
            assert book.unfinished == [c for c, o in book.orders.items() if not o.status.terminal]
            for instrument, position in book.positions.items():
                assert position.qty == self._net[name, instrument], "fills don't add up to the position"
                self._protection(core, name, instrument)
                self._exits(core, name, instrument)
            ids = [order.venue_id for order in book.live_orders() if order.venue_id]
            assert len(ids) == len(set(ids)), "two live orders are the same order at the venue"
            if any(isinstance(record, _MONEY) for record in records):
                self._money(core, name)

    def _money(self, core: Core, name: str) -> None:
        """Realized + unrealized = equity - deposits at any mark: what came and went is all there is."""
        book, mark = core.state.books[name], 1000
        made, ours = Decimal(0), sum((trade.gross_usd for trade in book.trades), Decimal(0))
        for instrument in [of for named, of in self._cash if named == name]:
            known, position = core.state.instruments[instrument], book.position(instrument)
            ticks = position.realized_ticks() + position.open_ticks(mark)
            ours += known.tick_value_usd * ticks.numerator / ticks.denominator
            cash = Fraction(self._cash[name, instrument] + self._net[name, instrument] * mark)
            made += known.tick_value_usd * cash.numerator / cash.denominator
        assert abs(made - ours) < _CENT, "realized and unrealized are not what was earned"
        running = sum((position.costs_usd for position in book.positions.values()), Decimal(0))
        costs = running + sum((trade.costs_usd for trade in book.trades), Decimal(0))
        assert abs(costs - self._costs.get(name, Decimal(0))) < _CENT, "costs were lost or counted twice"
        _forget_untouched(core.state)

    def _protection(self, core: Core, name: str, instrument: str) -> None:
        book = core.state.books[name]
        qty = book.position(instrument).qty
        key = name, instrument
        stops = sum(
            order.open_qty
            for order in book.live_orders(instrument)
            if order.slot in (Slot.STOP, Slot.PART)  # what a part closes needs none
            and not order.suspended
            and order.status is not OrderStatus.UNKNOWN
        )
        ours = _ours(book, instrument)
        covered = not qty or ours != qty or stops >= abs(qty) or instrument in book.flattening
        if covered or not self.protection_due:
            self._naked_since.pop(key, None)
            return
        since = self._naked_since.setdefault(key, core.now)
        assert core.now - since <= PROTECTED_WITHIN_NS, (
            f"{instrument} stands unprotected: {qty} against {stops}"
        )

    def _exits(self, core: Core, name: str, instrument: str) -> None:
        """On neither side of the price do our exits sum to more than is open, but for a short while."""
        book = core.state.books[name]
        live = book.live_orders(instrument)
        entering = any(order.slot is Slot.ENTRY for order in live)
        held = sum(
            max(0, leg.open_qty)
            for found in book.plans.values()
            if found.plan.instrument == instrument
            for leg in found.legs
        )
        for slot in (Slot.STOP, Slot.TARGET):
            working = [
                order
                for order in live
                if order.slot is slot
                and order.plan_id in book.plans
                and order.status in (OrderStatus.WORKING, OrderStatus.PARTIAL)
                and not order.suspended
            ]
            for order in working:
                assert order.side is not book.plans[order.plan_id or ""].plan.side, "an exit that enters"
            key = name, instrument, slot
            if entering or instrument in book.flattening or sum(o.open_qty for o in working) <= held:
                self._excess_since.pop(key, None)
                continue
            since = self._excess_since.setdefault(key, core.now)
            assert core.now - since <= SETTLED_WITHIN_NS, f"{slot} orders close more than is open"


def _ours(book: BookState, instrument: str) -> int:
    """Signed contracts of our trades."""
    return sum(
        found.open_qty * found.plan.side.sign
        for found in book.plans.values()
        if found.plan.instrument == instrument
    )


def _forget_untouched(state: State) -> None:
    """Looking at a position makes an empty one; that is no difference."""
    for name, book in list(state.books.items()):
        book.positions = {i: p for i, p in book.positions.items() if p != Position(i, opened_ts=p.opened_ts)}
        if book == BookState(name):
            del state.books[name]

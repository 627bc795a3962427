"""What a trade's numbers are moved to by key: its stop, a target, a resting entry, the distance at which its
stop follows, one more target, or more of it. Pure: what a key does to a move gives another one.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from engine.model.commands import LEAST_TRAIL, AddManual, AnyCommand, ChangeManual
from engine.model.orders import Slot
from engine.model.view import ContractView, OrderView, PositionView, View
from tui.things import Thing, ThingKind
from tui.view_facts import contract_of


class Moves(StrEnum):
    """What is moved."""

    STOP = "stop"
    TARGET = "target"
    ENTRY = "entry"
    TRAIL = "trail"
    NEW_TARGET = "new target"
    ADD = "add"


_OF_SLOT = {Slot.STOP: Moves.STOP, Slot.TARGET: Moves.TARGET, Slot.ENTRY: Moves.ENTRY}
PRICES = frozenset({Moves.STOP, Moves.TARGET, Moves.ENTRY, Moves.NEW_TARGET})


class Move(Struct, frozen=True):
    what: Moves
    instrument: str
    book: str
    plan: str
    was: int | None
    """Ticks; None where there was none."""
    at: int
    """Ticks of a price, ticks of distance, or lots."""
    sign: int = 1
    """Of the trade: +1 for one that is long."""
    targets: tuple[int, ...] = ()
    """All of the trade's, ticks, where one of them is moved."""
    typing: str = ""
    """A number as it is typed; empty where keys step it."""
    limit: int | None = None
    """Where what is added rests, ticks; None: at market."""
    aside: int | None = None
    """The lots that are added, while keys step the price at which they rest (`at` then)."""

    @property
    def key(self) -> tuple[Moves, str, int | None]:
        """By which it is the same thing."""
        return self.what, self.plan, self.was


def movable(view: View, instrument: str, book: str | None, thing: Thing | None) -> list[Move]:
    """What of a contract can be moved by its price, the one under the cursor first, else the stop."""
    contract = contract_of(view, instrument)
    if contract is None:
        return []
    own = [o for o in view.orders if o.instrument == instrument and book in (None, o.book)]
    own = [o for o in own if o.plan and o.price is not None and o.slot in _OF_SLOT and not o.suspended]
    found: dict[tuple[Moves, str, int | None], Move] = {}
    first: tuple[Moves, str, int | None] | None = None
    for order in sorted(own, key=lambda o: (_RANK[_OF_SLOT[o.slot]], -(o.price or 0))):
        move = _of(order, own, contract)
        found.setdefault(move.key, move)
        if thing is not None and thing.kind is ThingKind.ORDER and order.client_id == thing.order:
            first = move.key
    moves = list(found.values())
    plan = thing.plan if thing is not None and thing.instrument == instrument else ""
    return sorted(moves, key=lambda move: (move.key != first, bool(plan) and move.plan != plan))


_RANK = {Moves.STOP: 0, Moves.ENTRY: 1, Moves.TARGET: 2}


def _of(order: OrderView, own: Iterable[OrderView], contract: ContractView) -> Move:
    at = _ticks(order.price or Decimal(0), contract)
    what, aims = _OF_SLOT[order.slot], set[int]()
    sign = order.side.sign if what is Moves.ENTRY else -order.side.sign
    if what is Moves.TARGET:
        of_it = [o.price for o in own if (o.plan, o.slot) == (order.plan, order.slot)]
        aims = {_ticks(price, contract) for price in of_it if price is not None}
    return Move(what, order.instrument, order.book, order.plan, at, at, sign, tuple(aims))


def _ticks(price: Decimal, contract: ContractView) -> int:
    return int(price / contract.tick_size)


def held_trade(view: View, instrument: str, book: str | None, thing: Thing | None) -> PositionView | str:
    """The one position that a key means; else why there is none."""
    held = [p for p in view.positions if p.instrument == instrument and book in (None, p.book)]
    if not held:
        return f"no open position in {instrument}"
    if len(held) > 1:
        return f"{', '.join(p.book for p in held)} hold it: pick a book"
    return held[0]


def plan_of(view: View, position: PositionView, thing: Thing | None) -> str:
    """The trade that is meant of a position: that of the row, else the only one there is; empty for none."""
    plans = {
        o.plan
        for o in view.orders
        if (o.book, o.instrument) == (position.book, position.instrument)
        and o.plan
        and o.slot is not Slot.ENTRY
    }
    if thing is not None and thing.plan in plans:
        return thing.plan
    return plans.pop() if len(plans) == 1 else ""


def trailing(view: View, position: PositionView, plan: str) -> Move:
    """Its stop as far from the market as it is now."""
    contract = contract_of(view, position.instrument)
    away = 20
    if contract is not None and position.stop is not None and position.mark is not None:
        away = max(LEAST_TRAIL, abs(_ticks(position.mark - position.stop, contract)))
    return Move(Moves.TRAIL, position.instrument, position.book, plan, None, away)


def one_more_target(view: View, position: PositionView, plan: str) -> Move | None:
    """As far beyond the farthest as that is from the entry, or as the stop is from the market."""
    contract = contract_of(view, position.instrument)
    if contract is None:
        return None
    sign, entry = (1 if position.qty > 0 else -1), _ticks(position.entry, contract)
    aims = [_ticks(price, contract) for price in position.targets]
    market = _ticks(position.mark if position.mark is not None else position.entry, contract)
    if aims:
        farthest = sign * max(sign * price for price in aims)
        at = farthest + max(4, abs(farthest - entry) // 2) * sign
    else:
        away = 40 if position.stop is None else abs(market - _ticks(position.stop, contract))
        at = market + sign * max(4, 2 * away)
    return Move(Moves.NEW_TARGET, position.instrument, position.book, plan, None, at)


def one_more_lot(position: PositionView, plan: str) -> Move:
    return Move(Moves.ADD, position.instrument, position.book, plan, None, 1)


def at_limit(move: Move, market: int) -> Move:
    """What is added rests at a limit, which keys step from now on."""
    at = market if move.limit is None else move.limit
    return replace(move, at=at, limit=at, aside=move.at, typing="") if move.aside is None else move


def at_market(move: Move) -> Move:
    """It does not: keys step the lots."""
    return replace(move, at=lots_of(move), limit=None, aside=None, typing="")


def other_number(move: Move) -> Move:
    """Of lots and price that which is not stepped now."""
    if move.aside is not None:
        return replace(move, limit=move.at, at=move.aside, aside=None, typing="")
    return at_limit(move, 0) if move.limit is not None else move


def lots_of(move: Move) -> int:
    """How many are added."""
    return move.at if move.aside is None else move.aside


def limit_of(move: Move) -> int | None:
    """Where they rest, ticks."""
    return move.at if move.aside is not None else move.limit


# --- what keys do ----------------------------------------------------------------------------------------


def stepped(move: Move, by: int) -> Move:
    """So many ticks up or down; a distance and a quantity stay above what is least."""
    least = {Moves.TRAIL: LEAST_TRAIL}.get(move.what, 1)
    return replace(move, at=max(least, move.at + by), typing="")


def typed(move: Move, character: str, contract: ContractView) -> Move:
    """A digit or a point of the number itself; backspace is the empty text."""
    text = move.typing[:-1] if not character else (move.typing + character)[:16]
    try:
        number = Decimal(text) if text.strip(".") else None
    except ArithmeticError:
        return move
    if number is None:
        return replace(move, typing=text)
    if move.what in PRICES or move.aside is not None:
        return replace(move, typing=text, at=max(1, _ticks(number, contract)))
    unit = contract.lot_size if move.what is Moves.ADD else Decimal(1)
    return replace(move, typing=text, at=max(1, int(number / unit)))


def command(move: Move, contract: ContractView, command_id: str, *, dry_run: bool) -> AnyCommand:
    """What it asks of the engine."""
    price = move.at * contract.tick_size
    base = ChangeManual(id=command_id, order=move.plan, book=move.book, dry_run=dry_run)
    match move.what:
        case Moves.ADD:
            limit = limit_of(move)
            return AddManual(
                id=command_id,
                order=move.plan,
                book=move.book,
                qty=lots_of(move),
                price=None if limit is None else limit * contract.tick_size,
                dry_run=dry_run,
            )
        case Moves.TRAIL:
            return replace(base, trail_ticks=move.at)
        case Moves.NEW_TARGET:
            return replace(base, add_target=price)
        case Moves.STOP:
            return replace(base, stop=price)
        case Moves.ENTRY:
            return replace(base, price=price)
        case Moves.TARGET:
            return replace(base, targets=_retargeted(move, contract))


def _retargeted(move: Move, contract: ContractView) -> tuple[Decimal, ...]:
    """All targets with this one moved, the nearest first."""
    aims = {move.at if ticks == move.was else ticks for ticks in move.targets}
    return tuple(ticks * contract.tick_size for ticks in sorted(aims, key=lambda price: move.sign * price))

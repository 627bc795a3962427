"""Coins that are bought and owned: how an account that tells balances agrees with the journal, and what is
too little to be sold (docs/semantics.md#spot).
"""

from __future__ import annotations

from decimal import Decimal

from engine.execution.context import BookContext
from engine.model import records as r
from engine.model.events import SnapshotTaken
from engine.model.orders import Account, Slot, VenueOrder
from engine.state.position import usd


def owned(book: BookContext, snapshot: SnapshotTaken) -> dict[str, int]:
    """Lots of each coin that the venue's word leaves us, and what its fills that are not told come to.

    What the account has beyond what tstream bought is somebody else's and makes no difference. Several
    instruments of one coin share its balance; what is missing is missing from the last of them.
    """
    state, known = book.state, book.turn.state.instruments
    left = {one.currency: one.total for one in snapshot.balances}
    found: dict[str, int] = {}
    for shown in snapshot.orders:
        order = state.order_of(shown.venue_id, shown.client_id)
        if order is not None and book.by_balance(order.instrument):
            untold = max(0, shown.filled_qty - order.filled_qty) * order.side.sign
            found[order.instrument] = found.get(order.instrument, 0) + untold
    for symbol in sorted({*found, *state.positions}):
        if not book.by_balance(symbol):
            continue
        instrument, ours = known[symbol], state.position(symbol).qty
        if not found.get(symbol):
            has = left.get(instrument.base, Decimal(0))
            ours = min(ours, int(has // instrument.lot_size))
            left[instrument.base] = has - instrument.qty(ours)
        found[symbol] = ours + found.get(symbol, 0)
    return found


def balance_usd(book: BookContext, account: Account) -> Decimal:
    """The balance as closed trades alone make it. Where the venue tells what money is left, what was paid for
    the coins that are held, and for dust, has not been lost and is added.
    """
    if not account.cash:
        return account.balance_usd
    known, total = book.turn.state.instruments, account.balance_usd
    for symbol, position in book.state.positions.items():
        if position.qty and book.by_balance(symbol) and known[symbol].currency == account.currency:
            total += usd(known[symbol], position.average * position.qty)
    return total + sum((dust.worth_usd for dust in book.state.dust.values()), Decimal(0))


def concerns(book: BookContext, order: VenueOrder) -> bool:
    """Whether an order at the venue is ours to end: one of coins that somebody else made is not."""
    known = book.state.order_of(order.venue_id, order.client_id) is not None
    return known or book.is_ours(order.client_id) or not book.by_balance(order.instrument)


def set_dust_aside(book: BookContext) -> None:
    """What is left of a coin, is worth less than the venue takes, and has no order that could still buy or
    sell some of it, is no position any more.
    """
    if not book.config.capabilities.balances:
        return
    held = [one for one in book.state.positions.values() if one.qty]
    for position in held:
        symbol = position.instrument
        if book.is_dust(symbol) and not _moving(book, symbol):
            book.turn.commit(
                r.DustLeft(
                    ts=book.now,
                    book=book.book,
                    instrument=symbol,
                    qty=position.qty,
                    price=book.price_of(position),
                )
            )


def _moving(book: BookContext, symbol: str) -> bool:
    waits = any(
        found.plan.instrument == symbol and Slot.ENTRY not in leg.slots
        for found in book.state.plans.values()
        for leg in found.legs
    )
    return waits or bool(book.state.live_orders(symbol))

"""What flattening means now, and what keeps a scope from being flat, in words: the same for all who ask.

A scope is one contract, or everything (None), in one book, or in all of them (None). The words name
instruments and books: data, never markup.
"""

from __future__ import annotations

from engine.model.quantities import quantity
from engine.model.view import PositionView, View


def still_open(view: View, contract: str | None, book: str | None = None) -> list[str]:
    """What keeps the scope from being flat, in words; a suspended bracket leg counts."""
    positions = [
        f"{quantity(view, position.instrument, position.qty, signed=True)} {position.instrument}"
        f"{_where(view, position.book)}"
        for position in _positions(view, contract, book)
    ]
    orders = _live_orders(view, contract, book)
    return [
        *positions,
        *([f"{orders} order{'s' if orders > 1 else ''}"] if orders else []),
        *(["flattening"] if _under_way(view, contract, book) and not positions and not orders else []),
    ]


def what_flattening_does(view: View, contract: str | None, book: str | None = None) -> str:
    """What flattening the scope means now: "sell 2 MNQ at market, cancel 3 orders, pause entries"; where
    nothing is open, that it is so.
    """
    steps = [
        f"{'sell' if position.qty > 0 else 'buy'} "
        f"{quantity(view, position.instrument, abs(position.qty))} {position.instrument} at market"
        f"{_where(view, position.book)}"
        for position in _positions(view, contract, book)
    ]
    orders = _live_orders(view, contract, book)
    if orders:
        steps.append(f"cancel {orders} order{'s' if orders > 1 else ''}")
    pause = "pause entries" if book is None else f"pause entries of {book}"
    if steps:
        return ", ".join([*steps, pause])
    books = [one for one in view.books if book in (None, one.book)]
    if books and all(one.reconciled for one in books):
        return f"{pause} ({scope_name(contract, book)} is flat: nothing to close or cancel)"
    return f"{pause} (nothing is known to be open; the venue has not confirmed that yet)"


def scope_name(contract: str | None, book: str | None = None) -> str:
    """The scope in words: "MNQ", "everything", "MNQ of apex"."""
    if book is None:
        return contract or "everything"
    return f"{contract or 'everything'} of {book}"


def _positions(view: View, contract: str | None, book: str | None) -> list[PositionView]:
    return [
        position
        for position in view.positions
        if contract in (None, position.instrument) and book in (None, position.book) and position.qty
    ]


def _under_way(view: View, contract: str | None, book: str | None) -> bool:
    if book is None:
        return any(one.flattening and contract in (None, one.instrument) for one in view.contracts)
    latched = (one.flatten.instruments for one in view.books if one.book == book and one.flatten is not None)
    return any(contract is None or contract in instruments for instruments in latched)


def _where(view: View, book: str) -> str:
    """The book's name where there are several."""
    return f" ({book})" if len(view.books) > 1 else ""


def _live_orders(view: View, contract: str | None, book: str | None) -> int:
    return sum(
        contract in (None, order.instrument) and book in (None, order.book) and not order.status.terminal
        for order in view.orders
    )

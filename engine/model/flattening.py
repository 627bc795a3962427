"""What flattening means now, and what keeps a scope from being flat, in words: the same for all who ask.

A scope is one contract, or everything (None). The words name instruments and books: data, never markup.
"""

from __future__ import annotations

from engine.model.view import View


def still_open(view: View, contract: str | None) -> list[str]:
    """What keeps the scope from being flat, in words; a suspended bracket leg counts."""
    positions = [
        f"{position.qty:+d} {position.instrument}{_where(view, position.book)}"
        for position in view.positions
        if contract in (None, position.instrument) and position.qty
    ]
    orders = _live_orders(view, contract)
    under_way = any(c.flattening and contract in (None, c.instrument) for c in view.contracts)
    return [
        *positions,
        *([f"{orders} order{'s' if orders > 1 else ''}"] if orders else []),
        *(["flattening"] if under_way and not positions and not orders else []),
    ]


def what_flattening_does(view: View, contract: str | None) -> str:
    """What flattening the scope means now: "sell 2 MNQ at market, cancel 3 orders, pause entries"; where
    nothing is open, that it is so.
    """
    steps = [
        f"{'sell' if position.qty > 0 else 'buy'} {abs(position.qty)} {position.instrument} at market"
        f"{_where(view, position.book)}"
        for position in view.positions
        if contract in (None, position.instrument) and position.qty
    ]
    orders = _live_orders(view, contract)
    if orders:
        steps.append(f"cancel {orders} order{'s' if orders > 1 else ''}")
    if steps:
        return ", ".join([*steps, "pause entries"])
    if view.books and all(book.reconciled for book in view.books):
        return f"pause entries ({contract or 'everything'} is flat: nothing to close or cancel)"
    return "pause entries (nothing is known to be open; the venue has not confirmed that yet)"


def _where(view: View, book: str) -> str:
    """The book's name where there are several."""
    return f" ({book})" if len(view.books) > 1 else ""


def _live_orders(view: View, contract: str | None) -> int:
    return sum(contract in (None, order.instrument) and not order.status.terminal for order in view.orders)

"""What a run leaves at the venue when it ends, in words: looked up, never assumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from engine.books.book import Book
from engine.model.orders import OrderType


def left(books: Mapping[str, Book], *, ended: bool = False) -> str:
    """Positions with the stops that are known to stand for them, and orders that have nothing to close.

    `ended`: the venue has been asked for the last time, and ought to have answered.
    """
    parts = [
        part for book in books.values() for part in _of(book, f"{book.name}: " if len(books) > 1 else "")
    ]
    unsure = [
        book.name
        for book in books.values()
        if not book.orders.reconciled or (ended and book.orders.inquiry.unanswered)
    ]
    if unsure:
        parts.append(f"not verified with the venue: {', '.join(unsure)}")
    return "; ".join(parts) or "nothing is open"


def look(books: Mapping[str, Book]) -> None:
    """Have the venue asked where something is open, so that what is said in a moment is its own word."""
    for book in books.values():
        if book.orders.holding or book.state.live_orders():
            book.orders.look_now()


def _of(book: Book, whose: str) -> list[str]:
    orders, text = book.state.live_orders(), book.orders.turn.state.quantity
    parts, others = [], Counter(order.instrument for order in orders)
    for instrument, position in book.state.positions.items():
        if not position.qty:
            continue
        others.pop(instrument, None)
        stops = sum(
            order.open_qty
            for order in orders
            if order.instrument == instrument
            and order.type is OrderType.STOP
            and order.stands
            and order.side.sign * position.qty < 0
        )
        held = abs(position.qty)
        bare = held - stops
        stand = f"stops for {text(instrument, min(stops, held))} stand at the venue" if stops else ""
        naked = f"NO STOP for {text(instrument, bare)}" if bare > 0 else ""
        side = "long" if position.qty > 0 else "short"
        stops_told = ", ".join(filter(None, (stand, naked)))
        parts.append(f"{whose}{instrument} {side} {text(instrument, held)}: {stops_told}")
    parts += [
        f"{whose}{count} order{'s' if count > 1 else ''} of {instrument} left"
        for instrument, count in others.items()
    ]
    return parts

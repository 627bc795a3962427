"""What open and entering trades tie up of a book's money, by what the venue says or a table tells
(docs/semantics.md#margin).
"""

from __future__ import annotations

from decimal import Decimal

from engine.model.orders import Margin
from engine.portfolio.money import Marks, coming
from engine.state.state import BookState, State

UNKNOWN = Margin()


def margin(
    book: BookState, state: State, marks: Marks, equity_usd: Decimal | None, told: Margin | None
) -> Margin:
    """Of what the venue says is used its word counts; of what is available the smaller figure, for ours knows
    of entries that are still on their way. Unknown while the venue says nothing and an instrument that is
    held, or all of the run's, has no table.
    """
    used = _used_usd(book, state, marks)
    own = None if used is None or equity_usd is None else equity_usd - used
    if told is None:
        return Margin(used, own)
    left = [one for one in (told.available_usd, own) if one is not None]
    return Margin(used if told.used_usd is None else told.used_usd, min(left, default=None))


def _used_usd(book: BookState, state: State, marks: Marks) -> Decimal | None:
    """By the instruments' tables: what is held at its mark, what is being entered at its entry."""
    known = state.instruments
    tied: list[Decimal | None] = []
    for symbol, position in book.positions.items():
        if position.qty:
            mark = marks.mark(position)
            at = position.entry if mark is None else mark
            tied.append(known[symbol].margin(at, abs(position.qty)))
    tied += [known[plan.instrument].margin(plan.entry_price, lots) for plan, lots in coming(book) if lots]
    if not tied:
        return None if all(one.margin(1, 1) is None for one in known.values()) else Decimal(0)
    total = Decimal(0)
    for deposit in tied:
        if deposit is None:
            return None
        total += deposit
    return total

"""The picture with what can happen now, of all and of each book."""

from __future__ import annotations

from msgspec.structs import replace

from engine.core import Core
from engine.model.standings import standing_of
from engine.model.view import View
from engine.portfolio.money import room_headroom_usd
from engine.runtime.view_books import AgainstEntries


def rooms_used_up(core: Core) -> tuple[str, ...]:
    """Rooms of which nothing more is traded today: by their number of trades, or by what they have lost in
    every book."""
    state, books = core.state, [book.state for book in core.books.values()]
    found = []
    for room in core.alerts.rooms.values():
        left = [room_headroom_usd(book, state, room) for book in books] if room.max_loss_usd > 0 else []
        lost = bool(left) and all(one is not None and one <= 0 for one in left)
        if lost or 0 < room.max_trades <= state.room_trades.get(room.name, 0):
            found.append(room.name)
    return tuple(found)


def with_standings(view: View, against: AgainstEntries, rooms: tuple[str, ...]) -> View:
    """`against` is what the gate would say in each book; `rooms` trade no more today."""
    main = tuple(book for book in view.books if book.kind is view.mode)
    least = {contract.instrument: contract.against for contract in view.contracts}
    bots = tuple(bot.name for bot in view.bots if bot.out or bot.stopped)
    whole = replace(standing_of(view, main, least), rooms=rooms, bots=bots)
    if len(view.books) == len(main) == 1:
        return replace(view, standing=whole, books=(replace(main[0], standing=whole),))
    books = []
    for book in view.books:
        own = against.get(book.book, {})
        codes = {symbol: tuple(one.refusal for one in found) for symbol, found in own.items()}
        books.append(replace(book, standing=standing_of(view, (book,), codes)))
    return replace(view, books=tuple(books), standing=whole)

"""A dry run of an alert: a text is read as its room reads it, sized, and put to the gate of every book that
follows the room. Nothing is written, told, counted or placed because of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from engine.books.alert_terms import entry_terms
from engine.books.alert_trading import AlertTrading
from engine.books.book import Book
from engine.books.entries import Entries
from engine.model.alert_tries import AlertTried, BookTried, TryAlert
from engine.model.alerts import Reason, Terms, Verdict, origin
from engine.model.instrument import Instrument
from engine.model.orders import AccountKind
from engine.model.plans import Idea
from engine.model.rooms import AlertRoom
from engine.strategies.alerts import sanity
from engine.strategies.alerts.alert import Alert, Unread

_KEY = "dry run"


def tried(
    asked: TryAlert,
    alerts: AlertTrading,
    entries: Entries,
    books: Mapping[str, Book],
    instruments: Mapping[str, Instrument],
    wall: int,
) -> AlertTried:
    """What would come of it; `wall` is the time by the wall's clock, nanoseconds UTC."""
    rooms = tuple(alerts.rooms)
    room = alerts.rooms.get(asked.room or next(iter(rooms), ""))
    if room is None:
        reason = Reason.UNKNOWN_ROOM
        return AlertTried(asked.room, rooms, Verdict.UNREAD, reason, reason.sentence)
    parsed = alerts.parse(room, asked.text, quiet=True)
    if isinstance(parsed, Unread):
        return AlertTried(room.name, rooms, Verdict.UNREAD, parsed.reason, parsed.text)
    terms = sanity.terms(parsed, room, instruments)
    if isinstance(terms, Unread):
        return _read(room, rooms, parsed, terms)
    following = [one for one in books.values() if room.follows(one.name) and one.config.takes(room.name)]
    why = alerts.standing(room, _KEY, terms, followed=bool(following))
    now = alerts.reference(room, terms)
    if why is None and isinstance(now, Unread):
        why = now
    at = terms.entry if isinstance(now, Unread) else now
    idea = sanity.idea(terms, room, origin(room.name, _KEY), at, wall)
    known = instruments[terms.instrument]
    return AlertTried(
        room.name,
        rooms,
        Verdict.TRADED if why is None else Verdict.REFUSED,
        None if why is None else why.reason,
        "" if why is None else why.text,
        terms.instrument,
        terms.side,
        known.price(terms.entry),
        known.price(terms.stop),
        tuple(known.price(target) for target in terms.targets),
        terms.grade,
        None if isinstance(now, Unread) else known.price(now),
        tuple(_by_gate(book, entries, idea, known, room, terms) for book in following),
    )


def _read(room: AlertRoom, rooms: tuple[str, ...], parsed: Alert, why: Unread) -> AlertTried:
    """As the text has it, where that makes no trade."""
    symbol = sanity.symbol_for(parsed.root, room.contracts) or parsed.root
    targets = tuple(parsed.targets)
    prices: tuple[Decimal, Decimal] = (parsed.entry, parsed.stop)
    return AlertTried(
        room.name,
        rooms,
        Verdict.REFUSED,
        why.reason,
        why.text,
        symbol,
        parsed.side,
        *prices,
        targets,
        parsed.grade,
    )


def _by_gate(
    book: Book, entries: Entries, idea: Idea, known: Instrument, room: AlertRoom, terms: Terms
) -> BookTried:
    qty, against, why = entries.verdict(book, idea, known, entry_terms(book, room, terms))
    kind = book.state.account.kind if book.state.account is not None else AccountKind.LIVE
    return BookTried(book.name, kind, qty, why, tuple(one.words for one in against))

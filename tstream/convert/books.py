"""From the settings to the books of a run: what each is called, whose account it is, how it is traded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from adapters.simulator.exchange.config import AccountSpec
from engine.books.inner_broker import is_open
from engine.model.config import BookConfig
from engine.model.orders import AccountKind
from engine.state.state import BookState, State
from tstream.convert.risk import account_limits, book_sizing, paper_books
from tstream.settings.model import Settings
from tstream.settings.risk import AccountRisk
from tstream.settings.venues import ALL, PRACTICE, AccountSettings, book_name

KnownBooks = Mapping[str, str]
"""Names that books have in the journal, by the names and numbers of their accounts at one venue."""

NO_BOOKS: KnownBooks = {}


class WantedBook(NamedTuple):
    """A book of a venue, and whose account it is."""

    book: str
    account: str
    """Name or number; empty for the login's only practice account."""
    settings: AccountSettings | None
    """What is its own."""


def wanted_books(settings: Settings, venue: str, known: KnownBooks = NO_BOOKS) -> tuple[WantedBook, ...]:
    """The books of a venue whose accounts are named; where all of the login are wanted, the others are found
    at the venue.

    An account that the journal knows keeps the name of its book, whatever would be its name now: its history
    goes on.
    """
    section = settings.venues[venue]
    if section.about.prices_only or section.prices_only:
        return ()
    if not section.accounts:
        only = AccountSpec().name if section.kind == PRACTICE else ""
        return (WantedBook(known.get(only, venue), only, None),)
    return tuple(
        WantedBook(known.get(one.name, book_name(venue, section, one)), one.name, one)
        for one in section.accounts
        if one.enabled and one.name != ALL
    )


def known_books(state: State, venue: str) -> dict[str, str]:
    """What the journal knows of a venue's books."""
    known: dict[str, str] = {}
    for book in _books_of(state, venue):
        if book.account is not None:
            known.setdefault(book.account.name, book.book)
            known.setdefault(book.account.id, book.book)
    return known


def known_accounts(state: State, venue: str) -> tuple[WantedBook, ...]:
    """The accounts that the journal knows at a venue, and their books."""
    return tuple(
        WantedBook(book.book, book.account.name, None)
        for book in _books_of(state, venue)
        if book.account is not None
    )


def left_open(state: State, venue: str, wanted: Sequence[WantedBook]) -> tuple[WantedBook, ...]:
    """Books of a venue that the journal knows to hold something, and that nobody wants any more."""
    here = {one.book for one in wanted}
    return tuple(
        one for one in known_accounts(state, venue) if one.book not in here and is_open(state.books[one.book])
    )


def _books_of(state: State, venue: str) -> list[BookState]:
    return [
        book
        for book in state.books.values()
        if book.account is not None
        and book.account.kind is not AccountKind.PAPER
        and (book.venue == venue if book.venue else of_venue(book.book, venue))
    ]


def of_venue(book: str, venue: str) -> bool:
    """Whether a book's name is one of a venue's: venues' names don't begin alike."""
    return book == venue or book.startswith(f"{venue}-")


def book_configs(settings: Settings, wanted: Mapping[str, Sequence[WantedBook]]) -> tuple[BookConfig, ...]:
    """The books of a run that are named, those of the venues first; `wanted` by venue."""
    return (
        *(_config(settings, venue, one) for venue, books in wanted.items() for one in books),
        *paper_books(settings),
    )


def templates(settings: Settings) -> tuple[BookConfig, ...]:
    """How books are traded whose accounts are found at the venue: one for each that takes all of a login."""
    return tuple(
        _config(settings, venue, WantedBook("", "", section.all_accounts))
        for venue, section in settings.active.items()
        if section.all_accounts is not None
    )


def _config(settings: Settings, venue: str, wanted: WantedBook) -> BookConfig:
    own, section = wanted.settings, settings.venues[venue]
    risk = account_limits(settings, AccountRisk() if own is None else own.risk, section)
    return BookConfig(
        wanted.book,
        venue,
        risk,
        section.about.capabilities,
        section.brackets if own is None else own.brackets or section.brackets,
        Decimal(1) if own is None else own.copy_ratio,
        book_sizing(settings, own),
    )

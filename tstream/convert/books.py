"""From the settings to the books of a run: what each is called, whose account it is, how it is traded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from adapters.simulator.exchange.config import AccountSpec
from engine.model.config import BookConfig
from engine.model.orders import AccountKind, Capabilities
from engine.state.state import State
from tstream.convert.risk import account_limits, paper_books, risk_limits
from tstream.settings.model import Settings
from tstream.settings.venues import AccountSettings, book_name, small

KnownBooks = Mapping[str, str]
"""Names that books have in the journal, by the names and numbers of their accounts at one venue."""

NO_BOOKS: KnownBooks = {}


class Wanted(NamedTuple):
    """A book of a venue, and whose account it is."""

    book: str
    account: str
    """Name or number; empty for the login's only practice account."""
    settings: AccountSettings | None
    """What is its own."""


def wanted_books(settings: Settings, venue: str, known: KnownBooks) -> tuple[Wanted, ...]:
    """The books of a venue whose accounts are named; none where all of the login are wanted.

    An account that the journal knows keeps the name of its book, whatever would be its name now: its history
    goes on.
    """
    section = settings.venues[venue]
    if section.all_accounts is not None:
        return ()
    if not section.accounts:
        only = AccountSpec().name if section.practice else ""
        return (Wanted(known.get(only, venue), only, None),)
    return tuple(
        Wanted(known.get(one.name, book_name(venue, section, one)), one.name, one)
        for one in section.accounts
        if one.enabled
    )


def known_books(state: State, venue: str) -> dict[str, str]:
    """What the journal knows of a venue's books."""
    known: dict[str, str] = {}
    for book in state.books.values():
        account = book.account
        if account is None or account.kind is AccountKind.PAPER or not of_venue(book.book, venue):
            continue
        for name in (account.name, account.id):
            known.setdefault(name, book.book)
    return known


def of_venue(book: str, venue: str) -> bool:
    """Whether a book's name is one of a venue's: venues' names don't begin alike."""
    return book == venue or book.startswith(f"{venue}-")


def book_configs(
    settings: Settings, known: Mapping[str, KnownBooks], capabilities: Capabilities
) -> tuple[BookConfig, ...]:
    """The books of a run that are named, those of the venues first; `known` by venue."""
    return (*_at_venues(settings, known, capabilities), *paper_books(settings))


def templates(settings: Settings, capabilities: Capabilities) -> tuple[BookConfig, ...]:
    """How books are traded whose accounts are found at the venue: one for each that takes all of a login."""
    return tuple(
        _config(settings, venue, Wanted("", "", section.all_accounts), capabilities)
        for venue, section in settings.active.items()
        if section.all_accounts is not None
    )


def account_book(venue: str, account: str, known: KnownBooks) -> str:
    """What the book of an account is called that was found at the venue."""
    return known.get(account) or f"{venue}-{small(account)}"


def _at_venues(
    settings: Settings, known: Mapping[str, KnownBooks], capabilities: Capabilities
) -> Iterator[BookConfig]:
    for venue in settings.active:
        for wanted in wanted_books(settings, venue, known.get(venue, {})):
            yield _config(settings, venue, wanted, capabilities)


def _config(settings: Settings, venue: str, wanted: Wanted, capabilities: Capabilities) -> BookConfig:
    own = wanted.settings
    brackets = settings.venues[venue].brackets
    if own is None:
        risk = risk_limits(settings)
        return BookConfig(wanted.book, venue, risk, capabilities, brackets)
    risk = account_limits(settings, own.risk)
    return BookConfig(wanted.book, venue, risk, capabilities, own.brackets or brackets, own.copy_ratio)

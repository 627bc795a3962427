"""The venues of one run: an adapter each, with the accounts that it is to trade, and the books of all."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from pydantic import SecretStr

from adapters.common.secret import Secret
from adapters.projectx.venue import book_name
from adapters.simulator.process import Ready
from engine.market.calendars.known import CME
from engine.model.config import BookConfig
from engine.model.errors import PortError
from engine.model.events import AccountFound
from engine.ports import Broker, FindsAccounts, MarketFeed, OpenVenue
from engine.state.state import State
from tstream.clock import RunClock
from tstream.convert.books import (
    WantedBook,
    book_configs,
    known_accounts,
    known_books,
    left_open,
    templates,
    wanted_books,
)
from tstream.convert.venues import asked_book, on_practice, venue_asked
from tstream.run.practice import PracticeProcess
from tstream.settings.model import Settings
from tstream.settings.venues import PRACTICE, AccountSettings
from tstream.venues.kind import AskedBook, Credentials, LastAccount, Listening, VenueAsked

log = logging.getLogger(__name__)

FIND_S = 20.0
"""A login gets so long to list its accounts, where all of them are wanted, real seconds."""

ACCOUNTS_S = 300.0
"""Between two looks for accounts that a login has got, real seconds: one request, of 200 a minute."""


class Venues:
    """Made before anything connects: each adapter connects by itself, and none waits for another."""

    def __init__(self, settings: Settings, state: State, clock: RunClock, *, left_too: bool = False) -> None:
        """With `left_too` books that still hold something are served too, though nobody wants them now."""
        self._settings = settings
        self._state = state
        self._clock = clock
        self._wanted: dict[str, tuple[WantedBook, ...]] = {}
        self._open: dict[str, OpenVenue] = {}
        for venue in settings.active:
            wanted = wanted_books(settings, venue, known_books(state, venue))
            self._wanted[venue] = (*wanted, *left_open(state, venue, wanted)) if left_too else wanted

    async def open(self, practice: Mapping[str, Ready], processes: Mapping[str, PracticeProcess]) -> None:
        """Make the adapters: of the practice venues that listen, and of every other venue. Where all accounts
        of a login are wanted they are asked for, at all such venues at once.
        """
        asked: dict[str, VenueAsked] = {}
        for name, venue in self._settings.active.items():
            one = self._asked(name)
            if venue.practice:
                if name not in practice:
                    continue
                ready = practice[name]
                at = Listening(ready.url, twin_login(processes[name].key), self._clock)
                one = on_practice(one, at, ready.rate)
            asked[name] = one
            self._open[name] = venue.about.make(one)
        await asyncio.gather(*(self._find(one) for one in asked.values() if one.every_account))

    def _asked(self, name: str) -> VenueAsked:
        clock = self._clock
        asked = venue_asked(self._settings, name, clock, self._wanted[name])
        parts = (Secret(partial(self._secret, name, part)) for part in ("key", "secret", "passphrase"))
        return dataclasses.replace(
            asked,
            login=Credentials(asked.login.user, *parts),
            books=tuple(self._remembered(book) for book in asked.books),
            session_open=lambda ts: market_open(ts - clock() + clock.wall()),
        )

    def _remembered(self, book: AskedBook) -> AskedBook:
        return book._replace(last=last_known(self._state, book.book))

    async def _find(self, asked: VenueAsked) -> None:
        """Find the accounts of a login of which all are wanted. Where it can't be asked now, those that the
        journal knows are tried; the others wait for the next start.
        """
        name = asked.name
        venue = self._open[name]
        if not isinstance(venue, FindsAccounts):
            return
        try:
            async with asyncio.timeout(FIND_S):
                known_as = known_books(self._state, name)
                await venue.find_accounts(lambda account: known_as.get(account) or book_name(name, account))
        except (PortError, TimeoutError) as error:
            why = str(error) or f"no answer within {FIND_S:.0f} s"
            here = {one.account for one in asked.books} | asked.left_out
            known = tuple(
                self._remembered(asked_book(one))
                for one in known_accounts(self._state, name)
                if one.account not in here
            )
            names = ", ".join(one.book for one in known) or "none"
            log.critical("%s: its accounts can't be listed (%s); known from before: %s", name, why, names)
            await venue.close()
            again = dataclasses.replace(asked, books=(*asked.books, *known))
            self._open[name] = self._settings.venues[name].about.make(again)

    async def watch(self, hear: Callable[[AccountFound], None]) -> None:
        """Tell of accounts that a login gets while the engine runs, where all of it are wanted; until
        cancelled. A login that can't be asked now is asked again: its links say so.
        """
        every = [name for name in self._open if self._settings.venues[name].all_accounts is not None]
        while every:
            await asyncio.sleep(ACCOUNTS_S)
            for name in every:
                venue = self._open[name]
                if not isinstance(venue, FindsAccounts):
                    continue
                with suppress(PortError):
                    for account in await venue.new_accounts():
                        hear(AccountFound(ts_recv=self._clock(), venue=name, name=account))

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(venue.close() for venue in self._open.values()))

    @property
    def feeds(self) -> dict[str, MarketFeed]:
        return {name: venue.feed for name, venue in self._open.items() if venue.feed is not None}

    @property
    def brokers(self) -> list[Broker]:
        return [broker for name in self._open for broker in self._traded(name)]

    def _traded(self, name: str) -> Sequence[Broker]:
        """The brokers of a venue, where any account of it is traded."""
        venue = self._open.get(name)
        return () if venue is None or self._settings.venues[name].prices_only else venue.brokers

    @property
    def books(self) -> tuple[BookConfig, ...]:
        """The books that are named in the settings, and those of the accounts that were found."""
        wanted = {name: (*books, *self._found(name)) for name, books in self._wanted.items()}
        return book_configs(self._settings, wanted)

    def _found(self, name: str) -> list[WantedBook]:
        like = self._settings.venues[name].all_accounts
        named = {one.book for one in self._wanted[name]}
        return [WantedBook(one.book, "", like) for one in self._traded(name) if one.book not in named]

    def follow(self, settings: Settings) -> None:
        """Logins are those of these settings from now on; adapters ask for them when they log in."""
        self._settings = settings

    async def close_one(self, name: str) -> None:
        """Close the connections of a venue, which opens them again when it is asked for something."""
        if name in self._open:
            await self._open[name].close()

    def _secret(self, name: str, part: str) -> str:
        secret: SecretStr = getattr(self._settings.login(name), part)
        return secret.get_secret_value()

    def terms(self, settings: Settings) -> tuple[tuple[BookConfig, ...], tuple[BookConfig, ...]]:
        """Books and templates of the same venues and accounts by other settings."""
        wanted = {
            name: [one._replace(settings=_same(settings, name, one)) for one in (*books, *self._found(name))]
            for name, books in self._wanted.items()
        }
        return book_configs(settings, wanted), templates(settings)

    @property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """By instrument, who prices it: every venue of the run, in the settings' order, or its own."""
        settings = self._settings
        table = settings.instrument_table() if len(settings.active) > 1 else ()
        return {one.symbol: settings.priced_at(one) for one in table}

    @property
    def templates(self) -> tuple[BookConfig, ...]:
        """Of the books whose accounts are found at their venue."""
        return templates(self._settings)


def _same(settings: Settings, venue: str, wanted: WantedBook) -> AccountSettings | None:
    """What is a book's own by these settings."""
    own = wanted.settings
    named = (one for one in settings.venues[venue].accounts if own is not None and one.name == own.name)
    return next(named, own)


def last_known(state: State, book: str) -> LastAccount | None:
    """What the journal knows of a book's account and of its contracts at the venue."""
    known = state.books.get(book)
    if known is None or known.account is None:
        return None
    return LastAccount(known.account.id, known.account.name, state.month_ids(known.venue) | known.held_ids)


def twin_login(key: str) -> Credentials:
    """What logs in at a practice venue of this installation: one text in every part of it."""
    secret = Secret(key)
    return Credentials(PRACTICE, secret, secret, secret)


def market_open(ts: int) -> bool:
    """Whether silence of the market would be a fault at a time, nanoseconds UTC."""
    return CME.is_open(ts)

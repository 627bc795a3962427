"""The venues of one run: an adapter each, with the accounts that it is to trade, and the books of all."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress

from adapters.projectx.broker import ProjectXBroker
from adapters.projectx.config import LastKnown, ProjectXConfig, WantedAccount
from adapters.projectx.requests import CAPABILITIES
from adapters.projectx.venue import ProjectXVenue, book_name
from adapters.simulator.process import Ready
from engine.market.calendars.known import CME
from engine.model.config import BookConfig
from engine.model.errors import PortError
from engine.model.events import AccountFound
from engine.model.symbols import priced_by
from engine.ports import Broker, MarketFeed
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
from tstream.convert.venues import practice_config, projectx_config
from tstream.run.practice import PracticeProcess
from tstream.settings.model import Settings

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
        self._open: dict[str, ProjectXVenue] = {}
        for venue in settings.active:
            wanted = wanted_books(settings, venue, known_books(state, venue))
            self._wanted[venue] = (*wanted, *left_open(state, venue, wanted)) if left_too else wanted

    async def open(self, practice: Mapping[str, Ready], processes: Mapping[str, PracticeProcess]) -> None:
        """Make the adapters: of the practice venues that listen, and of every other venue. Where all accounts
        of a login are wanted they are asked for, at all such venues at once.
        """
        for name, venue in self._settings.active.items():
            wanted = self._wanted[name]
            if not venue.practice:
                config = projectx_config(self._settings, name, wanted)
            elif name in practice:
                ready = practice[name]
                config = practice_config(
                    self._settings, name, ready.url, processes[name].key, ready.rate, wanted
                )
            else:
                continue
            self._open[name] = self._venue(config)
        await asyncio.gather(*(self._find(name) for name in self._open))

    def _venue(self, config: ProjectXConfig) -> ProjectXVenue:
        clock = self._clock
        accounts = tuple(
            dataclasses.replace(one, last=last_known(self._state, one.book)) for one in config.accounts
        )
        return ProjectXVenue(
            dataclasses.replace(config, accounts=accounts),
            clock,
            session_open=lambda ts: market_open(ts - clock() + clock.wall()),
        )

    async def _find(self, name: str) -> None:
        """Find the accounts of a login of which all are wanted. Where it can't be asked now, those that the
        journal knows are tried; the others wait for the next start.
        """
        venue = self._open[name]
        try:
            async with asyncio.timeout(FIND_S):
                known_as = known_books(self._state, name)
                await venue.find_accounts(lambda account: known_as.get(account) or book_name(name, account))
        except (PortError, TimeoutError) as error:
            why = str(error) or f"no answer within {FIND_S:.0f} s"
            here = {str(one.name) for one in venue.config.accounts}
            known = tuple(
                WantedAccount(book=one.book, name=one.account)
                for one in known_accounts(self._state, name)
                if one.account not in here
            )
            names = ", ".join(one.book for one in known) or "none"
            log.critical("%s: its accounts can't be listed (%s); known from before: %s", name, why, names)
            await venue.close()
            accounts = (*venue.config.accounts, *known)
            self._open[name] = self._venue(dataclasses.replace(venue.config, accounts=accounts))

    async def watch(self, hear: Callable[[AccountFound], None]) -> None:
        """Tell of accounts that a login gets while the engine runs, where all of it are wanted; until
        cancelled. A login that can't be asked now is asked again: its links say so.
        """
        every = {name: venue for name, venue in self._open.items() if venue.config.every_account}
        while every:
            await asyncio.sleep(ACCOUNTS_S)
            for name, venue in every.items():
                off = {one.name for one in self._settings.venues[name].accounts if not one.enabled}
                with suppress(PortError):
                    for account in await venue.new_accounts():
                        if account not in off:
                            hear(AccountFound(ts_recv=self._clock(), venue=name, name=account))

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(venue.close() for venue in self._open.values()))

    @property
    def feeds(self) -> dict[str, MarketFeed]:
        return {name: venue.feed for name, venue in self._open.items()}

    @property
    def brokers(self) -> list[Broker]:
        return [broker for name, venue in self._open.items() for broker in self._of(name, venue)]

    def _of(self, name: str, venue: ProjectXVenue) -> list[ProjectXBroker]:
        """Brokers of a venue, without those of accounts that are disabled."""
        off = {one.name for one in self._settings.venues[name].accounts if not one.enabled}
        books = {book_name(name, account) for account in off}
        return [one for one in venue.brokers if one.book not in books and str(one.wanted.name) not in off]

    @property
    def books(self) -> tuple[BookConfig, ...]:
        """The books that are named in the settings, and those of the accounts that were found."""
        wanted = {name: (*books, *self._found(name)) for name, books in self._wanted.items()}
        return book_configs(self._settings, wanted, CAPABILITIES)

    def _found(self, name: str) -> list[WantedBook]:
        venue, like = self._open.get(name), self._settings.venues[name].all_accounts
        named = {one.book for one in self._wanted[name]}
        brokers = [] if venue is None else self._of(name, venue)
        return [WantedBook(one.book, "", like) for one in brokers if one.book not in named]

    @property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """By instrument, who prices it: every venue of the run, in the settings' order, or its own."""
        venues = tuple(self._settings.active)
        table = self._settings.instrument_table() if len(venues) > 1 else ()
        return {one.symbol: priced_by(one.symbol, venues) for one in table}

    @property
    def templates(self) -> tuple[BookConfig, ...]:
        """Of the books whose accounts are found at their venue."""
        return templates(self._settings, CAPABILITIES)


def last_known(state: State, book: str) -> LastKnown | None:
    """What the journal knows of a book's account and of its contracts at the venue."""
    known = state.books.get(book)
    if known is None or known.account is None:
        return None
    return LastKnown(
        account_id=known.account.id,
        account_name=known.account.name,
        contracts=state.month_ids(known.venue) | known.held_ids,
    )


def market_open(ts: int) -> bool:
    """Whether silence of the market would be a fault at a time, nanoseconds UTC."""
    return CME.is_open(ts)

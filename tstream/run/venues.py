"""The venues of one run: an adapter each, with the accounts that it is to trade, and the books of all."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping

from adapters.projectx.config import LastKnown, ProjectXConfig
from adapters.projectx.requests import CAPABILITIES
from adapters.projectx.venue import ProjectXVenue
from adapters.simulator.process import Ready
from engine.market import sessions
from engine.model.config import BookConfig
from engine.model.view import SessionPhase
from engine.ports import Broker, MarketFeed
from engine.state.state import State
from tstream.clock import RunClock
from tstream.convert.books import KnownBooks, book_configs, known_books, templates
from tstream.convert.venues import practice_config, projectx_config
from tstream.run.practice import PracticeProcess
from tstream.settings.model import Settings


class Venues:
    """Made before anything connects: each adapter connects by itself, and none waits for another."""

    def __init__(
        self, settings: Settings, state: State, clock: RunClock, *, only_known: bool = False
    ) -> None:
        self._settings = settings
        self._state = state
        self._clock = clock
        self._known: dict[str, KnownBooks] = {venue: known_books(state, venue) for venue in settings.active}
        self._open: dict[str, ProjectXVenue] = {}

    def open(self, practice: Mapping[str, Ready], processes: Mapping[str, PracticeProcess]) -> None:
        """Make the adapters: of the practice venues that listen, and of every other venue."""
        for name, venue in self._settings.active.items():
            if not venue.practice:
                config = projectx_config(self._settings, name, self._known[name])
            elif name in practice:
                ready = practice[name]
                config = practice_config(
                    self._settings, name, ready.url, processes[name].key, ready.rate, self._known[name]
                )
            else:
                continue
            self._open[name] = self._venue(config)

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

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(venue.close() for venue in self._open.values()))

    @property
    def feeds(self) -> dict[str, MarketFeed]:
        return {name: venue.feed for name, venue in self._open.items()}

    @property
    def brokers(self) -> list[Broker]:
        return [broker for venue in self._open.values() for broker in venue.brokers]

    @property
    def books(self) -> tuple[BookConfig, ...]:
        """The books that are named in the settings."""
        return book_configs(self._settings, self._known, CAPABILITIES)

    @property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """By instrument, who prices it: every venue of the run, in the settings' order."""
        venues = tuple(self._settings.active)
        return {one.symbol: venues for one in self._settings.instrument_table()} if len(venues) > 1 else {}

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
    return sessions.phase(ts) is not SessionPhase.CLOSED

"""One ProjectX venue: a login with its market feed and a broker for each of its accounts."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable

from adapters.projectx.access import Access
from adapters.projectx.broker import ProjectXBroker
from adapters.projectx.config import MOST_ACCOUNTS, ProjectXConfig, SessionOpen, WantedAccount, always_open
from adapters.projectx.feed import ProjectXFeed
from adapters.projectx.user_hub import UserHub
from adapters.projectx.wire import WireAccount
from engine.model.errors import FatalError
from engine.ports import Clock, MarketFeed

_log = logging.getLogger(__name__)
_ODD = re.compile(r"[^a-z0-9]+")


class ProjectXVenue(Access):
    """`feed` and `brokers` share one login, one connection to each hub, one rate budget and one table of
    contracts.
    """

    def __init__(
        self,
        config: ProjectXConfig,
        clock: Clock,
        *,
        session_open: SessionOpen = always_open,
        rng: random.Random | None = None,
    ) -> None:
        """`session_open` tells when silence of the market is a fault; `rng` spreads reconnects.

        Raises FatalError for accounts that can't be told apart.
        """
        super().__init__(config, clock, session_open, rng or random.Random())
        _check(config)
        self.feed: MarketFeed = ProjectXFeed(self)
        self.user_hub = UserHub(self)
        self.brokers = tuple(ProjectXBroker(self, self.user_hub, wanted) for wanted in config.accounts)
        """One for each account; with `every_account` those of the config until `find_accounts`."""
        self._listed: set[int] = set()
        """Accounts that were found, whether they were taken or left out."""

    async def find_accounts(self, name: Callable[[str], str] | None = None) -> tuple[ProjectXBroker, ...]:
        """With `every_account`: a broker for each other account of the login that may trade, up to
        MOST_ACCOUNTS in all. Gives all brokers.

        `name` names the book of an account, by its name; without it that is "VENUE-name" in small letters.

        Raises RetryableError, FatalError where the login needs a person.
        """
        if self.config.every_account:
            books = {broker.book for broker in self.brokers}
            found = await self._others()
            room = MOST_ACCOUNTS - len(self.brokers)
            if len(found) > room:
                left = ", ".join(row.name for row in found[room:])
                _log.warning(
                    "%s: %d accounts are the most; left out: %s", self.config.venue, MOST_ACCOUNTS, left
                )
            for row in found[:room]:
                book = book_name(self.config.venue, row.name) if name is None else name(row.name)
                if book in books:
                    book = f"{book}-{row.id}"
                books.add(book)
                account = WantedAccount(book=book, name=row.id)
                self.brokers += (ProjectXBroker(self, self.user_hub, account),)
                _log.info("%s: the account %s is the book %s", self.config.venue, row.name, book)
        return self.brokers

    async def new_accounts(self) -> list[str]:
        """With `every_account`: names of those that may trade and have not been found before, each once.

        Raises RetryableError, FatalError where the login needs a person.
        """
        known = set(self._listed)
        return [row.name for row in await self._others() if row.id not in known]

    async def _others(self) -> list[WireAccount]:
        """Accounts of the login that may trade and have no broker yet, by name."""
        known = {str(broker.wanted.name) for broker in self.brokers} | self.config.left_out
        rows = [row for row in await self.accounts(active=True) if row.can_trade and row.is_visible]
        found = [row for row in rows if not known & {row.name, str(row.id)}]
        self._listed.update(row.id for row in found)
        return sorted(found, key=lambda row: row.name)


def book_name(venue: str, account: str) -> str:
    """Of an account without a label of its own: small letters, figures and dashes."""
    return f"{venue}-{_ODD.sub('-', account.lower()).strip('-')}"


def _check(config: ProjectXConfig) -> None:
    """Raises FatalError."""
    wanted = config.accounts
    if len(wanted) > MOST_ACCOUNTS:
        raise FatalError(f"{config.venue}: {len(wanted)} accounts, {MOST_ACCOUNTS} of one login are the most")
    if len({one.book for one in wanted}) < len(wanted):
        raise FatalError(f"{config.venue}: two accounts have the same book")
    if len(wanted) + config.every_account > 1 and any(one.name in (None, "") for one in wanted):
        raise FatalError(f"{config.venue}: of several accounts each needs its name")

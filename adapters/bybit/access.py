"""One key of Bybit, and what its feed and its broker share: calls, terms of instruments, the link's words."""

from __future__ import annotations

import random
from decimal import Decimal

from adapters.bybit import mapping
from adapters.bybit.config import BybitConfig
from adapters.bybit.mapping import BybitProduct
from adapters.bybit.queries import BybitQueries
from adapters.bybit.rest import BybitRest
from adapters.bybit.wire import BybitKey, BybitTerms, BybitWireError
from adapters.common.listed_access import ListedAccess
from engine.model.errors import RetryableError
from engine.model.orders import Account
from engine.ports import Clock

_TRADING = "Trading"


class BybitAccess(ListedAccess[BybitProduct, BybitTerms]):
    rest: BybitRest

    def __init__(self, config: BybitConfig, clock: Clock, rng: random.Random) -> None:
        """Raises FatalError for instruments that do not belong here."""
        self.config = config.checked()
        super().__init__(config.venue, config.instruments.values(), BybitProduct, clock, rng)
        self.rest = BybitRest(config, clock, self.anomalies, self._health)
        self.queries = BybitQueries(self.rest, config, self.anomalies)

    async def _ask(self, root: str) -> BybitTerms | None:
        return await self.queries.instrument(root)

    def _difference(self, row: BybitTerms, product: BybitProduct) -> str | None:
        return mapping.terms_differ(row, product.instrument)

    def _pause(self, row: BybitTerms) -> str:
        return "" if row.status == _TRADING else row.status[:20]

    def least_notional(self, root: str) -> Decimal:
        """As the venue told it, else as our table has it."""
        row = self.listed.get(root)
        ours = self.products[root].instrument.least_notional
        return ours if row is None else max(ours, mapping.least_notional(row))

    def most_at_market(self, root: str) -> int | None:
        """Lots of one market order; None where nobody has told."""
        row = self.listed.get(root)
        return None if row is None else mapping.most_at_market(row, self.products[root].instrument)

    async def account(self, key: BybitKey | None = None) -> Account:
        """The account behind the key. Raises RetryableError, FatalError."""
        found = key or await self.queries.key()
        wallet = await self.queries.wallet()
        try:
            return mapping.account(found, wallet, self.config)
        except BybitWireError as error:
            raise RetryableError(f"balance: {error}") from None

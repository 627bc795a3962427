"""One key of Coinbase, and what its feed and its broker share: calls, terms of products, the link's words."""

from __future__ import annotations

import random
from decimal import Decimal

from adapters.coinbase import mapping
from adapters.coinbase.config import CoinbaseConfig
from adapters.coinbase.mapping import CoinbaseCoin
from adapters.coinbase.queries import CoinbaseQueries
from adapters.coinbase.rest import CoinbaseRest
from adapters.coinbase.wire import CoinbaseKey, CoinbaseProduct, CoinbaseWireError
from adapters.common.listed_access import ListedAccess
from adapters.common.rate_budget import Priority
from engine.model.errors import RetryableError
from engine.model.orders import Account
from engine.ports import Clock


class CoinbaseAccess(ListedAccess[CoinbaseCoin, CoinbaseProduct]):
    rest: CoinbaseRest

    def __init__(self, config: CoinbaseConfig, clock: Clock, rng: random.Random) -> None:
        """Raises FatalError for products that do not belong here, and for a key that can't be read."""
        self.config = config.checked()
        super().__init__(config.venue, config.instruments.values(), CoinbaseCoin, clock, rng)
        self.rest = CoinbaseRest(config, clock, self.anomalies, self._health)
        self.queries = CoinbaseQueries(self.rest, self.anomalies)

    async def _ask(self, root: str) -> CoinbaseProduct | None:
        return await self.queries.product(root)

    def _difference(self, row: CoinbaseProduct, product: CoinbaseCoin) -> str | None:
        return mapping.terms_differ(row, product.instrument)

    def _pause(self, row: CoinbaseProduct) -> str:
        return mapping.pause(row)

    def told(self) -> dict[str, CoinbaseCoin]:
        """By the name under which the streams tell of a product: a twin that is paid with USDC comes under
        its sibling's.
        """
        rows = self.listed
        return {
            (row.alias or root if (row := rows.get(root)) is not None else root): coin
            for root, coin in super().told().items()
        }

    def least_notional(self, root: str) -> Decimal:
        """As the venue told it, or as our table has it, whichever is more."""
        row = self.listed.get(root)
        ours = self.products[root].instrument.least_notional
        try:
            return ours if row is None else max(ours, mapping.amount(row.quote_min_size))
        except ValueError:
            return ours

    async def account(self, key: CoinbaseKey | None = None) -> Account:
        """The portfolio behind the key. Raises RetryableError, FatalError."""
        found = key or await self.queries.key()
        wallets = await self.queries.wallets(Priority.QUERY)
        try:
            return mapping.account(found, wallets, self.config)
        except CoinbaseWireError as error:
            raise RetryableError(f"balances: {error}") from None

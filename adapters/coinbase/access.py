"""One key of Coinbase, and what its feed and its broker share: calls, terms of products, the link's words."""

from __future__ import annotations

import asyncio
import logging
import random
from decimal import Decimal

from adapters.coinbase import mapping
from adapters.coinbase.config import CoinbaseConfig
from adapters.coinbase.mapping import CoinbaseCoin
from adapters.coinbase.queries import CoinbaseQueries
from adapters.coinbase.rest import CoinbaseRest
from adapters.coinbase.wire import CoinbaseKey, CoinbaseProduct, CoinbaseWireError
from adapters.common.anomalies import Anomalies
from adapters.common.rate_budget import Priority
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.model.events import ContractResolved, LinkChanged, LinkState
from engine.model.orders import Account
from engine.ports import Clock, Sink

_log = logging.getLogger(__name__)


class CoinbaseAccess:
    def __init__(self, config: CoinbaseConfig, clock: Clock, rng: random.Random) -> None:
        """Raises FatalError for products that do not belong here, and for a key that can't be read."""
        self.config = config.checked()
        self.clock = clock
        self.rng = rng
        self.anomalies = Anomalies()
        """Records that made no sense, by kind, counted since the start."""
        self.coins = {one.root: CoinbaseCoin(one) for one in config.instruments.values()}
        """By product id."""
        self.rest = CoinbaseRest(config, clock, self.anomalies, self._health)
        self.queries = CoinbaseQueries(self.rest, self.anomalies)
        self._listed: dict[str, CoinbaseProduct] = {}
        self._gone: set[str] = set()
        """What was listed and is not any more."""
        self._resolving = asyncio.Lock()
        self._sinks: list[Sink] = []
        self._told: tuple[LinkState, str] | None = None

    def coin(self, symbol: str) -> CoinbaseCoin:
        """Raises RefusedError for an instrument that is not configured."""
        known = self.config.instruments.get(symbol)
        if known is None:
            raise RefusedError(f"{symbol} is not among the instruments of this venue")
        return self.coins[known.root]

    def told_as(self) -> dict[str, CoinbaseCoin]:
        """By the name under which the streams tell of a product: a twin that is paid with USDC comes under
        its sibling's. One that has ended takes no others along.
        """
        return {
            (row.alias or root if (row := self._listed.get(root)) is not None else root): coin
            for root, coin in self.coins.items()
            if root not in self._gone
        }

    async def resolve(self) -> None:
        """Ask for the terms of every product: at each connection, as they may be paused or end.

        Raises RetryableError, and FatalError where the venue does not list one or sees its steps otherwise.
        """
        async with self._resolving:
            for root, coin in self.coins.items():
                await self._resolve(root, coin)

    async def ensure(self) -> None:
        """Resolve once, whoever asks first."""
        if len(self._listed) < len(self.coins):
            await self.resolve()

    async def _resolve(self, root: str, coin: CoinbaseCoin) -> None:
        symbol = coin.instrument.symbol
        row = await self.queries.product(root)
        if row is None:
            if root not in self._listed:
                raise FatalError(
                    f"the venue lists no {root} ({symbol}): take it out of the instruments, or check its root"
                )
            self._gone.add(root)
            _log.warning("%s: the venue does not list %s any more", self.config.venue, root)
            return
        self._gone.discard(root)
        try:
            difference = mapping.terms_differ(row, coin.instrument)
        except CoinbaseWireError as error:
            raise RetryableError(f"terms of {root}: {error}") from None
        if difference is not None:
            raise FatalError(f"{symbol} ({root}): {difference}: correct the settings")
        if state := mapping.pause(row):
            _log.warning("%s: %s takes no entries now (%s)", self.config.venue, root, state)
        self._listed[root] = row

    def paused(self, root: str) -> str:
        """Why a product takes no entries; empty if it does."""
        row = self._listed.get(root)
        if root in self._gone:
            return "it is not listed any more"
        return "" if row is None else mapping.pause(row)

    def least_notional(self, root: str) -> Decimal:
        """As the venue told it, or as our table has it, whichever is more."""
        row = self._listed.get(root)
        ours = self.coins[root].instrument.least_notional
        try:
            return ours if row is None else max(ours, mapping.amount(row.quote_min_size))
        except ValueError:
            return ours

    def contracts(self) -> list[ContractResolved]:
        now = self.clock()
        return [
            ContractResolved(
                ts_recv=now,
                instrument=coin.instrument,
                contract_id=root,
                name=root,
                venue=self.config.venue,
            )
            for root, coin in self.coins.items()
        ]

    async def account(self, key: CoinbaseKey | None = None) -> Account:
        """The portfolio behind the key. Raises RetryableError, FatalError."""
        found = key or await self.queries.key()
        wallets = await self.queries.wallets(Priority.QUERY)
        try:
            return mapping.account(found, wallets, self.config)
        except CoinbaseWireError as error:
            raise RetryableError(f"balances: {error}") from None

    def hear(self, sink: Sink) -> None:
        """From now on this sink hears how the REST interface stands."""
        self._sinks.append(sink)

    async def leave(self, sink: Sink) -> None:
        """No more; the last one out closes the connections."""
        self._sinks.remove(sink)
        if not self._sinks:
            await self.rest.close()

    def _health(self, ok: bool, text: str) -> None:
        told = (LinkState.LIVE if ok else LinkState.DOWN, text)
        if told == self._told:
            return
        self._told = told
        used, allowed = self.rest.used()
        for sink in self._sinks:
            sink(
                LinkChanged(
                    ts_recv=self.clock(),
                    link="rest",
                    state=told[0],
                    detail=text,
                    venue=self.config.venue,
                    used=used,
                    allowed=allowed,
                )
            )

"""One key of Bybit, and what its feed and its broker share: calls, terms of instruments, the link's words."""

from __future__ import annotations

import asyncio
import logging
import random
from decimal import Decimal

from adapters.bybit import mapping
from adapters.bybit.config import BybitConfig
from adapters.bybit.mapping import BybitProduct
from adapters.bybit.queries import BybitQueries
from adapters.bybit.rest import BybitRest
from adapters.bybit.wire import BybitKey, BybitTerms, BybitWireError
from adapters.common.anomalies import Anomalies
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.model.events import ContractResolved, LinkChanged, LinkState
from engine.model.orders import Account
from engine.ports import Clock, Sink

_log = logging.getLogger(__name__)
_TRADING = "Trading"


class BybitAccess:
    def __init__(self, config: BybitConfig, clock: Clock, rng: random.Random) -> None:
        """Raises FatalError for instruments that do not belong here."""
        self.config = config.checked()
        self.clock = clock
        self.rng = rng
        self.anomalies = Anomalies()
        """Records that made no sense, by kind, counted since the start."""
        self.products = {one.root: BybitProduct(one) for one in config.instruments.values()}
        """By the venue's name."""
        self.rest = BybitRest(config, clock, self.anomalies, self._health)
        self.queries = BybitQueries(self.rest, config, self.anomalies)
        self._listed: dict[str, BybitTerms] = {}
        self._gone: set[str] = set()
        """What was listed and is not any more."""
        self._resolving = asyncio.Lock()
        self._sinks: list[Sink] = []
        self._told: tuple[LinkState, str] | None = None

    def product(self, symbol: str) -> BybitProduct:
        """Raises RefusedError for an instrument that is not configured."""
        known = self.config.instruments.get(symbol)
        if known is None:
            raise RefusedError(f"{symbol} is not among the instruments of this venue")
        return self.products[known.root]

    async def resolve(self) -> None:
        """Ask for the terms of every instrument: at each connection, as limits change and symbols end.

        Raises RetryableError, and FatalError where the venue does not list one or sees its steps otherwise.
        """
        async with self._resolving:
            for root, product in self.products.items():
                await self._resolve(root, product)

    async def ensure(self) -> None:
        """Resolve once, whoever asks first."""
        if len(self._listed) < len(self.products):
            await self.resolve()

    async def _resolve(self, root: str, product: BybitProduct) -> None:
        symbol = product.instrument.symbol
        row = await self.queries.instrument(root)
        if row is None:
            if root not in self._listed:
                raise FatalError(
                    f"the venue lists no {root} ({symbol}) in {self.config.category}: "
                    "take it out of the instruments, or check its root"
                )
            self._gone.add(root)
            _log.warning("%s: the venue does not list %s any more", self.config.venue, root)
            return
        self._gone.discard(root)
        try:
            difference = mapping.terms_differ(row, product.instrument)
        except BybitWireError as error:
            raise RetryableError(f"terms of {root}: {error}") from None
        if difference is not None:
            raise FatalError(f"{symbol} ({root}): {difference}: correct the settings")
        if row.status != _TRADING:
            _log.warning("%s: %s is not trading now (%.20s)", self.config.venue, root, row.status)
        self._listed[root] = row

    def least_notional(self, root: str) -> Decimal:
        """As the venue told it, else as our table has it."""
        row = self._listed.get(root)
        ours = self.products[root].instrument.least_notional
        return ours if row is None else max(ours, mapping.least_notional(row))

    def most_at_market(self, root: str) -> int | None:
        """Lots of one market order; None where nobody has told."""
        row = self._listed.get(root)
        return None if row is None else mapping.most_at_market(row, self.products[root].instrument)

    def paused(self, root: str) -> str:
        """Why a symbol does not trade, in the venue's word for it; empty if it does."""
        row = self._listed.get(root)
        if root in self._gone:
            return "it is not listed any more"
        return "" if row is None or row.status == _TRADING else row.status[:20]

    def told(self) -> dict[str, BybitProduct]:
        """What the stream can tell of: one symbol that has ended takes no others along."""
        return {root: product for root, product in self.products.items() if root not in self._gone}

    def contracts(self) -> list[ContractResolved]:
        now = self.clock()
        return [
            ContractResolved(
                ts_recv=now,
                instrument=product.instrument,
                contract_id=root,
                name=root,
                venue=self.config.venue,
            )
            for root, product in self.products.items()
        ]

    async def account(self, key: BybitKey | None = None) -> Account:
        """The account behind the key. Raises RetryableError, FatalError."""
        found = key or await self.queries.key()
        wallet = await self.queries.wallet()
        try:
            return mapping.account(found, wallet, self.config)
        except BybitWireError as error:
            raise RetryableError(f"balance: {error}") from None

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

"""Which symbols of the venue stand for our instruments, and what it says of them now."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from adapters.binance.mapping import LotGrid
from adapters.binance.rest import SpotRest
from adapters.binance.symbols import SymbolRules, rules_of, terms_differ
from adapters.common.anomalies import Anomalies
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.model.instrument import Instrument

_log = logging.getLogger(__name__)


class SpotSymbols:
    """The rules of each symbol, asked again at every connection and now and then."""

    def __init__(self, instruments: Mapping[str, Instrument], rest: SpotRest, anomalies: Anomalies) -> None:
        self._by_symbol = dict(instruments)
        self._rest = rest
        self._anomalies = anomalies
        self.grids = {one.root: LotGrid(one) for one in instruments.values()}
        """By the venue's own name."""
        self._rules: dict[str, SymbolRules] = {}
        self._asking = asyncio.Lock()

    @property
    def coins(self) -> list[str]:
        return sorted({grid.instrument.base for grid in self.grids.values()})

    def instrument(self, symbol: str) -> Instrument:
        """Raises RefusedError for one that is not configured."""
        found = self._by_symbol.get(symbol)
        if found is None:
            raise RefusedError(f"{symbol} is not among the instruments of this venue")
        return found

    def name_of(self, symbol: str) -> str:
        """The venue's own name. Raises RefusedError."""
        return self.instrument(symbol).root

    def rules(self, symbol: str) -> SymbolRules:
        """Raises RefusedError, and RetryableError before the venue was asked."""
        found = self._rules.get(self.name_of(symbol))
        if found is None:
            raise RetryableError(f"what Binance says of {symbol} is not known yet")
        return found

    async def ensure(self) -> None:
        """Ask once, whoever asks first; see resolve()."""
        async with self._asking:
            if len(self._rules) < len(self.grids):
                await self._resolve()

    async def resolve(self) -> None:
        """Ask the venue, again at every call.

        Raises RetryableError, and FatalError for a symbol that it does not list or whose terms are others.
        What is known already and is told otherwise later is kept: it may be held.
        """
        async with self._asking:
            try:
                await self._resolve()
            except RetryableError as error:
                if len(self._rules) < len(self.grids):
                    raise
                _log.warning("the symbols could not be asked again: %s", error)

    async def _resolve(self) -> None:
        rows = {row.symbol: row for row in await self._rest.symbols(sorted(self.grids))}
        for name, grid in self.grids.items():
            row, before = rows.get(name), self._rules.get(name)
            if row is None:
                text = f"Binance does not list {name} ({grid.instrument.symbol})"
                if before is None:
                    raise FatalError(f"{text}: take it out of the instruments, or check its root")
                if before.status != "DELISTED":
                    _log.warning("%s any more", text)
                    self._rules[name] = before._replace(status="DELISTED")
                continue
            try:
                rules = rules_of(row)
            except ValueError as error:
                self._anomalies.note("symbol", error, name)
                raise RetryableError(f"what Binance says of {name} can't be read: {error}") from None
            if (difference := terms_differ(rules, grid.instrument)) is not None:
                text = f"{grid.instrument.symbol}: {difference}"
                if before is None:
                    raise FatalError(f"{text}: correct the settings")
                _log.warning("%s: correct the settings", text)
            if rules.paused and (before is None or not before.paused):
                _log.warning("%s: no orders are sent", rules.paused)
            self._rules[name] = rules

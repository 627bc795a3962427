"""Which contract of the venue stands for which instrument. Asked of the venue, never built from letters."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping

from adapters.common.anomalies import Anomalies
from adapters.projectx import mapping
from adapters.projectx.rest import Rest
from adapters.projectx.wire import ContractRow
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.model.events import ContractResolved
from engine.model.instrument import Instrument

_log = logging.getLogger(__name__)


def symbol_id(instrument: Instrument) -> str:
    """The venue's name of the product, whatever its month."""
    return f"F.US.{instrument.root}"


class Contracts:
    """The active contract of every instrument, and the instrument of every contract id met so far."""

    def __init__(self, instruments: Mapping[str, Instrument], rest: Rest, anomalies: Anomalies) -> None:
        self._instruments = instruments
        self._by_symbol_id = {symbol_id(i): i for i in instruments.values()}
        self._rest = rest
        self._anomalies = anomalies
        self._active: dict[str, ContractRow] = {}
        self._by_contract: dict[str, Instrument | None] = {}
        self._held: dict[str, frozenset[str]] = {}
        """By book the contracts in which it holds a position."""
        self._resolving = asyncio.Lock()

    @property
    def resolved(self) -> bool:
        return len(self._active) == len(self._instruments)

    async def resolve(self) -> None:
        """Ask the venue for the active months, again at every call.

        Raises RetryableError, and FatalError when the venue has no active contract for an instrument or
        disagrees with us about what a tick is worth.
        """
        async with self._resolving:
            await self._resolve()

    async def ensure(self) -> None:
        """Resolve once, whoever asks first; see resolve()."""
        async with self._resolving:
            if not self.resolved:
                await self._resolve()

    def active_id(self, symbol: str) -> str:
        """Raises RefusedError for an instrument that is not configured, RetryableError before resolve()."""
        if symbol not in self._instruments:
            raise RefusedError(f"{symbol} is not among the instruments of this venue")
        row = self._active.get(symbol)
        if row is None:
            raise RetryableError(f"the contract of {symbol} is not known yet")
        return row.id

    def active_ids(self) -> dict[str, Instrument]:
        """Contract id to instrument, of the active months only."""
        return {row.id: self._instruments[symbol] for symbol, row in self._active.items()}

    def hold(self, book: str, contracts: Iterable[str]) -> None:
        """In which contracts, of whatever month, a book holds a position now."""
        self._held[book] = frozenset(contracts)

    def old_ids(self) -> dict[str, Instrument]:
        """Contract id to instrument, of the months that are held and not active any more."""
        active, found = self.active_ids(), frozenset[str]().union(*self._held.values())
        known = ((contract, self._by_contract.get(contract)) for contract in sorted(found - active.keys()))
        return {contract: instrument for contract, instrument in known if instrument is not None}

    def events(self, ts_recv: int, venue: str) -> list[ContractResolved]:
        return [
            ContractResolved(
                ts_recv=ts_recv,
                instrument=self._instruments[symbol],
                contract_id=row.id,
                name=row.name,
                venue=venue,
            )
            for symbol, row in self._active.items()
        ]

    def known(self, contract_id: str, symbol: str | None = None) -> bool:
        """Whether instrument() can answer; `symbol` is the record's symbol id where it has one."""
        if contract_id in self._by_contract:
            return True
        if symbol is None:
            return False
        self._by_contract[contract_id] = self._by_symbol_id.get(symbol)
        return True

    def instrument(self, contract_id: str) -> Instrument | None:
        """The instrument of a known contract, any month; None for a product that is not ours."""
        return self._by_contract.get(contract_id)

    async def learn(self, contract_id: str) -> Instrument | None:
        """instrument(), asking the venue about a contract not met before. Raises RetryableError."""
        if contract_id not in self._by_contract:
            try:
                row = await self._rest.contract(contract_id)
            except RefusedError as error:
                raise RetryableError(f"contract {contract_id}: {error}") from None
            self._by_contract[contract_id] = self._by_symbol_id.get(row.symbol_id)
        return self._by_contract[contract_id]

    async def _resolve(self) -> None:
        rows = await self._rest.contracts(self._note)
        if not rows:
            raise RetryableError("the venue lists no contracts at all")
        listed = _active_rows(rows)
        for instrument in self._instruments.values():
            row = listed.get(symbol_id(instrument)) or await self._search(instrument)
            if row is None:
                self._miss(instrument)
                continue
            if (difference := mapping.terms_differ(row, instrument)) is not None:
                raise FatalError(f"{instrument.symbol} ({row.name}): {difference}: correct the settings")
            self._active[instrument.symbol] = row
            self._by_contract[row.id] = instrument

    async def _search(self, instrument: Instrument) -> ContractRow | None:
        rows = await self._rest.search_contracts(instrument.root, self._note)
        return _active_rows(rows).get(symbol_id(instrument))

    def _miss(self, instrument: Instrument) -> None:
        text = f"the venue has no active contract for {instrument.symbol} ({symbol_id(instrument)})"
        if instrument.symbol not in self._active:
            raise FatalError(f"{text}: take it out of the instruments, or check its root")
        _log.warning("%s any more; going on with %s", text, self._active[instrument.symbol].name)

    def _note(self, error: ValueError) -> None:
        self._anomalies.note("contract", error)


def _active_rows(rows: list[ContractRow]) -> dict[str, ContractRow]:
    """By symbol id. Of two active months, which the venue should not have, the first stays."""
    active: dict[str, ContractRow] = {}
    for row in rows:
        if row.active_contract:
            active.setdefault(row.symbol_id, row)
    return active

"""What a book knows of its account across connections, and how the venue's rows become events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import TypeVar

from adapters.common.anomalies import Anomalies
from adapters.projectx import mapping
from adapters.projectx.contracts import Contracts
from adapters.projectx.wire import WireAccount, WireError, WireOrder, WirePosition, WireTrade
from engine.model.errors import FatalError, RetryableError
from engine.model.events import AccountReported, FillReported, OrderReported, PositionReported
from engine.model.instrument import Instrument
from engine.model.market import NANOS
from engine.model.orders import AccountKind, Fill, VenueOrder, VenuePosition
from engine.ports import Clock, Sink

_MOST_LOOKUPS = 16
"""Contracts that the venue is asked about at a time: a stream can't make us ask without end."""

Row = WireOrder | WireTrade | WirePosition
R = TypeVar("R", WireOrder, WireTrade, WirePosition)
T = TypeVar("T")


def choose_account(rows: Sequence[WireAccount], wanted: str | int | None) -> WireAccount:
    """The account with the wanted name or id; without one, the only tradable practice account.

    Never picks an account that is not practice by itself. Raises FatalError that lists the names.
    """
    names = ", ".join(sorted(row.name for row in rows)) or "none"
    if wanted is not None:
        for row in rows:
            if row.name == wanted or str(row.id) == str(wanted):
                return row
        raise FatalError(f"the login has no active account {str(wanted)!r}; it has: {names}")
    practice = [row for row in rows if mapping.account(row).kind is AccountKind.PRACTICE and row.is_visible]
    tradable = [row for row in practice if row.can_trade] or practice
    if len(tradable) == 1:
        return tradable[0]
    if tradable:
        raise FatalError(f"several practice accounts: name the one to trade on; the login has: {names}")
    raise FatalError(f"no practice account: name the account to trade on; the login has: {names}")


class AccountReports:
    """Turns rows of one account into events. `changes` counts the fills and position changes seen."""

    def __init__(self, book: str, contracts: Contracts, clock: Clock, anomalies: Anomalies) -> None:
        self.changes = 0
        self._book = book
        self._contracts = contracts
        self._clock = clock
        self._anomalies = anomalies
        self._sink: Sink | None = None
        self._held: dict[str, VenuePosition] = {}
        self._lookups: set[asyncio.Task[None]] = set()
        self._live_ts = 0
        self._told: set[str] = set()
        """Trades that the stream has told of."""
        self._untold: dict[str, tuple[float, int]] = {}
        """Trades of which only queries have told: since when, by the loop's clock and in nanoseconds UTC."""

    def renewed(self, clocks_s: float) -> None:
        """Another connection tells from now on, of what happens from now on: the venue's clock may be so many
        seconds from ours.
        """
        self._live_ts = self._clock() + int(clocks_s * NANOS)
        self._told.clear()
        self._untold.clear()

    def untold(self, before: float) -> int | None:
        """Since when (nanoseconds UTC) a trade is known that the stream ought to have told by now."""
        return min((ts for at, ts in self._untold.values() if at <= before), default=None)

    def open(self, sink: Sink) -> None:
        self._sink = sink

    async def close(self) -> None:
        """Report no more."""
        self._sink = None
        for task in self._lookups:
            task.cancel()
        await asyncio.gather(*self._lookups, return_exceptions=True)

    def account(self, row: WireAccount) -> None:
        if self._sink is not None:
            self._sink(
                AccountReported(
                    ts_recv=self._clock(), book=self._book, balance_usd=row.balance, can_trade=row.can_trade
                )
            )

    def deliver(self, row: Row, symbol_id: str | None = None) -> None:
        """Report a row of the stream, once it is known which product its contract is. Raises WireError."""
        if self._contracts.known(row.contract_id, symbol_id):
            self._report(row)
            return
        if len(self._lookups) >= _MOST_LOOKUPS:
            raise WireError("one contract too many that nobody knows")
        # A month that is not active, or another product: the venue tells. The rest of the stream goes on.
        task = asyncio.create_task(self._learn(row))
        self._lookups.add(task)
        task.add_done_callback(self._lookups.discard)

    def held_contracts(self, symbol: str) -> list[str]:
        """Contract ids, of whatever month, in which the account is known to hold a position."""
        return [contract for contract, position in self._held.items() if position.instrument == symbol]

    async def orders(self, rows: Iterable[WireOrder]) -> tuple[VenueOrder, ...]:
        """Our instruments' orders. Raises RetryableError if any row can't be understood."""
        rows = list(rows)
        for row in rows:
            self._contracts.known(row.contract_id, row.symbol_id)
        return tuple([order async for _, order in self._ours("order", rows, mapping.order)])

    async def fills(self, rows: Iterable[WireTrade]) -> tuple[Fill, ...]:
        """Our instruments' fills, oldest first. Raises RetryableError if any row can't be understood."""
        found = [fill async for _, fill in self._ours("trade", rows, mapping.fill) if fill is not None]
        at = asyncio.get_running_loop().time(), self._clock()
        for fill in found:
            if fill.ts_venue > self._live_ts and fill.trade_id not in self._told:
                self._untold.setdefault(fill.trade_id, at)
        return tuple(sorted(found, key=lambda fill: (fill.ts_venue, int(fill.trade_id))))

    async def positions(self, rows: Iterable[WirePosition]) -> tuple[VenuePosition, ...]:
        """Our instruments' positions, and the word on what is held from now on. Raises RetryableError."""
        told = {row.contract_id: found async for row, found in self._ours("position", rows, mapping.position)}
        self._held = {contract: position for contract, position in told.items() if position.qty}
        self._contracts.hold(self._book, self._held)
        symbols = sorted({position.instrument for position in self._held.values()})
        return tuple(self._net(symbol) for symbol in symbols)

    async def _ours(
        self, what: str, rows: Iterable[R], mapped: Callable[[R, Instrument], T]
    ) -> AsyncIterator[tuple[R, T]]:
        """Rows of our instruments, with what they mean. Raises RetryableError if one can't be understood."""
        for row in rows:
            instrument = await self._contracts.learn(row.contract_id)
            if instrument is not None:
                try:
                    yield row, mapped(row, instrument)
                except WireError as error:
                    self._anomalies.note(what, error, row.id)
                    raise RetryableError(f"{what} {row.id}: {error}") from None

    async def _learn(self, row: Row) -> None:
        try:
            await self._contracts.learn(row.contract_id)
            self._report(row)
        except (RetryableError, WireError) as error:
            self._anomalies.note("user hub record", error, row.contract_id)

    def _report(self, row: Row) -> None:
        instrument = self._contracts.instrument(row.contract_id)
        if instrument is None or self._sink is None:
            return
        now = self._clock()
        if isinstance(row, WireOrder):
            order = mapping.order(row, instrument)
            self._sink(OrderReported(ts_recv=now, ts_venue=order.ts_venue, book=self._book, order=order))
        elif isinstance(row, WireTrade):
            self.changes += 1
            self._told.add(str(row.id))
            self._untold.pop(str(row.id), None)
            if (fill := mapping.fill(row, instrument)) is not None:
                self._sink(FillReported(ts_recv=now, ts_venue=fill.ts_venue, book=self._book, fill=fill))
        else:
            position = mapping.position(row, instrument)
            self.changes += 1
            if position.qty:
                self._held[row.contract_id] = position
            else:
                self._held.pop(row.contract_id, None)
            self._contracts.hold(self._book, self._held)
            net = self._net(instrument.symbol, position)
            self._sink(PositionReported(ts_recv=now, book=self._book, position=net))

    def _net(self, symbol: str, last: VenuePosition | None = None) -> VenuePosition:
        """All months of a product as one position, with the average of the largest; `last` when flat."""
        months = [position for position in self._held.values() if position.instrument == symbol]
        largest = max(months, key=lambda position: abs(position.qty), default=last)
        assert largest is not None  # asked only for what is held or has just been told
        qty = sum(position.qty for position in months)
        return VenuePosition(symbol, qty, largest.average_price)

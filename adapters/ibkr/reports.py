"""What becomes of an account's orders, as the connection tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from adapters.ibkr import codes, mapping
from adapters.ibkr.gateway import Gateway
from adapters.ibkr.mapping import OddRecordError
from engine.model.errors import RetryableError
from engine.model.events import AccountReported, FillReported, OrderReported, PositionReported
from engine.model.instrument import Instrument
from engine.model.orders import VenueOrder
from engine.ports import Sink

if TYPE_CHECKING:
    from ib_async import IB, AccountValue, CommissionReport, Contract, Position, Trade
    from ib_async import Fill as Execution

_TOLD_S = 1.0
"""Between two words on the account's money."""


class IbAccountReports:
    """Reads the records of one account; what is another's, or of nothing that is traded here, is left out."""

    def __init__(self, gateway: Gateway) -> None:
        self.book = gateway.config.book
        self._gateway = gateway
        self._sink: Sink | None = None
        self._account = ""
        self._untold: dict[str, asyncio.TimerHandle] = {}
        """Fills that wait for their commission, by execution id."""
        self._told_fills: set[str] = set()
        self._money: asyncio.TimerHandle | None = None

    def open(self, sink: Sink, ib: IB, account: str) -> None:
        """Tell of an account on a fresh connection from now on."""
        self._sink, self._account = sink, account
        ib.orderStatusEvent += self._on_status
        ib.openOrderEvent += self._on_status
        ib.execDetailsEvent += self._on_execution
        ib.commissionReportEvent += self._on_commission
        ib.positionEvent += self._on_position
        ib.accountValueEvent += self._on_value

    def close(self) -> None:
        """Tell nothing any more."""
        for timer in (*self._untold.values(), *([self._money] if self._money else ())):
            timer.cancel()
        self._untold.clear()
        self._sink, self._money = None, None

    def known(self, contract: Contract | None) -> Instrument | None:
        """What a contract is to us, whatever its month; None for what is not traded here."""
        if contract is None:
            return None
        config = self._gateway.config
        for symbol, active in self._gateway.contracts.items():
            if active.conId == contract.conId:
                return config.instruments[symbol]
        for instrument in config.instruments.values():
            asked = config.asked(instrument)
            if (asked.sec_type, asked.symbol) == (contract.secType, contract.symbol):
                return instrument
        return None

    def orders(self, trades: Iterable[Trade]) -> Iterable[VenueOrder]:
        """Raises OddRecordError."""
        for trade in trades:
            instrument = self.known(trade.contract)
            if instrument is not None and trade.order.account in (self._account, ""):
                try:
                    yield mapping.order(trade, instrument, self._gateway.clock())
                except OddRecordError as error:
                    if not trade.isDone():
                        raise
                    self._gateway.note("orders", error)

    def executions(self, fills: Iterable[Execution]) -> Iterable[tuple[Execution, Instrument]]:
        for fill in fills:
            instrument = self.known(fill.contract)
            if instrument is not None and fill.execution.acctNumber == self._account:
                yield fill, instrument

    def held(self, positions: Iterable[Position]) -> Iterable[tuple[Position, Instrument]]:
        for one in positions:
            instrument = self.known(one.contract)
            if instrument is not None and one.account == self._account:
                yield one, instrument

    def _on_status(self, trade: Trade) -> None:
        """An order has changed. Where the library only infers it from an error, the venue has not said so."""
        inferred = trade.log[-1].errorCode if trade.log else 0
        if inferred and inferred not in codes.ENDS:
            return
        for order in self.orders((trade,)) if self._sink is not None else ():
            if self._sink is not None:
                if inferred == 201:
                    order = _rejected(order)
                self._sink(OrderReported(ts_recv=self._gateway.clock(), book=self.book, order=order))

    def _on_execution(self, _trade: Trade, fill: Execution) -> None:
        """A fill: told with its commission, or without it where that does not come in a moment."""
        key = fill.execution.execId
        if key in self._untold or key in self._told_fills:
            return
        loop = asyncio.get_running_loop()
        self._untold[key] = loop.call_later(self._gateway.config.waits.commission_s, self._tell_fill, fill)

    def _on_commission(self, _trade: Trade, fill: Execution, _report: CommissionReport) -> None:
        timer = self._untold.get(fill.execution.execId)
        if timer is not None:
            timer.cancel()
            self._tell_fill(fill)

    def _tell_fill(self, fill: Execution) -> None:
        self._untold.pop(fill.execution.execId, None)
        for one, instrument in self.executions((fill,)):
            try:
                made = mapping.fill(one, instrument)
            except OddRecordError as error:
                self._gateway.note("executions", error)
                continue
            self._told_fills.add(fill.execution.execId)
            if self._sink is not None:
                self._sink(FillReported(ts_recv=self._gateway.clock(), book=self.book, fill=made))

    def _on_position(self, position: Position) -> None:
        for one, instrument in self.held((position,)):
            try:
                told = mapping.position(one, instrument)
            except OddRecordError as error:
                self._gateway.note("positions", error)
                continue
            if self._sink is not None:
                self._sink(PositionReported(ts_recv=self._gateway.clock(), book=self.book, position=told))

    def _on_value(self, value: AccountValue) -> None:
        """The account's money has changed: told at most once in a while."""
        wanted = ("TotalCashValue", "AvailableFunds", "InitMarginReq")
        if value.account == self._account and value.tag in wanted and self._money is None:
            self._money = asyncio.get_running_loop().call_later(_TOLD_S, self._tell_money)

    def _tell_money(self) -> None:
        self._money = None
        gateway = self._gateway
        try:
            account = mapping.account(self._account, gateway.ib.accountValues(self._account))
        except RetryableError:
            return
        if self._sink is not None:
            self._sink(
                AccountReported(
                    ts_recv=gateway.clock(),
                    book=self.book,
                    balance_usd=account.balance_usd,
                    can_trade=account.can_trade,
                    margin=account.margin,
                )
            )


def _rejected(order: VenueOrder) -> VenueOrder:
    return replace(order, status=codes.ENDS[201])

"""What a Binance account is asked: orders, trades, and what of its balances is set aside."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.exchange import TwinExchange
from adapters.simulator.twins.records import TwinFill, TwinOrder
from adapters.simulator.twins.refusals import TwinRefusedError
from adapters.simulator.wire.binance import rows
from adapters.simulator.wire.binance.access import Params
from adapters.simulator.wire.binance.refusals import SpotFault, refused
from adapters.simulator.wire.binance.rows import Row
from engine.model.instrument import NOTHING, Instrument
from engine.model.market import Side

T = TypeVar("T")


class AccountQueries:
    """Every method raises SpotFault."""

    def __init__(self, exchange: TwinExchange) -> None:
        self._exchange = exchange

    async def order(self, account: TwinAccount, params: Params) -> Row:
        known = self.symbol(params)
        number, name = params.get("orderId"), params.get("origClientOrderId")
        if number is None and name is None:
            raise SpotFault(
                -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
            )
        return rows.order(known, self.find(account, number, name))

    async def open_orders(self, account: TwinAccount, params: Params) -> list[Row]:
        wanted = self.symbol(params).symbol if "symbol" in params else None
        return [
            rows.order(self._exchange.instruments[one.order.instrument], one)
            for one in account.live()
            if wanted in (None, one.order.instrument)
        ]

    async def all_orders(self, account: TwinAccount, params: Params) -> list[Row]:
        known = self.symbol(params)
        found = [one for one in account.orders.values() if one.order.instrument == known.symbol]
        if "orderId" in params:
            found = [one for one in found if one.id >= int(params["orderId"])]
        start, end = _window(params)
        found = [one for one in found if start <= one.placed_ts // rows.MS <= end]
        return [rows.order(known, one) for one in _page(found, params, "orderId")]

    async def my_trades(self, account: TwinAccount, params: Params) -> list[Row]:
        known = self.symbol(params)
        found = [one for one in account.fills if one.fill.instrument == known.symbol]
        if "fromId" in params:
            found = [one for one in found if one.id >= int(params["fromId"])]
        if "orderId" in params:
            found = [one for one in found if one.fill.venue_order_id == params["orderId"]]
        start, end = _window(params)
        found = [one for one in found if start <= one.fill.ts_venue // rows.MS <= end]
        return [
            rows.my_trade(known, one, account.orders.get(int(one.fill.venue_order_id)))
            for one in _page(found, params, "fromId")
        ]

    async def account(self, account: TwinAccount, params: Params) -> Row:
        balances = self.balances(account)
        if params.get("omitZeroBalances") == "true":
            balances = [one for one in balances if Decimal(one["free"]) or Decimal(one["locked"])]
        return rows.account(account, balances, self._exchange.now())

    def balances(self, account: TwinAccount) -> list[Row]:
        """Every coin and the money, what rests in orders apart."""
        money = next(iter(self._exchange.instruments.values())).currency
        totals = {money: account.holdings.money} | {
            one.currency: one.total for one in account.holdings.balances
        }
        told = []
        for asset, total in totals.items():
            locked = min(max(NOTHING, total), self.locked(account, asset))
            told.append({"asset": asset, "free": rows.eight(total - locked), "locked": rows.eight(locked)})
        return told

    def totals(self, account: TwinAccount) -> dict[str, Decimal]:
        """What there is of each asset, resting or not."""
        money = next(iter(self._exchange.instruments.values())).currency
        holdings = account.holdings
        return {money: holdings.money} | {one.currency: one.total for one in holdings.balances}

    def locked(self, account: TwinAccount, asset: str) -> Decimal:
        """What live orders have set aside of an asset; a pair takes its coins once."""
        total, pairs = NOTHING, set()
        for one in account.live():
            known, told = self._exchange.instruments[one.order.instrument], one.order
            sells = told.side is Side.SELL
            if asset != (known.base if sells else known.currency) or one.note.get("list") in pairs:
                continue
            if (number := one.note.get("list")) is not None:
                pairs.add(number)
            at = told.limit if told.limit is not None else told.stop
            at = self._exchange.prices(known.symbol).crossing(told.side) if at is None else at
            total += known.qty(one.rest) if sells else known.notional(at or 0, one.rest)
        return total

    def symbol(self, params: Mapping[str, str]) -> Instrument:
        if "symbol" not in params:
            raise SpotFault(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        known = self._exchange.by_root.get(params["symbol"])
        if known is None:
            raise SpotFault(-1121, "Invalid symbol.")
        return known

    def fills_of(self, account: TwinAccount, one: TwinOrder) -> list[TwinFill]:
        return [found for found in account.fills if int(found.fill.venue_order_id) == one.id]

    def list_row(
        self, account: TwinAccount, known: Instrument, orders: list[TwinOrder], kind: str, state: str
    ) -> Row:
        return {
            "orderListId": int(orders[0].note["list"]),
            "contingencyType": "OCO",
            "listStatusType": kind,
            "listOrderStatus": state,
            "listClientOrderId": orders[0].note["list_id"],
            "transactionTime": self._exchange.now() // rows.MS,
            "symbol": known.root,
            "orders": [
                {"symbol": known.root, "orderId": one.id, "clientOrderId": one.order.client_id or ""}
                for one in orders
            ],
            "orderReports": [
                rows.placed(known, one, self.fills_of(account, one), "RESULT") for one in orders
            ],
        }

    def find(
        self, account: TwinAccount, number: str | None, name: str | None, *, cancels: bool = False
    ) -> TwinOrder:
        try:
            return account.find(order_id=None if number is None else int(number), client_id=name)
        except TwinRefusedError as error:
            raise refused(error, cancels=cancels) from None
        except ValueError:
            raise SpotFault(-1100, "Illegal characters found in parameter 'orderId'.") from None


def _window(params: Params) -> tuple[int, int]:
    start, end = int(params.get("startTime", 0)), int(params.get("endTime", 1 << 62))
    if "startTime" in params and "endTime" in params and end - start > 86_400_000:
        raise SpotFault(-1127, "More than 24 hours between startTime and endTime.")
    return start, end


def _page(found: list[T], params: Params, start: str) -> list[T]:
    """The first rows from where it is asked to begin, or the newest ones."""
    limit = max(1, min(1000, int(params.get("limit", 500))))
    return found[:limit] if start in params or "startTime" in params else found[-limit:]

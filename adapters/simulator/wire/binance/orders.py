"""Orders of a Binance account: what is taken, what is set aside, pairs, and changes by cancel and replace."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.exchange import TwinExchange
from adapters.simulator.twins.records import TwinOrder
from adapters.simulator.twins.refusals import TwinRefusedError
from adapters.simulator.wire.binance import rows
from adapters.simulator.wire.binance.access import Params
from adapters.simulator.wire.binance.queries import AccountQueries
from adapters.simulator.wire.binance.refusals import CLOSED, FUNDS, RELATION, TRIGGERS, SpotFault, refused
from adapters.simulator.wire.binance.rows import Row
from engine.model.instrument import Instrument, OffGridError
from engine.model.market import NANOS, Side
from engine.model.orders import OrderSpec, OrderType

TRADING = "TRADING"
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_STOPS = ("STOP_LOSS", "STOP_LOSS_LIMIT")
_ACK = ("ACK", "RESULT", "FULL")


class SpotOrders(AccountQueries):
    """Acts on the accounts of the twin. Every method raises SpotFault."""

    def __init__(self, exchange: TwinExchange) -> None:
        super().__init__(exchange)
        self.status: dict[str, str] = {}
        """Of symbols that are not TRADING, by Binance's name: to be set by whoever wants one paused."""
        self.types: Sequence[str] = rows.ORDER_TYPES
        """Which orders every symbol takes: some take no stops at market."""
        self._lists = 0

    # -- placing -----------------------------------------------------------------------------------------

    async def place(self, account: TwinAccount, params: Params) -> Row:
        known = self.symbol(params)
        spec, note = self._spec(known, params)
        self._may(account, known, spec)
        one = self._take(account, known, spec, params.get("newClientOrderId"), note)
        await self._arrive()
        usual = "FULL" if note["type"] in ("LIMIT", "MARKET") else "ACK"
        return self._answer(account, known, one, params.get("newOrderRespType", usual))

    async def test(self, account: TwinAccount, params: Params) -> Row:
        known = self.symbol(params)
        spec, _ = self._spec(known, params)
        self._may(account, known, spec)
        return {}

    async def place_oco(self, account: TwinAccount, params: Params) -> Row:
        known = self.symbol(params)
        side = self._side(params)
        above, below = (self._leg(known, params, side, which) for which in ("above", "below"))
        (stop, stop_note), (limit, limit_note) = (above, below) if above[0].stop else (below, above)
        if stop.stop is None or limit.limit is None:
            raise SpotFault(-1158, "Order type not supported in OCO.")
        last = self._exchange.prices(known.symbol).last
        beyond = (limit.limit - (last or limit.limit)) * side.sign >= 0 or (
            (stop.stop - (last or stop.stop)) * side.sign <= 0
        )
        if last is not None and beyond:
            raise SpotFault(-2010, RELATION)
        self._may(account, known, limit)
        self._lists += 1
        number = f"{self._exchange.now() // NANOS}{self._lists:03}"
        named = {"list": number, "list_id": params.get("listClientOrderId", f"list-{number}")}
        up, down = params.get("aboveClientOrderId"), params.get("belowClientOrderId")
        stop_id, limit_id = (up, down) if above[0].stop else (down, up)
        first = self._take(account, known, stop, stop_id, {**stop_note, **named})
        try:
            second = self._take(account, known, limit, limit_id, {**limit_note, **named})
        except SpotFault:
            account.cancel(first.id)
            raise
        account.link(first.id, second.id)
        await self._arrive()
        return self.list_row(account, known, [first, second], "EXEC_STARTED", "EXECUTING")

    async def replace(self, account: TwinAccount, params: Params) -> Row:
        """Cancel one and take another: where the cancel fails, no other is taken (STOP_ON_FAILURE)."""
        known = self.symbol(params)
        spec, note = self._spec(known, params)
        self._open(known)
        old = self.find(account, params.get("cancelOrderId"), params.get("cancelOrigClientOrderId"))
        answer: Row = {"cancelResult": "FAILURE", "newOrderResult": "NOT_ATTEMPTED"}
        try:
            cancelled = await self._cancel(account, old)
        except SpotFault as fault:
            more: dict[str, object] = {
                "data": {**answer, "cancelResponse": fault.body(), "newOrderResponse": None}
            }
            raise SpotFault(-2022, "Order cancel-replace failed.", 400, more) from None
        answer = {"cancelResult": "SUCCESS", "cancelResponse": self._cancel_row(known, cancelled)}
        try:
            self._may(account, known, spec)
            one = self._take(account, known, spec, params.get("newClientOrderId"), note)
        except SpotFault as fault:
            failed = {**answer, "newOrderResult": "FAILURE", "newOrderResponse": fault.body()}
            text = "Order cancel-replace partially failed."
            raise SpotFault(-2021, text, 409, {"data": failed}) from None
        await self._arrive()
        return {
            **answer,
            "newOrderResult": "SUCCESS",
            "newOrderResponse": self._answer(account, known, one, params.get("newOrderRespType", "ACK")),
        }

    async def cancel(self, account: TwinAccount, params: Params) -> Row:
        known = self.symbol(params)
        one = self.find(account, params.get("orderId"), params.get("origClientOrderId"), cancels=True)
        pair = self._pair(account, one)
        await self._cancel(account, one)
        if len(pair) > 1:
            return self.list_row(account, known, pair, "ALL_DONE", "ALL_DONE")
        return self._cancel_row(known, one)

    async def cancel_list(self, account: TwinAccount, params: Params) -> Row:
        known = self.symbol(params)
        number, name = params.get("orderListId"), params.get("listClientOrderId")
        found = [
            one
            for one in account.live()
            if (number is not None and one.note.get("list") == number)
            or (name is not None and one.note.get("list_id") == name)
        ]
        if not found:
            raise SpotFault(-2011, "Unknown order list sent.")
        await self._cancel(account, found[0])
        return self.list_row(account, known, found, "ALL_DONE", "ALL_DONE")

    async def cancel_all(self, account: TwinAccount, params: Params) -> list[Row]:
        known = self.symbol(params)
        found = [one for one in account.live() if one.order.instrument == known.symbol]
        if not found:
            raise SpotFault(-2011, "Unknown order sent.")
        for one in found:
            if one.order.status.live:
                await self._cancel(account, one)
        return [self._cancel_row(known, one) for one in found]

    # -- pieces ------------------------------------------------------------------------------------------

    def _spec(
        self, known: Instrument, params: Params, types: tuple[str, ...] = ()
    ) -> tuple[OrderSpec, dict[str, str]]:
        """What is asked for, checked as the filters do it, and what the order's answers repeat."""
        side, kind = self._side(params), params.get("type", "")
        if kind not in self.types:
            raise SpotFault(-1116, "Invalid orderType.")
        lots = self._lots(known, params)
        note = {"type": kind}
        if kind == "MARKET":
            return OrderSpec(side, OrderType.MARKET, lots), note
        if kind in _STOPS:
            if kind == "STOP_LOSS_LIMIT":
                note["price"] = rows.price(known, self._price(known, params, "price"))
            return OrderSpec(side, OrderType.STOP, lots, stop=self._price(known, params, "stopPrice")), note
        if kind == "LIMIT" and params.get("timeInForce") not in ("GTC", "IOC"):
            raise SpotFault(
                -1102, "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed."
            )
        note["tif"] = params.get("timeInForce", "GTC")
        return OrderSpec(side, OrderType.LIMIT, lots, limit=self._price(known, params, "price")), note

    def _leg(
        self, known: Instrument, params: Params, side: Side, which: str
    ) -> tuple[OrderSpec, dict[str, str]]:
        kind = params.get(f"{which}Type", "")
        told = {"side": rows.SIDES[side], "quantity": params.get("quantity", ""), "type": kind}
        for name in ("Price", "StopPrice", "TimeInForce"):
            if (value := params.get(f"{which}{name}")) is not None:
                told[name[0].lower() + name[1:]] = value
        if kind == "TAKE_PROFIT_LIMIT":  # its trigger and its limit are one price here
            told["type"] = "LIMIT"
        return self._spec(known, told)

    def _side(self, params: Params) -> Side:
        side = _SIDES.get(params.get("side", ""))
        if side is None:
            raise SpotFault(-1117, "Invalid side.")
        return side

    def _lots(self, known: Instrument, params: Params) -> int:
        value = _decimal(params, "quantity")
        try:
            lots = known.lots(value)
        except OffGridError:
            raise SpotFault(-1013, "Filter failure: LOT_SIZE") from None
        if lots <= 0:
            raise SpotFault(-1013, "Filter failure: LOT_SIZE")
        return lots

    def _price(self, known: Instrument, params: Params, name: str) -> int:
        value = _decimal(params, name)
        try:
            ticks = known.ticks(value)
        except OffGridError:
            raise SpotFault(-1013, "Filter failure: PRICE_FILTER") from None
        if ticks <= 0:
            raise SpotFault(-1013, "Filter failure: PRICE_FILTER")
        return ticks

    def _open(self, known: Instrument) -> None:
        if self.status.get(known.root, TRADING) != TRADING:
            raise SpotFault(-2010, CLOSED)

    def _may(self, account: TwinAccount, known: Instrument, spec: OrderSpec) -> None:
        """Whether an order is taken: the symbol trades, and what it would sell or pay is free."""
        self._open(known)
        asset = known.base if spec.side is Side.SELL else known.currency
        total = next(
            (one.total for one in account.holdings.balances if one.currency == asset), account.holdings.money
        )
        free = total - self.locked(account, asset)
        prices = self._exchange.prices(known.symbol)
        at = spec.price if spec.price is not None else prices.crossing(spec.side) or 0
        need = known.qty(spec.qty) if spec.side is Side.SELL else known.notional(at, spec.qty)
        if need > free:
            raise SpotFault(-2010, FUNDS)
        last = prices.last
        if spec.stop is not None and last is not None and (spec.stop - last) * spec.side.sign <= 0:
            raise SpotFault(-2010, TRIGGERS)

    def _take(
        self,
        account: TwinAccount,
        known: Instrument,
        spec: OrderSpec,
        client_id: str | None,
        note: dict[str, str],
    ) -> TwinOrder:
        name = client_id or f"auto-{self._exchange.now()}-{len(account.orders)}"
        try:
            return account.place(
                known.symbol,
                spec,
                name,
                post_only=note["type"] == "LIMIT_MAKER",
                now_or_never=note.get("tif") == "IOC",
                note=note,
            )
        except TwinRefusedError as error:
            raise refused(error) from None

    async def _arrive(self) -> None:
        """Binance answers once the matching engine has done what it was asked."""
        await self._exchange.schedule.wait((self._exchange.config.model.latency_ns + 1) / NANOS)
        self._exchange.catch_up()

    async def _cancel(self, account: TwinAccount, one: TwinOrder) -> TwinOrder:
        if not one.order.status.live:
            raise SpotFault(-2011, "Unknown order sent.")
        one.note["ended"] = "asked"
        for other in self._pair(account, one):
            other.note["ended"] = "asked"
        try:
            account.cancel(one.id)
        except TwinRefusedError as error:
            raise refused(error, cancels=True) from None
        await self._arrive()
        if rows.status(one) != "CANCELED":  # it has filled before the cancel came, and ended the others
            for other in self._pair(account, one):
                other.note.pop("ended", None)
            raise SpotFault(-2011, "Unknown order sent.")
        return one

    def _pair(self, account: TwinAccount, one: TwinOrder) -> list[TwinOrder]:
        number = one.note.get("list")
        if number is None:
            return [one]
        return [other for other in account.orders.values() if other.note.get("list") == number]

    def _answer(self, account: TwinAccount, known: Instrument, one: TwinOrder, kind: str) -> Row:
        if kind not in _ACK:
            raise SpotFault(-1100, "Illegal characters found in parameter 'newOrderRespType'.")
        return rows.placed(known, one, self.fills_of(account, one), kind)

    def _cancel_row(self, known: Instrument, one: TwinOrder) -> Row:
        row = rows.placed(known, one, [], "RESULT")
        return {**row, "origClientOrderId": row["clientOrderId"], "clientOrderId": f"cancel-{one.id}"}


def _decimal(params: Params, name: str) -> Decimal:
    text = params.get(name)
    if not text:
        raise SpotFault(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    try:
        value = Decimal(text)
    except ArithmeticError:
        raise SpotFault(-1100, f"Illegal characters found in parameter '{name}'.") from None
    if not value.is_finite() or "e" in text.lower():
        raise SpotFault(-1100, f"Illegal characters found in parameter '{name}'.")
    if -int(value.as_tuple().exponent) > 8:
        raise SpotFault(-1111, f"Parameter '{name}' has too much precision.")
    return value

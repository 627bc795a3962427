"""What Bybit is asked to do with orders, carried out by a twin's account; refusals in its codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.records import TwinOrder
from adapters.simulator.twins.refusals import TwinRefusedError, Why
from adapters.simulator.wire.bybit.rows import LINEAR, SPOT, Row, number_of, order_id
from engine.model.instrument import Instrument, OffGridError
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType

_LINEAR_CODES = {
    Why.NOTIONAL: 110094,
    Why.FUNDS: 110007,
    Why.REDUCE: 110017,
    Why.DUPLICATE: 110072,
    Why.NOT_FOUND: 110001,
    Why.OVER: 110001,
}
_SPOT_CODES = _LINEAR_CODES | {
    Why.NOTIONAL: 170140,
    Why.FUNDS: 170131,
    Why.DUPLICATE: 170141,
    Why.NOT_FOUND: 170213,
    Why.OVER: 170213,
}
_PARAMETER = 10001
_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
_TOWARDS = {Side.BUY: 1, Side.SELL: 2}
"""Where the price must go to trigger: up, down."""
_STOPS = ("StopOrder", "tpslOrder")
_TRADING = "Trading"
_HOLDS_NOTHING = "StopOrder"
_LONGEST_LINK = 36

Listed = Callable[[str, str], Instrument | None]
"""An instrument by category and name."""


class BybitRefusal(Exception):
    """A business error, which comes with HTTP 200."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class BybitOrders:
    def __init__(self, listed: Listed) -> None:
        self._listed = listed
        self.states: dict[tuple[str, str], str] = {}
        """Of what is not trading, by category and name."""

    def state(self, category: str, root: str) -> str | None:
        """As the venue lists it; None where it does not."""
        return self.states.get((category, root), _TRADING) if self._listed(category, root) else None

    def create(self, account: TwinAccount, body: Mapping[str, Any]) -> Row:
        """Raises BybitRefusal."""
        category, instrument = self.instrument(body)
        link = str(body.get("orderLinkId", ""))
        if len(link) > _LONGEST_LINK:
            raise BybitRefusal(_PARAMETER, "OrderLinkId can not be longer than 36 characters")
        if category == LINEAR and body.get("positionIdx", 0) != 0:
            raise BybitRefusal(_PARAMETER, "position idx not match position mode")
        spec = self._spec(body, instrument, category)
        if self.state(category, instrument.root) != _TRADING and not spec.reduces:
            raise BybitRefusal(110074, "This contract is not live")
        symbol, note = instrument.symbol, {"filter": str(body.get("orderFilter", "Order"))}
        if category == SPOT and spec.side is Side.SELL and note["filter"] != _HOLDS_NOTHING:
            free = account.holdings.wallet.lots(symbol) - _set_aside(account, symbol)
            if spec.qty > free:
                raise BybitRefusal(170131, "Insufficient balance.")
        order = _carried_out(category, lambda: account.place(symbol, spec, link or None, note=note))
        return {"orderId": order_id(order.id), "orderLinkId": link}

    def amend(self, account: TwinAccount, body: Mapping[str, Any]) -> Row:
        """Raises BybitRefusal."""
        category, instrument = self.instrument(body)
        order = self._order(account, body, category)
        try:
            qty = instrument.lots(body["qty"]) if "qty" in body else None
            limit = instrument.ticks(body["price"]) if "price" in body else None
            stop = instrument.ticks(body["triggerPrice"]) if "triggerPrice" in body else None
        except (OffGridError, ArithmeticError) as error:
            raise BybitRefusal(_PARAMETER, str(error)) from None
        _carried_out(category, lambda: account.modify(order.id, qty=qty, limit=limit, stop=stop))
        return {"orderId": order_id(order.id), "orderLinkId": order.order.client_id or ""}

    def cancel(self, account: TwinAccount, body: Mapping[str, Any]) -> Row:
        """On spot an order of another kind than the named one is not found. Raises BybitRefusal."""
        category, _ = self.instrument(body)
        order = self._order(account, body, category)
        if category == SPOT and order.note.get("filter") != body.get("orderFilter", "Order"):
            raise BybitRefusal(_SPOT_CODES[Why.NOT_FOUND], "Order does not exist.")
        _carried_out(category, lambda: account.cancel(order.id))
        return {"orderId": order_id(order.id), "orderLinkId": order.order.client_id or ""}

    def instrument(self, params: Mapping[str, Any]) -> tuple[str, Instrument]:
        """Raises BybitRefusal."""
        category = str(params.get("category", ""))
        found = self._listed(category, str(params.get("symbol", "")))
        if found is None:
            raise BybitRefusal(_PARAMETER, "params error: symbol invalid")
        return category, found

    def _order(self, account: TwinAccount, body: Mapping[str, Any], category: str) -> TwinOrder:
        number, link = body.get("orderId"), body.get("orderLinkId")
        if number:  # both given: this one counts
            return _carried_out(category, lambda: account.find(order_id=number_of(str(number))))
        return _carried_out(category, lambda: account.find(client_id=str(link)))

    def _spec(self, body: Mapping[str, Any], instrument: Instrument, category: str) -> OrderSpec:
        side = _SIDES.get(str(body.get("side")))
        kind = body.get("orderType")
        if side is None or kind not in ("Limit", "Market"):
            raise BybitRefusal(_PARAMETER, "params error: side or orderType invalid")
        trigger, spot = body.get("triggerPrice"), category == SPOT
        if spot and kind == "Market" and side is Side.BUY and body.get("marketUnit") != "baseCoin":
            raise BybitRefusal(_PARAMETER, "this twin counts coins, not money: marketUnit is baseCoin")
        if trigger is not None and spot and body.get("orderFilter") not in _STOPS:
            raise BybitRefusal(_PARAMETER, "params error: orderFilter invalid")
        if trigger is not None and not spot and body.get("triggerDirection") != _TOWARDS[side]:
            raise BybitRefusal(_PARAMETER, "params error: triggerDirection invalid")
        try:
            stop = None if trigger is None else instrument.ticks(str(trigger))
            limit = instrument.ticks(str(body.get("price"))) if kind == "Limit" and stop is None else None
            qty = instrument.lots(str(body.get("qty")))
        except (OffGridError, ArithmeticError) as error:
            raise BybitRefusal(_PARAMETER, str(error)) from None
        meant = OrderType.MARKET if limit is None else OrderType.LIMIT
        if stop is not None:
            meant = OrderType.STOP
        return OrderSpec(side, meant, qty, limit, stop, reduces=body.get("reduceOnly") is True)


def _set_aside(account: TwinAccount, symbol: str) -> int:
    """Lots of a coin that sales hold which rest: all but conditional orders."""
    return sum(
        one.rest
        for one in account.live()
        if one.order.instrument == symbol
        and one.order.side is Side.SELL
        and one.note.get("filter") != _HOLDS_NOTHING
    )


def _carried_out(category: str, act: Callable[[], TwinOrder]) -> TwinOrder:
    try:
        return act()
    except TwinRefusedError as error:
        codes = _SPOT_CODES if category == SPOT else _LINEAR_CODES
        raise BybitRefusal(codes.get(error.why, _PARAMETER), str(error)) from None

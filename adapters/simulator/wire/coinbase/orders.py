"""What Coinbase is asked to do with orders, carried out by a twin's account. Refusals come with HTTP 200."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.exchange import TwinExchange
from adapters.simulator.twins.records import TwinOrder
from adapters.simulator.twins.refusals import TwinRefusedError, Why
from adapters.simulator.wire.coinbase.rows import SIDES, Row, number_of, order_id
from engine.model.instrument import Instrument, OffGridError
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType

_REASONS = {
    Why.SYMBOL: "UNKNOWN_PRODUCT_ID",
    Why.NOTIONAL: "INVALID_SIZE_TOO_SMALL",
    Why.FUNDS: "INSUFFICIENT_FUND",
    Why.POST_ONLY: "INVALID_LIMIT_PRICE_POST_ONLY",
}
_OTHER = "UNSUPPORTED_ORDER_CONFIGURATION"
_SIDES = {text: side for side, text in SIDES.items()}
_DIRECTIONS = {Side.BUY: "STOP_DIRECTION_STOP_UP", Side.SELL: "STOP_DIRECTION_STOP_DOWN"}


class CoinbaseRequests:
    def __init__(self, exchange: TwinExchange) -> None:
        self._exchange = exchange

    def create(self, account: TwinAccount, body: Mapping[str, Any]) -> Row:
        """A second request with the same id gives the first order back."""
        client_id = str(body.get("client_order_id", ""))
        instrument = self._exchange.by_root.get(str(body.get("product_id")))
        try:
            order = self._known(account, client_id) if client_id else None
            if order is None:
                if instrument is None or not client_id:
                    raise TwinRefusedError(Why.SYMBOL, "unknown product, or no client_order_id")
                spec, note = _spec(body, instrument)
                if spec.side is Side.SELL:
                    _check_free(account, instrument.symbol, spec.qty)
                order = account.place(instrument.symbol, spec, client_id, note=note)
        except TwinRefusedError as error:
            why = {"error": _REASONS.get(error.why, _OTHER), "message": str(error)}
            why |= {"preview_failure_reason": why["error"], "error_details": ""}
            return {"success": False, "failure_reason": "UNKNOWN_FAILURE_REASON", "error_response": why}
        taken = {
            "order_id": order_id(order.id),
            "product_id": str(body.get("product_id")),
            "side": SIDES[order.order.side],
            "client_order_id": client_id,
        }
        return {"success": True, "success_response": taken}

    def edit(self, account: TwinAccount, body: Mapping[str, Any]) -> Row:
        """Of a resting limit only; a size that is left out counts as 0, and is refused."""
        try:
            order = account.find(order_id=number_of(str(body.get("order_id"))))
            if order.order.type is not OrderType.LIMIT:
                raise TwinRefusedError(Why.INVALID, "ONLY_LIMIT_ORDER_EDITS_SUPPORTED")
            known = self._exchange.instruments[order.order.instrument]
            qty, limit = _lots(known, body.get("size", "0")), _ticks(known, body.get("price", "0"))
            account.modify(order.id, qty=qty, limit=limit)
        except TwinRefusedError as error:
            return {"success": False, "errors": [{"edit_failure_reason": str(error)[:100]}]}
        return {"success": True, "errors": []}

    def cancel(self, account: TwinAccount, body: Mapping[str, Any]) -> Row:
        """Each by itself, and HTTP 200 whatever becomes of them."""
        results = []
        for text in body.get("order_ids") or ():
            result = {"success": True, "failure_reason": "", "order_id": str(text)}
            try:
                account.cancel(number_of(str(text)))
            except TwinRefusedError:
                result |= {"success": False, "failure_reason": "UNKNOWN_CANCEL_ORDER"}
            results.append(result)
        return {"results": results}

    def _known(self, account: TwinAccount, client_id: str) -> TwinOrder | None:
        try:
            return account.find(client_id=client_id)
        except TwinRefusedError:
            return None


def _check_free(account: TwinAccount, symbol: str, qty: int) -> None:
    """Sales that rest hold their coins. Raises TwinRefusedError."""
    resting = (one for one in account.live() if one.order.instrument == symbol)
    held = sum(one.rest for one in resting if one.order.side is Side.SELL)
    if qty > account.holdings.wallet.lots(symbol) - held:
        raise TwinRefusedError(Why.FUNDS, "insufficient balance in source account")


def _spec(body: Mapping[str, Any], instrument: Instrument) -> tuple[OrderSpec, dict[str, str]]:
    """Raises TwinRefusedError for a configuration that this twin does not know."""
    side = _SIDES.get(str(body.get("side")))
    configuration = body.get("order_configuration")
    if side is None or not isinstance(configuration, Mapping) or len(configuration) != 1:
        raise TwinRefusedError(Why.INVALID, "side or configuration")
    kind, part = next(iter(configuration.items()))
    if not isinstance(part, Mapping) or "base_size" not in part:
        raise TwinRefusedError(Why.INVALID, "this twin counts coins, not money: base_size")
    qty = _lots(instrument, part["base_size"])
    match kind:
        case "market_market_ioc":
            return OrderSpec(side, OrderType.MARKET, qty), {}
        case "limit_limit_gtc":
            return OrderSpec(
                side, OrderType.LIMIT, qty, limit=_ticks(instrument, part.get("limit_price"))
            ), {}
        case "stop_limit_stop_limit_gtc" if part.get("stop_direction") == _DIRECTIONS[side]:
            limit, stop = (_ticks(instrument, part.get(name)) for name in ("limit_price", "stop_price"))
            if (limit - stop) * side.sign < 0:
                raise TwinRefusedError(Why.INVALID, "the limit lies before the stop")
            note = {name: str(part[name]) for name in ("limit_price", "stop_direction")}
            return OrderSpec(side, OrderType.STOP, qty, stop=stop), note
    raise TwinRefusedError(Why.INVALID, f"configuration {kind!s:.40}")


def _ticks(instrument: Instrument, text: object) -> int:
    try:
        return instrument.ticks(Decimal(str(text)))
    except (OffGridError, ArithmeticError) as error:
        raise TwinRefusedError(Why.INVALID, str(error)) from None


def _lots(instrument: Instrument, text: object) -> int:
    try:
        return instrument.lots(Decimal(str(text)))
    except (OffGridError, ArithmeticError) as error:
        raise TwinRefusedError(Why.INVALID, str(error)) from None

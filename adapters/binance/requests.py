"""Orders of ours to the parameters of requests, and the client ids under which they go. Pure."""

from __future__ import annotations

import re

from adapters.binance.symbols import SymbolRules
from engine.model.errors import RefusedError
from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.orders import Capabilities, OrderSpec, OrderType

CAPABILITIES = Capabilities(balances=True, native_brackets=False)

LONGEST_CLIENT_ID = 36
_CLIENT_ID = re.compile(r"[a-zA-Z0-9_-]{1,36}")
_OURS = re.compile(r"(ts-[a-z0-9-]+?)(?:_(\d{1,4}))?")
_SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}

Params = dict[str, str | int]


def version_id(client_id: str, version: int) -> str:
    """The client id under which an order goes to the venue.

    Binance changes no price of an order: it cancels one and takes another. Those that follow the first have
    the number of their version behind the same id.
    """
    return f"{client_id}_{version}" if version else client_id


def split_id(told: str) -> tuple[str, int]:
    """Client id and version of an order as the venue tells its id; ids of others have no version."""
    match = _OURS.fullmatch(told)
    return (told, 0) if match is None else (match[1], int(match[2] or 0))


def price_text(instrument: Instrument, ticks: int) -> str:
    return f"{instrument.price(ticks):f}"


def qty_text(instrument: Instrument, lots: int) -> str:
    return f"{instrument.qty(lots):f}"


def order_params(
    symbol: str, client_id: str, spec: OrderSpec, instrument: Instrument, rules: SymbolRules, slip: int = 0
) -> Params:
    """Parameters of a new order. Raises RefusedError.

    `slip`: how far beyond its trigger a stop still trades where it must be a stop-limit, ticks.
    """
    if not _CLIENT_ID.fullmatch(client_id):
        raise RefusedError(f"client id of {len(client_id)} characters: 1 to {LONGEST_CLIENT_ID} are allowed")
    params: Params = {
        "symbol": symbol,
        "side": _SIDES[spec.side],
        "type": "",
        "quantity": qty_text(instrument, spec.qty),
        "newClientOrderId": client_id,
    }
    if spec.type is OrderType.MARKET:
        params |= {"type": "MARKET", "newOrderRespType": "RESULT"}
    elif spec.type is OrderType.LIMIT:
        if spec.limit is None:
            raise RefusedError("a limit order without its price")
        params |= {
            "type": "LIMIT",
            "timeInForce": "GTC",
            "price": price_text(instrument, spec.limit),
            "newOrderRespType": "RESULT",
        }
    else:
        params |= {**_stop("", spec, instrument, rules, slip), "newOrderRespType": "RESULT"}
    return params


def oco_params(
    symbol: str,
    list_id: str,
    stop: tuple[str, OrderSpec],
    target: tuple[str, OrderSpec],
    instrument: Instrument,
    rules: SymbolRules,
    slip: int = 0,
) -> Params:
    """Parameters of a stop and a target of which one cancels the other, with their client ids.

    Of a sale the target is above the price and the stop below it; of a purchase it is the other way about.
    Raises RefusedError.
    """
    (stop_id, protect), (target_id, take) = stop, target
    if take.limit is None or take.qty != protect.qty or take.side is not protect.side:
        raise RefusedError("stop and target of one OCO are of one side and one quantity")
    sells = take.side is Side.SELL
    up, down = ("above", "below") if sells else ("below", "above")
    profit = {f"{up}Type": "LIMIT_MAKER"} if sells else {f"{up}Type": "TAKE_PROFIT_LIMIT"}
    at = price_text(instrument, take.limit)
    params: Params = {
        "symbol": symbol,
        "side": _SIDES[take.side],
        "quantity": qty_text(instrument, take.qty),
        "listClientOrderId": list_id,
        **profit,
        f"{up}Price": at,
        f"{up}ClientOrderId": target_id,
        f"{down}ClientOrderId": stop_id,
        "newOrderRespType": "RESULT",
    }
    if not sells:
        params |= {f"{up}StopPrice": at, f"{up}TimeInForce": "GTC"}
    return params | _stop(down, protect, instrument, rules, slip)


def slip_ticks(spec: OrderSpec, set_ticks: int) -> int:
    """How far beyond its trigger a stop-limit trades: so many ticks, or one per cent of the trigger."""
    return set_ticks or max(1, (spec.stop or 0) // 100)


def _stop(prefix: str, spec: OrderSpec, instrument: Instrument, rules: SymbolRules, slip: int) -> Params:
    if spec.stop is None:
        raise RefusedError("a stop order without its price")

    def key(name: str) -> str:
        return f"{prefix}{name[0].upper()}{name[1:]}" if prefix else name

    params: Params = {key("stopPrice"): price_text(instrument, spec.stop)}
    if rules.stops_at_market:
        return params | {key("type"): "STOP_LOSS"}
    limit = max(1, spec.stop + spec.side.sign * slip_ticks(spec, slip))
    return params | {
        key("type"): "STOP_LOSS_LIMIT",
        key("timeInForce"): "GTC",
        key("price"): price_text(instrument, limit),
    }

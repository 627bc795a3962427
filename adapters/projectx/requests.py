"""Orders of ours to bodies of requests, refused here where the venue would refuse them. Pure."""

from __future__ import annotations

from decimal import Decimal

from engine.model.effects import ModifyOrder, PlaceOrder
from engine.model.errors import RefusedError
from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.orders import Capabilities, OrderType

LONGEST_TAG = 60
"""Room for the gateway's own -SL and -TP; the true limit is not published."""
CAPABILITIES = Capabilities(nearest_exit_ticks=4, farthest_exit_ticks=1000)
"""Bounds of a bracket's distance from the entry (docs/protocols/projectx.md#refusals-of-a-place)."""

_WIRE_TYPES = {OrderType.LIMIT: 1, OrderType.MARKET: 2, OrderType.STOP: 4}
_WIRE_SIDES = {Side.BUY: 0, Side.SELL: 1}
_STOP, _LIMIT = 4, 1


def place_request(
    command: PlaceOrder, account_id: int, contract_id: str, instrument: Instrument
) -> dict[str, object]:
    """Body of Order/place. Raises RefusedError for what the venue would refuse, before it is sent.

    Bracket ticks are signed from the entry (a long's stop is negative), 4..1000 of them
    (docs/protocols/projectx.md#placing).
    """
    if command.qty <= 0:
        raise RefusedError(f"size {command.qty}: at least one contract is needed")
    if not command.client_id or len(command.client_id) > LONGEST_TAG:
        raise RefusedError(
            f"client id of {len(command.client_id)} characters: 1 to {LONGEST_TAG} are allowed"
        )
    if command.type is OrderType.LIMIT and command.limit is None:
        raise RefusedError("a limit order without its price")
    if command.type is OrderType.STOP and command.stop is None:
        raise RefusedError("a stop order without its price")
    body: dict[str, object] = {
        "accountId": account_id,
        "contractId": contract_id,
        "type": _WIRE_TYPES[command.type],
        "side": _WIRE_SIDES[command.side],
        "size": command.qty,
        "limitPrice": _price(instrument, command.limit if command.type is OrderType.LIMIT else None),
        "stopPrice": _price(instrument, command.stop if command.type is OrderType.STOP else None),
        "customTag": command.client_id,
    }
    sign = command.side.sign
    if command.stop_offset is not None:
        body["stopLossBracket"] = _bracket("stop", command.stop_offset, -sign, _STOP)
    if command.target_offset is not None:
        body["takeProfitBracket"] = _bracket("target", command.target_offset, sign, _LIMIT)
    return body


def modify_request(change: ModifyOrder, account_id: int, instrument: Instrument) -> dict[str, object]:
    """Body of Order/modify; what is None stays as it is. Raises RefusedError."""
    body: dict[str, object] = {"accountId": account_id, "orderId": order_number(change.venue_id)}
    if change.qty is not None:
        if change.qty <= 0:
            raise RefusedError(f"size {change.qty}: at least one contract is needed")
        body["size"] = change.qty
    if change.limit is not None:
        body["limitPrice"] = _price(instrument, change.limit)
    if change.stop is not None:
        body["stopPrice"] = _price(instrument, change.stop)
    if len(body) == 2:
        raise RefusedError("a change that changes nothing")
    return body


def order_number(venue_id: str) -> int:
    """Raises RefusedError for an id that this venue can't have given."""
    if not (venue_id.isascii() and venue_id.isdigit()):
        raise RefusedError(f"order id {venue_id!r} is not a number")
    return int(venue_id)


def _bracket(name: str, offset: int, sign: int, wire_type: int) -> dict[str, int]:
    if offset * sign < 0:
        raise RefusedError(f"{name} offset {offset} ticks is on the wrong side of the entry")
    if not CAPABILITIES.takes_exit(abs(offset)):
        least, most = CAPABILITIES.nearest_exit_ticks, CAPABILITIES.farthest_exit_ticks
        raise RefusedError(f"{name} offset {offset} ticks: {least} to {most} from the entry are allowed")
    return {"ticks": offset, "type": wire_type}


def _price(instrument: Instrument, ticks: int | None) -> Decimal | None:
    return None if ticks is None else instrument.price(ticks)

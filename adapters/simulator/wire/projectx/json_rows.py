"""Rows of the practice venue as ProjectX writes them: by REST with nulls, on the stream without."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from adapters.simulator.exchange.account_rows import UserEvent
from adapters.simulator.exchange.rows import AccountRow, OrderRow, PositionRow, TradeRow
from adapters.simulator.market.contracts import ContractMonth
from engine.model.instrument import Instrument
from engine.model.market import Bar

Json = dict[str, Any]
ORDERS, FILLS = "GatewayUserOrder", "GatewayUserTrade"
POSITIONS, ACCOUNTS = "GatewayUserPosition", "GatewayUserAccount"
"""Targets of the user hub."""
EPOCH_OF_NOTHING = "0001-01-01T00:00:00+00:00"
"""The stamp of rows that belong to no instant."""


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _stamp(ts: int, digits: int) -> str:
    seconds, nanos = divmod(ts, 1_000_000_000)
    fraction = f"{nanos:09}"[:digits].rstrip("0")
    return f"{_second(seconds)}.{fraction}+00:00" if fraction else f"{_second(seconds)}+00:00"


def rest_stamp(ts: int) -> str:
    """Up to six digits of a second, trailing zeros trimmed."""
    return _stamp(ts, 6)


def stream_stamp(ts: int) -> str:
    """Up to seven digits of a second, trailing zeros trimmed."""
    return _stamp(ts, 7)


def number(value: Decimal | Fraction) -> int | float:
    """A JSON number without a needless point."""
    exact = float(value)
    return int(exact) if exact.is_integer() else exact


def price(instrument: Instrument, ticks: int | Fraction | None) -> int | float | None:
    """Ticks as a price; averages may lie off the grid (nine decimals)."""
    if ticks is None:
        return None
    if isinstance(ticks, int):
        return number(instrument.price(ticks))
    return number(Fraction(round(ticks * Fraction(instrument.tick_size) * 10**9), 10**9))


def present(row: Json) -> Json:
    """The stream's way: null fields left out."""
    return {key: value for key, value in row.items() if value is not None}


def envelope(payload: Json | None = None, *, code: int = 0, text: str | None = None) -> Json:
    """The frame of every REST answer. Payload comes first, as the platform sends it."""
    return {**(payload or {}), "success": code == 0, "errorCode": int(code), "errorMessage": text}


def contract_json(contract: ContractMonth) -> Json:
    return {
        "id": contract.id,
        "name": contract.name,
        "description": contract.description,
        "tickSize": number(contract.instrument.tick_size),
        "tickValue": number(contract.instrument.tick_value_usd),
        "activeContract": contract.active,
        "symbolId": contract.symbol_id,
    }


def account_json(row: AccountRow) -> Json:
    """The same by REST and on the stream."""
    return {
        "id": row.id,
        "name": row.name,
        "balance": number(row.balance_usd),
        "canTrade": row.can_trade,
        "isVisible": True,
        "simulated": True,
    }


def order_json(row: OrderRow, account_id: int, contract: ContractMonth, *, stream: bool) -> Json:
    stamp = stream_stamp if stream else rest_stamp
    instrument = contract.instrument
    out: Json = {
        "id": row.id,
        "accountId": account_id,
        "contractId": row.contract_id,
        "symbolId": contract.symbol_id,
        "creationTimestamp": stamp(row.created),
        "updateTimestamp": stamp(row.updated),
        "status": row.status,
        "type": row.type,
        "side": row.side,
        "size": row.size,
        "limitPrice": price(instrument, row.limit),
        "stopPrice": price(instrument, row.stop),
        "fillVolume": row.filled,
        "filledPrice": price(instrument, row.fill_price),
        "customTag": row.tag,
    }
    if row.offset is not None:
        out["trailDistance"] = row.offset
        out["trailPrice"] = price(instrument, row.offset)
    if row.parent is not None:
        out["parentOrderId"] = row.parent
    if row.linked is not None:
        out["linkedOrderId"] = row.linked
    return present(out) if stream else out


def trade_json(row: TradeRow, account_id: int, contract: ContractMonth, *, stream: bool) -> Json:
    out: Json = {
        "id": row.id,
        "accountId": account_id,
        "contractId": row.contract_id,
        "creationTimestamp": (stream_stamp if stream else rest_stamp)(row.ts),
        "price": price(contract.instrument, row.price),
        "profitAndLoss": None if row.pnl is None else number(row.pnl),
        "fees": number(row.fees),
        "commissions": number(row.commissions),
        "side": row.side,
        "size": row.size,
        "voided": False,
        "orderId": row.order_id,
    }
    return present(out) if stream else out


def position_json(row: PositionRow, account_id: int, contract: ContractMonth, *, stream: bool) -> Json:
    """`type` is 1 long, 2 short, 0 when the position has just been closed."""
    return {
        "id": row.id,
        "accountId": account_id,
        "contractId": row.contract_id,
        "contractDisplayName": contract.display_name,
        "creationTimestamp": (stream_stamp if stream else rest_stamp)(row.created),
        "type": 0 if not row.qty else 1 if row.qty > 0 else 2,
        "size": abs(row.qty),
        "averagePrice": price(contract.instrument, row.average),
    }


class HubEvent(NamedTuple):
    """One event of an account as the user hub sends it. `action` 0 create, 1 update, 2 delete."""

    target: str
    account_id: int
    action: int
    data: Json
    bare: bool = False
    """Sent without its envelope, as some servers do."""


def hub_event(event: UserEvent) -> HubEvent:
    """What the user hub tells of something that happened in an account, as things stand."""
    account_id, action, row, contract = event
    if isinstance(row, AccountRow):
        return HubEvent(ACCOUNTS, account_id, action, account_json(row))
    assert contract is not None, "every row but an account's is about a contract"
    if isinstance(row, OrderRow):
        return HubEvent(ORDERS, account_id, action, order_json(row, account_id, contract, stream=True))
    if isinstance(row, TradeRow):
        return HubEvent(FILLS, account_id, action, trade_json(row, account_id, contract, stream=True))
    return HubEvent(POSITIONS, account_id, action, position_json(row, account_id, contract, stream=True))


def bars_json(bars: Sequence[Bar], contract: ContractMonth) -> list[Json]:
    """Bars as history answers them. Few prices come often, so each is worked out once."""
    prices = {
        ticks: price(contract.instrument, ticks)
        for ticks in {t for bar in bars for t in (bar.open, bar.high, bar.low, bar.close)}
    }
    return [
        {
            "t": datetime.fromtimestamp(bar.open_ts // 1_000_000_000, UTC).isoformat(),
            "o": prices[bar.open],
            "h": prices[bar.high],
            "l": prices[bar.low],
            "c": prices[bar.close],
            "v": bar.volume,
        }
        for bar in bars
    ]

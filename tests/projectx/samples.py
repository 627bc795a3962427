"""Hand-written records in the shapes that the gateway sends; ids, prices and names are made up."""

from __future__ import annotations

from typing import Any

ACCOUNT = 7_001
MNQ = "CON.F.US.MNQ.Z31"
ES = "CON.F.US.EP.Z31"
OLD_MNQ = "CON.F.US.MNQ.U31"
CRUDE = "CON.F.US.CLE.X31"


def ok(**payload: Any) -> dict[str, Any]:
    return payload | {"success": True, "errorCode": 0, "errorMessage": None}


def failed(code: int, message: str | None = None, **payload: Any) -> dict[str, Any]:
    return payload | {"success": False, "errorCode": code, "errorMessage": message}


def account(**changes: Any) -> dict[str, Any]:
    return {
        "id": ACCOUNT,
        "name": "PRAC-V2-1-1",
        "balance": 150_000.5,
        "canTrade": True,
        "isVisible": True,
        "simulated": True,
    } | changes


def contract(contract_id: str, name: str, symbol: str, tick: float, value: float, **changes: Any) -> Any:
    return {
        "id": contract_id,
        "name": name,
        "description": f"{name} for tests",
        "tickSize": tick,
        "tickValue": value,
        "activeContract": True,
        "symbolId": symbol,
    } | changes


CONTRACTS = [
    contract(MNQ, "MNQZ1", "F.US.MNQ", 0.25, 0.5),
    contract(ES, "ESZ1", "F.US.EP", 0.25, 12.5),
    contract("CON.F.US.ENQ.Z31", "NQZ1", "F.US.ENQ", 0.25, 5),
    contract(CRUDE, "CLX1", "F.US.CLE", 0.01, 10),
]


def order(order_id: int = 900, **changes: Any) -> dict[str, Any]:
    """As a query gives it: with explicit nulls."""
    return {
        "id": order_id,
        "accountId": ACCOUNT,
        "contractId": MNQ,
        "symbolId": "F.US.MNQ",
        "creationTimestamp": "2031-10-06T14:30:00.25+00:00",
        "updateTimestamp": "2031-10-06T14:30:00.251234+00:00",
        "status": 1,
        "type": 1,
        "side": 0,
        "size": 2,
        "limitPrice": 21_000.25,
        "stopPrice": None,
        "fillVolume": 0,
        "filledPrice": None,
        "customTag": "ts-a-1-1",
    } | changes


def streamed(row: dict[str, Any]) -> dict[str, Any]:
    """As the stream gives it: nulls left out."""
    return {key: value for key, value in row.items() if value is not None}


def trade(trade_id: int = 5_000, **changes: Any) -> dict[str, Any]:
    return {
        "id": trade_id,
        "accountId": ACCOUNT,
        "contractId": MNQ,
        "creationTimestamp": "2031-10-06T14:30:01.0000071+00:00",
        "price": 21_000.25,
        "profitAndLoss": None,
        "fees": 0.72,
        "commissions": 0.5,
        "side": 0,
        "size": 2,
        "voided": False,
        "orderId": 900,
    } | changes


def position(position_id: int = 40, **changes: Any) -> dict[str, Any]:
    return {
        "id": position_id,
        "accountId": ACCOUNT,
        "contractId": MNQ,
        "contractDisplayName": "MNQZ31",
        "creationTimestamp": "2031-10-06T14:30:01.01+00:00",
        "type": 1,
        "size": 2,
        "averagePrice": 21_000.375,
    } | changes


def first_quote(contract_id: str) -> dict[str, Any]:
    return {
        "symbol": "F.US.X",
        "symbolName": "/X",
        "lastPrice": 21_000,
        "bestBid": 20_999.75,
        "bestAsk": 21_000.25,
        "change": -12.5,
        "changePercent": -0.0006,
        "open": 21_010.25,
        "high": 21_050,
        "low": 20_900.5,
        "lastUpdated": "2031-10-06T14:29:59.1234567+00:00",
        "timestamp": "2031-10-06T14:29:59.12+00:00",
        "contract": contract_id,
    }


def market_trade(price: float = 21_000.25, volume: int = 3, side: int = 1) -> dict[str, Any]:
    return {
        "symbolId": "F.US.MNQ",
        "price": price,
        "timestamp": "2031-10-06T14:30:02.5+00:00",
        "type": side,
        "volume": volume,
        "contractId": MNQ,
    }


def rest_defaults() -> dict[str, Any]:
    """A sane answer of every call but login and validate, which the gateway makes up itself."""
    return {
        "/api/Auth/logout": ok(),
        "/api/Account/search": ok(accounts=[account()]),
        "/api/Contract/available": ok(contracts=CONTRACTS),
        "/api/Contract/search": ok(contracts=[]),
        "/api/History/retrieveBars": ok(bars=[]),
        "/api/Order/place": ok(orderId=901),
        "/api/Order/modify": ok(),
        "/api/Order/cancel": ok(),
        "/api/Order/search": ok(orders=[]),
        "/api/Order/searchOpen": ok(orders=[]),
        "/api/Order/v2/query": ok(orders=[], totalCount=0),
        "/api/Position/searchOpen": ok(positions=[]),
        "/api/Position/closeContract": ok(),
        "/api/Trade/search": ok(trades=[]),
    }

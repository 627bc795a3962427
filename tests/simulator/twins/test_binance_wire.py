"""Binance's wire around a twin, asked by a bare client: what is refused, in Binance's codes and words."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession

from adapters.simulator.market.scripted import ScriptedMarket
from adapters.simulator.twins.config import TwinConfig, TwinLogin
from adapters.simulator.twins.twin import Twin
from adapters.simulator.wire.binance.wire import BinanceWire
from engine.model.events import Print, Quote
from tests.support.waits import until
from tstream.venues.binance import INSTRUMENTS

START = 1_790_000_000_000_000_000
BTC = INSTRUMENTS["BTCUSDT"]
PRICE = 6_000_000
KEY, SECRET = "key", "secret"
BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}


@dataclass
class BareClient:
    twin: Twin
    http: ClientSession

    def stamped(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"timestamp": self.twin.now() // 1_000_000, **params}

    async def ask(
        self, verb: str, path: str, *, key: str = KEY, secret: str = SECRET, **params: Any
    ) -> tuple[int, Any]:
        """A signed call; the status and the body of its answer."""
        text = urlencode(self.stamped(params))
        signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        url = f"{self.twin.url}/api/v3/{path}?{text}&signature={signature}"
        async with self.http.request(verb, url, headers={"X-MBX-APIKEY": key}) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str) -> tuple[int, Any, dict[str, str]]:
        async with self.http.get(f"{self.twin.url}/api/v3/{path}") as answer:
            return answer.status, await answer.json(), dict(answer.headers)

    def market(self, bid: int) -> None:
        now = self.twin.now()
        known = {"ts_recv": now, "ts_venue": now, "instrument": "BTCUSDT"}
        self.twin.push(Quote(bid=bid, ask=bid + 1, **known), Print(price=bid, size=100_000, **known))  # type: ignore[arg-type]


@asynccontextmanager
async def serving(wire: type[BinanceWire] = BinanceWire) -> AsyncIterator[BareClient]:
    login = TwinLogin(key=KEY, secret=SECRET, coins={"BTC": Decimal("0.02")})
    source = ScriptedMarket([BTC], START)
    async with Twin(wire, TwinConfig((BTC,), logins=(login,)), source) as twin, ClientSession() as http:
        client = BareClient(twin, http)
        client.market(PRICE)
        yield client


@pytest.fixture
async def client() -> AsyncIterator[BareClient]:
    async with serving() as made:
        yield made


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"key": "another"}, 401, -2015),
        ({"key": ""}, 401, -2014),
        ({"secret": "another"}, 400, -1022),
        ({"timestamp": START // 1_000_000 - 60_000}, 400, -1021),
        ({"timestamp": START // 1_000_000 + 90_000}, 400, -1021),
        ({"recvWindow": 60_001}, 400, -1131),
    ],
)
async def test_who_may_not_ask(client: BareClient, changes: dict[str, Any], status: int, code: int) -> None:
    told, body = await client.ask("GET", "account", **changes)
    assert (told, body["code"]) == (status, code)


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"price": "60000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"price": "60000.00", "quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"price": "60000.00", "quantity": "0.00001"}, -1013, "Filter failure: NOTIONAL"),
        ({"price": "0.000000001"}, -1111, "too much precision"),
        ({"price": "1e3"}, -1100, "Illegal characters"),
        ({}, -1102, "'price'"),
        ({"price": "59000.00", "quantity": "10"}, -2010, "insufficient balance"),
        ({"price": "60000.00", "symbol": "NOPE"}, -1121, "Invalid symbol."),
        ({"price": "60000.00", "side": "HOLD"}, -1117, "Invalid side."),
        ({"price": "60000.00", "type": "WISH"}, -1116, "Invalid orderType."),
        ({"type": "LIMIT_MAKER", "price": "60001.00"}, -2010, "immediately match and take"),
        ({"type": "STOP_LOSS", "stopPrice": "59000.00"}, -2010, "would trigger immediately"),
        ({"type": "MARKET", "side": "SELL", "quantity": "0.03"}, -2010, "insufficient balance"),
    ],
)
async def test_what_is_no_order(client: BareClient, changes: dict[str, Any], code: int, words: str) -> None:
    status, body = await client.ask("POST", "order", **(BUY | changes))
    assert (status, body["code"]) == (400, code)
    assert words in body["msg"]
    assert client.twin.account.live() == []


async def test_a_client_id_that_stands_and_orders_that_do_not(client: BareClient) -> None:
    order = BUY | {"price": "59000.00", "newClientOrderId": "mine"}
    status, placed = await client.ask("POST", "order", **order)
    assert (status, placed["status"], placed["clientOrderId"]) == (200, "NEW", "mine")
    _, again = await client.ask("POST", "order", **order)
    assert again == {"code": -2010, "msg": "Duplicate order sent."}
    _, gone = await client.ask("DELETE", "order", symbol="BTCUSDT", origClientOrderId="mine")
    assert (gone["status"], gone["origClientOrderId"]) == ("CANCELED", "mine")
    assert gone["clientOrderId"] != "mine"
    _, unknown = await client.ask("DELETE", "order", symbol="BTCUSDT", origClientOrderId="mine")
    assert unknown == {"code": -2011, "msg": "Unknown order sent."}
    _, never = await client.ask("GET", "order", symbol="BTCUSDT", origClientOrderId="never")
    assert never == {"code": -2013, "msg": "Order does not exist."}


async def test_coins_of_a_sale_are_set_aside_and_a_pair_takes_them_once(client: BareClient) -> None:
    pair = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "quantity": "0.02",
        "aboveType": "LIMIT_MAKER",
        "abovePrice": "61000.00",
        "belowType": "STOP_LOSS",
        "belowStopPrice": "59000.00",
    }
    status, told = await client.ask("POST", "orderList/oco", **pair)
    assert (status, told["listOrderStatus"], len(told["orderReports"])) == (200, "EXECUTING", 2)
    _, account = await client.ask("GET", "account")
    [coins] = [one for one in account["balances"] if one["asset"] == "BTC"]
    assert (Decimal(coins["free"]), Decimal(coins["locked"])) == (Decimal(0), Decimal("0.02"))
    _, more = await client.ask("POST", "order", **(BUY | {"side": "SELL", "price": "62000.00"}))
    assert more["code"] == -2010
    client.market(PRICE - 100_001)
    client.market(PRICE - 100_002)
    await until(lambda: not client.twin.account.live())
    _, orders = await client.ask("GET", "allOrders", symbol="BTCUSDT")
    assert sorted(one["status"] for one in orders) == ["EXPIRED", "FILLED"]


@pytest.mark.parametrize(("above", "below"), [("59000.00", "58000.00"), ("62000.00", "61000.00")])
async def test_a_pair_on_one_side_of_the_market_is_none(client: BareClient, above: str, below: str) -> None:
    pair = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "quantity": "0.02",
        "aboveType": "LIMIT_MAKER",
        "abovePrice": above,
        "belowType": "STOP_LOSS",
        "belowStopPrice": below,
    }
    _, told = await client.ask("POST", "orderList/oco", **pair)
    assert "relationship of the prices" in told["msg"]
    assert client.twin.account.live() == []


async def test_weight_is_counted_and_who_goes_on_is_banned(client: BareClient) -> None:
    _, _, headers = await client.get("exchangeInfo?symbol=BTCUSDT")
    assert headers["x-mbx-used-weight-1m"] == "20"
    assert isinstance(client.twin.wire, BinanceWire)
    client.twin.wire.gate.used = 6_000
    found = [await client.get("time") for _ in range(22)]
    assert [status for status, _, _ in found] == [429] * 20 + [418] * 2
    assert all(body["code"] == -1003 and int(headers["Retry-After"]) > 0 for _, body, headers in found)


async def test_listen_keys_are_gone(client: BareClient) -> None:
    async with client.http.post(f"{client.twin.url}/api/v3/userDataStream") as answer:
        assert answer.status == 410


async def test_streams_raw_and_combined(client: BareClient) -> None:
    base = client.twin.url.replace("http", "ws")
    async with (
        client.http.ws_connect(f"{base}/ws/btcusdt@trade") as raw,
        client.http.ws_connect(f"{base}/stream?streams=btcusdt@aggTrade") as combined,
    ):
        await combined.send_json({"method": "SUBSCRIBE", "params": ["nope@trade"], "id": 1})
        assert await combined.receive_json() == {"result": None, "id": 1}
        await combined.send_json({"method": "LIST_SUBSCRIPTIONS", "id": "x"})
        listed = await combined.receive_json()
        assert listed == {"result": ["btcusdt@aggTrade", "nope@trade"], "id": "x"}
        await combined.send_str("nonsense")
        assert (await combined.receive_json())["code"] == 3
        client.market(PRICE + 5)
        told, wrapped = await raw.receive_json(), await combined.receive_json()
        assert (told["e"], told["p"], wrapped["stream"]) == ("trade", "60000.05000000", "btcusdt@aggTrade")
        assert wrapped["data"]["a"] == told["t"]


async def test_the_websocket_api(client: BareClient) -> None:
    def signed(**params: Any) -> dict[str, Any]:
        told = client.stamped({"apiKey": KEY, **params})
        text = "&".join(f"{name}={told[name]}" for name in sorted(told))
        return told | {"signature": hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()}

    async with client.http.ws_connect(f"{client.twin.url.replace('http', 'ws')}/ws-api/v3") as socket:

        async def ask(method: str, params: dict[str, Any]) -> Any:
            await socket.send_json({"id": 7, "method": method, "params": params})
            while True:
                told = await socket.receive_json()
                if told.get("id") == 7:
                    return told

        assert (await ask("time", {}))["result"]["serverTime"] > 0
        subscribe = "userDataStream.subscribe.signature"
        wrong = await ask(subscribe, signed() | {"signature": "00"})
        assert wrong["error"]["code"] == -1022
        assert (await ask(subscribe, signed()))["result"] == {"subscriptionId": 0}
        assert (await ask(subscribe, signed()))["error"]["code"] == -2035
        assert (await ask("userDataStream.start", {}))["status"] == 410
        placed = await ask("order.place", signed(**BUY, price="59000.00", newClientOrderId="by-socket"))
        assert (placed["status"], placed["result"]["clientOrderId"]) == (200, "by-socket")
        gone = await ask("order.cancel", signed(symbol="BTCUSDT", origClientOrderId="by-socket"))
        assert gone["result"]["status"] == "CANCELED"


class Impatient(BinanceWire):
    PING_S = 0.1


async def test_who_answers_no_ping_is_cut_off() -> None:
    async with serving(Impatient) as client:
        base = client.twin.url.replace("http", "ws")
        async with client.http.ws_connect(f"{base}/ws/btcusdt@trade", autoping=False) as deaf:
            await until(lambda: not client.twin.sockets.open)
            assert not deaf.closed or deaf.close_code

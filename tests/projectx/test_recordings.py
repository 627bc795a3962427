"""Every record captured from the live gateway is understood."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from adapters.common import stamps
from adapters.projectx import mapping
from adapters.projectx.contracts import symbol_id
from adapters.projectx.depth import ContractDepth
from adapters.projectx.wire import (
    BarRow,
    ContractRow,
    Reply,
    WireAccount,
    WireOrder,
    WirePosition,
    WireTrade,
    read,
    read_depth,
    read_prints,
    read_quote,
    read_rows,
    read_user,
)
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.orders import AccountKind, VenueStatus
from tests.support.recordings import DATA, needs_recordings

pytestmark = [pytest.mark.recordings, needs_recordings]

FOLDER = DATA / "projectx"
BAR_KEYS = {"timestamp": "t", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
CONTRACTS_ELSEWHERE = {
    "CON.F.US.MCLE.V26": Instrument(
        "MCL", "MCLE", "Micro Crude", Decimal("0.01"), Decimal(1), Decimal("0.51"), Decimal(0)
    )
}


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


def rows_of(name: str) -> Raw:
    return Raw((FOLDER / name).read_bytes())


def product(contract_id: str) -> Instrument:
    roots = {f"CON.F.US.{i.root}.": i for i in CME_FUTURES.values()}
    for prefix, instrument in roots.items():
        if contract_id.startswith(prefix):
            return instrument
    return CONTRACTS_ELSEWHERE[contract_id]


def samples(kind: str) -> list[Any]:
    found = load("stream_event_samples.json")["samples"]
    return [s["raw_payload"] for s in found if s["event_type"] == kind and s["raw_payload"] is not None]


def arguments(*values: Any) -> Raw:
    return Raw(json.dumps(values).encode())


def test_every_file_is_covered() -> None:
    here = Path(__file__).read_text()
    assert [path.name for path in FOLDER.glob("*.json") if path.name not in here] == []


@pytest.mark.parametrize("name", ["auth_login_key_envelope.json", "auth_validate_envelope.json"])
def test_login_envelopes(name: str) -> None:
    envelope = load(name)["envelope"]
    reply = read(json.dumps(envelope).encode(), Reply)
    assert reply.success
    assert reply.token or reply.new_token
    assert "REDACTED" not in repr(reply)


@pytest.mark.parametrize("name", ["auth_login.json", "auth_validate.json"])
def test_login_summaries_hold_a_time(name: str) -> None:
    assert stamps.parse(load(name)["captured_utc"]) > 0


def test_accounts() -> None:
    accounts = [mapping.account(row) for row in read_rows(rows_of("accounts_search.json"), WireAccount)]
    assert {a.name.split("-")[0]: a.kind for a in accounts} == {
        "50KTC": AccountKind.LIVE,
        "PRAC": AccountKind.PRACTICE,
    }


def test_contracts() -> None:
    rows = read_rows(rows_of("contracts_available.json"), ContractRow)
    assert len(rows) == len({row.symbol_id for row in rows}) == 51
    by_symbol = {row.symbol_id: row for row in rows}
    for instrument in CME_FUTURES.values():
        row = by_symbol[symbol_id(instrument)]
        assert row.active_contract
        assert mapping.terms_differ(row, instrument) is None


def test_bars() -> None:
    bars = [{BAR_KEYS[key]: value for key, value in row.items()} for row in load("history_bars_1m_2h.json")]
    prices = mapping.Prices(CME_FUTURES["MNQ"])
    mapped = [mapping.bar(row, prices) for row in read_rows(Raw(json.dumps(bars).encode()), BarRow)]
    assert len(mapped) == len(bars)
    assert all(newer.open_ts > older.open_ts for newer, older in pairwise(mapped))
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in mapped)


def test_orders() -> None:
    rows = read_rows(rows_of("historical_orders_24h.json"), WireOrder)
    orders = [mapping.order(row, product(row.contract_id)) for row in rows]
    assert len(orders) == len(load("historical_orders_24h.json"))
    by_id = {order.venue_id: order for order in orders}
    legs = [order for order in orders if order.parent_id is not None]
    assert legs
    for leg in legs:
        assert (leg.client_id or "").endswith(("-SL", "-TP"))
        if leg.parent_id in by_id:
            assert by_id[leg.parent_id].side is leg.side.opposite
    assert read_rows(rows_of("open_orders.json"), WireOrder) == []


def test_trades() -> None:
    rows = read_rows(rows_of("historical_trades_24h.json"), WireTrade)
    fills = [mapping.fill(row, product(row.contract_id)) for row in rows]
    assert len({fill.trade_id for fill in fills if fill is not None}) == len(rows) > 0


def test_orders_agree_with_their_trades() -> None:
    trades = read_rows(rows_of("historical_trades_24h.json"), WireTrade)
    orders = {row.id: row for row in read_rows(rows_of("historical_orders_24h.json"), WireOrder)}
    joined = [(trade, orders[trade.order_id]) for trade in trades if trade.order_id in orders]
    assert joined
    assert all(trade.price == order.filled_price for trade, order in joined)


def test_positions() -> None:
    assert read_rows(rows_of("open_positions.json"), WirePosition) == []


def test_user_stream() -> None:
    [account] = samples("account")
    assert read_user(arguments(account), WireAccount)[0][1].balance == Decimal("149848.64")
    [order] = samples("order")
    [(_, row)] = read_user(arguments(order), WireOrder)
    assert mapping.order(row, product(row.contract_id)).status is VenueStatus.REJECTED
    [position] = samples("position")
    [(action, held)] = read_user(arguments(position), WirePosition)
    assert action == 2
    assert mapping.position(held, product(held.contract_id)).qty == 0
    [trade] = samples("trade")
    [(_, half_turn)] = read_user(arguments(trade), WireTrade)
    fill = mapping.fill(half_turn, product(half_turn.contract_id))
    assert fill is not None
    assert fill.cost_usd == Decimal("0.61")


def test_market_stream() -> None:
    [quote] = samples("quote")
    contract, row = read_quote(arguments(quote["contractId"], quote["payload"]))
    book = mapping.TopOfBook(product(contract)).merge(row, 1)
    assert (book.bid, book.ask, book.last) == (118_188, 118_190, None)
    [trade] = samples("market_trade")
    contract, prints = read_prints(arguments(trade["contractId"], trade["payload"]))
    assert mapping.market_print(prints[0], mapping.PriceTexts(product(contract)), 1, 1).size == 1
    [depth] = samples("depth")
    contract, levels = read_depth(arguments(depth["contractId"], depth["payload"]))
    made = ContractDepth(mapping.PriceTexts(product(contract)), "")
    assert made.take(levels) == []
    told = made.told(1)
    assert (told.bids, told.ts_venue) == (((118_188, 2),), stamps.parse(depth["payload"]["timestamp"]))


@pytest.mark.parametrize(
    "name", ["partial_exit_protection_transition.json", "partial_exit_protection_transition_long.json"]
)
def test_bracket_legs_of_partial_exits(name: str) -> None:
    """These summaries keep only part of an order's keys; the rest is filled in to read them as rows."""
    found: list[dict[str, Any]] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if {"id", "type", "side", "status"} <= value.keys():
                found.append(value)
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    recording = load(name)
    walk(recording)
    assert found
    common = {
        "accountId": 1,
        "contractId": recording["contract_id"],
        "creationTimestamp": recording["captured_utc"],
    }
    for row in found:
        order = mapping.order(read(json.dumps(common | row).encode(), WireOrder), CME_FUTURES["MNQ"])
        assert (order.stop is None) != (order.limit is None)
        assert order.status.live


@pytest.mark.parametrize(
    "name", ["event_rates_proof.json", "reconnect_proof.json", "stream_subscriptions_proof.json"]
)
def test_times_in_the_proofs(name: str) -> None:
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            found.extend(v for k, v in value.items() if k.endswith("_utc") and isinstance(v, str))
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(load(name))
    assert found
    assert all(stamps.parse(text) > 0 for text in found)


def test_subscriptions_are_those_of_the_live_gateway() -> None:
    hubs = load("stream_subscriptions_proof.json")["code_subscriptions"]
    assert [s["invoke"] for s in hubs["user_hub"]] == [
        "SubscribeAccounts",
        "SubscribeOrders",
        "SubscribePositions",
        "SubscribeTrades",
    ]
    assert {s["invoke"] for s in hubs["market_hub"]} >= {"SubscribeContractQuotes", "SubscribeContractTrades"}


def test_every_row_takes_the_fast_path() -> None:
    """The captures decode without the liberal reader, so that it stays the exception."""
    for name, shape in (
        ("accounts_search.json", WireAccount),
        ("contracts_available.json", ContractRow),
        ("historical_orders_24h.json", WireOrder),
        ("historical_trades_24h.json", WireTrade),
    ):
        assert msgspec.json.decode((FOLDER / name).read_bytes(), type=list[shape])  # type: ignore[valid-type]

"""Records of the wire become values of the model, exactly, and odd spellings are read too."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from adapters.projectx import mapping, requests
from adapters.projectx.wire import (
    BarRow,
    ContractRow,
    QuoteRow,
    WireAccount,
    WireError,
    WireOrder,
    WirePosition,
    WireTrade,
    read,
    read_prints,
    read_quote,
    read_rows,
    read_user,
)
from engine.model.effects import PlaceOrder
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side
from engine.model.orders import AccountKind, OrderSpec, OrderType, VenueStatus
from tests.projectx import samples

MNQ = CME_FUTURES["MNQ"]
GC = CME_FUTURES["GC"]


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


def pascal(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: pascal(item) for key, item in value.items()}
    return [pascal(item) for item in value] if isinstance(value, list) else value


def texts(value: Any) -> Any:
    """Numbers as strings."""
    if isinstance(value, dict):
        return {key: texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [texts(item) for item in value]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


BY_ORDER_ID = {("orderId" if key == "id" else key): value for key, value in samples.order().items()}


def test_order_of_a_query() -> None:
    order = mapping.order(read(raw(samples.order()), WireOrder), MNQ)
    assert order.venue_id == "900"
    assert order.client_id == "ts-a-1-1"
    assert (order.side, order.type, order.qty) == (Side.BUY, OrderType.LIMIT, 2)
    assert order.status is VenueStatus.WORKING
    assert (order.limit, order.stop) == (84_001, None)
    assert order.parent_id is None
    assert order.ts_venue % 10**9 == 251_234_000


def test_bracket_child_of_the_stream() -> None:
    child = samples.order(
        902, status=8, type=4, side=1, limitPrice=None, customTag="ts-a-1-1-SL", parentOrderId=900
    )
    [(action, row)] = read_user(raw([{"action": 1, "data": samples.streamed(child)}]), WireOrder)
    order = mapping.order(row, MNQ)
    assert action == 1
    assert (order.parent_id, order.client_id) == ("900", "ts-a-1-1-SL")
    assert (order.status, order.type, order.side) == (VenueStatus.SUSPENDED, OrderType.STOP, Side.SELL)
    assert order.stop is None


@pytest.mark.parametrize(
    ("wire", "status", "live"),
    [
        (1, VenueStatus.WORKING, True),
        (2, VenueStatus.FILLED, False),
        (3, VenueStatus.CANCELED, False),
        (4, VenueStatus.EXPIRED, False),
        (5, VenueStatus.REJECTED, False),
        (6, VenueStatus.PENDING, True),
        (7, VenueStatus.WORKING, True),
        (8, VenueStatus.SUSPENDED, True),
    ],
)
def test_every_order_status(wire: int, status: VenueStatus, live: bool) -> None:
    order = mapping.order(read(raw(samples.order(status=wire)), WireOrder), MNQ)
    assert order.status is status
    assert order.status.live is live


@pytest.mark.parametrize(
    ("wire", "changes", "kind"),
    [
        (0, {"stopPrice": 20_000}, OrderType.STOP),
        (0, {}, OrderType.LIMIT),
        (0, {"limitPrice": None}, OrderType.MARKET),
        (1, {}, OrderType.LIMIT),
        (2, {"limitPrice": None}, OrderType.MARKET),
        (3, {}, OrderType.STOP),
        (4, {}, OrderType.STOP),
        (5, {}, OrderType.STOP),
        (6, {}, OrderType.LIMIT),
        (7, {}, OrderType.LIMIT),
    ],
)
def test_every_order_type(wire: int, changes: dict[str, Any], kind: OrderType) -> None:
    assert mapping.order(read(raw(samples.order(type=wire, **changes)), WireOrder), MNQ).type is kind


@pytest.mark.parametrize("change", [{"status": 0}, {"status": 9}, {"side": 2}, {"limitPrice": 21_000.3}])
def test_order_without_sense(change: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        mapping.order(read(raw(samples.order(**change)), WireOrder), MNQ)


def test_fill_costs_fees_and_commission() -> None:
    fill = mapping.fill(read(raw(samples.trade()), WireTrade), MNQ)
    assert fill is not None
    assert (fill.trade_id, fill.venue_order_id) == ("5000", "900")
    assert (fill.price, fill.qty, fill.side) == (84_001, 2, Side.BUY)
    assert fill.cost_usd == Decimal("1.22")
    assert fill.ts_venue % 10**9 == 7_100


def test_fill_of_an_older_gateway_has_no_commission() -> None:
    row = samples.trade()
    del row["commissions"]
    fill = mapping.fill(read(raw(row), WireTrade), MNQ)
    assert fill is not None
    assert fill.cost_usd == Decimal("0.72")


def test_voided_trade_is_no_fill() -> None:
    assert mapping.fill(read(raw(samples.trade(voided=True)), WireTrade), MNQ) is None


@pytest.mark.parametrize("change", [{"side": 7}, {"size": 0}, {"price": 21_000.1}])
def test_trade_without_sense(change: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        mapping.fill(read(raw(samples.trade(**change)), WireTrade), MNQ)


@pytest.mark.parametrize(("kind", "size", "qty"), [(1, 2, 2), (2, 3, -3), (0, 0, 0), (1, 0, 0)])
def test_position_is_signed_and_its_average_exact(kind: int, size: int, qty: int) -> None:
    position = mapping.position(read(raw(samples.position(type=kind, size=size)), WirePosition), MNQ)
    assert position.qty == qty
    assert position.average_price == Decimal("21000.375")


def test_position_of_an_unknown_type() -> None:
    with pytest.raises(WireError):
        mapping.position(read(raw(samples.position(type=5)), WirePosition), MNQ)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("PRAC-V2-1-1", AccountKind.PRACTICE),
        ("50KTC-V2-DLL-1-1", AccountKind.LIVE),
        ("EXPRESS-V2-1", AccountKind.LIVE),
        ("prac-1", AccountKind.LIVE),
        ("MY-PRAC-1", AccountKind.LIVE),
    ],
)
def test_practice_is_told_by_the_name_alone(name: str, kind: AccountKind) -> None:
    account = mapping.account(read(raw(samples.account(name=name, simulated=True)), WireAccount))
    assert account.kind is kind
    assert account.balance_usd == Decimal("150000.5")


def test_bar_of_history() -> None:
    row = {"t": "2031-10-06T14:29:00+00:00", "o": 21_000, "h": 21_001.5, "l": 20_999.75, "c": 21_001, "v": 7}
    bar = mapping.bar(read(raw(row | {"d": None, "k": None}), BarRow), mapping.Prices(MNQ))
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (84_000, 84_006, 83_999, 84_004, 7)
    assert bar.backfilled
    assert bar.close_ts - bar.open_ts == 60 * 10**9


@pytest.mark.parametrize(
    "arguments",
    [
        [{"action": 1, "data": samples.order()}],
        [samples.order()],
        [{"Action": 1, "Data": pascal(samples.order())}],
        [pascal(samples.order())],
        [texts({"action": 1, "data": samples.order()})],
        [{"action": 1, "data": BY_ORDER_ID}],
        [[{"action": 1, "data": samples.order()}]],
    ],
    ids=["envelope", "bare", "pascal", "bare pascal", "numbers as text", "order id", "nested list"],
)
def test_user_records_are_read_liberally(arguments: Any) -> None:
    rows = read_user(raw(arguments), WireOrder)
    assert [(action, mapping.order(row, MNQ).venue_id) for action, row in rows] == [(1, "900")]
    assert mapping.order(rows[0][1], MNQ).limit == 84_001


def test_a_trade_without_its_id_is_not_given_its_orders() -> None:
    row = samples.trade()
    del row["id"]
    with pytest.raises(WireError):
        read_user(raw([row]), WireTrade)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["x"],
        [None],
        [{"action": 1}],
        [{"action": 1, "data": None}],
        {"a": 1},
        7,
        [{"action": "x", "data": {}}],
    ],
)
def test_user_nonsense(arguments: Any) -> None:
    if arguments == []:
        assert read_user(raw(arguments), WireOrder) == []
        return
    with pytest.raises(WireError):
        read_user(raw(arguments), WireOrder)


def test_partial_quotes_merge() -> None:
    book = mapping.TopOfBook(MNQ)
    first = book.merge(read_quote(raw([samples.MNQ, samples.first_quote(samples.MNQ)]))[1], 5)
    assert (first.bid, first.ask, first.last) == (83_999, 84_001, 84_000)
    assert (first.day_open, first.change) == (84_041, -50)
    assert first.ts_recv == 5
    partial = {"symbol": "F.US.MNQ", "bestAsk": 21_000.5, "timestamp": "2031-10-06T14:30:00.5+00:00"}
    second = book.merge(read_quote(raw([samples.MNQ, partial]))[1], 6)
    assert (second.bid, second.ask, second.last) == (83_999, 84_002, 84_000)
    assert second.ts_venue - first.ts_venue == 1_380_000_000


def test_null_and_zero_say_nothing() -> None:
    book = mapping.TopOfBook(MNQ)
    book.merge(read_quote(raw([samples.MNQ, samples.first_quote(samples.MNQ)]))[1], 5)
    empty = {"bestBid": 0, "bestAsk": None, "lastPrice": 0.0, "timestamp": "2031-10-06T14:30:00+00:00"}
    quote = book.merge(read_quote(raw([samples.MNQ, empty]))[1], 6)
    assert (quote.bid, quote.ask, quote.last) == (83_999, 84_001, 84_000)


def test_before_the_first_word_a_side_is_none() -> None:
    row = read_quote(raw([samples.MNQ, {"bestBid": 1, "timestamp": "2031-10-06T14:30:00+00:00"}]))[1]
    quote = mapping.TopOfBook(MNQ).merge(row, 1)
    assert (quote.bid, quote.ask, quote.last, quote.day_open, quote.change) == (4, None, None, None, None)


def test_quote_off_the_grid_changes_nothing() -> None:
    book = mapping.TopOfBook(MNQ)
    before = book.merge(read_quote(raw([samples.MNQ, samples.first_quote(samples.MNQ)]))[1], 5)
    with pytest.raises(WireError):
        book.merge(QuoteRow(best_bid=Raw(b"21000"), best_ask=Raw(b"21000.1")), 6)
    assert book.quote(5) == before


def test_change_off_the_grid_is_rounded_as_it_is_only_shown() -> None:
    quote = mapping.TopOfBook(GC).merge(QuoteRow(change=Raw(b"-3.26"), open=Raw(b"2400.1")), 1)
    assert (quote.change, quote.day_open) == (-33, 24_001)


@pytest.mark.parametrize(
    "arguments",
    [
        [samples.MNQ, pascal(samples.first_quote(samples.MNQ))],
        [samples.MNQ, texts(samples.first_quote(samples.MNQ))],
        [samples.first_quote(samples.MNQ)],
        [pascal(samples.first_quote(samples.MNQ))],
    ],
)
def test_quotes_are_read_liberally(arguments: Any) -> None:
    contract, row = read_quote(raw(arguments))
    assert contract == samples.MNQ
    assert mapping.TopOfBook(MNQ).merge(row, 1).bid == 83_999


@pytest.mark.parametrize(
    "payload", [samples.market_trade(), [samples.market_trade()], [texts(samples.market_trade())]]
)
def test_prints_come_as_a_list_or_alone(payload: Any) -> None:
    contract, rows = read_prints(raw([samples.MNQ, payload]))
    market_print = mapping.market_print(rows[0], mapping.PriceTexts(MNQ), 9, 4)
    assert contract == samples.MNQ
    assert (market_print.price, market_print.size, market_print.aggressor) == (84_001, 3, Side.SELL)
    assert (market_print.ts_recv, market_print.seq) == (9, 4)


def test_all_prints_of_a_list_count() -> None:
    payload = [samples.market_trade(21_000 + i * 0.25, i + 1, i % 2) for i in range(15)]
    _, rows = read_prints(raw([samples.MNQ, payload]))
    prices_of_mnq = mapping.PriceTexts(MNQ)
    prints = [mapping.market_print(row, prices_of_mnq, 1, i) for i, row in enumerate(rows)]
    assert sum(p.size for p in prints) == 120
    assert {p.aggressor for p in prints} == {Side.BUY, Side.SELL}


@pytest.mark.parametrize("arguments", [[], ["x"], [1, 2], ["c", {}], ["c", 5], {"c": 1}])
def test_market_nonsense(arguments: Any) -> None:
    with pytest.raises(WireError):
        read_quote(raw(arguments))
    with pytest.raises(WireError):
        read_prints(raw(arguments))


@given(st.integers(1, 40_000_000), st.sampled_from(sorted(CME_FUTURES)))
def test_every_price_of_the_grid_makes_the_round_trip(ticks: int, symbol: str) -> None:
    instrument = CME_FUTURES[symbol]
    text = f"{instrument.price(ticks):f}".rstrip("0").rstrip(".")
    row = read_quote(Raw(f'["c",{{"bestBid":{text},"timestamp":"2031-10-06T14:30:00Z"}}]'.encode()))[1]
    assert mapping.TopOfBook(instrument).merge(row, 1).bid == ticks
    order = PlaceOrder("b", "id", symbol, OrderSpec(Side.BUY, OrderType.LIMIT, 1, limit=ticks))
    assert requests.place_request(order, 1, "c", instrument)["limitPrice"] == instrument.price(ticks)


@given(st.decimals("0.01", "50000", places=4))
def test_a_price_between_two_ticks_is_never_rounded_onto_one(price: Decimal) -> None:
    book = mapping.TopOfBook(MNQ)
    row = QuoteRow(best_bid=Raw(str(price).encode()))
    if price % Decimal("0.25"):
        with pytest.raises(WireError):
            book.merge(row, 1)
    else:
        assert book.merge(row, 1).bid == price / Decimal("0.25")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s),
    )
)
def test_whatever_comes_is_read_or_refused(value: Any) -> None:
    data = raw(value)
    for reader in (
        lambda: read_user(data, WireTrade),
        lambda: read_quote(data),
        lambda: read_prints(data),
        lambda: read_rows(data, WireOrder),
    ):
        with suppress(WireError):
            reader()


@pytest.mark.parametrize("price", ["NaN", "Infinity", "1e999", "-0.3", "1e-30"])
def test_numbers_that_are_no_price(price: str) -> None:
    row = read_quote(raw([samples.MNQ, {"bestBid": price, "timestamp": "2031-10-06T14:30:00Z"}]))[1]
    with pytest.raises(WireError):
        mapping.TopOfBook(MNQ).merge(row, 1)


def test_tick_terms_are_compared_by_value() -> None:
    row = read(raw(samples.contract("c", "GCZ1", "F.US.GCE", 0.1, 10)), ContractRow)
    assert mapping.terms_differ(row, GC) is None
    assert "tick size" in (mapping.terms_differ(row, MNQ) or "")
    assert "tick value" in (mapping.terms_differ(row, CME_FUTURES["MGC"]) or "")


def test_tick_size_in_exponent_form() -> None:
    text = json.dumps(samples.contract("c", "6JZ1", "F.US.JY6", 1, 6.25)).replace(
        '"tickSize": 1,', '"tickSize": 5e-07,'
    )
    assert read(Raw(text.encode()), ContractRow).tick_size == Decimal("0.0000005")

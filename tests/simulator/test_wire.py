from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from adapters.simulator.exchange.rows import AccountRow, OrderRow, PositionRow, TradeRow
from adapters.simulator.market.contracts import listing
from adapters.simulator.wire.projectx import json_rows as wire
from engine.model.instrument import CME_FUTURES
from tests.support.recordings import DATA, needs_recordings

TS = 1_787_000_000_000_000_000
CONTRACT = listing(tuple(CME_FUTURES.values()), date(2026, 11, 20)).front["MNQ"]
ORDER = OrderRow(
    id=11, contract_id=CONTRACT.id, symbol="MNQ", created=TS, updated=TS, status=1, type=4, side=1, size=1,
    stop=118_000, tag="x-SL", parent=10,
)  # fmt: skip
TRADE = TradeRow(
    id=5, order_id=11, contract_id=CONTRACT.id, symbol="MNQ", ts=TS, price=118_001, side=1, size=1,
    pnl=None, fees=Decimal("0.36"), commissions=Decimal("0.25"),
)  # fmt: skip
POSITION = PositionRow(3, CONTRACT.id, "MNQ", TS, -2, "236001/2")


@pytest.mark.parametrize(
    ("nanos", "rest", "stream"),
    [
        (0, "", ""),
        (156_730_000, ".15673", ".15673"),
        (444_492_251, ".444492", ".4444922"),
        (99, "", ""),
        (500, "", ".0000005"),
    ],
)
def test_stamps_trim_their_zeros(nanos: int, rest: str, stream: str) -> None:
    whole = "2026-08-17T20:53:20"
    assert wire.rest_stamp(TS + nanos) == f"{whole}{rest}+00:00"
    assert wire.stream_stamp(TS + nanos) == f"{whole}{stream}+00:00"


def test_numbers_have_no_needless_point() -> None:
    values: list[Decimal | Fraction] = [Decimal("28540.00"), Decimal("28540.25"), Fraction(1, 3)]
    assert json.dumps([wire.number(v) for v in values]) == "[28540, 28540.25, 0.3333333333333333]"


def test_averages_lie_off_the_grid() -> None:
    row = wire.position_json(POSITION, 1, CONTRACT, stream=False)
    assert (row["averagePrice"], row["type"], row["size"]) == (29500.125, 2, 2)


def test_rest_says_null_and_the_stream_says_nothing() -> None:
    rest = wire.order_json(ORDER, 1, CONTRACT, stream=False)
    stream = wire.order_json(ORDER, 1, CONTRACT, stream=True)
    assert rest["limitPrice"] is None
    assert rest["filledPrice"] is None
    assert {"limitPrice", "filledPrice"}.isdisjoint(stream)
    assert stream["stopPrice"] == 29500
    assert wire.trade_json(TRADE, 1, CONTRACT, stream=False)["profitAndLoss"] is None
    assert "profitAndLoss" not in wire.trade_json(TRADE, 1, CONTRACT, stream=True)


def recorded(name: str) -> Any:
    return json.loads((DATA / "projectx" / name).read_text())


@pytest.mark.recordings
@needs_recordings
def test_rows_have_the_fields_of_the_captured_ones() -> None:
    samples = {s["event_type"]: s["raw_payload"] for s in recorded("stream_event_samples.json")["samples"]}
    ours = {
        "order": wire.order_json(ORDER, 1, CONTRACT, stream=True),
        "position": wire.position_json(POSITION, 1, CONTRACT, stream=True),
        "account": wire.account_json(AccountRow(1, "PRAC", Decimal(5), can_trade=True)),
    }
    for kind, row in ours.items():
        captured = samples[kind]["data"]
        missing = set(captured) - set(row)
        assert missing <= {"limitPrice", "filledPrice", "trailDistance", "trailPrice", "linkedOrderId"}, kind
        for name in set(captured) & set(row):
            assert isinstance(row[name], (type(captured[name]), int, float)), name
    rest_rows = recorded("historical_orders_24h.json")
    assert set(rest_rows[0]) <= set(wire.order_json(ORDER, 1, CONTRACT, stream=False))
    assert set(recorded("contracts_available.json")[0]) == set(wire.contract_json(CONTRACT))

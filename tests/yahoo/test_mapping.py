"""Which rows of a chart are bars: never what is going on, however late it is told."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from adapters.simulator.market.scripted import ScriptedMarket
from adapters.simulator.yahoo.chart import ChartQuestion, ToldMarket
from adapters.yahoo import mapping
from adapters.yahoo.config import usual_name
from adapters.yahoo.feed import LATEST_NS
from adapters.yahoo.mapping import LIVE, ODD, OFF_GRID, QUIET, rows
from adapters.yahoo.wire import ChartError, Result, read
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, NANOS, Timeframe
from tests.support.instruments import PERPETUAL, SHARE, SPOT
from tests.yahoo.markets import NQ, START, minutes_of, walk

T = START // NANOS


def chart(times: list[Any], told: int = 0, currency: str = "USD", **columns: Any) -> Result:
    """An answer with these columns; those that are not given are flat."""
    flat = [20_000.25] * len(times)
    quote = {name: columns.get(name, flat) for name in ("open", "high", "low", "close")}
    quote["volume"] = columns.get("volume", [3] * len(times))
    result = {
        "meta": {"symbol": "NQ=F", "currency": currency, "regularMarketTime": told},
        "timestamp": times,
        "indicators": {"quote": [quote]},
    }
    found = read(json.dumps({"chart": {"result": [result], "error": None}}).encode()).result
    assert found is not None
    return found[0]


def opens(result: Result, now: int, allowance_ns: int = LATEST_NS) -> list[int]:
    bars = rows(result, NQ, Timeframe.M1, now, allowance_ns).bars
    return [(bar.open_ts - START) // MINUTE for bar in bars]


@pytest.mark.parametrize(
    ("times", "told", "after_s", "over"),
    [
        pytest.param([T, T + 60], 0, 200, [0], id="the last one may be going on"),
        pytest.param([T, T + 60], T + 119, 130, [0], id="its last trade is told, and maybe not the last"),
        pytest.param([T, T + 60], T + 120, 130, [0, 1], id="a trade after its end"),
        pytest.param([T, T + 60, T + 120], 0, 130, [0, 1], id="another one has begun"),
        pytest.param([T, T + 60, T + 95], 0, 100, [0], id="what is going on, off the grid"),
        pytest.param([T, T + 60, T + 121], 0, 125, [0, 1], id="off the grid, and after its end"),
        pytest.param([T, T + 60], 0, 120 + 25 * 60, [0, 1], id="nothing comes any more"),
        pytest.param([T, T + 60], T + 9_000, 100, [0], id="a time that is still to come says nothing"),
    ],
)
def test_a_minute_is_over_once_something_later_is_told(
    times: list[Any], told: int, after_s: int, over: list[int]
) -> None:
    assert opens(chart(times, told), START + after_s * NANOS) == over


def test_rows_that_are_no_bars_are_counted_and_left_out() -> None:
    times = [T, T + 60, T + 120, T + 180, T + 240, None, T + 300, T + 360]
    close = [20_000.25, None, 20_000.25, 20_000.25, 20_000.25, 20_000.25, -1, 20_000.25]
    high = [20_000.25, 20_000.25, 19_000.0, 20_000.25, 20_000.25, 20_000.25, 20_000.25, 20_000.25]
    told = rows(chart(times, close=close, high=high), NQ, Timeframe.M1, START + 400 * NANOS, LATEST_NS)
    assert [(bar.open_ts - START) // MINUTE for bar in told.bars] == [0, 3, 4]
    assert (told.counts[QUIET], told.counts[ODD], told.counts[LIVE]) == (1, 3, 1)


def test_rows_in_any_order_are_told_in_order_and_once() -> None:
    assert opens(chart([T + 120, T, T + 60, T]), START + 130 * NANOS) == [0, 1]


def test_noise_of_floats_is_no_price_of_its_own() -> None:
    share = structs.replace(SHARE, symbol="NQ")
    columns: dict[str, Any] = {name: [190.6699981689453] * 2 for name in ("open", "high", "low", "close")}
    told = rows(chart([T, T + 60], **columns), share, Timeframe.M1, START + 60 * NANOS, LATEST_NS)
    assert told.bars[0].close == 19_067
    assert told.counts[OFF_GRID] == 0


def test_a_price_between_two_ticks_takes_the_nearest_and_is_counted() -> None:
    columns: dict[str, Any] = {name: [20_000.3] * 2 for name in ("open", "high", "low", "close")}
    told = rows(chart([T, T + 60], **columns), NQ, Timeframe.M1, START + 60 * NANOS, LATEST_NS)
    assert told.bars[0].close == NQ.ticks("20000.25")
    assert told.counts[OFF_GRID] == 4


def test_hundredths_are_scaled_and_other_currencies_are_refused() -> None:
    pounds = structs.replace(SHARE, currency="GBP")
    columns: dict[str, Any] = {name: [1_234.0] * 2 for name in ("open", "high", "low", "close")}
    told = rows(
        chart([T, T + 60], currency="GBp", **columns), pounds, Timeframe.M1, START + MINUTE, LATEST_NS
    )
    assert pounds.price(told.bars[0].close) == Decimal("12.34")
    with pytest.raises(ChartError, match="is quoted in EUR"):
        rows(chart([T], currency="EUR"), SHARE, Timeframe.M1, START, LATEST_NS)


def test_a_chart_without_times_is_no_error() -> None:
    bare = read(b'{"chart":{"result":[{"meta":{"symbol":"X"},"indicators":{"quote":[{}]}}],"error":null}}')
    assert bare.result is not None
    assert rows(bare.result[0], NQ, Timeframe.M1, START, LATEST_NS).bars == ()


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"<html>Will be right back</html>", "a web page"),
        (b'{"chart":{"result":[{"meta"', "truncated"),
        (b"Too Many Requests\r\n", "malformed"),
        (b"{}", "neither prices nor an error"),
        (b'{"chart":{"result":[{"meta":{"symbol":7}}]}}', "Expected"),
        (b"[" * 100_000, "Expected `object`"),
        (b"\xff\xfe", "not JSON|malformed"),
    ],
    ids=["page", "cut", "words", "empty", "another shape", "nested", "no text"],
)
def test_what_is_no_chart_is_refused(payload: bytes, words: str) -> None:
    with pytest.raises(ChartError, match=words):
        read(payload)


def test_a_number_that_json_does_not_have_is_a_hole() -> None:
    body = (
        b'{"chart":{"result":[{"meta":{"symbol":"NQ=F","currency":"USD"},"timestamp":[%d,%d,%d],"indicators":'
        b'{"quote":[{"open":[1, NaN,1],"high":[1,-Infinity ,1],"low":[1,1,1],"close":[Infinity,1,1],'
        b'"volume":[1,1,1]}],"adjclose":[{"adjclose":[Infinity]}]}}],"error":null}}' % (T, T + 60, T + 120)
    )
    chart_ = read(body)
    assert chart_.result is not None
    told = rows(chart_.result[0], NQ, Timeframe.M1, START + 130 * NANOS, LATEST_NS)
    assert told.counts[QUIET] == 2


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1_000),
    delay_s=st.sampled_from([0, 1, 37, 600, 1_199]),
    looks=st.lists(st.integers(0, 30 * 60), min_size=1, max_size=12),
)
def test_a_minute_is_never_told_before_it_is_final(seed: int, delay_s: int, looks: list[int]) -> None:
    trades = walk(seed, 15)
    final = minutes_of(trades)
    told = ToldMarket(ScriptedMarket((NQ,), START, trades), {"NQ": "NQ=F"})
    seen: set[int] = set()
    for after_s in sorted(looks):
        now = START + after_s * NANOS
        told.advance(now - delay_s * NANOS)
        asked = ChartQuestion("NQ=F", "1m", START - 60 * MINUTE, now)
        status, body = told.answer(asked, now - delay_s * NANOS)
        assert status == 200
        result = read(json.dumps(body).encode()).result
        assert result is not None
        for bar in rows(result[0], NQ, Timeframe.M1, now, LATEST_NS).bars:
            assert bar == final[bar.open_ts]
            seen.add(bar.open_ts)
    newest = max(looks) - delay_s
    if newest >= 15 * 60:
        # All but the newest has something after it, and that is over after LATEST_NS at the latest.
        assert set(final) - seen <= {max(final)}


def test_half_hours_are_made_of_quarters_and_only_whole() -> None:
    quarter = Timeframe.M15.nanos
    base = START - START % Timeframe.M30.nanos
    parts = rows(
        chart([(base + n * quarter) // NANOS for n in range(4)]),
        NQ,
        Timeframe.M15,
        base + 4 * quarter,
        LATEST_NS,
    )
    assert len(parts.bars) == 3
    halves = mapping.folded(parts.bars, Timeframe.M30, parts.over_ts)
    assert [(bar.open_ts - base) // quarter for bar in halves] == [0]
    assert halves[0].volume == 6


@pytest.mark.parametrize(
    ("instrument", "name"),
    [
        (CME_FUTURES["MNQ"], "MNQ=F"),
        (SHARE, "ACME"),
        (structs.replace(SHARE, symbol="BRK.B"), "BRK-B"),
        (structs.replace(PERPETUAL, currency="USD", symbol="BTCUSD.P"), "BTC-USD"),
        (structs.replace(SPOT, base="", symbol="ETHUSD@yahoo", currency="USD"), "ETH-USD"),
    ],
)
def test_usual_names(instrument: Any, name: str) -> None:
    assert usual_name(instrument) == name

"""Who wanted what traded (docs/indicators.md#order-flow)."""

from __future__ import annotations

from collections import Counter

import pytest

from engine.market.calendars.known import CME
from engine.model.events import Print, Quote
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, NANOS, Bar, Side, Timeframe
from engine.signals.market_data import MarketData
from engine.signals.order_flow import Flow, OrderFlow
from tests.market.feed import T0


def printed(
    second: float, price: int, size: int, side: Side | None = None, seq: int = 0, late: float = 0
) -> Print:
    ts = T0 + int(second * NANOS)
    return Print(
        ts_recv=ts + int(late * NANOS),
        ts_venue=ts,
        instrument="ES",
        price=price,
        size=size,
        aggressor=side,
        seq=seq,
    )


def quoted(second: float, bid: int | None, ask: int | None) -> Quote:
    ts = T0 + int(second * NANOS)
    return Quote(ts_recv=ts, ts_venue=ts, instrument="ES", bid=bid, ask=ask)


def minute(n: int) -> Bar:
    return Bar("ES", Timeframe.M1, T0 + n * MINUTE, 1, 1, 1, 1, 1)


@pytest.mark.parametrize(
    ("price", "side", "quote", "expected"),
    [
        (101, None, (100, 101), Flow(bought=3, by_quote=3)),
        (102, None, (100, 101), Flow(bought=3, by_quote=3)),
        (100, None, (100, 101), Flow(sold=3, by_quote=3)),
        (101, None, (100, 102), Flow(unknown=3)),
        (101, None, (None, None), Flow(unknown=3)),
        (101, None, None, Flow(unknown=3)),
        (101, Side.SELL, (100, 101), Flow(sold=3)),  # the venue's word comes first
    ],
)
def test_a_print_is_told_by_the_venue_or_else_by_the_quote(
    price: int, side: Side | None, quote: tuple[int | None, int | None] | None, expected: Flow
) -> None:
    flow = OrderFlow(CME)
    flow.add(printed(1, price, 3, side), None if quote is None else quoted(0, *quote))
    assert flow.of(minute(0)) == expected


def test_delta_and_imbalance() -> None:
    assert Flow(30, 10, 5).delta == 20
    assert Flow(30, 10, 5).imbalance == 0.5
    assert Flow(unknown=5).imbalance is None


def market() -> MarketData:
    return MarketData({"ES": CME_FUTURES["ES"]}, NANOS, 60 * NANOS, Counter())


def test_nothing_is_counted_before_somebody_asks() -> None:
    data = market()
    data.on_print(printed(1, 100, 5, Side.BUY), T0)
    assert not data.board.flows
    assert data.board.order_flow("ES") is data.board.order_flow("ES")
    data.on_print(printed(2, 100, 7, Side.BUY), T0)
    assert data.board.order_flow("ES").of(minute(0)) == Flow(bought=7)
    data.rolled("ES", T0)
    assert not data.board.flows


def test_a_minute_takes_what_its_bar_takes_and_is_final_with_it() -> None:
    data = market()
    data.bars.feed_up(T0)
    flow = data.board.order_flow("ES")
    closed = []
    for one in (
        printed(10, 100, 4, Side.BUY, seq=1),
        printed(10, 100, 4, Side.BUY, seq=1),  # told twice
        printed(60.5, 100, 8, Side.SELL, seq=3),
        printed(59.9, 100, 2, Side.SELL, seq=2, late=0.8),  # while the bar waits for it
        printed(62, 100, 16, Side.BUY, seq=4),  # closes the first minute
        printed(58, 100, 32, Side.BUY, seq=5, late=5),  # too late
        printed(400, 100, 64, Side.BUY, seq=6, late=-300),  # of a time that can't be
        printed(122, 100, 1, Side.BUY, seq=7),
    ):
        for closing in data.on_print(one, one.ts_recv):
            closed += [(bar.volume, flow.of(bar)) for bar in closing.bars if bar.timeframe is Timeframe.M1]
    assert closed == [(6, Flow(bought=4, sold=2)), (24, Flow(bought=16, sold=8))]


def test_the_delta_of_a_session_is_told_only_where_all_of_it_was_heard() -> None:
    """T0 lies in a session that had begun; the next one is heard from its roll on."""
    flow = OrderFlow(CME)
    flow.add(printed(0, 100, 5, Side.BUY), None)
    assert flow.session_delta(minute(0)) is None
    start = (CME.next_roll(T0) - T0) // NANOS
    first = start // 60
    deltas = []
    for n, (size, side) in enumerate([(10, Side.BUY), (4, Side.SELL), (1, Side.BUY)]):
        flow.add(printed(start + 60 * n, 100, size, side), None)
        deltas.append(flow.session_delta(minute(first + n)))
    assert deltas == [10, 6, 7]
    assert [flow.session_delta(minute(first + n)) for n in (1, 0, 2)] == [6, 10, 7]

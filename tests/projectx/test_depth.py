"""The order book of a ProjectX contract, row by row, and on the practice venue."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.projectx import mapping
from adapters.projectx.depth import ContractDepth
from adapters.projectx.wire import LevelRow, market_record, read_depth
from engine.model.events import Depth
from engine.model.instrument import CME_FUTURES
from engine.model.market import DEPTH_LEVELS

MNQ = CME_FUTURES["MNQ"]
ASK, BID, BEST_ASK, BEST_BID, TRADE, RESET = 1, 2, 3, 4, 5, 6
SAMPLE = (
    b'{"type":1,"target":"GatewayDepth","arguments":["CON.F.US.MNQ.U26",[{"timestamp":"2026-07-31T19:18:30.32'
    b'12889+00:00","type":5,"price":28464.5,"volume":2305,"currentVolume":1},{"timestamp":"2026-07-31T19:18:3'
    b'0.3489591+00:00","type":4,"price":28464.25,"volume":1,"currentVolume":0},{"timestamp":"2026-07-31T19:18'
    b':30.3489849+00:00","type":3,"price":28464.75,"volume":8,"currentVolume":0}]]}'
)
"""As a gateway has sent it."""

Rows = list[tuple[int, int, int]]


def book(*rows: tuple[int, int, int]) -> ContractDepth:
    """Of rows (type, ticks, volume)."""
    made = ContractDepth(mapping.PriceTexts(MNQ), "topstepx")
    told = [LevelRow(type=t, price=msgspec.Raw(f"{p * 0.25}".encode()), volume=v) for t, p, v in rows]
    assert made.take(told) == []
    return made


def told(*rows: tuple[int, int, int]) -> Depth:
    return book(*rows).told(7)


def test_a_record_of_a_gateway_is_read_with_its_envelope_and_without() -> None:
    record = market_record(SAMPLE)
    contract, rows = record.arguments
    assert contract == "CON.F.US.MNQ.U26"
    made = ContractDepth(mapping.PriceTexts(MNQ), "topstepx")
    assert isinstance(rows, list)
    made.take(rows)
    depth = made.told(7)
    assert (depth.bids, depth.asks, depth.touch_only) == (((113_857, 1),), ((113_859, 8),), True)
    assert depth.traded == ((113_858, 2305),)
    loose = msgspec.Raw(SAMPLE[SAMPLE.index(b"[") : -1].replace(b'"price":28', b'"Price":28'))
    again = ContractDepth(mapping.PriceTexts(MNQ), "topstepx")
    again.take(read_depth(loose)[1])
    assert again.told(7) == depth


@pytest.mark.parametrize(
    ("rows", "bids", "asks"),
    [
        ([(BID, 99, 5), (ASK, 101, 7), (BID, 98, 6)], ((99, 5), (98, 6)), ((101, 7),)),
        ([(BID, 99, 5), (BID, 99, 9)], ((99, 9),), ()),  # a size replaces the one before
        ([(BID, 99, 5), (BID, 98, 2), (BID, 99, 0)], ((98, 2),), ()),
        ([(BID, 99, 5), (ASK, 101, 7), (RESET, 0, 0)], (), ()),
        # A row was lost, and the best prices say so: nothing stands where it can't.
        ([(ASK, 101, 7), (ASK, 102, 3), (BEST_ASK, 102, 4)], (), ((102, 4),)),
        ([(BID, 99, 5), (BID, 98, 2), (BEST_BID, 98, 3)], ((98, 3),), ()),
        ([(BEST_BID, 99, 3), (BEST_BID, 98, 4), (BEST_ASK, 100, 1)], ((98, 4),), ((100, 1),)),
        ([(7, 90, 1), (8, 120, 1), (11, 100, 1), (0, 100, 1), (99, 100, 1)], (), ()),
    ],
)
def test_rows_make_the_book(rows: Rows, bids: object, asks: object) -> None:
    depth = told(*rows)
    assert (depth.bids, depth.asks) == (bids, asks)


def test_traded_volume_is_the_venue_s_own_count_and_begins_anew_with_a_session() -> None:
    rows: Rows = [(TRADE, 100, 10), (TRADE, 101, 4), (TRADE, 100, 12), (BEST_BID, 100, 1)]
    assert told(*rows).traded == ((100, 12), (101, 4))
    assert told(*rows, (TRADE, 100, 2)).traded == ((100, 2),)


def test_one_bad_row_is_left_out_alone() -> None:
    made = ContractDepth(mapping.PriceTexts(MNQ), "")
    bad = LevelRow(type=BID, price=msgspec.Raw(b"10.1"), volume=1)
    good = LevelRow(type=BID, price=msgspec.Raw(b"10.25"), volume=1)
    assert len(made.take([bad, good])) == 1
    assert made.told(7).bids == ((41, 1),)


@given(st.lists(st.tuples(st.integers(-1, 12), st.integers(1, 400), st.integers(0, 50)), max_size=300))
def test_no_rows_make_a_book_that_is_not_one(rows: Rows) -> None:
    depth = told(*rows)
    for side, sign in ((depth.bids, -1), (depth.asks, 1)):
        assert len(side) <= DEPTH_LEVELS
        assert all(size > 0 for _, size in side)
        assert [price for price, _ in side] == sorted({p for p, _ in side}, key=lambda p: sign * p)

"""Positions and profit, exact in integer ticks (docs/semantics.md#profit-and-loss)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.market import Side
from engine.state.legs import LegState
from engine.state.position import Position, Trade, usd

MNQ = CME_FUTURES["MNQ"]
BUY, SELL = Side.BUY, Side.SELL


def _play(position: Position, *fills: tuple[Side, int, int], cost: str = "0") -> list[Trade]:
    """(side, ticks, quantity) one after another; the trades that they ended."""
    trades = (
        position.apply(MNQ, side, price, qty, Decimal(cost), ts, "T1")
        for ts, (side, price, qty) in enumerate(fills, 1)
    )
    return [trade for trade in trades if trade is not None]


@pytest.mark.parametrize(
    ("symbol", "tick", "value"),
    [
        ("MNQ", "0.25", "0.50"),
        ("NQ", "0.25", "5"),
        ("MES", "0.25", "1.25"),
        ("ES", "0.25", "12.50"),
        ("MGC", "0.10", "1"),
        ("GC", "0.10", "10"),
    ],
)
def test_the_money_in_a_tick(symbol: str, tick: str, value: str) -> None:
    known = CME_FUTURES[symbol]
    assert (known.tick_size, known.tick_value_usd) == (Decimal(tick), Decimal(value))


@pytest.mark.parametrize(("points", "dollars"), [("12.25", "49.00"), ("4.75", "19.00")])
def test_two_mnq_in_dollars_not_in_points(points: str, dollars: str) -> None:
    entry = MNQ.ticks("20000.00")
    position = Position("MNQ")
    _play(position, (BUY, entry, 2))
    assert usd(MNQ, position.open_ticks(entry + MNQ.ticks(points))) == Decimal(dollars)
    (trade,) = _play(position, (SELL, entry + MNQ.ticks(points), 2))
    assert (trade.gross_usd, trade.qty, trade.side) == (Decimal(dollars), 2, BUY)


def test_a_short_wins_when_the_price_falls() -> None:
    position = Position("MNQ")
    (trade,) = _play(position, (SELL, 1000, 3), (BUY, 990, 3), cost="1.83")
    assert trade.side is SELL
    assert (trade.gross_usd, trade.costs_usd, trade.net_usd) == (
        Decimal("15.00"),
        Decimal("3.66"),
        Decimal("11.34"),
    )


def test_reductions_leave_the_average_alone() -> None:
    position = Position("MNQ")
    _play(position, (BUY, 100, 1), (BUY, 103, 2))
    assert position.average == 102
    _play(position, (SELL, 150, 1))
    assert (position.average, position.qty) == (Fraction(102), 2)
    assert position.realized_ticks() == 48
    _play(position, (SELL, 90, 1))
    assert (position.average, position.qty, position.realized_ticks()) == (
        Fraction(102),
        1,
        Fraction(36),
    )


def test_an_average_between_ticks_stays_exact() -> None:
    position = Position("MNQ")
    _play(position, (BUY, 100, 1), (BUY, 101, 2))
    assert position.average == Fraction(302, 3)
    assert position.open_ticks(101) == 1
    assert usd(MNQ, Fraction(1, 3)) == Decimal("0.17")


def test_a_fill_through_zero_ends_one_trade_and_begins_the_next_with_its_share_of_the_cost() -> None:
    position = Position("MNQ")
    assert position.apply(MNQ, BUY, 100, 2, Decimal("1.22"), 7, "") is None
    trade = position.apply(MNQ, SELL, 110, 5, Decimal("3.05"), 9, "stop")
    assert trade is not None
    assert (trade.qty, trade.gross_usd, trade.costs_usd) == (2, Decimal("10.00"), Decimal("2.44"))
    assert (trade.opened_ts, trade.closed_ts, trade.reason) == (7, 9, "stop")
    assert (position.qty, position.average, position.costs_usd) == (-3, Fraction(110), Decimal("1.83"))
    assert (position.side, position.opened_ts) == (SELL, 9)


def test_a_trade_has_its_result_in_units_of_what_it_risked() -> None:
    position = Position("MNQ")
    position.apply(MNQ, BUY, 100, 2, Decimal(1), 1, "", "p1", 10)
    position.apply(MNQ, BUY, 104, 1, Decimal(1), 2, "", "p2", 20)
    trade = position.apply(MNQ, SELL, 110, 5, Decimal(5), 3, "T1", "p3", 7)
    assert trade is not None
    # Risked: (2 x 10 + 20) ticks of half a dollar; made (2 x 10 + 6) of them less 1 + 1 + 3 dollars.
    assert (trade.plan_id, trade.risk_usd, trade.net_usd) == ("p1", Decimal(20), Decimal(8))
    assert trade.r == 0.4
    position.apply(MNQ, SELL, 110, 1, Decimal(0), 4, "")
    after = position.apply(MNQ, BUY, 110, 3, Decimal(0), 5, "stop")
    assert after is not None
    assert (after.plan_id, after.risk_usd, after.r) == ("p3", None, None), "a part had no stop of ours"


def test_a_cycle_leaves_nothing_behind() -> None:
    position = Position("MNQ")
    _play(position, (BUY, 100, 2), (SELL, 90, 2), cost="1")
    assert position == Position("MNQ", opened_ts=1)


FILLS = st.lists(
    st.tuples(
        st.sampled_from(Side),
        st.integers(-500, 200_000),
        st.integers(1, 9),
        st.decimals(0, 50, places=2),
    ),
    max_size=40,
)


@given(FILLS, st.sampled_from(list(CME_FUTURES.values())), st.integers(-500, 200_000))
def test_realized_plus_open_is_the_cash_flow_after_every_fill(
    fills: list[tuple[Side, int, int, Decimal]], instrument: Instrument, mark: int
) -> None:
    position = Position(instrument.symbol)
    cash, held = 0, 0
    gross, costs, paid = Decimal(0), Decimal(0), Decimal(0)
    for ts, (side, price, qty, cost) in enumerate(fills, 1):
        cash -= side.sign * qty * price
        held += side.sign * qty
        paid += cost
        trade = position.apply(instrument, side, price, qty, cost, ts, "")
        if trade is not None:
            gross += trade.gross_usd
            costs += trade.costs_usd
        assert position.qty == held
        ticks = position.realized_ticks() + position.open_ticks(mark)
        assert Fraction(gross) + ticks * Fraction(instrument.tick_value_usd) == Fraction(
            instrument.tick_value_usd
        ) * (cash + mark * held)
        assert costs + position.costs_usd == paid
        if not held:
            assert gross == cash * instrument.tick_value_usd
            assert position.realized_ticks() == 0 == position.costs_usd


@given(FILLS)
def test_only_adds_move_the_average(fills: list[tuple[Side, int, int, Decimal]]) -> None:
    position = Position("MNQ")
    for side, price, qty, cost in fills:
        before, average = position.qty, position.average
        position.apply(MNQ, side, price, qty, cost, 1, "")
        after = position.qty
        if before * after > 0 and abs(after) < abs(before):
            assert position.average == average
        elif before * after < 0 or (not before and after):
            assert position.average == price


@pytest.mark.parametrize(
    ("total", "contracts", "tick"),
    [(3000, 3, 1000), (3001, 3, 1000), (3002, 3, 1001), (2001, 2, 1001), (2003, 2, 1002), (-2001, 2, -1000)],
)
def test_t9_an_average_has_one_rounding(total: int, contracts: int, tick: int) -> None:
    """Half a tick goes up, of an even and of an odd tick alike, for a leg and for a position."""
    leg = LegState(entered=contracts, entered_sum=total)
    position = Position("MNQ", qty=contracts, open_sum=total, open_qty=contracts)
    assert leg.average == position.entry == tick
    assert Position("MNQ").entry == 0

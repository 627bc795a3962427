from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from adapters.simulator.exchange.accounting import BookedFill, Holdings
from adapters.simulator.market.contracts import listing
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side
from engine.model.orders import Fill

LISTED = listing(tuple(CME_FUTURES.values()), date(2026, 11, 20))
START = Decimal(50_000)


def fill(number: int, side: Side, qty: int, price: int, symbol: str = "MNQ") -> Fill:
    return Fill(str(number), "1", symbol, side, price, qty, Decimal(0), number)


def book(holdings: Holdings, *steps: tuple[Side, int, int], symbol: str = "MNQ") -> list[BookedFill]:
    contract = LISTED.front[symbol]
    return [holdings.apply(fill(i, *step, symbol), contract) for i, step in enumerate(steps)]


def test_a_round_turn_is_gross_on_the_closing_half_and_net_in_the_balance() -> None:
    """29,539.00 to 29,542.25 with one MNQ is 6.50 USD gross (captured on the live platform)."""
    holdings = Holdings(START, 1)
    opened, closed = book(holdings, (Side.BUY, 1, 118_156), (Side.SELL, 1, 118_169))
    assert opened.trade.pnl is None
    assert opened.open is not None
    assert closed.trade.pnl == Decimal("6.50")
    assert (closed.trade.fees, closed.trade.commissions) == (Decimal("0.36"), Decimal("0.25"))
    assert closed.closed is not None
    assert closed.closed.qty == 0
    assert closed.open is None
    assert holdings.balance_usd == START + Decimal("6.50") - 2 * Decimal("0.61")
    assert holdings.positions == {}


def test_a_short_that_loses() -> None:
    """29,398.50 short to 29,423.00 is -49 USD (captured)."""
    holdings = Holdings(START, 1)
    _, closed = book(holdings, (Side.SELL, 1, 117_594), (Side.BUY, 1, 117_692))
    assert closed.trade.pnl == Decimal(-49)


def test_the_average_is_weighted_and_reductions_leave_it() -> None:
    holdings = Holdings(START, 1)
    book(holdings, (Side.BUY, 1, 100), (Side.BUY, 2, 103), (Side.SELL, 1, 110))
    position = holdings.positions["MNQ"]
    assert (position.qty, position.entry) == (2, "102")


def test_a_flip_closes_one_position_and_opens_another() -> None:
    holdings = Holdings(START, 7)
    _, flip = book(holdings, (Side.BUY, 1, 100), (Side.SELL, 3, 104))
    assert flip.trade.pnl == Decimal("2.00")
    assert flip.trade.size == 3
    assert flip.closed is not None
    assert flip.open is not None
    assert (flip.closed.id, flip.open.id) == (7, 8)
    assert (flip.open.qty, flip.open.entry) == (-2, "104")


def test_cents_add_up_over_partial_exits_from_an_average_off_the_grid() -> None:
    holdings = Holdings(START, 1)
    steps = [(Side.BUY, 1, 100), (Side.BUY, 2, 101), *[(Side.SELL, 1, 103)] * 3]
    rows = book(holdings, *steps)
    assert sum(row.trade.pnl or 0 for row in rows) == Decimal("0.50") * (3 * 103 - 302)


@given(
    st.lists(
        st.tuples(st.sampled_from(Side), st.integers(1, 5), st.integers(90, 110)), min_size=1, max_size=40
    ),
    st.sampled_from(["MNQ", "ES", "GC"]),
)
def test_balance_is_start_plus_rows_and_at_flat_equals_the_cash_flow(
    steps: list[tuple[Side, int, int]], symbol: str
) -> None:
    holdings = Holdings(START, 1)
    instrument = CME_FUTURES[symbol]
    rows = [booked.trade for booked in book(holdings, *steps, symbol=symbol)]
    assert holdings.balance_usd == START + sum((row.balance_change for row in rows), Decimal(0))
    assert sum(side.sign * qty for side, qty, _ in steps) == (
        holdings.positions[symbol].qty if symbol in holdings.positions else 0
    )
    if symbol not in holdings.positions:
        cash = -sum(side.sign * qty * price for side, qty, price in steps)
        gross = sum((row.pnl or Decimal(0) for row in rows), Decimal(0))
        assert gross == cash * instrument.tick_value_usd

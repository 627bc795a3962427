"""Two arithmetics of one position: the paper account's own and the journal's never differ."""

from __future__ import annotations

import ast
import inspect
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from engine.model.instrument import CME_FUTURES
from engine.model.market import Side
from engine.model.orders import Fill
from engine.state.position import Position, usd
from engine.venue import paper_position
from engine.venue.paper_position import PaperPosition

MNQ = CME_FUTURES["MNQ"]

fills = st.lists(
    st.builds(
        lambda side, price, qty: Fill("1", "1", "MNQ", side, price, qty, Decimal(0), 0),
        st.sampled_from(Side),
        st.integers(90, 110),
        st.integers(1, 5),
    ),
    max_size=30,
)


@given(fills)
def test_it_agrees_with_the_journal_after_every_fill(told: list[Fill]) -> None:
    ours, journal = PaperPosition(MNQ), Position("MNQ")
    for fill in told:
        trade = journal.apply(MNQ, fill.side, fill.price, fill.qty, fill.cost_usd, fill.ts_venue, "")
        assert ours.take(fill) == (trade.gross_usd if trade is not None else 0)
        assert ours.qty == journal.qty
        if journal.qty:
            assert ours.running_usd() == usd(MNQ, journal.realized_ticks())
            assert ours.average_price() == MNQ.tick_size * journal.open_sum / journal.open_qty


def test_a_fill_through_zero_ends_one_cycle_and_opens_the_next() -> None:
    position = PaperPosition(MNQ)
    assert position.take(Fill("1", "1", "MNQ", Side.BUY, 100, 2, Decimal(0), 0)) == 0
    assert position.take(Fill("2", "2", "MNQ", Side.SELL, 104, 1, Decimal(0), 0)) == 0
    assert position.running_usd() == Decimal("2.00")
    assert position.take(Fill("3", "3", "MNQ", Side.SELL, 90, 4, Decimal(0), 0)) == Decimal("-3.00")
    assert (position.qty, position.average_price()) == (-3, Decimal("22.50"))
    assert position.running_usd() == 0


def test_t10_its_arithmetic_is_its_own() -> None:
    """As its docstring says: an error in the engine's position can't agree with itself here."""
    tree = ast.parse(inspect.getsource(paper_position))
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    ours = [module for module in modules if module.startswith("engine.")]
    assert ours
    assert all(module.startswith("engine.model.") for module in ours)
    assert not any(isinstance(node, ast.Import) for node in ast.walk(tree))

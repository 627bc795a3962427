"""Prices and sizes as texts: exact ticks and lots, bounds, and nothing by way of a float."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.common.grid_texts import LotTexts, TickTexts, number, plain, whole_lots
from engine.model.instrument import OffGridError
from tests.support.instruments import PERPETUAL, SPOT


@given(ticks=st.integers(1, 10**9), lots=st.integers(0, 10**9))
def test_what_is_written_out_is_read_back(ticks: int, lots: int) -> None:
    assert TickTexts(SPOT)[plain(SPOT.price(ticks))] == ticks
    assert LotTexts(SPOT)[plain(SPOT.qty(lots))] == lots


@pytest.mark.parametrize(
    ("text", "ticks"), [("0.1", 1), ("0.10", 1), ("1e1", 100), ("-0.1", -1), ("60000", 600_000)]
)
def test_a_price_is_read_exactly_whatever_its_spelling(text: str, ticks: int) -> None:
    assert TickTexts(PERPETUAL)[text] == ticks


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "1e400", "1" * 41, "0.05", "1e16"])
def test_what_is_no_price_of_the_instrument_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        TickTexts(PERPETUAL)[text]


@pytest.mark.parametrize("text", ["-1", "0.00001", "1e15"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        LotTexts(PERPETUAL)[text]


def test_the_fraction_of_a_lot_is_left_out_of_an_amount_of_the_market() -> None:
    assert whole_lots(SPOT, "1.23456789") == 12_345
    with pytest.raises(OffGridError):
        whole_lots(SPOT, "999999999999999")


def test_the_memory_of_texts_is_bounded() -> None:
    ticks = TickTexts(SPOT)
    for number_ in range(1, 10_000):
        assert ticks[plain(SPOT.price(number_))] == number_
    assert len(ticks) <= 512


def test_no_text_becomes_an_exponent() -> None:
    assert plain(Decimal("1E+3")) == "1000"
    assert plain(Decimal("0.00000001")) == "0.00000001"
    assert number("0.30") == Decimal("0.3")

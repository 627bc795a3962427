"""The tick grid at the edges of the engine."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.instrument import CME_FUTURES, OffGridError

ANY = st.sampled_from(list(CME_FUTURES.values()))


@given(ANY, st.integers(-(10**7), 10**7))
def test_ticks_and_prices_are_each_others_inverse(known, ticks) -> None:  # type: ignore[no-untyped-def]
    price = known.price(ticks)
    assert known.ticks(price) == known.ticks(float(price)) == known.ticks(str(price)) == ticks
    assert known.ticks(known.text(ticks)) == ticks


@pytest.mark.parametrize(
    ("symbol", "price"), [("MNQ", "20000.10"), ("ES", "4000.3"), ("GC", "1800.05"), ("MNQ", "-0.1")]
)
def test_a_price_between_two_ticks_is_refused(symbol: str, price: str) -> None:
    with pytest.raises(OffGridError, match="tick"):
        CME_FUTURES[symbol].ticks(Decimal(price))


@pytest.mark.parametrize(
    ("symbol", "ticks", "text"), [("MNQ", 80_001, "20000.25"), ("GC", 18_000, "1800.0"), ("ES", -1, "-0.25")]
)
def test_prices_are_written_with_the_digits_of_their_tick(symbol: str, ticks: int, text: str) -> None:
    assert CME_FUTURES[symbol].text(ticks) == text


@pytest.mark.parametrize(
    ("symbol", "root", "minis"),
    [
        ("ES", "EP", 10),
        ("NQ", "ENQ", 10),
        ("GC", "GCE", 10),
        ("MES", "MES", 1),
        ("MNQ", "MNQ", 1),
        ("MGC", "MGC", 1),
    ],
)
def test_the_venues_own_roots(symbol: str, root: str, minis: int) -> None:
    known = CME_FUTURES[symbol]
    assert (known.root, known.minis) == (root, minis)


@pytest.mark.parametrize(("micro", "mini"), [("MNQ", "NQ"), ("MES", "ES"), ("MGC", "GC")])
def test_a_mini_is_ten_micros(micro: str, mini: str) -> None:
    assert CME_FUTURES[mini].tick_value_usd == 10 * CME_FUTURES[micro].tick_value_usd
    assert CME_FUTURES[mini].tick_size == CME_FUTURES[micro].tick_size

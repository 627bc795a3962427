"""Money of several currencies as one: never without a rate that is told."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from engine.model.market import NANOS
from engine.model.rates import StatedRate, in_usd

USDT = StatedRate("USDT", Decimal("0.9998"), "BTCUSD / BTCUSDT", 3 * NANOS)
EUR = StatedRate("EUR", Decimal("1.08"))
AMOUNTS = st.decimals(-1_000_000, 1_000_000, places=2)


def test_one_currency_needs_no_rate() -> None:
    assert in_usd({}, []) is None
    assert in_usd({"USDT": Decimal(5)}, []) is None


def test_a_sum_says_by_which_rates_it_was_made() -> None:
    found = in_usd({"USD": Decimal(10), "USDT": Decimal(100), "EUR": Decimal(-10)}, [EUR, USDT])
    assert found is not None
    assert found.usd == Decimal("99.18")
    assert found.words == "1 USDT = 0.9998 USD by BTCUSD / BTCUSDT, 3 s old; 1 EUR = 1.08 USD by [rates]"


def test_without_a_rate_there_is_no_sum_and_it_says_so() -> None:
    found = in_usd({"USD": Decimal(10), "USDC": Decimal(1), "USDT": Decimal(100)}, [USDT])
    assert found is not None
    assert (found.usd, found.rates) == (None, ())
    assert found.words == "not summed: no rate of USDC ([rates] in the settings sets one)"


def test_two_currencies_without_dollars_come_to_dollars_too() -> None:
    found = in_usd({"EUR": Decimal(100), "USDT": Decimal(100)}, [EUR, USDT])
    assert found is not None
    assert found.usd == Decimal("207.98")


@given(AMOUNTS, AMOUNTS, st.decimals("0.0001", 2, places=6))
def test_a_sum_is_each_amount_at_its_rate(own: Decimal, other: Decimal, rate: Decimal) -> None:
    found = in_usd({"USD": own, "USDT": other}, [StatedRate("USDT", rate)])
    assert found is not None
    assert found.usd == own + other * rate

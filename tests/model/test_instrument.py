"""The tick grid at the edges of the engine."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.instrument import CME_FUTURES, Instrument, OffGridError, wrong_terms
from tests.support.instruments import PERPETUAL, SHARE, SPOT

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


@pytest.mark.parametrize(
    ("known", "qty", "lots"),
    [
        (PERPETUAL, "0.0137", 137),
        (PERPETUAL, "12.5", 125_000),
        (SPOT, "-0.0001", -1),
        (SHARE, "250", 250),
        (CME_FUTURES["MNQ"], "3", 3),
    ],
)
def test_quantities_are_whole_lots_and_decimal_at_the_edges_only(
    known: Instrument, qty: str, lots: int
) -> None:
    assert known.lots(Decimal(qty)) == lots
    assert known.qty(lots) == Decimal(qty)
    assert known.lots(known.qty_text(lots)) == lots


@pytest.mark.parametrize(("known", "qty"), [(PERPETUAL, "0.00005"), (SHARE, "0.5"), (SPOT, "1.00001")])
def test_a_quantity_between_two_lots_is_refused(known: Instrument, qty: str) -> None:
    with pytest.raises(OffGridError, match=rf"{qty} of {known.symbol} is not a multiple of its lot"):
        known.lots(Decimal(qty))


def test_quantities_are_written_with_the_digits_of_their_lot() -> None:
    assert (PERPETUAL.qty_text(137), SHARE.qty_text(100)) == ("0.0137", "100")


def test_fees_are_by_the_lot_or_a_share_of_what_was_traded() -> None:
    # 0.0137 BTC at 60,000.1 are 822.00137 USDT
    price = PERPETUAL.ticks("60000.1")
    assert PERPETUAL.notional(price, 137) == Decimal("822.00137")
    assert PERPETUAL.charged(price, 137) == Decimal("0.41100069")  # 0.411000685, rounded up
    assert PERPETUAL.charged(price, 137, maker=True) == Decimal("0.16440028")
    assert SHARE.charged(SHARE.ticks("101.25"), 100) == Decimal("0.35")
    assert SHARE.charged(SHARE.ticks("101.25"), 1) == Decimal("0.01")  # 0.0035 of a dollar
    assert CME_FUTURES["MNQ"].charged(80_000, 3) == 3 * Decimal("0.61")


@given(
    st.sampled_from([*CME_FUTURES.values(), PERPETUAL, SPOT, SHARE]),
    st.integers(1, 10**7),
    st.integers(1, 999),
)
def test_what_is_booked_is_never_less_than_the_costs_and_a_last_digit_more_at_most(
    known: Instrument, price: int, lots: int
) -> None:
    exact, booked = known.cost(price, lots), known.charged(price, lots)
    assert exact <= booked < exact + known.cent
    assert booked == booked.quantize(known.cent)


def test_a_fee_in_coins_takes_whole_lots() -> None:
    coin = replace(SPOT, fee_in_base=True)
    fees = [coin.fee_base(lots) for lots in (1, 999, 1000, 1001)]
    assert fees == [Decimal(one) for one in ("0.0000001", "0.0000999", "0.0001", "0.0001001")]
    assert [coin.fee_lots(fee) for fee in fees] == [1, 1, 1, 2]
    assert coin.fee_base(1, maker=True) == coin.fee_base(1)
    assert SPOT.fee_base(1000) == 0


def test_what_a_lot_ties_up() -> None:
    assert PERPETUAL.margin(600_000, 137) == Decimal("82.2")
    assert SHARE.margin(10_000, 5) == 500  # bought, so paid for in full
    assert CME_FUTURES["MNQ"].margin(80_000, 1) is None
    assert replace(CME_FUTURES["MNQ"], margin_usd=Decimal(100)).margin(80_000, -3) == 300


@pytest.mark.parametrize(
    ("known", "field", "words"),
    [
        (replace(PERPETUAL, currency="BTC"), "currency", "an inverse contract"),
        (replace(PERPETUAL, lot_size=Decimal(0)), "lot_size", "must be above 0"),
        (replace(SPOT, shortable=True), "shortable", "can't be sold"),
        (replace(SPOT, tick_value_usd=Decimal(1)), "tick_value_usd", "tick_size x lot_size"),
        (replace(SHARE, fee_in_base=True), "fee_in_base", "spot only"),
        (replace(SHARE, margin_usd=Decimal(1), margin_rate=Decimal(1)), "margin_usd", "twice"),
    ],
)
def test_terms_that_cannot_be(known: Instrument, field: str, words: str) -> None:
    ((where, what),) = wrong_terms(known)
    assert where == field
    assert words in what


def test_the_table_of_futures_is_right_in_itself() -> None:
    assert list(CME_FUTURES) == ["MNQ", "NQ", "MES", "ES", "MGC", "GC"]
    for known in (*CME_FUTURES.values(), PERPETUAL, SPOT, SHARE):
        assert list(wrong_terms(known)) == []
        assert known.money_digits == (8 if known.currency == "USDT" else 2)

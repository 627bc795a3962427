"""How much of each limit is used up, which band that is, and what is left before it acts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.limits import RiskLimits
from engine.model.view import Band, LimitView
from engine.risk import bands
from engine.risk.bands import Figures, measure
from engine.risk.presets import AccountLimits

LIMITS = RiskLimits(max_trades=10, max_losses_in_a_row=3)
ACCOUNT = AccountLimits(daily_loss_usd=Decimal(1000), max_loss_usd=Decimal(2000), max_minis=5)
FRESH = Figures(Decimal(0), Decimal(2000), 0, 0, 0, Decimal(0))
cents = st.integers(-400_000, 400_000).map(lambda n: Decimal(n) / 100)


def _view(name: str, limits: RiskLimits = LIMITS, **figures: Any) -> LimitView:
    (found,) = (v for v in measure(limits, ACCOUNT, replace(FRESH, **figures)) if v.name == name)
    return found


@pytest.mark.parametrize(
    ("lost", "band"),
    [
        ("-300", Band.CLEAR),
        ("0", Band.CLEAR),
        ("499.99", Band.CLEAR),
        ("500", Band.WARN),
        ("799.99", Band.WARN),
        ("800", Band.REDUCE),
        ("949.99", Band.REDUCE),
        ("950", Band.ACT),
        ("1400", Band.ACT),
    ],
)
def test_bands_of_a_money_limit(lost: str, band: Band) -> None:
    daily = _view(bands.DAILY_LOSS, day_usd=-Decimal(lost))
    assert (daily.band, daily.limit, daily.unit) == (band, Decimal(1000), "USD")
    assert daily.used == max(Decimal(lost), 0)
    worst = _view(bands.MAX_LOSS, headroom_usd=2000 - 2 * Decimal(lost))
    assert (worst.band, worst.used) == (band, max(2 * Decimal(lost), 0))


def test_bands_are_configuration() -> None:
    limits = replace(LIMITS, warn_percent=10, reduce_percent=20, act_percent=100)
    found = [_view(bands.DAILY_LOSS, limits, day_usd=Decimal(-d)).band for d in (99, 100, 200, 999, 1000)]
    assert found == [Band.CLEAR, Band.WARN, Band.REDUCE, Band.REDUCE, Band.ACT]


@pytest.mark.parametrize(
    ("entries", "band"), [(0, Band.CLEAR), (7, Band.CLEAR), (8, Band.WARN), (10, Band.REDUCE)]
)
def test_a_count_refuses_only_when_it_is_used_up(entries: int, band: Band) -> None:
    assert _view(bands.TRADES, entries=entries).band is band
    assert _view(bands.LOSSES, losses_in_a_row=3).band is Band.REDUCE


def test_size_is_counted_in_minis() -> None:
    size = _view(bands.SIZE, micros=23)
    assert (size.used, size.limit, size.unit) == (Decimal("2.3"), Decimal(5), "minis")


def test_the_nearest_comes_first() -> None:
    found = measure(
        LIMITS, ACCOUNT, replace(FRESH, day_usd=Decimal(-300), entries=9, losses_in_a_row=2, micros=5)
    )
    assert [v.name for v in found] == ["trades", "losses in a row", "daily loss", "size", "max loss"]


def test_what_is_off_is_not_shown() -> None:
    limits = RiskLimits(max_trades=0, max_losses_in_a_row=0)
    assert measure(limits, AccountLimits(), FRESH) == ()
    assert bands.headroom_usd(limits, AccountLimits(), FRESH) == {}
    assert bands.room_micros(AccountLimits(), FRESH) is None


def test_a_floor_that_is_not_known_is_not_guessed() -> None:
    unknown = replace(FRESH, headroom_usd=None)
    assert bands.MAX_LOSS not in {v.name for v in measure(LIMITS, ACCOUNT, unknown)}
    assert bands.headroom_usd(LIMITS, ACCOUNT, unknown).keys() == {bands.DAILY_LOSS}


@given(cents, cents)
def test_headroom_is_what_may_be_lost_before_the_limit_acts(day: Decimal, headroom: Decimal) -> None:
    now = replace(FRESH, day_usd=day, headroom_usd=headroom)
    for name, left in bands.headroom_usd(LIMITS, ACCOUNT, now).items():
        assert (_view(name, day_usd=day, headroom_usd=headroom).band is Band.ACT) is (left <= 0)
        worse = replace(now, day_usd=day - left, headroom_usd=headroom - left)
        found = {v.name: v.band for v in measure(LIMITS, ACCOUNT, worse)}
        assert found[name] is Band.ACT


@pytest.mark.parametrize(("micros", "room"), [(0, 50), (23, 27), (50, 0), (70, 0)])
def test_room_counts_ten_micros_as_a_mini(micros: int, room: int) -> None:
    assert bands.room_micros(ACCOUNT, replace(FRESH, micros=micros)) == room


def test_limits_in_money_are_in_the_currency_of_the_book() -> None:
    found = {one.name: one for one in measure(LIMITS, ACCOUNT, FRESH, "USDT")}
    assert {name: (one.unit, one.in_money) for name, one in found.items()} == {
        "daily loss": ("USDT", True),
        "max loss": ("USDT", True),
        "trades": ("trades", False),
        "losses in a row": ("losses", False),
        "size": ("minis", False),
    }

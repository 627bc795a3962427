"""What bounds a trade, whatever its policy wants: tables to the last lot, and what holds of all of them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.instrument import CME_FUTURES, Instrument, wrong_terms
from engine.model.limits import RiskLimits
from engine.model.refusals import Refusal
from engine.model.sizing import (
    ByConfidence,
    ByEquity,
    ByEquityNotional,
    ByGrade,
    ByKelly,
    ByNotional,
    ByRisk,
    Sizing,
)
from engine.risk.clamps import FULL_PRICE_RESERVE, Room, Sized, size
from engine.risk.sizers import Ask, Wanted, wish
from engine.state.track_record import TrackRecord
from tests.support.instruments import PERPETUAL, SHARE, SPOT

D = Decimal
MNQ = replace(CME_FUTURES["MNQ"], margin_usd=D(2500))
COIN = replace(PERPETUAL, max_quantity=D(1))
ONE, NONE = D(1), Room()


def _size(instrument: Instrument, wanted: Wanted, ratio: str, room: Room, **limits: Any) -> Sized:
    # MNQ 40 ticks away loses 22.22 and is worth 500 at 1000 ticks; the perpetual 0.0260 and 6
    price, stop = (1000, 40) if instrument.lot_size == 1 else (600_000, 2_000)
    ask = Ask(instrument, price, stop, RiskLimits(**limits), wanted.asked)
    return size(wanted, ask, D(ratio), room)


@pytest.mark.parametrize(
    ("instrument", "wanted", "ratio", "room", "limits", "lots", "why"),
    [
        (
            MNQ, Wanted(), "1", NONE, {}, 5,
            "risk: 200.00 at risk, 22.22 each: 9, at most 5 (risk.max_contracts)",
        ),
        (MNQ, Wanted(), "1", NONE, {"max_contracts": 9}, 9, "risk: 200.00 at risk, 22.22 each: 9"),
        # the ratio comes before the bounds
        (
            MNQ, Wanted(), "0.5", NONE, {}, 4,
            "risk: 200.00 at risk, 22.22 each: 9, x 0.5 (copy_ratio): 4",
        ),
        (
            MNQ, Wanted(ByRisk(D(67))), "3", NONE, {"max_contracts": 50}, 9,
            "risk: 67.00 at risk, 22.22 each: 3, x 3 (copy_ratio): 9",
        ),
        (
            MNQ, Wanted(ByGrade(), 12), "1", NONE, {}, 5,
            "grade: 12 asked for, at most 5 (risk.max_contracts), at most 9 (risk.per_trade_usd)",
        ),
        (
            MNQ, Wanted(), "1", NONE, {"max_notional_usd": D(1999)}, 3,
            "risk: 200.00 at risk, 22.22 each: 9, at most 3 (risk.max_notional_usd), at most 5 "
            "(risk.max_contracts)",
        ),
        (MNQ, Wanted(), "1", Room(margin_usd=D(7499)), {}, 2, "(instruments.MNQ.margin_usd)"),
        (MNQ, Wanted(), "1", Room(micros=3), {}, 3, "at most 3 (risk.max_minis)"),
        (MNQ, Wanted(), "1", Room(exposure_usd=D(1499)), {}, 2, "at most 2 (risk.max_exposure_percent)"),
        # lots of a coin are counted by its own bound
        (PERPETUAL, Wanted(), "1", NONE, {}, 5, "at most 0.0005 (risk.max_contracts)"),
        (COIN, Wanted(), "1", NONE, {}, 7_683, "risk: 200.00 at risk, 0.02603 each: 0.7683"),
        (
            COIN, Wanted(ByNotional(D(90_000))), "1", NONE, {}, 7_683,
            "notional: a worth of 90000.00, 6.00 each: 1.5000, at most 0.7683 (risk.per_trade_usd), at most "
            "1.0000 (instruments.BTCUSDT.P.max_quantity)",
        ),
        (COIN, Wanted(), "1", Room(margin_usd=D(1000)), {}, 1_666, "(instruments.BTCUSDT.P.margin_percent)"),
        # what is owned is paid for in full, and a little stays over: 0.0001 ETH is worth 0.60 here
        (
            replace(SPOT, max_quantity=D(100)), Wanted(), "1", Room(margin_usd=D(60)), {}, 99,
            "at most 0.0099 (paid for in full)",
        ),
    ],
)  # fmt: skip
def test_the_smallest_bound_counts_and_each_that_binds_is_named(
    instrument: Instrument,
    wanted: Wanted,
    ratio: str,
    room: Room,
    limits: dict[str, Any],
    lots: int,
    why: str,
) -> None:
    found = _size(instrument, wanted, ratio, room, **limits)
    assert (found.lots, found.against) == (lots, ())
    assert why in found.why
    if why.partition(":")[0] in ("risk", "grade", "notional"):
        assert found.why == why


@pytest.mark.parametrize(
    ("instrument", "wanted", "ratio", "room", "limits", "refusal", "words"),
    [
        (
            MNQ, Wanted(), "1", NONE, {"risk_per_trade_usd": D(22)}, Refusal.SIZE_ZERO,
            "1 contract risks 22.22 USD, 22 allowed (risk.per_trade_usd)",
        ),
        (
            MNQ, Wanted(ByRisk(D(20))), "1", NONE, {}, Refusal.SIZE_ZERO,
            "no lot by sizing risk: 20.00 at risk, 22.22 each: 0",
        ),
        (
            MNQ, Wanted(), "0.1", NONE, {}, Refusal.COPY_RATIO,
            "9 contracts x 0.1 leave 0 (copy_ratio)",
        ),
        (
            MNQ, Wanted(), "1", NONE, {"max_notional_usd": D(499)}, Refusal.MAX_NOTIONAL,
            "1 contract is worth 500.00 USD, 499 allowed (risk.max_notional_usd)",
        ),
        (
            MNQ, Wanted(), "1", Room(exposure_usd=D(499)), {}, Refusal.MAX_EXPOSURE,
            "1 contract is worth 500.00 USD, 499.00 more is allowed (risk.max_exposure_percent)",
        ),
        (
            PERPETUAL, Wanted(), "1", Room(free_usd=D(5)), {}, Refusal.MAX_EXPOSURE,
            "0.0001 BTC is worth 6.00 USDT, 5.00 is free (no more than the equity; "
            "risk.max_exposure_percent says otherwise)",
        ),
        (
            MNQ, Wanted(), "1", Room(micros=0), {}, Refusal.MAX_CONTRACTS,
            "room for 0 micros is left in the account, 1 contract is 1 (risk.max_minis)",
        ),
        (
            MNQ, Wanted(), "1", Room(margin_usd=D("2499.99")), {}, Refusal.MARGIN,
            "1 contract needs 2500.00 USD of margin, 2499.99 is available (instruments.MNQ.margin_usd)",
        ),
        (
            COIN, Wanted(), "1", Room(margin_usd=D("-5")), {}, Refusal.MARGIN,
            "0.0001 BTC needs 0.6 USDT of margin, −5.00 is available (instruments.BTCUSDT.P.margin_percent)",
        ),
        (
            MNQ, Wanted(ByGrade(), 12, whole=True), "0.1", Room(micros=7), {}, Refusal.SIZE_LESS,
            "12 would risk 266.64 USD; at most 5 by risk.max_contracts, 7 by risk.max_minis, 9 by "
            "risk.per_trade_usd: 5 fit",
        ),
    ],
)  # fmt: skip
def test_no_trade_says_the_bound_and_its_number(
    instrument: Instrument,
    wanted: Wanted,
    ratio: str,
    room: Room,
    limits: dict[str, Any],
    refusal: Refusal,
    words: str,
) -> None:
    assert _size(instrument, wanted, ratio, room, **limits).against == ((refusal, words),)


def test_what_bounds_nothing_is_refused_at_the_start() -> None:
    assert list(wrong_terms(replace(PERPETUAL, max_quantity=D("0.00009"))))
    assert not list(wrong_terms(replace(PERPETUAL, max_quantity=D("0.0001"))))


PERCENT = st.decimals("0.01", 10, places=2)
MONEY = st.decimals("0.01", 10_000_000, places=2)
PLAIN = st.one_of(
    st.builds(ByGrade, st.integers(1, 10**6)),
    st.builds(ByRisk, st.one_of(st.none(), MONEY)),
    st.builds(ByEquity, PERCENT),
    st.builds(ByEquityNotional, st.decimals("0.01", 5000, places=2)),
    st.builds(ByNotional, MONEY),
)
SCALED = st.one_of(PLAIN, st.builds(ByKelly, PLAIN, st.decimals("0.01", 100, places=2), PERCENT))
SIZINGS = st.one_of(
    SCALED,
    st.builds(ByConfidence, SCALED, st.decimals(0, 100, places=1), st.decimals(100, 300, places=1)),
)
RECORDS = st.builds(TrackRecord, st.integers(0, 99), st.integers(0, 99), MONEY, MONEY)
EXTREME = replace(PERPETUAL, tick_value_usd=D("1E-18"), lot_size=D("1E-12"), max_quantity=D(10**9))
"""A coin of which a lot is worth next to nothing."""
INSTRUMENTS = st.sampled_from(
    [MNQ, CME_FUTURES["ES"], PERPETUAL, COIN, SPOT, replace(SPOT, max_quantity=D(50)), SHARE, EXTREME]
)
ASKS = st.builds(
    Ask,
    INSTRUMENTS,
    st.integers(0, 10_000_000),
    st.integers(1, 100_000),
    st.builds(
        RiskLimits,
        risk_per_trade_usd=MONEY,
        max_contracts=st.integers(1, 150),
        max_notional_usd=st.one_of(st.just(D(0)), MONEY),
        slippage_ticks=st.integers(0, 5),
    ),
    st.one_of(st.none(), st.integers(0, 1000)),
    st.fractions(-1, 2),
    st.one_of(st.none(), st.decimals(-1000, 10**9, places=2)),
    RECORDS,
)
ROOMS = st.builds(
    Room,
    st.one_of(st.none(), st.integers(-5, 500)),
    st.one_of(st.none(), st.decimals(-100, 1_000_000, places=2)),
    st.one_of(st.none(), st.decimals(0, 1_000_000, places=2)),
    st.one_of(st.none(), st.decimals(-100, 1_000_000, places=2)),
)
RATIOS = st.decimals(0, 10, places=2)


@given(SIZINGS, ASKS, RATIOS, ROOMS)
def test_never_above_any_bound_nor_needlessly_below_and_nought_has_a_reason(
    sizing: Sizing, ask: Ask, ratio: Decimal, room: Room
) -> None:
    found, one = size(Wanted(sizing), ask, ratio, room), ask.instrument
    lots, limits = found.lots, ask.limits
    assert lots >= 0

    def fits(lots: int) -> bool:
        worth = one.notional(ask.price, lots)
        if one.max_quantity:
            most = one.qty(lots) <= one.max_quantity
        elif one.by_value and room.free_usd is not None and one.notional(ask.price):
            most = room.exposure_usd is not None or worth <= room.free_usd
        else:
            most = lots <= limits.max_contracts
        deposit = one.margin(ask.price, lots)
        if deposit and not one.margin_key:
            deposit += worth * FULL_PRICE_RESERVE
        return (
            most
            and ask.loss_usd * lots <= limits.risk_per_trade_usd
            and (not limits.max_notional_usd or worth <= limits.max_notional_usd)
            and (room.exposure_usd is None or worth <= room.exposure_usd)
            and (room.micros is None or lots * one.minis <= room.micros)
            and (room.margin_usd is None or not deposit or deposit <= room.margin_usd)
            and lots <= wish(sizing, ask).lots * Fraction(ratio)
        )

    assert not lots or fits(lots)
    assert not fits(lots + 1)
    assert bool(found.against) is (lots == 0)


@given(SIZINGS, ASKS, RATIOS, ROOMS, MONEY, st.integers(0, 1000))
def test_more_risk_allowed_or_a_nearer_stop_never_makes_a_trade_smaller(
    sizing: Sizing, ask: Ask, ratio: Decimal, room: Room, more: Decimal, nearer: int
) -> None:
    wanted = Wanted(sizing)
    bolder = replace(ask.limits, risk_per_trade_usd=ask.limits.risk_per_trade_usd + more)
    closer = replace(ask, limits=bolder, stop_ticks=max(1, ask.stop_ticks - nearer))
    lots = [size(wanted, each, ratio, room).lots for each in (ask, replace(ask, limits=bolder), closer)]
    assert lots == sorted(lots)


@given(st.integers(0, 100), ASKS, ROOMS)
def test_what_a_person_asked_for_is_taken_whole_or_refused(asked: int, ask: Ask, room: Room) -> None:
    found = size(Wanted(ByGrade(), asked, whole=True), replace(ask, asked=asked), D("0.5"), room)
    assert (found.lots == asked and asked > 0) is (not found.against)

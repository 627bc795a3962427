"""The gate before every entry: each reason against it alone, and none of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.config import LATEST_NS, TradingSwitch
from engine.model.instrument import CME_FUTURES, Instrument, InstrumentKind
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Side
from engine.model.orders import AccountKind
from engine.model.plans import Idea
from engine.model.refusals import OVERRIDES, Refusal
from engine.model.restrictions import TradingState
from engine.model.sizing import ByGrade
from engine.risk.gate import Against, Circumstances, check, overridden
from engine.risk.sizers import Wanted
from engine.risk.sizing import loss_usd
from engine.venue.paper import CAPABILITIES
from tests.support.instruments import PERPETUAL, SHARE, SPOT

MNQ = replace(CME_FUTURES["MNQ"], margin_usd=Decimal(1000))
LIMITS = RiskLimits(max_losses_in_a_row=3)
IDEA = Idea(
    strategy="test",
    instrument="MNQ",
    side=Side.BUY,
    reference=1000,
    stop=960,
    targets=(1060, 1120),
    score_tenths=60,
    reasons=(),
    ts=0,
)
FINE = Circumstances(
    capabilities=CAPABILITIES,
    trading=TradingSwitch.LIVE,
    late_ns=0,
    armed=True,
    kind=AccountKind.LIVE,
    state=TradingState.ACTIVE,
    reconciled=True,
    can_trade=True,
    journal_ok=True,
    venue_up=True,
    feed_stale=False,
    in_hours=True,
    ns_to_flat=120 * MINUTE,
    busy_instrument=False,
    unknown_orders=False,
    open_plans=0,
    entries_today=0,
    open_risk_usd=Decimal(0),
    daily_headroom_usd=Decimal(760),
    max_loss_headroom_usd=Decimal(1900),
    room_micros=50,
    days_to_expiry=30,
)

AGAINST: list[tuple[Refusal, dict[str, Any]]] = [
    (Refusal.OFF, {"trading": TradingSwitch.OFF}),
    (Refusal.NOT_ARMED, {"armed": False}),
    (Refusal.PAUSED, {"state": TradingState.REDUCING}),
    (Refusal.BAND, {"state": TradingState.REDUCING, "guard": "bands"}),
    (Refusal.UNKNOWN_DAY, {"state": TradingState.REDUCING, "guard": "calendar"}),
    (Refusal.EXPIRING, {"days_to_expiry": 2}),
    (Refusal.EXPIRING, {"days_to_expiry": -1}),
    (Refusal.OLD_MONTH, {"old_month": True}),
    (Refusal.LOSING_STREAK, {"losses_in_a_row": 3}),
    (Refusal.MAX_LOSS, {"max_loss_headroom_usd": Decimal(100)}),
    (Refusal.MAX_LOSS, {"max_loss_headroom_usd": Decimal(600), "open_risk_usd": Decimal(500)}),
    (Refusal.MAX_CONTRACTS, {"room_micros": 0}),
    (Refusal.MARGIN, {"margin_available_usd": Decimal(999)}),
    (Refusal.COPY_RATIO, {"copy_ratio": Decimal(0)}),
    (Refusal.ROOM_LOSS, {"room_headroom_usd": Decimal(100)}),
    (Refusal.LOCKED, {"state": TradingState.LOCKED}),
    (Refusal.HALTED, {"state": TradingState.HALTED}),
    (Refusal.NOT_RECONCILED, {"reconciled": False}),
    (Refusal.ACCOUNT_BLOCKED, {"can_trade": False}),
    (Refusal.JOURNAL_DOWN, {"journal_ok": False}),
    (Refusal.VENUE_DOWN, {"venue_up": False}),
    (Refusal.TOO_LATE, {"late_ns": LATEST_NS + 1}),
    (Refusal.FEED_STALE, {"feed_stale": True}),
    (Refusal.CLOCK, {"price_lag_ns": MINUTE}),
    (Refusal.CLOCK, {"price_lag_ns": -MINUTE}),
    (Refusal.DELAYED, {"delayed": True}),
    (Refusal.DELAYED, {"delayed": True, "kind": AccountKind.LIVE, "armed": True}),
    (Refusal.OUTSIDE_HOURS, {"in_hours": False}),
    (Refusal.BLACKOUT, {"news": "CPI at 08:30 ET"}),
    (Refusal.NEAR_CLOSE, {"ns_to_flat": LIMITS.no_entry_before_flat_ns}),
    (Refusal.IN_POSITION, {"busy_instrument": True}),
    (Refusal.UNKNOWN_ORDER, {"unknown_orders": True}),
    (Refusal.MAX_SIZE, {"open_plans": LIMITS.max_open_trades}),
    (Refusal.NOT_LISTED, {"listed": False}),
    (Refusal.MAX_TRADES, {"entries_today": LIMITS.max_trades}),
    (Refusal.DAILY_LOSS, {"daily_headroom_usd": Decimal(100)}),
    (Refusal.DAILY_LOSS, {"open_risk_usd": Decimal(700)}),
]
IDEAS: list[tuple[Refusal, dict[str, Any]]] = [
    (Refusal.SCORE, {"score_tenths": 59}),
    (Refusal.REWARD_TO_RISK, {"targets": (1059,)}),
    (Refusal.BRACKET_DISTANCE, {"targets": (1060, 2001)}),
]


def _against(idea: Idea = IDEA, limits: RiskLimits = LIMITS, **changes: object) -> tuple[Refusal, ...]:
    return tuple(one.refusal for one in check(idea, MNQ, limits, replace(FINE, **changes))[1])


OTHERS = [
    (SPOT, set(), "USDT"),
    (replace(SPOT, kind=InstrumentKind.PERPETUAL), set(), "USDT"),
    (PERPETUAL, {"currency"}, "USD"),
    (replace(PERPETUAL, least_notional=Decimal(10**9)), {"least_notional"}, "USDT"),
    (SHARE, set(), "USD"),
]


@pytest.mark.parametrize(("instrument", "wanted", "currency"), OTHERS)
@pytest.mark.parametrize("side", list(Side))
def test_what_an_instrument_itself_does_not_allow(
    instrument: Instrument, wanted: set[str], currency: str, side: Side
) -> None:
    at = 2_000_000
    stop, target = (at - side.sign * 40, at + side.sign * 120)
    idea = replace(IDEA, side=side, reference=at, stop=stop, targets=(target,))
    facts = replace(FINE, currency=currency)
    found = {one.refusal.value for one in check(idea, instrument, LIMITS, facts)[1]}
    shorts = {"no_shorts"} if side is Side.SELL and not instrument.shortable else set()
    judged = {"no_spot", "no_shorts", "least_notional", "currency"}  # all of them, see the rows above
    assert found & judged == wanted | shorts


def test_no_reason_means_go() -> None:
    assert check(IDEA, MNQ, LIMITS, FINE)[:2] == (5, ())


@pytest.mark.parametrize(("refusal", "changes"), AGAINST, ids=lambda part: str(part))
def test_each_circumstance_alone_is_enough(refusal: Refusal, changes: dict[str, Any]) -> None:
    assert _against(**changes) == (refusal,)


@pytest.mark.parametrize(("refusal", "changes"), IDEAS, ids=lambda part: str(part))
def test_each_flaw_of_an_idea_alone_is_enough(refusal: Refusal, changes: dict[str, Any]) -> None:
    assert _against(replace(IDEA, **changes)) == (refusal,)


def test_one_contract_that_risks_too_much_is_no_trade() -> None:
    qty, [against], _ = check(IDEA, MNQ, RiskLimits(risk_per_trade_usd=Decimal(22)), FINE)
    assert (qty, against.refusal) == (0, Refusal.SIZE_ZERO)


@pytest.mark.parametrize("asked", [5, 6])
def test_what_a_person_asked_for_is_not_made_smaller_in_silence(asked: int) -> None:
    qty, against, _ = check(IDEA, MNQ, LIMITS, FINE, Wanted(ByGrade(), asked, whole=True))
    assert qty == 5
    assert [one.refusal for one in against] == [Refusal.SIZE_LESS] * (asked > 5)


@pytest.mark.parametrize("refusal", [refusal for refusal, _ in AGAINST + IDEAS])
@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize("market_open", [True, False])
def test_a_person_overrides_what_may_be_overridden_and_nothing_else(
    refusal: Refusal, by_hand: bool, market_open: bool
) -> None:
    now = replace(FINE, paused_by_hand=by_hand, market_open=market_open)
    gives_way = {
        Refusal.BLACKOUT: True,
        Refusal.REWARD_TO_RISK: True,
        Refusal.OUTSIDE_HOURS: market_open,
        Refusal.PAUSED: by_hand,
    }.get(refusal, False)
    left = overridden([Against(refusal, "")], tuple(OVERRIDES), now)
    assert bool(left) is not gives_way
    assert overridden([Against(refusal, "")], (), now)


def test_every_refusal_is_tried_here_and_has_a_sentence() -> None:
    sizes = {Refusal.SIZE_ZERO, Refusal.SIZE_LESS, Refusal.MAX_NOTIONAL}  # tests/risk/test_clamps.py
    tried = {refusal for refusal, _ in AGAINST + IDEAS} | sizes
    of_bots = {Refusal.SIGNALS_ONLY, Refusal.COOLDOWN, Refusal.NOT_ITS_OWN, Refusal.OPPOSED}  # tests/books
    of_bots |= {Refusal.CONFIDENCE, Refusal.SHORTS_OFF}
    of_instruments = {Refusal.NO_SPOT, Refusal.NO_SHORTS, Refusal.LEAST_NOTIONAL, Refusal.CURRENCY}
    of_equity = {Refusal.DRAWDOWN, Refusal.MAX_EXPOSURE}  # tests/risk/test_drawdown_limit.py
    assert tried == set(Refusal) - of_bots - of_instruments - of_equity
    assert all(refusal.sentence for refusal in Refusal)


def test_all_reasons_are_told_at_once() -> None:
    changes: dict[str, Any] = {"late_ns": LATEST_NS + 1, "feed_stale": True, "busy_instrument": True}
    assert set(_against(replace(IDEA, score_tenths=1), **changes)) == {
        Refusal.TOO_LATE,
        Refusal.FEED_STALE,
        Refusal.IN_POSITION,
        Refusal.SCORE,
    }


@pytest.mark.parametrize("armed", [True, False])
@pytest.mark.parametrize(
    ("kind", "switch", "refusal"),
    [
        (None, TradingSwitch.OFF, Refusal.OFF),
        (None, TradingSwitch.PAPER, Refusal.OFF),
        (None, TradingSwitch.LIVE, Refusal.OFF),
        (AccountKind.PRACTICE, TradingSwitch.OFF, Refusal.OFF),
        (AccountKind.PRACTICE, TradingSwitch.PAPER, None),
        (AccountKind.PRACTICE, TradingSwitch.LIVE, None),
        (AccountKind.PAPER, TradingSwitch.OFF, Refusal.OFF),
        (AccountKind.PAPER, TradingSwitch.PAPER, None),
        (AccountKind.PAPER, TradingSwitch.LIVE, None),
        (AccountKind.LIVE, TradingSwitch.OFF, Refusal.OFF),
        (AccountKind.LIVE, TradingSwitch.PAPER, Refusal.OFF),
        (AccountKind.LIVE, TradingSwitch.LIVE, None),
    ],
)
def test_money_needs_the_switch_and_an_armed_account(
    kind: AccountKind | None, switch: TradingSwitch, refusal: Refusal | None, armed: bool
) -> None:
    expected = set() if refusal is None else {refusal}
    if kind is AccountKind.LIVE and not armed:
        expected.add(Refusal.NOT_ARMED)
    assert set(_against(kind=kind, trading=switch, armed=armed)) == expected


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("stop", "target", "fits"), [(3, 60, 0), (4, 60, 1), (666, 1000, 1), (667, 1001, 0)])
def test_brackets_keep_the_venues_distances_on_both_sides(
    side: Side, stop: int, target: int, fits: int
) -> None:
    idea = replace(IDEA, side=side, stop=1000 - stop * side.sign, targets=(1000 + target * side.sign,))
    limits = RiskLimits(risk_per_trade_usd=Decimal(700))
    expected = () if fits else (Refusal.BRACKET_DISTANCE,)
    assert _against(idea, limits) == expected


def test_a_stop_on_the_wrong_side_never_passes() -> None:
    qty, against, _ = check(replace(IDEA, stop=1040), MNQ, LIMITS, FINE)
    refusals = {one.refusal for one in against}
    assert qty == 0
    assert {Refusal.BRACKET_DISTANCE, Refusal.REWARD_TO_RISK, Refusal.SIZE_ZERO} <= refusals


def test_a_target_on_the_wrong_side_never_passes() -> None:
    assert Refusal.BRACKET_DISTANCE in _against(replace(IDEA, targets=(1060, 940)))


LOSSES = {"daily_headroom_usd": Refusal.DAILY_LOSS, "max_loss_headroom_usd": Refusal.MAX_LOSS}


@pytest.mark.parametrize(("cents", "refused"), [(0, True), (1, False)])
def test_a_trade_that_could_reach_where_a_loss_limit_acts_is_refused(cents: int, refused: bool) -> None:
    """Sizing and headroom price a stop alike: slippage and costs of both sides."""
    left = loss_usd(MNQ, 1000, 40, LIMITS) * 5 + Decimal(cents) / 100
    for headroom, refusal in LOSSES.items():
        alone: dict[str, Any] = {headroom: left}
        beside: dict[str, Any] = {headroom: left + 50, "open_risk_usd": Decimal(50)}
        assert _against(**alone) == _against(**beside) == ((refusal,) if refused else ())


@pytest.mark.parametrize("limit", LOSSES)
def test_a_limit_that_is_off_refuses_nothing(limit: str) -> None:
    off: dict[str, Any] = {limit: None}
    assert _against(**off) == ()
    limits = RiskLimits(max_trades=0, max_losses_in_a_row=0)
    assert _against(limits=limits, entries_today=999, losses_in_a_row=99) == ()
    assert _against(days_to_expiry=None, room_micros=None) == ()


@pytest.mark.parametrize(
    ("instrument", "room", "qty", "refused"),
    [("MNQ", 50, 5, False), ("MNQ", 3, 3, False), ("MNQ", 0, 0, True), ("MES", 4, 4, False),
     ("ES", 50, 1, False), ("ES", 10, 1, False), ("ES", 9, 0, True)],
)  # fmt: skip
def test_the_accounts_size_makes_a_trade_smaller_and_counts_a_mini_as_ten(
    instrument: str, room: int, qty: int, refused: bool
) -> None:
    idea = replace(IDEA, instrument=instrument, stop=990, targets=(1020,))
    got, against, _ = check(idea, CME_FUTURES[instrument], LIMITS, replace(FINE, room_micros=room))
    expected = [Refusal.MAX_CONTRACTS] if refused else []
    assert (got, [one.refusal for one in against]) == (qty, expected)


def test_no_entry_is_taken_that_the_flattening_would_take_straight_back() -> None:
    limits = RiskLimits(no_entry_before_flat_ns=0, flatten_before_flat_ns=5 * MINUTE)
    assert _against(limits=limits, ns_to_flat=5 * MINUTE) == (Refusal.NEAR_CLOSE,)
    assert _against(limits=limits, ns_to_flat=5 * MINUTE + NANOS) == ()
    assert _against(ns_to_flat=-NANOS) == (Refusal.NEAR_CLOSE,)


@pytest.mark.parametrize(
    ("idea", "limits", "changes", "words"),
    [
        (
            {},
            {"risk_per_trade_usd": Decimal(15)},
            {},
            "1 contract risks 22.22 USD, 15 allowed (risk.per_trade_usd)",
        ),
        (
            {},
            {},
            {"feed_stale": True, "price_age_ns": 37 * NANOS},
            "no price for 37 s, 10 s allowed (risk.stale_seconds)",
        ),
        ({}, {}, {"copy_ratio": Decimal("0.1")}, "9 contracts x 0.1 leave 0 (copy_ratio)"),
        ({}, {}, {"entries_today": 40}, "40 trades today, 40 allowed (risk.max_trades)"),
        ({}, {}, {"open_plans": 6}, "6 open trades, 6 allowed (risk.max_open_trades)"),
        ({}, {}, {"losses_in_a_row": 3}, "3 trades lost in a row, 3 allowed (risk.max_losses_in_a_row)"),
        (
            {},
            {},
            {"days_to_expiry": 1},
            "1 day to the contract's last, more than 2 wanted (risk.expiry_days)",
        ),
        (
            {},
            {},
            {"ns_to_flat": 9 * MINUTE},
            "positions must be flat in 9 min, entries end 15 min before (risk.no_entry_minutes)",
        ),
        ({"score_tenths": 59}, {}, {}, "score 5.9, at least 6.0 (strategy.min_score)"),
        ({"targets": (1040,)}, {}, {}, "reward to risk is 1.00, at least 1.5 (risk.reward_to_risk_min)"),
        (
            {"targets": (1040,), "origin": "alert:jm:1"},
            {},
            {},
            "reward to risk is 1.00, at least 1.5 (rooms.jm.reward_to_risk_min)",
        ),
        (
            {},
            {},
            {"open_risk_usd": Decimal(700)},
            "5 contracts would risk 111.10 USD beside 700.00 open, the daily loss limit leaves 760.00 "
            "(risk.daily_loss_usd)",
        ),
        (
            {},
            {},
            {"state": TradingState.LOCKED, "reason": "daily loss limit: 760.00 of 800 USD used up"},
            "daily loss limit: 760.00 of 800 USD used up",
        ),
    ],
)
def test_a_refusal_says_its_numbers_and_the_settings_name(
    idea: dict[str, Any], limits: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    _, [against], _ = check(replace(IDEA, **idea), MNQ, replace(LIMITS, **limits), replace(FINE, **changes))
    assert against.words == words

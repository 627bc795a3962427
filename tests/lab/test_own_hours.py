"""Recordings of a part of the trading day: its end is theirs, and a silence is a closed market."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest

from engine.books.bots import lone
from engine.lab.backtest import Backtest, BacktestTerms, BarMarket, run_backtest
from engine.lab.own_hours import as_recorded, own_hours
from engine.market.calendars.known import ALWAYS, CALENDARS, CME, US_EQUITIES, calendar_of
from engine.model.instrument import Instrument
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Bar, Side, Timeframe
from engine.model.plans import Idea
from engine.model.records import AnyRecord, CloseRequested
from engine.venue.fill_model import FillModel
from tests.strategies.scripted import ScriptedStrategy
from tests.support.books import MES

CHICAGO = ZoneInfo("America/Chicago")
CASH = time(8, 30), time(15)
JUNE = [date(2026, 6, 1) + timedelta(days=n) for n in range(30)]
WORKDAYS = [day for day in JUNE if day.weekday() < 5 and day != date(2026, 6, 19)]


def at(day: date, wall: time) -> int:
    return int(datetime.combine(day, wall, CHICAGO).timestamp()) * NANOS


def recorded(days: Sequence[date], opens: time, closes: time) -> list[Bar]:
    """Minutes that wander."""
    chance, price, bars = Random(7), 20_000, list[Bar]()
    for day in days:
        for ts in range(at(day, opens), at(day, closes), MINUTE):
            path = [price, *(price + chance.randint(-4, 4) for _ in range(3))]
            price = path[-1]
            bars.append(Bar("MES", Timeframe.M1, ts, path[0], max(path), min(path), price, 10))
    return bars


def played(
    bars: Sequence[Bar],
    instrument: Instrument,
    wall: time,
    keep: list[AnyRecord],
    *,
    must_be_flat: bool = True,
) -> Backtest:
    """An idea on each day, whose stop and target are out of reach."""
    days = sorted({CME.trade_date(bar.open_ts) for bar in bars})
    ideas = [
        (at(day, wall), Idea("scripted", "MES", Side.BUY, 0, -200, (400,), 80, ("test",), 0)) for day in days
    ]
    risk = RiskLimits(
        max_trades=0, daily_loss_usd=Decimal(0), min_score_tenths=0, risk_per_trade_usd=Decimal(300),
        must_be_flat=must_be_flat,
    )  # fmt: skip
    terms = BacktestTerms(risk=risk, model=FillModel().on_whole_bars())
    bots = (lone(ScriptedStrategy(ideas, relative=True)),)
    return run_backtest(BarMarket(instrument, bars), bots, terms, bars[-1].close_ts, keep=keep.extend)


def test_a_month_of_the_cash_session_is_flat_before_its_end_each_day() -> None:
    bars, records = recorded(WORKDAYS, *CASH), list[AnyRecord]()
    found = played(bars, as_recorded(MES, bars), time(14, 40), records)
    assert [one.closed_ts for one in found.trades] == [at(day, time(14, 55)) for day in WORKDAYS]
    assert sum(type(one) is CloseRequested for one in records) == len(WORKDAYS), "one close a trade"
    assert not found.summary.held_over


def test_a_day_that_ends_early_is_waited_out_and_closed_at_the_next_open() -> None:
    """The calendar of that year knows nothing of it: the recording just stops."""
    days = WORKDAYS[:6]
    bars = [
        bar
        for bar in recorded(days, *CASH)
        if not at(days[2], time(12)) <= bar.open_ts < at(days[3], time(0))
    ]
    records = list[AnyRecord]()
    found = played(bars, as_recorded(MES, bars), time(11, 50), records)
    assert len(found.trades) == len(days)
    assert found.trades[2].closed_ts == at(days[3], time(8, 30)), "at the first price that there is"
    assert found.summary.held_over == 1
    asked = sum(type(one) is CloseRequested for one in records)
    assert asked < 400, "a silence is not asked every few seconds"


def test_a_position_that_may_be_held_is_and_its_gaps_are_told() -> None:
    days = WORKDAYS[:6]
    bars = recorded(days, *CASH)
    found = played(bars, as_recorded(MES, bars), time(14, 30), [], must_be_flat=False)
    assert not found.trades
    assert found.summary.open_positions
    assert found.summary.held_over == len(days) - 1


def test_the_break_of_the_market_itself_is_no_gap_of_the_recording() -> None:
    days = WORKDAYS[1:4]
    whole = [bar for day in days for bar in _session(day)]
    found = played(whole, as_recorded(MES, whole), time(12), [], must_be_flat=False)
    assert found.summary.open_positions
    assert not found.summary.held_over


def _session(day: date) -> list[Bar]:
    opens, closes = CME.session_bounds(day)
    return [
        Bar("MES", Timeframe.M1, ts, 20_000, 20_004, 19_996, 20_000, 10)
        for ts in range(opens, closes, MINUTE)
    ]


def test_hours_are_those_in_which_all_bars_stand() -> None:
    assert own_hours(recorded(WORKDAYS[:5], *CASH), CME) == CASH
    assert own_hours([bar for day in WORKDAYS[:6] for bar in _session(day)], CME) is None
    assert own_hours(recorded(WORKDAYS[:4], *CASH), CME) is None, "of few days nothing is concluded"
    late = recorded(WORKDAYS[5:6], time(15, 30), time(15, 35))
    assert own_hours([*recorded(WORKDAYS[:5], *CASH), *late, *recorded(WORKDAYS[6:9], *CASH)], CME) == (
        time(8, 30),
        time(15, 35),
    ), "one later day is enough"
    beyond = recorded(WORKDAYS[5:6], time(16, 10), time(16, 15))
    assert own_hours([*recorded(WORKDAYS[:6], *CASH), *beyond], CME) is None, "another calendar's"
    assert own_hours(recorded(WORKDAYS[:6], *CASH), ALWAYS) is None
    assert own_hours(recorded(WORKDAYS[:6], *CASH), US_EQUITIES) is None, "all of it"
    assert own_hours([], CME) is None


def test_a_part_of_a_day_is_closed_outside_of_it_and_keeps_the_day() -> None:
    part = calendar_of("cme 08:30-15:00")
    day = date(2026, 11, 27)  # closes at 12:15
    for one, closes, flat in ((date(2026, 6, 3), time(15), time(15)), (day, time(12, 15), time(12, 5))):
        assert part.session_close(one) == at(one, closes)
        assert part.flat_by(one) == at(one, flat)
    holiday = date(2026, 12, 25)
    assert part.session_close(holiday) == part.session_bounds(holiday)[0], "it does not open"
    ts = at(date(2026, 6, 5), time(9))
    assert part.is_open(ts)
    assert part.next_phase_change(ts) == at(date(2026, 6, 5), time(15))
    assert not part.is_open(part.next_phase_change(ts))
    assert part.next_opening(ts) == at(date(2026, 6, 8), time(8, 30)), "after the weekend"
    assert part.trade_date(ts) == CME.trade_date(ts)
    assert part.session_bounds(day) == CME.session_bounds(day)
    evening = calendar_of("cme 18:00-09:00")
    assert evening.is_open(at(date(2026, 6, 3), time(20)))
    assert not evening.is_open(ts)
    assert "cme 08:30-15:00" not in CALENDARS
    for wrong in ("nyse", "cme 08:30", "nyse 08:30-15:00"):
        with pytest.raises(ValueError, match="no calendar is called"):
            calendar_of(wrong)
    assert datetime.fromtimestamp(part.next_roll(ts) // NANOS, UTC).hour == 22

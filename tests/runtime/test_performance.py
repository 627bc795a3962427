"""Figures of a book as a running engine works them out: with each trade, and ruin little by little."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest

from engine.model.market import MINUTE
from engine.model.view import PerformanceView
from engine.portfolio.ruin import PATHS, floor_in_r, risk_of_ruin
from engine.portfolio.statistics import r_multiples
from engine.runtime import performance as module
from engine.runtime.performance import Performance
from engine.state.days import DayResult
from engine.state.position import Trade
from tests.market.feed import T0
from tests.portfolio.test_statistics import trade
from tests.support.engine_fakes import BOOK, FakedEngine, adopted, resolved
from tests.support.waits import until


def known(*trades: Trade) -> tuple[Performance, list[PerformanceView], FakedEngine]:
    """An account of 50,000 with these trades behind it."""
    faked = FakedEngine()
    faked.core.start(T0)
    for event in (resolved(), adopted()):
        faked.core.step(event)
    state = faked.core.state.books[BOOK]
    for one in trades:
        state.trades.append(one)
        state.earned_usd += one.net_usd
    told: list[PerformanceView] = []
    return Performance(faked.core, lambda: T0, told.append), told, faked


def trades(count: int) -> list[Trade]:
    """Two of three won 100 of 50 that were risked, the third lost 60."""
    return [trade("100" if n % 3 else "-60", at=T0 - (count - n) * MINUTE) for n in range(count)]


async def test_figures_come_with_each_trade_and_not_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.001)
    performance, told, faked = known(*trades(5))
    running = asyncio.create_task(performance.run())
    try:
        await until(lambda: told)
        (row,) = performance.rows
        assert (row.book, row.trades, row.wins, row.run) == (BOOK, 5, 3, 1)
        assert row.profit_factor == pytest.approx(300 / 120)
        assert (row.kelly, row.ruin, row.sharpe, row.var_95_usd) == (None, None, None, None)
        await asyncio.sleep(0.02)
        assert len(told) == 1, "nothing has happened since"
        state = faked.core.state.books[BOOK]
        state.trades.append(trade("7", at=T0))
        state.earned_usd += 7
        await until(lambda: len(told) == 2)
        assert told[-1].trades == 6
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_days_that_are_over_give_drawdown_and_value_at_risk() -> None:
    performance, _, faked = known()
    state = faked.core.state.books[BOOK]
    today = date.fromisoformat(faked.core.state.day_of(state).trade_date)
    before = [today - timedelta(days=n) for n in range(29, 0, -1)]
    for n, day in enumerate(day for day in before if day.weekday() < 5):
        bad = n == 3
        net, low = Decimal(-100 if bad else 20), Decimal(-120 if bad else 0)
        state.days.append(DayResult(day.isoformat(), net, Decimal(30), low, Decimal(10)))
    found = performance.figures(faked.core.books[BOOK])
    # Before the fourth day 60 was won, and 10 more were seen; its low is 120 below its begin.
    assert found.max_drawdown_usd == 10 + 120
    assert found.drawdown is not None
    assert found.volatility is not None
    assert found.volatility > 0
    assert found.var_95_usd == 0, "one bad day of so many is no more than one in twenty"


async def test_ruin_is_the_report_s_own_figure_and_takes_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.001)
    monkeypatch.setattr(module, "REST_S", 0.0)
    monkeypatch.setattr(module, "PATHS_AT_A_TIME", 100)
    made = trades(40)
    performance, told, _ = known(*made)
    running = asyncio.create_task(performance.run())
    try:
        await until(lambda: told and told[-1].ruin is not None, 30)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    ruin = told[-1].ruin
    floor_r = floor_in_r(made, Decimal(5_000))
    assert ruin is not None
    assert floor_r == 100
    assert ruin.floor_usd == 5_000, "a tenth of what the account began with"
    same = risk_of_ruin(r_multiples(made), floor_r, Random(0), paths=PATHS)
    assert same is not None
    assert ruin.probability == same.probability
    assert told[-1].kelly is not None


async def test_a_bug_in_a_figure_harms_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "LOOK_S", 0.001)
    performance, told, _ = known(*trades(3))
    monkeypatch.setattr(module, "recent", broken)
    running = asyncio.create_task(performance.run())
    await until(lambda: "can't be worked out" in caplog.text)
    assert not running.done()
    assert not told
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

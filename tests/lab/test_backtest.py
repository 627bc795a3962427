"""Backtests: the core that trades, on bars as they are."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random

import pytest
from msgspec.structs import replace

from engine.books.bots import Bot, lone
from engine.lab.backtest import Backtest, BacktestTerms, BarMarket, run_backtest
from engine.market.bars import BarsClosed
from engine.market.candles import resample
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, Bar, Side, Timeframe
from engine.model.plans import Idea
from engine.model.records import AnyRecord, encode
from engine.signals.board import SignalBoard
from engine.strategies.protocol import Said
from engine.venue.fill_model import FillModel
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.books import MES

BARS = FillModel().on_whole_bars()
RISK = RiskLimits(max_trades=0, daily_loss_usd=Decimal(0), min_score_tenths=0)


def walk(seed: int, minutes: int) -> list[Bar]:
    chance, price, bars = Random(seed), 20_000, list[Bar]()
    for n in range(minutes):
        path = [price]
        for _ in range(4):
            path.append(path[-1] + chance.randint(-3, 3))
        price = path[-1]
        bars.append(
            Bar(
                "MES",
                Timeframe.M1,
                T0 + n * MINUTE,
                path[0],
                max(path),
                min(path),
                price,
                chance.randint(1, 99),
            )
        )
    return bars


def scripted(minutes: int) -> tuple[Bot, ...]:
    """An idea every five minutes, stop 12 and target 20 ticks away."""
    ideas = [
        (
            T0 + n * MINUTE,
            Idea("scripted", "MES", side, 0, -12 * side.sign, (20 * side.sign,), 80, ("scripted",), 0),
        )
        for n in range(1, minutes, 5)
        for side in ((Side.BUY, Side.SELL)[n // 5 % 2],)
    ]
    return (lone(ScriptedStrategy(ideas, relative=True)),)


def played(
    bars: Sequence[Bar], begin: int = 0, keep: list[AnyRecord] | None = None, risk: RiskLimits = RISK
) -> Backtest:
    market = BarMarket(MES, bars, begin)
    terms = BacktestTerms(risk=risk, model=BARS)
    kept = None if keep is None else keep.extend
    return run_backtest(market, scripted(len(bars)), terms, bars[-1].close_ts, keep=kept)


def test_entries_fill_at_the_open_after_the_close_that_gave_them() -> None:
    bars = walk(1, 240)
    found = played(bars)
    by_open = {bar.open_ts: bar for bar in bars}
    assert len(found.trades) > 10
    for trade in found.trades:
        opened = by_open[trade.opened_ts]
        assert trade.entry_sum == (opened.open + trade.side.sign) * trade.qty
        assert (trade.opened_ts - T0) // MINUTE % 5 in (1, 2)
        assert {"stop", "T1"} >= {trade.reason}
        if trade.reason == "T1":
            assert trade.closed_ts > opened.close_ts, "the bar of an entry wins nothing"


def test_the_equity_tells_the_drawdown_and_ends_at_the_result() -> None:
    bars = walk(2, 600)
    found = played(bars)
    high, deepest = found.equity[0][1], Decimal(0)
    for _, usd in found.equity:
        high = max(high, usd)
        deepest = max(deepest, high - usd)
    assert deepest == found.summary.max_drawdown_usd > 0
    assert [ts for ts, _ in found.equity] == sorted(ts for ts, _ in found.equity)
    if not found.summary.open_positions:
        assert found.equity[-1][1] - found.equity[0][1] == found.summary.net_usd
    assert found.summary.net_usd == sum(trade.net_usd for trade in found.trades)


def test_the_same_bars_write_the_same_journal_and_one_tick_another() -> None:
    bars = walk(3, 120)
    entered = played(bars).trades[2].opened_ts
    moved = [
        replace(bar, open=bar.open + 1, high=bar.high + 1) if bar.open_ts == entered else bar for bar in bars
    ]
    journals = []
    for market in (bars, bars, moved):
        kept: list[AnyRecord] = []
        played(market, keep=kept)
        journals.append([encode(record) for record in kept])
    assert journals[0] == journals[1] != journals[2]


def test_what_comes_later_changes_nothing_before() -> None:
    bars = walk(4, 200)
    whole, part = played(bars), played(bars[:100])
    assert part.trades == whole.trades[: len(part.trades)]
    assert len(part.trades) > 5


def test_bars_before_the_beginning_are_history_and_none_after_is_an_error() -> None:
    bars = walk(5, 120)
    market = BarMarket(MES, bars, T0 + 60 * MINUTE)
    assert list(market.history("MES")) == bars[:60]
    assert [event.bar for event in market.events()] == bars[60:]
    with pytest.raises(ValueError, match="no bar"):
        BarMarket(MES, bars, bars[-1].close_ts)


def test_an_order_waits_over_days_without_bars_for_the_next_open() -> None:
    """It takes no longer than any other: between two bars nobody looks at the time ten times a second."""
    bars, risk = walk(6, 40), replace(RISK, must_be_flat=False)
    entered = played(bars, risk=risk).trades[0].opened_ts
    later = [replace(bar, open_ts=bar.open_ts + 49 * 60 * MINUTE * (bar.open_ts >= entered)) for bar in bars]
    found = played(later, risk=risk).trades[0]
    assert found.opened_ts == entered + 49 * 60 * MINUTE
    assert found.entry_sum == played(bars, risk=risk).trades[0].entry_sum


def test_bars_of_five_minutes_are_played_as_they_are_and_nothing_shorter_is_asked_of_them() -> None:
    bars = list(resample(walk(7, 600), Timeframe.M5))

    class OnFive(ScriptedStrategy):
        timeframes = (Timeframe.M5,)

        def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Said]:
            (bar,) = closed.bars
            assert (bar.timeframe, bar.close_ts) == (Timeframe.M5, closed.ts)
            side = (Side.BUY, Side.SELL)[closed.ts // Timeframe.H1.nanos % 2]
            stop, target = bar.close - 30 * side.sign, bar.close + 50 * side.sign
            return (Idea("five", "MES", side, bar.close, stop, (target,), 80, ("five",), closed.ts),)

    terms, by_open = BacktestTerms(risk=RISK, model=BARS), {bar.open_ts: bar for bar in bars}
    end = bars[-1].close_ts
    found = run_backtest(BarMarket(MES, bars), (lone(OnFive(())),), terms, end)
    assert len(found.trades) > 3
    for trade in found.trades:
        assert trade.entry_sum == (by_open[trade.opened_ts].open + trade.side.sign) * trade.qty
    with pytest.raises(ValueError, match="1m can't be made"):
        run_backtest(BarMarket(MES, bars), scripted(10), terms, end)

"""A strategy that cheats is caught, however it does; one that does not is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import pytest

from engine.books.bots import lone
from engine.lab.backtest import BacktestTerms, BarMarket, run_backtest
from engine.lab.lookahead import LookAhead, OtherFuture, listen, look_for_lookahead
from engine.market.bars import BarsClosed
from engine.model.events import Print, Quote
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, Bar, Side, Timeframe
from engine.model.plans import Exit
from engine.ports import PastMarket
from engine.signals.board import SignalBoard
from engine.strategies.protocol import Said, Strategy
from engine.strategies.zones import ZoneReaction, ZoneReactionConfig
from engine.venue.fill_model import FillModel
from tests.support.price_series import MES, random_walk

MINUTES = 300


def said(ts: int, side: Side = Side.BUY, reason: str = "x") -> Exit:
    """The least that a strategy can say: nothing is held, so nothing comes of it."""
    return Exit("cheat", "MES", side, reason, ts)


class _Scripted:
    """Says what `speak` makes of the closed minute and the whole market, which it has no business to know."""

    name = "cheat"
    timeframes = (Timeframe.M1,)

    def __init__(self, market: PastMarket, speak: Callable[[Bar, dict[int, Bar]], Iterator[Said]]) -> None:
        self._bars = {event.bar.open_ts: event.bar for event in market.events()}  # type: ignore[union-attr]
        self._speak = speak

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Said]:
        return [one for bar in closed.bars for one in self._speak(bar, self._bars)]


def _next(bar: Bar, bars: dict[int, Bar]) -> Bar:
    return bars.get(bar.close_ts, bar)


def honest(bar: Bar, bars: dict[int, Bar]) -> Iterator[Said]:
    if bar.close > bar.open + 15:
        yield said(bar.close_ts)


def peeks(bar: Bar, bars: dict[int, Bar]) -> Iterator[Said]:
    """Speaks when the next minute will rise far."""
    if _next(bar, bars).close > bar.close + 15:
        yield said(bar.close_ts)


def peeks_at_the_size(bar: Bar, bars: dict[int, Bar]) -> Iterator[Said]:
    """Speaks when it may, of how far it will go."""
    if bar.close > bar.open + 15:
        yield said(bar.close_ts, reason=f"{_next(bar, bars).high - bar.close} to come")


def holds_its_tongue(bar: Bar, bars: dict[int, Bar]) -> Iterator[Said]:
    """Says nothing where it would have been wrong."""
    if bar.close > bar.open + 5 and _next(bar, bars).close >= bar.close:
        yield said(bar.close_ts)


def dates_back(bar: Bar, bars: dict[int, Bar]) -> Iterator[Said]:
    """Draws into the past what it knows now."""
    if bar.close > bar.open + 15:
        yield said(bar.close_ts - 5 * MINUTE)


@pytest.fixture(scope="module")
def market() -> BarMarket:
    return BarMarket(MES, random_walk(3, MINUTES))


def looked(market: PastMarket, made: Callable[[PastMarket], Strategy], cuts: int = 8) -> LookAhead:
    terms = BacktestTerms(risk=RiskLimits(max_trades=0), model=FillModel().on_whole_bars())

    def play(played: PastMarket, until: int | None, heard: list[Said], closes: list[int] | None) -> None:
        bots = listen((lone(made(played)),), heard, closes)
        end = market.start_ts + MINUTES * MINUTE * 3
        run_backtest(played, bots, terms, end if until is None else until)

    return look_for_lookahead(market, play, Random(1), cuts)


def test_an_honest_strategy_passes(market: BarMarket) -> None:
    found = looked(market, lambda played: _Scripted(played, honest))
    assert found.changes == ()
    assert found.said > 15
    assert (found.cuts, found.at_signals) == (8, 4)


def test_the_strategy_zones_passes(market: BarMarket) -> None:
    config = ZoneReactionConfig(min_score_tenths=10, near_score_tenths=5)
    found = looked(market, lambda played: ZoneReaction(config), cuts=4)
    assert found.changes == ()
    assert found.said > 5


@pytest.mark.parametrize("cheat", [peeks, peeks_at_the_size, holds_its_tongue, dates_back])
def test_a_cheat_is_caught(market: BarMarket, cheat: Any) -> None:
    found = looked(market, lambda played: _Scripted(played, cheat))
    assert found.changes
    for change in found.changes:
        assert change.vanished or change.appeared
        assert all(one.ts <= change.cut_ts for one in (*change.vanished, *change.appeared))


def test_other_futures_of_bars(market: BarMarket) -> None:
    true = [event.bar for event in market.events()]
    cut = true[99].close_ts
    ended = [event.bar for event in OtherFuture(market, cut, mirrored=False).events()]
    assert ended == true[:100]
    turned = [event.bar for event in OtherFuture(market, cut, mirrored=True).events()]
    assert turned[:100] == true[:100]
    around = true[99].close
    assert [bar.open_ts for bar in turned] == [bar.open_ts for bar in true]
    for bar, was in zip(turned[100:], true[100:], strict=True):
        assert bar.close == around - 3 * (was.close - around)
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.high - bar.low == 3 * (was.high - was.low)


class _Ticks:
    """Quotes and prints, four a minute."""

    def __init__(self) -> None:
        self.instruments = (MES,)
        self.start_ts = random_walk(3, 1)[0].open_ts

    def history(self, instrument: str) -> Sequence[Bar]:
        return ()

    def events(self) -> Iterator[Quote | Print]:
        for n in range(40):
            ts, price = self.start_ts + n * MINUTE // 4, 24_000 + n % 7
            yield Quote(ts_recv=ts, ts_venue=ts, instrument="MES", bid=price, ask=price + 1)
            yield Print(ts_recv=ts, ts_venue=ts, instrument="MES", price=price, size=2)


def test_other_futures_of_ticks() -> None:
    ticks = _Ticks()
    true, cut = list(ticks.events()), ticks.start_ts + 5 * MINUTE
    ended = list(OtherFuture(ticks, cut, mirrored=False).events())
    assert ended[:-1] == true[:40]
    assert (ended[-1].ts_recv, ended[-1].price) == (cut + 1, true[39].price)  # type: ignore[union-attr]
    turned = list(OtherFuture(ticks, cut, mirrored=True).events())
    assert turned[:40] == true[:40]
    for one, was in zip(turned[40:], true[40:], strict=True):
        around = true[39].price  # type: ignore[union-attr]
        if isinstance(one, Print) and isinstance(was, Print):
            assert one.price == around - 3 * (was.price - around)
        elif isinstance(one, Quote) and isinstance(was, Quote):
            assert one.bid is not None
            assert one.ask is not None
            assert one.ask - one.bid == 3

"""Indicators of the board: warmed up by history, equal to themselves fed bar by bar, never ahead."""

from __future__ import annotations

from engine.market.bars import BarsClosed, MinuteBars
from engine.model.events import Print
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Timeframe
from engine.signals.board import SignalBoard
from engine.signals.indicators.averages import Ema, Rsi, Sma
from engine.signals.indicators.channels import Bollinger
from engine.signals.indicators.trend import SuperTrend
from tests.market.feed import T0
from tests.signals.markets import minutes, run


def test_an_indicator_of_the_board_is_the_one_that_is_fed_by_hand() -> None:
    market = minutes(4, 400, ("ES",))
    rsi, bands, trend, volume = Rsi(5), Bollinger(7), SuperTrend(5), Sma(4)
    seen = 0

    def each(closed: BarsClosed, board: SignalBoard) -> None:
        nonlocal seen
        for bar in closed.bars:
            if bar.timeframe is Timeframe.M5:
                rsi.add(bar.close)
                bands.add(bar.close)
                trend.add(bar)
                volume.add(bar.volume)
        if closed.ts % (10 * MINUTE):
            return  # whoever asks seldom hears the same
        found = board.follow("ES", Timeframe.M5, Rsi, 5)
        assert found is board.follow("ES", Timeframe.M5, Rsi, 5)
        assert found.value == rsi.value
        assert board.follow("ES", Timeframe.M5, Bollinger, 7).upper == bands.upper
        assert board.follow("ES", Timeframe.M5, SuperTrend, 5).value == trend.value
        assert board.follow("ES", Timeframe.M5, Sma, 4, of="volume").value == volume.value
        seen += found.value is not None

    run(market, each, warm_up=0)
    assert seen > 30


def test_history_warms_it_up_and_one_that_lacks_bars_begins_anew() -> None:
    market = minutes(5, 2_000, ("ES",))
    values: list[float | None] = []

    def each(closed: BarsClosed, board: SignalBoard) -> None:
        if closed.bars[0].open_ts in (market[0][1000].open_ts, market[0][1900].open_ts):
            values.append(board.follow("ES", Timeframe.M1, Ema, 50).value)

    run(market, each, warm_up=1000)

    def from_the_first(end: int) -> float | None:
        ema = Ema(50)
        for bar in market[0][:end]:
            ema.add(bar.close)
        return ema.value

    assert values == [from_the_first(1001), from_the_first(1901)]


def test_of_several_boundaries_that_close_at_once_none_knows_the_next() -> None:
    bars = MinuteBars()
    board = SignalBoard(CME_FUTURES, bars)
    bars.feed_up(T0)
    for minute in (0, 1):  # the next minute has begun at the venue while this one waits for late prints
        ts = T0 + minute * MINUTE
        bars.on_print(Print(ts_recv=T0 + MINUTE, ts_venue=ts, instrument="ES", price=100 + minute, size=1))
    told = []
    for closed in bars.on_time(T0 + 3 * MINUTE):
        board.on_closed(closed)
        told.append((closed.ts, board.follow("ES", Timeframe.M1, Sma, 1).value))
    assert told == [(T0 + MINUTE, 100), (T0 + 2 * MINUTE, 101)]

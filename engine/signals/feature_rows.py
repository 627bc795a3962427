"""A recorded market as examples: what was known at each close, from each side (docs/models.md#features)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from engine.market.bars import BarsClosed
from engine.model.events import BarReported, HistoryLoaded, MoodTold, Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import USUAL, Bar, Side, Timeframe
from engine.signals.features import Features, Vector
from engine.signals.market_data import MarketData

Told = Bar | BarReported | Print | Quote | MoodTold


class FeatureRow(Struct, frozen=True):
    """One example: what was known at a close, judged from one side."""

    ts: int
    """The close, nanoseconds UTC."""
    instrument: str
    timeframe: Timeframe
    side: Side
    vector: Vector
    bar: Bar
    """That closed."""
    atr: float
    """Of the timeframe at that close, ticks: barriers are counted in it."""


def rows(
    events: Iterable[Told],
    instruments: Mapping[str, Instrument],
    timeframe: Timeframe = Timeframe.M5,
    sides: Sequence[Side] = (Side.BUY, Side.SELL),
    *,
    history: Mapping[str, Sequence[Bar]] = {},
    grace_ns: int = 0,
) -> Iterator[FeatureRow]:
    """Every close of `timeframe` in a recorded market, judged from each side, in time order.

    `events` come in time order; a plain Bar is a closed minute. `history` are closed minutes before them. A
    minute is over `grace_ns` after its end, or when it is told as a bar. Blind and backfilled bars give
    none.
    """
    market = MarketData(instruments, grace_ns, 10**18, Counter(), timeframes=(*USUAL, timeframe))
    features = Features(market.board, instruments)
    market.bars.feed_up(0)
    for symbol, bars in history.items():
        market.on_history(HistoryLoaded(ts_recv=0, instrument=symbol, bars=tuple(bars)))
    for symbol in instruments:
        features.listen(symbol, timeframe)
    for event in events:
        for closed in _closings(market, event):
            market.board.on_closed(closed)
            for bar in closed.bars:
                if bar.timeframe is Timeframe.M1:
                    features.listen(bar.instrument, timeframe)
                if bar.timeframe is not timeframe or bar.gap or bar.backfilled:
                    continue
                for side in sides:
                    vector = features.vector(bar.instrument, timeframe, side, closed.ts)
                    if vector is not None:
                        atr = features.atr(bar.instrument, timeframe)
                        yield FeatureRow(closed.ts, bar.instrument, timeframe, side, vector, bar, atr)


def _closings(market: MarketData, event: Told) -> Sequence[BarsClosed]:
    if isinstance(event, Bar):
        event = BarReported(ts_recv=event.close_ts, ts_venue=event.close_ts, bar=event)
    if isinstance(event, Print):
        return market.on_print(event, event.ts_recv)
    if isinstance(event, Quote):
        return market.on_quote(event, event.ts_recv)
    if isinstance(event, MoodTold):
        market.board.moods.add(event)
        return ()
    return market.on_bar(event, event.ts_recv)

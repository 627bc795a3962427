"""What was to be seen of one contract when a bar had closed, and what the bots say of it: by the very signals
and strategies that trade, over recorded minutes, of which none after that close is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from engine.books.bots import Bot, introduce, needed
from engine.market.bars import MinuteBars
from engine.market.calendars.known import calendar_of
from engine.market.intervals import Interval
from engine.model.chart import AlignmentView
from engine.model.instrument import Instrument
from engine.model.market import Bar, Timeframe
from engine.signals.board import SignalBoard
from engine.signals.market_data import MINUTES_SEEN
from engine.signals.patterns import Pattern
from engine.strategies.learning import Tally
from engine.strategies.protocol import Said


class Heard(Struct, frozen=True):
    """What a bot said of a close."""

    ts: int
    """Of the close, nanoseconds UTC."""
    bot: str
    said: Said


class Seen(Struct, frozen=True):
    """As of the close of a bar."""

    bar: Bar | None
    """None where nothing was recorded then."""
    alignment: AlignmentView
    patterns: tuple[Pattern, ...]
    """Of the bar's timeframe: those that became known while it went on or by its close."""
    heard: tuple[Heard, ...]
    """At the closes of this stretch, oldest first."""


def look_back(
    instrument: Instrument,
    minutes: Sequence[Bar],
    within: Interval,
    timeframe: Timeframe,
    bots: Sequence[Bot],
    experience: Mapping[str, Tally],
) -> Seen:
    """`minutes` are oldest first; the sessions before the bar are looked at as at a start of the engine.
    `experience` is how patterns had ended by then. Strategies keep memory: each call needs bots of its own.
    """
    symbol = instrument.symbol
    known = [minute for minute in minutes if minute.close_ts <= within[1]][-MINUTES_SEEN:]
    folded = {*needed(bots), timeframe}
    bars = MinuteBars(grace_ns=0, timeframes=folded, calendars={symbol: calendar_of(instrument.calendar)})
    board = SignalBoard({symbol: instrument}, bars)
    introduce(bots, board, experience)
    heard: list[Heard] = []
    for minute in known:
        for closed in bars.on_bar(minute, minute.close_ts):
            board.on_closed(closed)
            for bot in bots:
                told = bot.heard(closed)
                said: Iterable[Said] = () if told is None else bot.strategy.on_bars(told, board)
                if within[0] < closed.ts <= within[1]:
                    heard += [Heard(closed.ts, bot.name, one) for one in said]
    frame = board.frame(symbol, timeframe)
    return Seen(
        next((one for one in bars.bars(symbol, timeframe) if one.open_ts == within[0]), None),
        board.alignment_view(symbol),
        tuple(one for one in frame.patterns_after(within[0]) if one.known_at <= within[1]),
        tuple(heard),
    )

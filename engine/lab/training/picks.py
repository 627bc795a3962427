"""What the rules alone would trade: what a model's choice is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from engine.books.bots import Bot, introduce, needed
from engine.lab.training.examples import Pick
from engine.market.bars import MinuteBars
from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import calendar_of
from engine.model.instrument import Instrument
from engine.model.market import Bar, Timeframe
from engine.model.plans import Idea
from engine.signals.board import SignalBoard
from engine.signals.occurrences import occurrences


def pattern_picks(
    bars: Iterable[Bar], instrument: str, timeframe: Timeframe, calendar: Calendar
) -> Iterator[Pick]:
    """The rules at their plainest: every pattern that becomes known at a close of `timeframe`, traded its
    way. `bars` are of that timeframe.
    """
    for one in occurrences(bars, instrument, timeframe, calendar):
        yield one.known_at, one.direction


def idea_picks(
    minutes: Iterable[Bar], instrument: Instrument, timeframe: Timeframe, bots: Sequence[Bot]
) -> Iterator[Pick]:
    """What strategies have ideas about, at the next close of `timeframe`: that is when a model judges them.
    Strategies keep memory: each call needs bots of its own.
    """
    symbol = instrument.symbol
    folded = {*needed(bots), timeframe}
    bars = MinuteBars(grace_ns=0, timeframes=folded, calendars={symbol: calendar_of(instrument.calendar)})
    board = SignalBoard({symbol: instrument}, bars)
    introduce(bots, board, {})
    for minute in minutes:
        for closed in bars.on_bar(minute, minute.close_ts):
            board.on_closed(closed)
            for bot in bots:
                told = bot.heard(closed)
                for said in () if told is None else bot.strategy.on_bars(told, board):
                    if isinstance(said, Idea):
                        yield closed.ts + -closed.ts % timeframe.nanos, said.side.sign

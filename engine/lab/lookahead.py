"""Whether a strategy looks ahead: the past is played again with another future, and must be told the same
(docs/discovery.md#does-it-look-ahead).

At a chosen close the market is cut off, or goes on on its head and three times as far. Whatever the strategy
said up to that close may not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from engine.books.bots import Bot
from engine.lab.replay import Played
from engine.lab.significance import Chance
from engine.market.bars import BarsClosed
from engine.model.events import BarReported, Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, Bar
from engine.ports import PastMarket
from engine.signals.board import SignalBoard
from engine.strategies.protocol import Said

_FURTHER = 3
"""How much wilder the other future is."""
_LOUDER = 7
"""Times the volume."""
_BEYOND = 120 * MINUTE
"""For so long the other future is played: what is said in it may be dated back."""


class Listener:
    """A strategy's ear at the wall: it says the same, and what it says is noted with the time it was said."""

    def __init__(self, strategy: Any, heard: list[Said], closes: list[int] | None = None) -> None:
        self._strategy = strategy
        self._heard = heard
        self._closes = closes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._strategy, name)

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Said]:
        said = tuple(self._strategy.on_bars(closed, board))
        self._heard.extend(said)
        if self._closes is not None:
            self._closes.append(closed.ts)
        return said


def listen(bots: Iterable[Bot], heard: list[Said], closes: list[int] | None = None) -> tuple[Bot, ...]:
    """The bots, whose strategies are overheard. `closes` is told every close that they were asked about."""
    found = tuple(bots)
    for bot in found:
        bot.strategy = Listener(bot.strategy, heard, closes)
    return found


class OtherFuture:
    """A market that is the same up to a close, and ends there or goes on otherwise."""

    def __init__(self, market: PastMarket, cut_ts: int, *, mirrored: bool) -> None:
        """`cut_ts` is nanoseconds UTC: bars that ended by then and what was traded before it are kept."""
        self.instruments: Sequence[Instrument] = market.instruments
        self.start_ts = market.start_ts
        self.history = market.history
        self._market = market
        self._cut_ts = cut_ts
        self._mirrored = mirrored

    def events(self) -> Iterator[Any]:
        last: dict[str, Played] = {}
        for event in self._market.events():
            if event.ts_recv < self._cut_ts or (
                isinstance(event, BarReported) and event.ts_recv == self._cut_ts
            ):
                last[event.instrument] = event
                yield event
            elif self._mirrored:
                before = last.get(event.instrument)
                yield event if before is None else mirrored(event, _price(before))
            else:
                yield from self._end(last.values())
                return

    def _end(self, last: Iterable[Played]) -> Iterator[Played]:
        """Of a market of ticks: the newest once more, since a close needs somebody to tell the time."""
        for event in last:
            if not isinstance(event, BarReported):
                yield replace(event, ts_recv=self._cut_ts + 1, ts_venue=self._cut_ts + 1)


def mirrored(event: Played, around: int) -> Played:
    """The event on its head around a price (ticks), three times as far and louder."""

    def turned(price: int | None) -> int | None:
        return None if price is None else _turned(price, around)

    if isinstance(event, BarReported):
        return replace(event, bar=_turned_bar(event.bar, around))
    if isinstance(event, Print):
        return replace(event, price=_turned(event.price, around), size=event.size * _LOUDER)
    return replace(event, bid=turned(event.ask), ask=turned(event.bid), last=turned(event.last))


def _turned(price: int, around: int) -> int:
    return max(1, around - _FURTHER * (price - around))


def _turned_bar(bar: Bar, around: int) -> Bar:
    return replace(
        bar,
        open=_turned(bar.open, around),
        high=_turned(bar.low, around),
        low=_turned(bar.high, around),
        close=_turned(bar.close, around),
        volume=bar.volume * _LOUDER,
    )


def _price(event: Played) -> int:
    if isinstance(event, BarReported):
        return event.bar.close
    if isinstance(event, Quote):
        return event.last or event.bid or event.ask or 1
    return event.price


# -- the check ---------------------------------------------------------------------------------------------


class ChangedWord(Struct, frozen=True):
    """What another future changed in the past."""

    cut_ts: int
    """The close after which the future was another, nanoseconds UTC."""
    mirrored: bool
    """It went on otherwise; else it ended."""
    vanished: tuple[Said, ...]
    """Said up to that close with the true future, and not with the other one."""
    appeared: tuple[Said, ...]


class LookAhead(Struct, frozen=True):
    """What came of a check."""

    said: int
    """Ideas, near misses and exits of the whole run."""
    cuts: int
    at_signals: int
    """Cuts at closes at which something was said; the rest are others."""
    changes: tuple[ChangedWord, ...]


Play = Callable[[PastMarket, int | None, list[Said], list[int] | None], object]
"""Plays a market with strategies that are made anew, up to a time (ns UTC; None: to its end); what they say
goes to the list, and the closes that they were asked about to the other.
"""


def look_for_lookahead(
    market: PastMarket,
    play: Play,
    chance: Chance,
    most: int,
    progress: Callable[[int, int], None] | None = None,
) -> LookAhead:
    """Play it once as it was, then again and again with another future: cut off and mirrored at so many
    closes, half of them such at which something was said (all of them, where there are fewer). `progress` is
    told how many of how many runs are done.
    """
    whole: list[Said] = []
    closes: list[int] = []
    play(market, None, whole, closes)
    cuts, at_signals = _cuts(whole, closes, chance, most)
    changes: list[ChangedWord] = []
    runs = [(cut, turned) for cut in cuts for turned in (False, True)]
    for done, (cut, turned) in enumerate(runs, 1):
        heard: list[Said] = []
        play(OtherFuture(market, cut, mirrored=turned), cut + (_BEYOND if turned else 1), heard, None)
        true, other = ([one for one in said if one.ts <= cut] for said in (whole, heard))
        if true != other:
            changes.append(ChangedWord(cut, turned, _without(true, other), _without(other, true)))
        if progress is not None:
            progress(done, len(runs))
    return LookAhead(len(whole), len(cuts), at_signals, tuple(changes))


def _cuts(whole: Sequence[Said], closes: Sequence[int], chance: Chance, most: int) -> tuple[list[int], int]:
    """At which closes: where something was said, and where nothing was, which it may have hidden."""
    loud = sorted({one.ts for one in whole} & set(closes))
    silent = sorted(set(closes) - set(loud))
    of_silent = min(len(silent), max(most // 2, most - len(loud)))
    of_loud = min(len(loud), most - of_silent)
    return sorted(chance.sample(loud, of_loud) + chance.sample(silent, of_silent)), of_loud


def _without(some: Sequence[Said], others: Sequence[Said]) -> tuple[Said, ...]:
    left = list(others)
    found = []
    for one in some:
        if one in left:
            left.remove(one)
        else:
            found.append(one)
    return tuple(found)

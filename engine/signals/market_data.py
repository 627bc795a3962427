"""What is known of every instrument's market: quote, last print, bars, signals, silence."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence

from engine.market.bars import BarsClosed, MinuteBars
from engine.market.calendars.known import calendar_in
from engine.market.order_books import OrderBooks
from engine.market.quarantine import Quarantine
from engine.market.sources import Sources, Switch
from engine.market.staleness import Staleness
from engine.model.blackouts import Blackouts
from engine.model.events import BarReported, Depth, HistoryLoaded, LinkChanged, LinkState, Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import USUAL, Timeframe
from engine.signals.board import SignalBoard
from engine.signals.tape import PRINTS_UNSEEN, Heard, PrintTape

MINUTES_SEEN = 4 * 23 * 60
"""Minutes of the past that count at a start: four sessions."""


class MarketData:
    """Takes market events in, each once, and gives the bars that they close."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        grace_ns: int,
        stale_ns: int,
        counts: Counter[str],
        sources: Mapping[str, Sequence[str]] | None = None,
        timeframes: Iterable[Timeframe] = USUAL,
    ) -> None:
        """`sources` are the venues that price an instrument, the preferred one first. `grace_ns` is how long
        a minute stays open after its end, `stale_ns` after what silence its prices are too old; oddities are
        counted in `counts`. `timeframes` are those that somebody needs.
        """
        calendars = {symbol: calendar_in(instruments, symbol) for symbol in instruments}
        self.bars = MinuteBars(grace_ns=grace_ns, counts=counts, timeframes=timeframes, calendars=calendars)
        self.books = OrderBooks(counts)
        self.board = SignalBoard(instruments, self.bars, self.books)
        self.staleness = Staleness(stale_ns, calendars)
        self.sources = Sources(sources or {}, stale_ns, calendars)
        self.quarantine = Quarantine(counts)
        self.blackouts = Blackouts()
        """Scheduled news of any market."""
        self._instruments = instruments
        self.quotes: dict[str, Quote] = {}
        self.prints = 0
        self.tapes: dict[str, PrintTape] = {}
        """Of what somebody looks at (engine/runtime/looking.py); nothing that decides reads them."""
        self._heard: dict[str, deque[Heard]] = {}
        self._last_prints: dict[str, int] = {}
        self._since: dict[str, int] = {}
        """By contract, the oldest minute of the past that counts, nanoseconds UTC."""

    def stale_after(self, stale_ns: int) -> None:
        """Prices are too old after so long a silence from now on."""
        self.staleness.after(stale_ns)
        self.sources.stale_after(stale_ns)

    def on_quote(self, quote: Quote, now: int) -> Sequence[BarsClosed]:
        self.quotes[quote.instrument] = quote
        self.staleness.seen(quote.instrument, now)
        return self.bars.on_quote(quote)

    def on_print(self, trade: Print, now: int) -> Sequence[BarsClosed]:
        self.prints += 1
        self._last_prints[trade.instrument] = trade.price
        symbol = trade.instrument
        self.staleness.seen(symbol, now)
        flow, tape = self.board.flows.get(symbol), self.tapes.get(symbol)
        quote = self.quotes.get(symbol)
        if tape is None:
            heard = self._heard.get(symbol)
            if heard is None:
                heard = self._heard[symbol] = deque(maxlen=PRINTS_UNSEEN)
            heard.append((trade, quote))
            if flow is None:
                return self.bars.on_print(trade)
        again = self.bars.repeats(trade)
        closed = self.bars.on_print(trade)
        if not again and self.bars.holds(trade):
            if flow is not None:
                flow.add(trade, quote)
            if tape is not None:
                tape.add(trade, quote)
        return closed

    def on_depth(self, told: Depth) -> None:
        symbol = told.instrument
        self.books.take(told, self.quotes.get(symbol), self.last(symbol))

    def tape(self, instrument: str, now: int) -> PrintTape:
        """The prints of an instrument, counted from now on for whoever looks at them."""
        found = self.tapes.get(instrument)
        if found is None:
            found = self.tapes[instrument] = PrintTape(instrument, calendar_in(self._instruments, instrument))
            heard = self._heard.pop(instrument, ())
            found.begin(self.bars.bars(instrument, Timeframe.M1), _once(heard), now)
        return found

    def on_bar(self, event: BarReported, now: int) -> Sequence[BarsClosed]:
        bar = event.bar
        self._last_prints[bar.instrument] = bar.close
        self.staleness.seen(bar.instrument, now)
        return self.bars.on_bar(bar, event.ts_recv)

    def on_history(self, event: HistoryLoaded) -> None:
        """Of the first history of a contract its newest sessions count, however much there is: what is seen
        depends neither on the weekday nor on who loads it. Half hours reach further back."""
        symbol, bars = event.instrument, event.bars
        if bars and bars[0].timeframe is Timeframe.M30:
            if self.bars.load_history(symbol, bars):
                self.board.warm_up(symbol, by_calendar=True)
            return
        if symbol not in self._since and bars:
            self._since[symbol] = bars[-MINUTES_SEEN:][0].open_ts
        since = self._since.get(symbol, 0)
        if self.bars.load_history(symbol, [bar for bar in bars if bar.open_ts >= since]):
            self.board.warm_up(symbol)

    def fold(self, timeframe: Timeframe) -> None:
        """Somebody needs one more timeframe from now on."""
        if self.bars.fold(timeframe):
            self.board.begin(timeframe)

    def on_link(self, event: LinkChanged) -> None:
        """The market link of a venue changed: what that one prices is complete, or not heard, from now on."""
        self.sources.on_link(event)
        for symbol in self._instruments:
            self._delay(symbol)
        told = self.bars.feed_up if event.state is LinkState.LIVE else self.bars.feed_down
        since = event.ts_venue or event.ts_recv
        if not self.sources.chosen:
            told(since)
            return
        for symbol in self._instruments:
            if self.sources.priced_by(event.venue, symbol):
                told(since, symbol)

    def _delay(self, symbol: str) -> None:
        """What comes late by its nature is neither silent nor too late (docs/semantics.md#delayed-prices)."""
        delayed = self.sources.delayed(symbol)
        self.bars.told_late(symbol, late=delayed)
        self.staleness.delay(symbol, delayed=delayed)

    def look_at_sources(self, now: int, wall: int) -> Sequence[Switch]:
        """Take another venue's prices where the one that gives them has failed, or a better one is back; the
        calendar goes by `wall`.
        """
        switches = self.sources.look(now, wall)
        for switch in switches:
            self._delay(switch.instrument)
            self.rolled(switch.instrument, wall)
            self.bars.feed_up(wall, switch.instrument)
            heard = self.sources.heard(switch.instrument, now)
            if heard is not None:
                self.staleness.seen(switch.instrument, heard)
        return switches

    def rolled(self, instrument: str, ts_venue: int) -> None:
        """Another contract month, or another venue's prices, from now on: these never meet those before."""
        self.bars.forget(instrument, ts_venue)
        self._since.pop(instrument, None)
        self.board.warm_up(instrument)
        self.board.flows.pop(instrument, None)
        self.books.forget(instrument)
        self.tapes.pop(instrument, None)
        self._heard.pop(instrument, None)
        self.quotes.pop(instrument, None)
        self._last_prints.pop(instrument, None)
        self.quarantine.forget(instrument)

    def last(self, instrument: str) -> int | None:
        """The newest trade, ticks."""
        quote = self.quotes.get(instrument)
        return self._last_prints.get(instrument, quote.last if quote is not None else None)


def _once(heard: Iterable[Heard]) -> list[Heard]:
    """Prints that were kept unseen, without those that came again."""
    found: list[Heard] = []
    known: set[Print] = set()
    for one in heard:
        if not one[0].seq or one[0] not in known:
            found.append(one)
            known.add(one[0])
    return found

"""What a feed delivers, counted event by event, and what is wrong with it in words (tstream feed test)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from adapters.common.finding import Check
from engine.market.bars import BarsClosed, MinuteBars
from engine.market.calendars.known import calendar_of
from engine.model import events as ev
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Bar, Timeframe
from tstream.clock import iso

MS = 1_000_000
LATE_NS = 2 * NANOS
"""Prices that reach us later than this are late for whoever acts on a bar's close."""
AHEAD_NS = NANOS
"""By more than this the venue's times may not be ahead of this machine's clock."""
GAP_NS = 30 * NANOS
"""Longer silences of an open market are worth a word."""
SILENT_NS = 120 * NANOS
"""A feed of closed minutes has told one by then."""
LEAST_NS = 5 * NANOS
"""Figures of less say little."""
BARS_SHOWN = 3


class FeedLook:
    """One instrument of one feed. Give it every event; `findings` says how it stands."""

    def __init__(self, instrument: Instrument, timeframe: Timeframe, started: int) -> None:
        """`started` is when the feed was begun, nanoseconds UTC of the clock of its events."""
        self.instrument = instrument
        self.timeframe = timeframe
        self.history: Sequence[Bar] | None = None
        """What the venue has of the past, by `remember`; None while it has not answered."""
        self.history_fault = ""
        self.fault = ""
        """What ended the feed."""
        self._calendar = calendar_of(instrument.calendar)
        self._started = started
        self._now = started
        self._live_ts: int | None = None
        self._down = ""
        self._drops = 0
        self._contract: ev.ContractResolved | None = None
        self._quotes = self._prints = self._told_bars = 0
        self._quote: ev.Quote | None = None
        self._last: ev.Print | None = None
        self._late: list[int] = []
        self._heard: int | None = None
        self._longest = 0
        self.closed: list[Bar] = []
        """Bars of the timeframe that have closed since the start, oldest first."""
        self._bars = MinuteBars(timeframes=(timeframe,), calendars={instrument.symbol: self._calendar})

    def hear(self, event: ev.AnyEvent) -> None:
        """Take an event in; those of other instruments are left alone."""
        self._now = max(self._now, event.ts_recv)
        if isinstance(event, ev.LinkChanged):
            self._hear_link(event)
        elif isinstance(event, ev.ContractResolved):
            if event.instrument.symbol == self.instrument.symbol:
                self._contract = event
        elif (
            isinstance(event, (ev.Quote, ev.Print, ev.BarReported))
            and event.instrument == self.instrument.symbol
        ):
            self._hear_market(event)

    def tick(self, now: int) -> None:
        """Time goes on without an event; nanoseconds UTC."""
        self._now = max(self._now, now)
        self._take(self._bars.on_time(self._now))

    def lost(self, why: str) -> None:
        """The feed could not connect, and is tried again."""
        self._drops += self._live_ts is not None and not self._down
        self._down = why

    def remember(self, past: Sequence[Bar]) -> None:
        """Take in what the venue has of the past: closed minutes or half hours, oldest first."""
        self.history = past
        self.tick(self._now)
        self._bars.load_history(self.instrument.symbol, past)

    def _hear_link(self, event: ev.LinkChanged) -> None:
        if event.link != "market":
            return
        if event.state is ev.LinkState.LIVE:
            self._live_ts = self._live_ts or event.ts_recv
            self._down = ""
            self._bars.feed_up(event.ts_recv)
        elif event.state is not ev.LinkState.CONNECTING:
            self.lost(event.detail or str(event.state))
            self._bars.feed_down(event.ts_recv)

    def _hear_market(self, event: ev.Quote | ev.Print | ev.BarReported) -> None:
        if self._heard is not None:
            self._longest = max(self._longest, event.ts_recv - self._heard)
        self._heard = event.ts_recv
        if event.ts_venue and not isinstance(event, ev.BarReported):
            self._late.append(event.ts_recv - event.ts_venue)
        if isinstance(event, ev.Quote):
            self._quotes, self._quote = self._quotes + 1, event
            self._take(self._bars.on_quote(event))
        elif isinstance(event, ev.Print):
            self._prints, self._last = self._prints + 1, event
            self._take(self._bars.on_print(event))
        else:
            self._told_bars += 1
            self._take(self._bars.on_bar(event.bar, event.ts_recv))

    def _take(self, closings: Sequence[BarsClosed]) -> None:
        for closed in closings:
            self.closed += [bar for bar in closed.bars if bar.timeframe is self.timeframe]

    # --- how it stands -----------------------------------------------------------------------------------

    @property
    def live(self) -> bool:
        """It has connected once."""
        return self._live_ts is not None

    @property
    def enough(self) -> bool:
        """There is nothing left to wait for."""
        told = bool(self.closed) and self.history is not None
        return bool(self.fault) or (told and self._now - self._started >= LEAST_NS)

    def findings(self) -> Iterator[Check]:
        """One after another: connection, contract, prices, delay, history, bars."""
        lasted = max(1, self._now - self._started) / NANOS
        is_open = self._calendar.is_open(self._now)
        yield self._link()
        if self._live_ts is None:
            return
        yield self._which()
        if not is_open:
            told = f"the market is closed ({self.instrument.calendar}): nothing is to be expected"
            yield Check("market", True, told, "try again when it is open", soon=True)
        yield from self._prices(lasted, is_open)
        if self._late:
            yield self._delay()
        yield self._past()
        yield self._folded(lasted, is_open)

    def _link(self) -> Check:
        if self.fault:
            return Check("link", False, self.fault, "tstream check says more")
        if self._live_ts is None:
            why = self._down or "no connection within the time"
            return Check("link", False, why, "tstream check says more")
        after = f"live after {(self._live_ts - self._started) / NANOS:.1f} s"
        if self._down:
            return Check("link", False, f"{after}, and down now: {self._down}", "look at the network")
        lost = f", lost {self._drops} times meanwhile" if self._drops else ""
        return Check("link", True, after + lost, "look at the network" if lost else "", soon=bool(lost))

    def _which(self) -> Check:
        symbol = self.instrument.symbol
        if self._contract is None:
            return Check("contract", False, f"the venue has said nothing of {symbol}", "is its name right?")
        found = self._contract
        return Check("contract", True, f"{symbol} is {found.name} there ({found.contract_id})")

    def _prices(self, lasted: float, is_open: bool) -> Iterator[Check]:
        known = self.instrument
        if self._quote is not None:
            bid, ask = self._quote.bid, self._quote.ask
            rate = f"{self._quotes} in {lasted:.0f} s"
            if bid is not None and ask is not None and bid > ask:
                told = f"{rate}; bid {known.text(bid)} is above ask {known.text(ask)}"
                yield Check("quotes", False, told, "trade nothing there before that ends")
            else:
                sides = ("none" if side is None else known.text(side) for side in (bid, ask))
                yield Check("quotes", True, f"{rate}, the newest {' / '.join(sides)}")
        if self._last is not None:
            newest = f"{known.qty_text(self._last.size)} at {known.text(self._last.price)}"
            yield Check("prints", True, f"{self._prints} in {lasted:.0f} s, the newest {newest}")
        elif (
            not (self._told_bars or self._quotes) and is_open and self.history and lasted * NANOS < SILENT_NS
        ):
            told = f"none in {lasted:.0f} s; a feed of closed minutes tells one a minute"
            yield Check("prices", True, told, "wait longer with --for", soon=True)
        elif not self._told_bars and is_open:
            yield Check(
                "prints", False, f"none in {lasted:.0f} s: bars can't be made", "wait longer with --for"
            )
        if self._told_bars:
            yield Check("prices", True, f"{self._told_bars} closed minutes, and nothing finer")
        if self._longest >= GAP_NS and is_open:
            told = f"the longest silence was {self._longest / NANOS:.0f} s"
            yield Check("gaps", True, told, "risk.stale_seconds must be longer than that", soon=True)

    def _delay(self) -> Check:
        middle, most = median(self._late), max(self._late)
        told = (
            f"{middle / MS:.0f} ms in the middle, {most / MS:.0f} ms at most, from the venue's clock to ours"
        )
        if middle < -AHEAD_NS:
            return Check(
                "delay", False, f"the venue's times are {-middle / NANOS:.1f} s ahead of this clock", "set it"
            )
        if middle > LATE_NS:
            return Check("delay", False, told, "delayed data, or this machine's clock is ahead: set it")
        return Check("delay", True, told)

    def _past(self) -> Check:
        if self.history_fault:
            return Check("history", False, self.history_fault, "indicators have to wait for live bars")
        if self.history is None:
            return Check("history", False, "no answer within the time", "wait longer with --for")
        if not self.history:
            return Check("history", False, "the venue has none", "indicators have to wait for live bars")
        newest = self.history[-1]
        told = f"{len(self.history)} bars of {newest.timeframe}, the newest closed {iso(newest.close_ts)}"
        return Check("history", True, told)

    def _folded(self, lasted: float, is_open: bool) -> Check:
        if not self.closed:
            return self._made_of_the_past(f"none of {self.timeframe} has closed in {lasted:.0f} s", is_open)
        known = self.instrument
        words = []
        for bar in self.closed[-BARS_SHOWN:]:
            prices = " ".join(known.text(price) for price in (bar.open, bar.high, bar.low, bar.close))
            hole = " with a gap" if bar.gap else ""
            words.append(f"{iso(bar.close_ts)[11:19]} {prices} volume {known.qty_text(bar.volume)}{hole}")
        return Check("bars", True, f"{len(self.closed)} of {self.timeframe}: {'; '.join(words)}")

    def _made_of_the_past(self, told: str, is_open: bool) -> Check:
        """Nobody waits four hours for a bar: those that the past gives tell as much."""
        longer = f"wait longer to see one close: --for {2 * self.timeframe.minutes}m"
        past = self._bars.bars(self.instrument.symbol, self.timeframe)
        if past:
            told += f"; the past gives {len(past)}, the newest closed {iso(past[-1].close_ts)}"
            return Check("bars", True, told, longer if is_open else "", soon=is_open)
        return Check("bars", not is_open, told, longer)

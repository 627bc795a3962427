"""One process, virtual time: a market, the core and a venue in one loop. Nights pass in seconds.

The order of things at one instant is fixed: the venue first, then answers, then the market, then timers. A
model answers in the instant in which it is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from engine.core import Core, Outcome
from engine.market.candles import resample
from engine.market.quarantine import Quarantine
from engine.model import events as ev
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from engine.model.orders import Account, AccountKind
from engine.model.records import AnyRecord
from engine.ports import PromptPredictor
from engine.venue.fill_model import FillModel
from engine.venue.paper import PaperBroker
from engine.venue.silence import SILENT_NS, SilentMarket

BOOK = "replay"
START_BALANCE_USD = Decimal(50_000)
NEVER = 1 << 63

SETTLED_NS = 5 * NANOS
"""So long after a bar was told, and its answers were given, the next look at the time is on a whole minute:
between two bars nothing is told, over a weekend too.
"""

Keep = Callable[[Sequence[AnyRecord]], None]
"""Makes records durable, or remembers them, before their effects run."""


Played = ev.Quote | ev.Print | ev.BarReported
"""What a market is played from."""


class BarOpens(NamedTuple):
    """A bar begins, of which its first price is known: the venue hears of it, the core of whole bars."""

    ts_recv: int
    bar: Bar


_IN_BARS = (BarOpens, ev.BarReported)


class Replay(PaperBroker):
    """Plays one market through one core, and is the venue's side of it."""

    def __init__(
        self,
        core: Core,
        instruments: Mapping[str, Instrument],
        model: FillModel,
        keep: Keep,
        record: Callable[[ev.AnyEvent], None] | None = None,
        *,
        brackets: bool = True,
        balance_usd: Decimal = START_BALANCE_USD,
        predictor: PromptPredictor | None = None,
    ) -> None:
        """Without `brackets` the account refuses native ones, as in Position Brackets mode. `predictor` is
        asked where a second opinion is wanted.
        """
        account = Account(
            BOOK, BOOK, AccountKind.PRACTICE, balance_usd, can_trade=True, currency=core.config.currency
        )
        self._silence = SilentMarket()
        super().__init__(account, BOOK, instruments, model, brackets=brackets, rules=self._silence)
        self._core = core
        self._keep = keep
        self._record = record
        self._predictor = predictor
        self._quarantine = Quarantine(Counter())
        """Its venue believes what the core does."""

    def run(
        self,
        start_ts: int,
        history: Callable[[str], Sequence[Bar]],
        market: Iterable[Played],
        until: int | None = None,
        progress: Callable[[int], None] | None = None,
        heard: Callable[[int], None] | None = None,
    ) -> None:
        """Play `market` from `start_ts` to its end or `until`, all in nanoseconds UTC. `heard` is told the
        time after every event of the market.
        """
        for _ in self.stepwise(start_ts, history, market, until, progress, heard, quick=True):
            pass

    def stepwise(
        self,
        start_ts: int,
        history: Callable[[str], Sequence[Bar]],
        market: Iterable[Played],
        until: int | None = None,
        progress: Callable[[int], None] | None = None,
        heard: Callable[[int], None] | None = None,
        *,
        quick: bool = False,
    ) -> Generator[int, int | None, None]:
        """The same, and whoever drives it keeps the time: it yields the instant at which it goes on, and
        plays on when it is resumed. Where an earlier instant is sent back, what was told is heard then first.
        `quick`: it need not be asked about bars in which nothing can happen.
        """
        self.now = start_ts
        self._take(self._core.start(start_ts))
        self._opening(history)
        end = NEVER if until is None else until
        alone = len(self._instruments) == 1
        played: Iterator[Played | BarOpens] = iter(market) if alone else with_opens(market)
        coming = next(played, None)
        opened, told = False, start_ts
        while coming is not None:
            opens, at = type(coming) is BarOpens, coming.ts_recv
            if alone and not opened and type(coming) is ev.BarReported:
                if quick and self._quiet(coming, end):
                    self._note_gap(coming.bar)
                    told = self._silence.heard_ts = self.now
                    self._step(coming)
                    if self.outgoing:
                        self._settle()
                    if heard is not None:
                        heard(self.now)
                    coming = next(played, None)
                    continue
                opens, at = True, coming.bar.open_ts
            due, deadline = self.next_due(), self._core.next_deadline()
            if isinstance(coming, _IN_BARS) and deadline > told + SETTLED_NS:
                deadline += -deadline % MINUTE
            now = min(at, deadline, NEVER if due is None else due, end)
            reached = yield now
            if reached is not None and reached < now:
                self.now = max(self.now, reached)
                self._settle()
                continue
            self.now = max(self.now, now)
            if due is not None and due <= self.now:
                self.advance(self.now)
            elif at <= self.now and not (opens and deadline <= self.now):
                told = self.now
                if opens:
                    self._note_gap(coming.bar)  # type: ignore[union-attr]
                    self.on_open(coming.bar)  # type: ignore[union-attr]
                    opened = alone
                else:
                    self._market(coming)  # type: ignore[arg-type]
                    opened = False
                    if heard is not None:
                        self._settle()
                        heard(self.now)
                coming = coming if opened else next(played, None)
            elif self.now >= end:
                break
            else:
                self._step(ev.TimeAdvanced(ts_recv=self.now))
                if progress is not None:
                    progress(self.now)
            self._settle()

    def _quiet(self, event: ev.BarReported, end: int) -> bool:
        """Whether a bar meets no order and nothing is due before it is over: then its open is nothing that
        anybody would hear of, and the venue has taken it in.
        """
        ts = event.ts_recv
        if ts > end or self.outgoing or self._core.next_deadline() < ts:
            return False
        if not self._venue.passes(event.bar):
            return False
        self.now = ts
        return True

    @property
    def held_over(self) -> int:
        """How often a position was held where the recording has no prices, and its market has."""
        return self._silence.held_over

    def _note_gap(self, bar: Bar) -> None:
        if bar.open_ts - self._silence.heard_ts > SILENT_NS and self.held(bar.instrument):
            self._silence.over(bar.open_ts, self._calendar(bar.instrument))

    def tell(self, event: ev.AnyEvent) -> None:
        """Let the core hear something besides market and venue, such as a command, after this event."""
        self.outgoing.append(event)

    def _opening(self, history: Callable[[str], Sequence[Bar]]) -> None:
        """What an adapter says when it has connected, in the same order."""
        for symbol, instrument in self._instruments.items():
            self._step(
                ev.ContractResolved(ts_recv=self.now, instrument=instrument, contract_id=symbol, name=symbol)
            )
            minutes = tuple(history(symbol))
            half_hours = (
                bar for bar in resample(minutes, Timeframe.M30) if bar.open_ts >= minutes[0].open_ts
            )
            for bars in (minutes, tuple(half_hours)):
                if bars:
                    loaded = ev.HistoryLoaded(ts_recv=self.now, instrument=symbol, bars=bars)
                    self._quarantine.sift(loaded)
                    self._step(loaded)
        self._step(ev.AccountAdopted(ts_recv=self.now, book=BOOK, account=self.account))
        for link in ("rest", "user", "market"):
            self._step(ev.LinkChanged(ts_recv=self.now, link=link, state=ev.LinkState.LIVE))
        if self._predictor is not None:
            self._step(self._predictor.state(self.now))

    def _market(self, event: Played) -> None:
        if isinstance(event, ev.BarReported):
            self._silence.heard_ts = self.now
            if self._core.market.quarantine.would_believe(event.bar):
                self.on_bar(event.bar)
            self._settle()
            self._step(event)
            return
        for one in self._quarantine.sift(event):
            if isinstance(one, ev.Quote):
                self.on_quote(one)
            elif isinstance(one, ev.Print):
                self.on_print(one)
        self._settle()
        self._step(event)

    def _settle(self) -> None:
        """Let the core hear everything that the venue has said up to now."""
        while self.outgoing:
            self._step(self.outgoing.popleft())

    def _step(self, event: ev.AnyEvent) -> None:
        if self._record is not None:
            self._record(event)
        self._take(self._core.step(event))

    def _take(self, outcome: Outcome) -> None:
        records, effects = outcome
        if records:
            self._keep(records)
        if self._predictor is not None:
            for question in self._core.turn.questions:
                self.outgoing.append(self._predictor.answer(question, self.now))
        for effect in effects:
            self.execute(effect)


def with_opens(market: Iterable[Played]) -> Iterator[Played | BarOpens]:
    """The same, with the opens of bars before them: those of one interval open together."""
    for open_ts, events in groupby(market, _opens_at):
        if open_ts is None:
            yield from events
            continue
        bars = list(events)
        for one in bars:
            yield BarOpens(open_ts, one.bar)  # type: ignore[union-attr]
        yield from bars


def _opens_at(event: Played) -> int | None:
    return event.bar.open_ts if isinstance(event, ev.BarReported) else None

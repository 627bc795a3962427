"""One process, virtual time: a market, the core and a venue in one loop. Nights pass in seconds.

The order of things at one instant is fixed: the venue first, then answers, then the market, then timers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from engine.core import Core, Outcome
from engine.market.candles import resample
from engine.market.quarantine import Quarantine
from engine.model import events as ev
from engine.model.instrument import Instrument
from engine.model.market import Bar, Timeframe
from engine.model.orders import Account, AccountKind
from engine.model.records import AnyRecord
from engine.venue.fill_model import FillModel
from engine.venue.paper import PaperBroker

BOOK = "replay"
START_BALANCE_USD = Decimal(50_000)
NEVER = 1 << 63

Keep = Callable[[Sequence[AnyRecord]], None]
"""Makes records durable, or remembers them, before their effects run."""


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
    ) -> None:
        """Without `brackets` the account refuses native ones, as in Position Brackets mode."""
        account = Account(
            BOOK, BOOK, AccountKind.PRACTICE, START_BALANCE_USD, can_trade=True, currency=core.config.currency
        )
        super().__init__(account, BOOK, instruments, model, brackets=brackets)
        self._core = core
        self._keep = keep
        self._record = record
        self._quarantine = Quarantine(Counter())
        """Its venue believes what the core does."""

    def run(
        self,
        start_ts: int,
        history: Callable[[str], Sequence[Bar]],
        market: Iterator[ev.Quote | ev.Print],
        until: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Play `market` from `start_ts` to its end or `until`, all in nanoseconds UTC."""
        self.now = start_ts
        self._take(self._core.start(start_ts))
        self._opening(history)
        end = NEVER if until is None else until
        coming = next(market, None)
        while coming is not None:
            due = self.next_due()
            now = min(coming.ts_recv, self._core.next_deadline(), NEVER if due is None else due, end)
            self.now = max(self.now, now)
            if due is not None and due <= self.now:
                self.advance(self.now)
            elif coming.ts_recv <= self.now:
                self._market(coming)
                coming = next(market, None)
            elif self.now >= end:
                break
            else:
                self._step(ev.TimeAdvanced(ts_recv=self.now))
                if progress is not None:
                    progress(self.now)
            self._settle()

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

    def _market(self, event: ev.Quote | ev.Print) -> None:
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
        for effect in effects:
            self.execute(effect)

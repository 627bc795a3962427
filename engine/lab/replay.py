"""One process, virtual time: a market, the core and a venue in one loop. Nights pass in seconds.

The order of things at one instant is fixed: the venue first, then answers, then the market, then timers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from engine.core import Core, Outcome
from engine.model import effects as fx
from engine.model import events as ev
from engine.model.errors import Cause, RefusedError
from engine.model.instrument import Instrument
from engine.model.market import Bar
from engine.model.orders import Account, AccountKind, Fill, VenuePosition
from engine.model.records import AnyRecord
from engine.trading.position import Position
from engine.trading.venue import FillModel, Venue, VenueEvent

BOOK = "replay"
START_BALANCE_USD = Decimal(50_000)
NEVER = 1 << 63

Keep = Callable[[Sequence[AnyRecord]], None]
"""Makes records durable, or remembers them, before their effects run."""


class Replay:
    """Plays one market through one core. The venue's side keeps positions of its own."""

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
        self._core = core
        self._instruments = instruments
        self._venue = Venue(instruments, model, brackets=brackets)
        self._keep = keep
        self._record = record
        self._answers: deque[ev.AnyEvent] = deque()
        self._fills: list[Fill] = []
        self._positions: dict[str, Position] = {}
        self._balance = START_BALANCE_USD
        self.now = 0

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
            due = self._venue.next_due()
            now = min(coming.ts_recv, self._core.next_deadline(), NEVER if due is None else due, end)
            self.now = max(self.now, now)
            if due is not None and due <= self.now:
                self._tell(self._venue.advance(self.now))
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
        self._answers.append(event)

    @property
    def venue(self) -> Venue:
        """The venue's own side, to be looked at."""
        return self._venue

    def held(self, instrument: str) -> int:
        """Signed position as the venue's side counts it."""
        position = self._positions.get(instrument)
        return position.qty if position is not None else 0

    def _opening(self, history: Callable[[str], Sequence[Bar]]) -> None:
        """What an adapter says when it has connected, in the same order."""
        for symbol, instrument in self._instruments.items():
            self._step(
                ev.ContractResolved(ts_recv=self.now, instrument=instrument, contract_id=symbol, name=symbol)
            )
            bars = tuple(history(symbol))
            if bars:
                self._step(ev.HistoryLoaded(ts_recv=self.now, instrument=symbol, bars=bars))
        self._step(ev.AccountAdopted(ts_recv=self.now, book=BOOK, account=self._account()))
        for link in ("rest", "user", "market"):
            self._step(ev.LinkChanged(ts_recv=self.now, link=link, state=ev.LinkState.LIVE))

    def _market(self, event: ev.Quote | ev.Print) -> None:
        told = self._venue.on_quote(event) if isinstance(event, ev.Quote) else self._venue.on_print(event)
        self._tell(told)
        self._settle()
        self._step(event)

    def _settle(self) -> None:
        """Let the core hear everything that the venue has said up to now."""
        while self._answers:
            self._step(self._answers.popleft())

    def _step(self, event: ev.AnyEvent) -> None:
        if self._record is not None:
            self._record(event)
        self._take(self._core.step(event))

    def _take(self, outcome: Outcome) -> None:
        records, effects = outcome
        if records:
            self._keep(records)
        for effect in effects:
            _ERRANDS[type(effect)](self, effect)

    # --- the venue's side ------------------------------------------------------------------------------

    def _tell(self, events: Sequence[VenueEvent]) -> None:
        for event in events:
            if isinstance(event, Fill):
                self._book(event)
                self._answers.append(
                    ev.FillReported(ts_recv=self.now, ts_venue=event.ts_venue, book=BOOK, fill=event)
                )
            else:
                self._answers.append(
                    ev.OrderReported(ts_recv=self.now, ts_venue=event.ts_venue, book=BOOK, order=event)
                )

    def _book(self, fill: Fill) -> None:
        self._fills.append(fill)
        position = self._positions.setdefault(fill.instrument, Position(fill.instrument))
        trade = position.apply(
            self._instruments[fill.instrument],
            fill.side,
            fill.price,
            fill.qty,
            fill.cost_usd,
            fill.ts_venue,
            "",
        )
        self._balance -= fill.cost_usd
        if trade is not None:
            self._balance += trade.gross_usd

    def _account(self) -> Account:
        return Account(BOOK, BOOK, AccountKind.PRACTICE, self._balance, can_trade=True)

    def _place(self, order: fx.PlaceOrder) -> None:
        outcome, reason, venue_id, cause = ev.Outcome.ACCEPTED, "", None, None
        try:
            placed = self._venue.place(order, self.now)
        except RefusedError as error:
            outcome, reason, cause = ev.Outcome.REFUSED, str(error), error.cause
        else:
            venue_id = placed.order.venue_id
            self._tell(placed.events)
        self._answers.append(
            ev.PlaceReplied(
                ts_recv=self.now,
                book=BOOK,
                client_id=order.client_id,
                outcome=outcome,
                venue_id=venue_id,
                reason=reason,
                cause=cause,
            )
        )

    def _modify(self, change: fx.ModifyOrder) -> None:
        outcome, reason, cause = self._try(
            lambda: self._venue.modify(
                change.venue_id, self.now, qty=change.qty, limit=change.limit, stop=change.stop
            )
        )
        self._answers.append(
            ev.ModifyReplied(
                ts_recv=self.now,
                book=BOOK,
                client_id=change.client_id,
                outcome=outcome,
                reason=reason,
                cause=cause,
            )
        )

    def _cancel(self, order: fx.CancelOrder) -> None:
        outcome, reason, cause = self._try(lambda: self._venue.cancel(order.venue_id, self.now))
        self._answers.append(
            ev.CancelReplied(
                ts_recv=self.now,
                book=BOOK,
                client_id=order.client_id,
                outcome=outcome,
                reason=reason,
                cause=cause,
            )
        )

    def _try(self, request: Callable[[], Sequence[VenueEvent]]) -> tuple[ev.Outcome, str, Cause | None]:
        try:
            self._tell(request())
        except RefusedError as error:
            return ev.Outcome.REFUSED, str(error), error.cause
        return ev.Outcome.ACCEPTED, "", None

    def _close(self, order: fx.ClosePosition) -> None:
        position = self._positions.get(order.instrument)
        if position is not None and position.qty:
            placed = self._venue.close(order.instrument, position.side.opposite, abs(position.qty), self.now)
            self._tell(placed.events)
        self._answers.append(
            ev.CloseReplied(
                ts_recv=self.now, book=BOOK, instrument=order.instrument, outcome=ev.Outcome.ACCEPTED
            )
        )

    def _snapshot(self, query: fx.TakeSnapshot) -> None:
        held = [p for p in self._positions.values() if p.qty]
        self._answers.append(
            ev.SnapshotTaken(
                ts_recv=self.now,
                book=BOOK,
                since=query.since,
                account=self._account(),
                orders=tuple(o for o in self._venue.orders if o.status.live or o.ts_venue >= query.since),
                fills=tuple(f for f in self._fills if f.ts_venue >= query.since),
                positions=tuple(
                    VenuePosition(
                        p.instrument,
                        p.qty,
                        self._instruments[p.instrument].tick_size * p.open_sum / p.open_qty,
                    )
                    for p in held
                ),
            )
        )


_ERRANDS: dict[type, Callable[..., None]] = {
    fx.PlaceOrder: Replay._place,
    fx.ModifyOrder: Replay._modify,
    fx.CancelOrder: Replay._cancel,
    fx.ClosePosition: Replay._close,
    fx.TakeSnapshot: Replay._snapshot,
}

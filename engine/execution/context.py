"""What every part of the order manager knows of its book."""

from __future__ import annotations

from engine.execution.venue_exits import USUAL, VenueExits
from engine.model import records as r
from engine.model.config import BookConfig, EngineConfig
from engine.model.instrument import InstrumentKind
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import Fill
from engine.portfolio.money import Marks
from engine.state.alarms import NONE, Alarm
from engine.state.position import Position
from engine.state.state import BookState, Order
from engine.state.turn import Turn


class BookContext:
    """One book of one run. `state` is the fold of the journal; only records change it."""

    def __init__(self, config: BookConfig, turn: Turn, run: EngineConfig, marks: Marks) -> None:
        self.book = book = config.name
        self.turn = turn
        self.config = config
        self.run = run
        self.marks = marks
        self.started_ts = turn.now
        self.afresh_ts = turn.now
        """What was refused before that is tried at once (engine/execution/trying_again.py)."""
        self.back_again_ts = 0
        """When the venue was there again last; nanoseconds UTC, 0 while it has not been away in this run."""
        self.state: BookState = turn.state.book(book)

    @property
    def now(self) -> int:
        """The core's now, nanoseconds UTC."""
        return self.turn.now

    def knows(self, instrument: str) -> bool:
        """Whether we trade it, or once did. Others' instruments in the account are none of our business."""
        return instrument in self.turn.state.instruments or any(
            instrument == known.symbol for known in self.run.instruments
        )

    def made(self, order: Order) -> bool:
        """Whether an order, or the entry that it is a leg of, was sent by this installation."""
        return self.is_ours(order.client_id)

    def is_ours(self, client_id: str | None) -> bool:
        """The same of an order as the venue tells of it."""
        return client_id is not None and client_id.startswith(f"ts-{self.turn.state.install}-")

    def by_balance(self, instrument: str) -> bool:
        """Whether the venue tells of a balance instead of a position: what of it others bought or sold is
        none of our business (docs/semantics.md#spot).
        """
        known = self.turn.state.instruments.get(instrument)
        return known is not None and known.kind is InstrumentKind.SPOT and self.config.capabilities.balances

    def exits(self, instrument: str, proven_ts: int = 0) -> VenueExits:
        """How its exits can rest. `proven_ts`: up to when the venue's truth is known, nanoseconds UTC."""
        if not self.by_balance(instrument):
            return USUAL
        terms = self.config.capabilities
        return VenueExits(terms.paired_exits, coins=True, stops_move=terms.stops_move, proven_ts=proven_ts)

    def watches_target(self, instrument: str) -> bool:
        """Whether targets there are watched, and not orders (docs/semantics.md#spot)."""
        return not self.exits(instrument).targets

    def is_dust(self, instrument: str) -> bool:
        """Whether what is held of a coin is worth less than the venue takes in an order."""
        position = self.state.positions.get(instrument)
        if position is None or not position.qty or not self.by_balance(instrument):
            return False
        known = self.turn.state.instruments[instrument]
        return known.is_dust(self.price_of(position), position.qty)

    def quantity(self, instrument: str, lots: int) -> str:
        """So many lots as people write them: "2", "0.0137"."""
        return self.turn.state.quantity(instrument, lots)

    def order_text(self, order: Order) -> str:
        """What an order is: "sell 2 MNQ"."""
        return f"{order.side.value} {self.quantity(order.instrument, order.qty)} {order.instrument}"

    def fill_text(self, fill: Fill) -> str:
        """What was filled, in the same words."""
        return f"{fill.side.value} {self.quantity(fill.instrument, fill.qty)} {fill.instrument}"

    def stay_flat(self, instruments: tuple[str, ...] | None, reason: str) -> None:
        """What waits for a close there, or anywhere, to enter the other side, is not entered any more."""
        for begun in list(self.turn.state.reversing.values()):
            symbol = begun.command.instrument
            if begun.book == self.book and (instruments is None or symbol in instruments):
                self.turn.commit(
                    r.ReverseEnded(ts=self.now, book=self.book, instrument=symbol, reason=reason)
                )

    def price_of(self, position: Position) -> int:
        """What a position could be closed at, ticks; its entry while there is no mark."""
        mark = self.marks.mark(position)
        return position.entry if mark is None else mark

    def say(
        self,
        kind: NoticeKind,
        severity: Severity,
        text: str,
        instrument: str | None = None,
        alarm: Alarm = NONE,
    ) -> None:
        self.turn.say(kind, severity, text, instrument, self.book, alarm=alarm)

    def odd(self, name: str, text: str, severity: Severity, instrument: str) -> None:
        """Something that should not happen did, and was survived: it is counted, and people are told."""
        self.turn.counts[name] += 1
        self.say(NoticeKind.ORDER, severity, text, instrument)

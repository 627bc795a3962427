"""What every part of the order manager knows of its book, and changes nothing of."""

from __future__ import annotations

from engine.model.config import BookConfig, EngineConfig
from engine.model.notices import NoticeKind, Severity
from engine.portfolio.money import Marks
from engine.state.alarms import NONE, Alarm
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
        return order.client_id.startswith(f"ts-{self.turn.state.install}-")

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

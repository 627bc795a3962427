"""One turn of the core: what it writes down and what it asks of the world because of one event."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

from msgspec import structs

from engine.model.effects import AnyEffect, AskPrediction
from engine.model.notices import Notice, NoticeKind, Severity
from engine.model.records import AlertTaken, AnyRecord, CommandTaken, FillApplied
from engine.model.verdicts import OrderVerdict
from engine.state.alarms import NONE, Alarm, alarm_of
from engine.state.fold import apply
from engine.state.signal_words import facts
from engine.state.state import State
from engine.state.words import Before, before, describe

NOTICES_KEPT = 400


class Turn:
    """Collects records and effects, and folds each record into the state as it is written."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.now = 0
        """Of the core; it only ever goes on, nanoseconds."""
        self.wall_offset = 0
        """From there to the time that the calendar and the world outside go by."""
        self.venue_lag = 0
        """How far the venue's stamps are behind that, where they differ by more than they should."""
        self.price_lag = 0
        """Of this minute's trades of the market, the least by which one was stamped earlier than it came by
        the wall's time; below zero where stamps are ahead of it. Nanoseconds.
        """
        self.records: list[AnyRecord] = []
        self.effects: list[AnyEffect] = []
        self.questions: list[AskPrediction] = []
        """Effects that only ask: they may run before the records are durable."""
        self.committed = 0
        """Records written down in this run: as long as it stays, so does the state."""
        self._of_books: Counter[str | None] = Counter()
        """The same by book; None for those that are of no one book."""
        self.notices: deque[Notice] = deque(maxlen=NOTICES_KEPT)
        self.noticed = 0
        self.tried: list[Notice] = []
        """Answers of this step to commands that change nothing: for who asked, and nobody else."""
        self.counts: Counter[str] = Counter()
        """Oddities survived in this run, by name; people see them, nothing is decided by them."""

        self.silent = False
        """Nobody is told anything: there are no notices."""
        self.on_fault: Callable[[Exception], None] | None = None
        """Told of a bug that a step ran into, and of a record without words; the run goes on. None lets a bug
        raise, as in tests and replays.
        """

    def begin(self, now: int) -> None:
        if now > self.now:
            self.now = now
        self.records = []
        self.effects = []
        self.tried = []
        if self.questions:
            self.questions = []

    @property
    def day_time(self) -> int:
        """The time by which days roll, nanoseconds UTC: the wall's, less what of a clock that was set forward
        nothing has confirmed yet (docs/semantics.md#time).
        """
        return self.now + self.wall_offset - max(0, self.state.clock_set_ns)

    @property
    def wall(self) -> int:
        """The time by the wall's clock, nanoseconds UTC: it may be set, so nothing is measured by it."""
        return self.now + self.wall_offset

    def commit(self, record: AnyRecord) -> None:
        """Write a record down: it changes the state now and is durable before any effect runs."""
        if self.silent:
            self._count(record)
            return
        try:
            was = before(self.state, record)
        except Exception as error:  # noqa: BLE001  # it is handed on, and must not end the turn
            was = self._unworded(error)
        self._count(record)
        try:
            self._tell(record, was)
        except Exception as error:  # noqa: BLE001
            self._unworded(error)

    def _count(self, record: AnyRecord) -> None:
        self.committed += 1
        self._of_books[getattr(record, "book", None)] += 1
        apply(self.state, record)
        self.records.append(record)

    def _tell(self, record: AnyRecord, was: Before) -> None:
        notice = worded(self.state, record, was, self.noticed + 1, self.wall)
        if notice is not None:
            self.noticed += 1
            self.notices.append(notice)

    def _unworded(self, error: Exception) -> Before:
        """Nothing about words may stop money: the record is folded and kept, and people see that it was."""
        self.counts["records without words"] += 1
        if self.on_fault is not None:
            self.on_fault(error)
        return Before()

    def as_of(self, book: str) -> tuple[int, int]:
        """As long as it stays, so does the state of a book, and what is of all of them."""
        return self._of_books[book], self._of_books[None]

    def request(self, effect: AnyEffect) -> None:
        self.effects.append(effect)

    def say(
        self,
        kind: NoticeKind,
        severity: Severity,
        text: str,
        instrument: str | None = None,
        book: str | None = None,
        *,
        link: str = "",
        alarm: Alarm = NONE,
    ) -> None:
        """Tell people. `text` may carry words of the venue; screens show it literally."""
        if self.silent:
            return
        self.noticed += 1
        raised, ended = alarm
        self.notices.append(
            Notice(
                self.noticed,
                self.wall,
                kind,
                severity,
                text,
                instrument,
                book,
                link=link,
                alarm=raised,
                ends=ended,
            )
        )

    def answer(self, command_id: str, text: str, done: bool, verdicts: tuple[OrderVerdict, ...]) -> None:
        """Answer a command that changes nothing: nothing is written down of it."""
        severity = Severity.INFO if done else Severity.WARNING
        told = Notice(0, self.wall, NoticeKind.COMMAND, severity, text, command_id=command_id, done=done)
        self.tried.append(structs.replace(told, verdicts=verdicts))


def worded(state: State, record: AnyRecord, was: Before, seq: int, ts: int) -> Notice | None:
    """The notice that a record is worth, or None. `state` is the state after the record."""
    words = describe(state, record, was)
    if words is None:
        return None
    raised, ended = alarm_of(state, record)
    kind, severity, text, instrument, book, *command = words
    fill = record if isinstance(record, FillApplied) else None
    closed = state.book(fill.book).closings.get(fill.fill.trade_id) if fill is not None else None
    return Notice(
        seq,
        ts,
        kind,
        severity,
        text,
        instrument,
        book,
        command[0] if command else None,
        facts(state, record),
        record.done if isinstance(record, CommandTaken) else None,
        alarm=raised,
        ends=ended,
        net_usd=closed.net_usd if closed is not None else None,
        r=closed.r if closed is not None else None,
        verdicts=record.verdicts if isinstance(record, CommandTaken) else (),
    )


def reworded(state: State, record: AnyRecord) -> Notice | None:
    """The same for a record of an earlier run, as far as the state of today still tells it."""
    try:
        was = before(state, record) if isinstance(record, AlertTaken) else Before()
        return worded(state, record, was, 0, record.ts)
    except Exception:  # noqa: BLE001  # what is told again is for people only
        return None

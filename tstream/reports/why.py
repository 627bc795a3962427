"""Why something was traded or not: what the journal has of one contract around the close of one bar.

Facts with their times, in the engine's own words: how things stood before, what came up, why it was refused
or taken, and what became of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, field

from engine.market.intervals import Interval
from engine.model import records as r
from engine.model.decision import Opinion
from engine.model.errors import FatalError, JournalError
from engine.model.market import NANOS, Side
from engine.model.scores import PatternSeen, RequirementCheck, ScorePart
from engine.state.fold import apply
from engine.state.state import BookState, State
from engine.state.turn import worded
from engine.state.words import before
from tstream.reports.numbers import times

AFTER_NS = 15 * NANOS
"""After its close a bar is decided on so late at most: grace for late trades, and an engine that is busy."""


class Fact(Struct, frozen=True):
    """Something that happened, as people were told of it."""

    ts: int
    """Nanoseconds UTC."""
    book: str
    text: str


class Fate(StrEnum):
    TAKEN = "taken"
    REFUSED = "refused"
    NEARLY = "not quite an idea"


class IdeaSeen(Struct, frozen=True):
    """An idea that came up, or nearly, and what was made of it in one book."""

    ts: int
    book: str
    """Empty where it was nearly one: no book was asked."""
    fate: Fate
    side: Side
    by: str
    """Bot, room or strategy."""
    score_tenths: int
    plan_id: str
    """The plan that it became; empty where it did not."""
    against: tuple[str, ...]
    """Why it was not taken."""
    reasons: tuple[str, ...]
    parts: tuple[ScorePart, ...] = ()
    checks: tuple[RequirementCheck, ...] = ()
    pattern: PatternSeen | None = None
    size_reason: str = ""
    opinion: Opinion | None = None


class Story(Struct):
    """The answer."""

    bar: Interval
    standing: list[str] = field(default_factory=list)
    """How things stood when the bar began, where that matters to entries."""
    ideas: list[IdeaSeen] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    """While the bar went on, and up to its decision."""
    later: list[Fact] = field(default_factory=list)
    """What became of the trades that were opened or open then."""
    last_before: Fact | None = None
    first_after: Fact | None = None
    """The nearest happenings of that contract on both sides, where nothing happened in between."""


def tell_why(
    records: Iterable[tuple[int, bytes]], instrument: str, bar: Interval, book: str | None = None
) -> Story:
    """Raises FatalError for a journal that can't be read, KeyError where it has no such contract."""
    teller = _Teller(instrument, bar, book)
    for seq, raw in records:
        try:
            teller.take(r.decode(raw))
        except JournalError as error:
            raise FatalError(f"record {seq} of the journal can't be read: {error}") from error
        except (KeyError, IndexError, ValueError) as error:
            raise FatalError(f"record {seq} of the journal does not fit the others: {error!r}") from error
    if instrument not in teller.state.instruments:
        raise KeyError(instrument)
    return teller.end()


class _Teller:
    def __init__(self, instrument: str, bar: Interval, book: str | None) -> None:
        self.state = State()
        self._instrument = instrument
        self._book = book
        self._begin, self._until = bar[0], bar[1] + AFTER_NS
        self._story = Story(bar)
        self._stood = False
        self._watched: set[str] = set()
        """Plans whose fate is told."""

    def take(self, record: r.AnyRecord) -> None:
        if not self._stood and record.ts >= self._begin:
            self._stand()
        was = before(self.state, record)
        of_watched = self._is_of_watched(record)
        apply(self.state, record)
        told = worded(self.state, record, was, 0, record.ts)
        self._take_idea(record)
        if told is None:
            return
        if told.instrument not in (None, self._instrument) or not self._concerns(told.book):
            return
        fact = Fact(record.ts, told.book or "", told.text)
        if self._begin <= record.ts < self._until:
            self._story.facts.append(fact)
        elif record.ts >= self._until and of_watched:
            self._story.later.append(fact)
        if told.instrument is None:
            return
        if record.ts < self._begin:
            self._story.last_before = fact
        elif record.ts >= self._until and self._story.first_after is None:
            self._story.first_after = fact

    def end(self) -> Story:
        if not self._stood:
            self._stand()
        return self._story

    def _concerns(self, book: str | None) -> bool:
        return self._book is None or book in (None, self._book)

    def _is_of_watched(self, record: r.AnyRecord) -> bool:
        """Orders and fills of a plan whose fate is told; asked before the fold forgets the plan."""
        if not isinstance(record, r.FillApplied | r.OrderMoved):
            return False
        order = self.state.book(record.book).orders.get(record.client_id)
        return order is not None and order.plan_id in self._watched

    def _take_idea(self, record: r.AnyRecord) -> None:
        if not self._begin <= record.ts < self._until:
            return
        seen = idea_seen(record, self._instrument)
        if seen is not None and self._concerns(seen.book or None):
            if seen.plan_id:
                self._watched.add(seen.plan_id)
            self._story.ideas.append(seen)

    def _stand(self) -> None:
        """How things are as the bar begins."""
        self._stood = True
        for book in self.state.books.values():
            if self._concerns(book.book):
                self._story.standing += self._of_book(book)

    def _of_book(self, book: BookState) -> list[str]:
        lines = []
        for held in self.state.restrictions_of(book.book, self._instrument):
            said = held.state.said(held.reason, held.guard)
            lines.append(f"{book.book}: {said}")
        position = book.position(self._instrument)
        known = self.state.instruments.get(self._instrument)
        if position.qty and known is not None:
            qty = known.qty_text(abs(position.qty))
            side = "long" if position.qty > 0 else "short"
            lines.append(f"{book.book}: {side} {qty} at {known.text(position.entry)}")
        for found in book.plans.values():
            if found.plan.instrument == self._instrument:
                self._watched.add(found.plan.plan_id)
                if not position.qty:
                    lines.append(f"{book.book}: an entry of {found.plan.owner} waits")
        day = book.day
        if day.trades or day.entries:
            net = day.record.net_usd.quantize(Decimal("0.01"))
            entries, closed = times(day.entries, "entry", "entries"), times(day.trades, "closed trade")
            lines.append(f"{book.book}: {entries} and {closed} that day, {net:+}")
        return lines


def idea_seen(record: r.AnyRecord, instrument: str) -> IdeaSeen | None:
    """What a record tells of an idea in a contract."""
    if isinstance(record, r.IdeaDeclined) and record.instrument == instrument:
        whose, score = record.bot or record.strategy, record.score_tenths
        return IdeaSeen(
            record.ts, "", Fate.NEARLY, record.side, whose, score, "", (record.reason,), (),
            record.parts, record.checks, record.pattern,
        )  # fmt: skip
    if isinstance(record, r.IdeaRefused) and record.idea.instrument == instrument:
        idea = record.idea
        against = record.words or tuple(refusal.sentence for refusal in record.refusals)
        return IdeaSeen(
            record.ts, record.book, Fate.REFUSED, idea.side, idea.owner, idea.score_tenths, "", against,
            idea.reasons, idea.parts, idea.checks, idea.pattern, opinion=idea.opinion,
        )  # fmt: skip
    if isinstance(record, r.PlanOpened) and record.plan.instrument == instrument:
        plan = record.plan
        return IdeaSeen(
            record.ts, plan.book, Fate.TAKEN, plan.side, plan.owner, plan.score_tenths, plan.plan_id, (),
            plan.reasons, plan.parts, plan.checks, plan.pattern, plan.size_reason, plan.opinion,
        )  # fmt: skip
    return None
